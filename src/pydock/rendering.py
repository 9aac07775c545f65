"""The templates: where they are, and how they are rendered."""

from __future__ import annotations

import functools
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydock import errors

if TYPE_CHECKING:
    import jinja2


def render(template: str, own_folder: str = "", **values: Any) -> str:
    """Return the rendered template; one of the same name in `own_folder` replaces pydock's.

    Raises `BadTemplate` if a template is not found, is not valid Jinja, or uses a value that it is not given.
    """
    import jinja2  # takes 0.1 s, which only rendering needs

    folders = [packaged_templates()]
    if own_folder:
        own = Path(os.path.expanduser(own_folder))
        if not own.is_dir():
            raise errors.BadTemplate(
                f"Setting 'templates' is {own}, which is not a directory. Correct the setting or remove it."
            )
        folders.insert(0, own)

    try:
        return _environment(tuple(folders)).get_template(template).render(**values)
    except jinja2.TemplateSyntaxError as error:
        raise errors.BadTemplate(f"Template {error.name}, line {error.lineno}: {error.message}.") from error
    except jinja2.TemplateNotFound as error:
        raise errors.BadTemplate(
            f"Template '{error.name}' was not found in {', '.join(map(str, folders))}."
        ) from error
    except errors.BadTemplate:
        raise
    except Exception as error:  # whatever the user's own template evaluates
        raise errors.BadTemplate(f"Template {template} cannot be rendered: {error}.") from error


@functools.cache
def _environment(folders: tuple[Path, ...]) -> jinja2.Environment:
    """Return an environment for templates of these folders; it reads and compiles each of them once."""
    import jinja2
    import jinja2.sandbox

    return jinja2.sandbox.SandboxedEnvironment(  # a project's template is text, and not a program
        loader=jinja2.FunctionLoader(lambda name: _read(name, folders)),
        undefined=jinja2.StrictUndefined,
        keep_trailing_newline=True,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def _read(name: str, folders: tuple[Path, ...]) -> str | None:
    """Return the template from the first folder that has it, None if none has."""
    if name.startswith("/") or ".." in name.split("/"):  # `include` reads templates, and no other file
        return None
    found = next((folder / name for folder in folders if (folder / name).is_file()), None)
    if found is None:
        return None
    try:
        return errors.read_file(str(found), errors.BadTemplate).decode()
    except UnicodeDecodeError as error:
        raise errors.BadTemplate(f"Template {found} is not valid UTF-8: {error}.") from error


def packaged_templates() -> Path:
    """Return the folder of pydock's own templates: inside the package, or at the top of a checkout."""
    package = Path(__file__).resolve().parent
    if (package / "templates").is_dir():
        return package / "templates"
    checkout = package.parents[1]
    if (checkout / "pyproject.toml").is_file() and (checkout / "templates").is_dir():
        return checkout / "templates"
    raise errors.BadTemplate(
        "pydock's own templates were not found: the installation is damaged. Install pydock again."
    )
