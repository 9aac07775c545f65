"""Requirements files that are at an address: `-r https://…`, as pip reads them, on this machine."""

from __future__ import annotations

from pydock import errors

TIMEOUT = 30  # seconds
MAX_SIZE = 1 << 24  # bytes


def is_address(path: str) -> bool:
    return path.lower().startswith(("https://", "http://"))


def read_address(address: str) -> bytes:
    """Return the content of a file at an address; raises `BadRequirements` if it cannot be read.

    Proxies and CA certificates are those of the usual variables (HTTPS_PROXY, SSL_CERT_FILE).
    """
    import urllib.error  # here, because every installation would import them
    import urllib.request

    try:
        with urllib.request.urlopen(address, timeout=TIMEOUT) as answer:  # noqa: S310 - is_address() knows the schemes
            content: bytes = answer.read(MAX_SIZE + 1)
    except urllib.error.HTTPError as error:
        error.close()
        raise _unreadable(address, str(error)) from error
    except (OSError, ValueError) as error:  # URLError is an OSError
        raise _unreadable(address, str(getattr(error, "reason", error))) from error
    if len(content) > MAX_SIZE:
        raise errors.BadRequirements(f"{address} is larger than {MAX_SIZE >> 20} MiB.")
    return content


def _unreadable(address: str, reason: str) -> errors.BadRequirements:
    return errors.BadRequirements(f"Cannot read {address}: {reason}. Download it, and use the file's path.")
