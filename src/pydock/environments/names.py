"""Which names are valid: of environments, of image tags, of images, and the prefix of image names.

The grammar of images is that of https://pkg.go.dev/github.com/distribution/reference. Imported by every `pydock run`,
so `re` is imported only where a name is checked that a run does not have.
"""

from __future__ import annotations

from pydock import errors

MAX_NAME = 64  # characters
TAG = r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}"
PREFIX = r"(?:[a-z0-9]+(?:[._:/-]+[a-z0-9]+)*[._/-]*)?"
PATH_PART = r"[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*"
REPOSITORY = rf"(?:[A-Za-z0-9.-]+(?::[0-9]+)?/)?{PATH_PART}(?:/{PATH_PART})*"
IMAGE = rf"{REPOSITORY}(?::{TAG})?(?:@sha256:[0-9a-f]{{64}})?"


def is_name(text: str) -> bool:
    """Return whether this is `[a-z0-9]+([._-][a-z0-9]+)*` and at most `MAX_NAME` long; written without `re`."""
    words = text.replace("_", ".").replace("-", ".").split(".")
    return len(text) <= MAX_NAME and all(
        word.isascii() and word.isalnum() and word == word.lower() for word in words
    )


def check_name(name: str) -> str:
    """Return `name` if it is a valid environment name; else raise `UsageError` with a similar valid name."""
    if is_name(name):
        return name
    import re

    similar = re.sub(r"[._-]*([._-])[._-]*", r"\1", re.sub(r"[^a-z0-9._-]+", "-", name.lower())).strip("._-")
    similar = similar[:MAX_NAME].strip("._-")
    hint = f" Try '{similar}'." if similar else " Try a name like 'datascience'."
    raise errors.UsageError(
        f"Invalid environment name '{name}'. Use lower-case letters and digits, separated by single '.', '_' or "
        f"'-', at most {MAX_NAME} characters.{hint}"
    )


def check_version(version: str) -> str:
    """Return `version` if it is a valid image tag; else raise `UsageError` with a similar valid tag."""
    import re

    if re.fullmatch(TAG, version):
        return version
    similar = re.sub(r"[^A-Za-z0-9_.-]+", "-", version).strip(".-")[:128]
    hint = f" Try '{similar}'." if re.fullmatch(TAG, similar) else ""
    raise errors.UsageError(
        f"Invalid Python version '{version}'. Use a tag of the base image, such as 3.12 or 3.12-slim.{hint}"
    )


def check_base(base: str) -> str:
    """Return `base` if it is a valid image name; else raise `UsageError`."""
    import re

    if re.fullmatch(IMAGE, base):
        return base
    raise errors.UsageError(
        f"Invalid image name '{base}'. Use a name such as 'debian:12' or 'quay.io/team/python:3.12'."
    )


def check_repository(repository: str) -> str:
    """Return `repository` if it is a valid image name without a tag; else raise `BadSetting`."""
    import re

    if re.fullmatch(REPOSITORY, repository):
        return repository
    raise errors.BadSetting(
        f"Setting 'repository' is {repository!r}, which is not an image name without a tag. Use a repository such as "
        "'python' or 'mirror.example/library/python'."
    )


def check_prefix(prefix: str) -> str:
    """Return `prefix` if an image name can begin with it; else raise `BadSetting`."""
    import re

    if re.fullmatch(PREFIX, prefix):
        return prefix
    raise errors.BadSetting(
        f"Setting 'prefix' is {prefix!r}, which is not a valid beginning of an image name. Use a prefix such as "
        "'pydock-' or 'registry.example/team/'."
    )
