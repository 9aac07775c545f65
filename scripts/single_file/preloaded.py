"""Imports the modules of `run` from one file, which takes half the time of importing about 40 modules one by one.

`main.py` writes that file when it unpacks. A module that is not in it is imported as usual.
"""

import os
import sys
from marshal import loads

FILE = "run.marshal"  # for each module its name, whether it is a package, and its code


def import_modules(folder: str) -> None:
    """Import what the file in `folder` has, dependencies first; nothing if there is no such file."""
    try:
        with open(os.path.join(folder, FILE), "rb") as file:
            modules = loads(file.read())  # noqa: S302 - as private as the .pyc files beside it
    except (OSError, EOFError, ValueError, TypeError):
        return
    for name, is_package, code in modules:
        if name not in sys.modules:
            _import(name, os.path.join(folder, *name.split(".")), code, is_package=is_package)


def _import(name: str, path: str, code: object, *, is_package: bool) -> None:
    module = type(sys)(name)
    parent, _, child = name.rpartition(".")
    if is_package:
        module.__path__ = [path]
    module.__file__ = os.path.join(path, "__init__.py") if is_package else f"{path}.py"
    module.__package__ = name if is_package else parent
    sys.modules[name] = module
    try:
        exec(code, module.__dict__)  # type: ignore[arg-type]  # noqa: S102 - what a .pyc file has, from the same folder
    except BaseException:
        del sys.modules[name]
        raise
    if parent:
        setattr(sys.modules[parent], child, module)
