"""The templates: where they are, and how they become text."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydock import errors


def render(template: str, own_folder: str = "", **values: Any) -> str:
    """Return the rendered template; one of the same name in `own_folder` goes before pydock's.

    Raises `BadTemplate` where a template is missing, is no Jinja, or asks for a value that it is not given.
    """
    import jinja2  # a tenth of a second, which only rendering need pay

    places = [packaged_templates()]
    if own_folder:
        own = Path(own_folder).expanduser()
        if not own.is_dir():
            raise errors.BadTemplate(
                f"Setting 'templates' names {own}, which is no folder. Mend it or leave it empty."
            )
        places.insert(0, own)

    def load(name: str) -> str | None:
        found = next((place / name for place in places if (place / name).is_file()), None)
        try:
            return found.read_text(encoding="utf-8") if found else None
        except UnicodeDecodeError as error:
            raise errors.BadTemplate(f"Template {found} is no UTF-8 text: {error}. Mend it.") from error

    jinja = jinja2.Environment(  # noqa: S701 - dockerfiles are no HTML
        loader=jinja2.FunctionLoader(load),
        undefined=jinja2.StrictUndefined,
        keep_trailing_newline=True,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    try:
        return jinja.get_template(template).render(**values)
    except jinja2.TemplateSyntaxError as error:
        raise errors.BadTemplate(
            f"Template {error.name}, line {error.lineno}: {error.message}. Mend it."
        ) from error
    except jinja2.TemplateNotFound as error:
        raise errors.BadTemplate(
            f"There is no template '{error.name}' in {', '.join(map(str, places))}."
        ) from error
    except errors.BadTemplate:
        raise
    except Exception as error:  # whatever an own template computes
        raise errors.BadTemplate(f"Template {template} cannot be rendered: {error}. Mend it.") from error


def packaged_templates() -> Path:
    """Return the folder of pydock's own templates: in the package, or at the top of a checkout."""
    package = Path(__file__).resolve().parent
    if (package / "templates").is_dir():
        return package / "templates"
    checkout = package.parents[1]
    if (checkout / "pyproject.toml").is_file() and (checkout / "templates").is_dir():
        return checkout / "templates"
    raise errors.BadTemplate(
        "pydock's own templates are missing: the installation is damaged. Install it again."
    )
