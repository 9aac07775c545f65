"""The modules of `run` in one file: reading it takes half the time of importing about 40 modules one by one.

`main.py` has it written when it unpacks. A module that is not in it is imported as usual.
"""

import os
import sys
from marshal import dumps, loads

NAMES = "run.modules"  # the modules, one per line, each after those that it needs; build.py writes it
FILE = "run.marshal"  # for each module its name, whether it is a package, and its code
HEADER_OF_BYTECODE = 16  # bytes: PEP 552


def keep_modules(folder: str) -> None:
    """Write the file into `folder`, where the modules and their bytecode are; not if they cannot be read."""
    import contextlib
    import importlib.util

    modules = []
    with contextlib.suppress(OSError):
        with open(os.path.join(folder, NAMES), encoding="ascii") as file:
            names = file.read().split()
        for name in names:
            is_package = os.path.isdir(_path(folder, name))
            bytecode = importlib.util.cache_from_source(_source(folder, name, is_package=is_package))
            with open(bytecode, "rb") as file:
                code = loads(file.read()[HEADER_OF_BYTECODE:])  # noqa: S302 - as Python does
            modules.append((name, is_package, code))
        with open(os.path.join(folder, FILE), "wb") as file:
            file.write(dumps(modules))


def import_modules(folder: str) -> None:
    """Import what the file in `folder` has, dependencies first; nothing if there is no such file."""
    try:
        with open(os.path.join(folder, FILE), "rb") as file:
            modules = loads(file.read())  # noqa: S302 - as private as the .pyc files beside it
    except (OSError, EOFError, ValueError, TypeError):
        return
    for name, is_package, code in modules:
        if name not in sys.modules:
            _import(folder, name, code, is_package=is_package)


def _import(folder: str, name: str, code: object, *, is_package: bool) -> None:
    module = type(sys)(name)
    parent, _, child = name.rpartition(".")
    if is_package:
        module.__path__ = [_path(folder, name)]
    module.__file__ = _source(folder, name, is_package=is_package)
    module.__package__ = name if is_package else parent
    sys.modules[name] = module
    try:
        exec(code, module.__dict__)  # type: ignore[arg-type]  # noqa: S102 - what a .pyc file has, from the same folder
    except BaseException:
        del sys.modules[name]
        raise
    if parent:
        setattr(sys.modules[parent], child, module)


def _path(folder: str, name: str) -> str:
    return os.path.join(folder, *name.split("."))


def _source(folder: str, name: str, *, is_package: bool) -> str:
    path = _path(folder, name)
    return os.path.join(path, "__init__.py") if is_package else f"{path}.py"
