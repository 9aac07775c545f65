"""Numbers of bytes as the engine prints them: `132MB`."""

from __future__ import annotations

import re


def size_text(size: float) -> str:
    """Return a number of bytes as the engine prints it: `1.2GB`."""
    for unit in ("B", "kB", "MB", "GB"):
        if size < 999.5:  # noqa: PLR2004 - what is rounded to less than 1000
            return f"{size:.0f}{unit}" if size >= 10 or unit == "B" else f"{size:.1f}{unit}"  # noqa: PLR2004
        size /= 1000
    return f"{size:.1f}TB"


def parse_size(text: str) -> float:
    """Return the bytes of a size as the engine prints it (`132MB`), 0 if it is none."""
    found = re.fullmatch(r"([\d.]+)\s*(B|kB|KB|MB|GB|TB)", text.strip())
    if not found or not re.fullmatch(r"\d+(\.\d*)?", found.group(1)):
        return 0
    power = {"B": 0, "kB": 1, "KB": 1, "MB": 2, "GB": 3, "TB": 4}[found.group(2)]
    return float(found.group(1)) * float(1000**power)
