"""File names that Windows, macOS and Linux accept.

Windows reserves the names of old devices, forbids nine characters, drops trailing dots and blanks
and by default refuses paths of 260 characters and more (Microsoft, "Naming Files, Paths, and
Namespaces"). File systems of Linux and macOS allow 255 bytes per name.
"""

from __future__ import annotations

import os
from collections.abc import Iterable

_FORBIDDEN = frozenset('<>:"/\\|?*')
_PORTS = (port + digit for port in ("com", "lpt") for digit in "123456789¹²³")
_RESERVED = frozenset(("con", "prn", "aux", "nul", *_PORTS))
# Leaves room for an ending and for the folders within the 260 characters of Windows.
_LONGEST_BYTES = 100
LONGEST_WINDOWS_PATH = 259


def safe_file_name(text: str) -> str:
    """A file name without ending that shows ``text`` and is allowed on every system.

    Letters of any alphabet stay. Characters that some system forbids become "_"; reserved names
    get a "_" behind them; names are cut at 100 bytes of UTF-8 without splitting a character.
    """
    name = "".join("_" if c in _FORBIDDEN or not c.isprintable() else c for c in text)
    name = name.encode("utf-8", "replace")[:_LONGEST_BYTES].decode("utf-8", "ignore")
    name = name.strip().rstrip(". ").lstrip(".")
    if not name:
        return "_"
    # "con.txt" is reserved like "con".
    stem, dot, rest = name.partition(".")
    return f"{stem}_{dot}{rest}" if stem.rstrip().casefold() in _RESERVED else name


def safe_file_names(texts: Iterable[str]) -> list[str]:
    """`safe_file_name` of each text, unique also where capitals make no difference."""
    names: list[str] = []
    taken: set[str] = set()
    for text in texts:
        name = base = safe_file_name(text)
        number = 2
        while name.casefold() in taken:
            name, number = f"{base} ({number})", number + 1
        taken.add(name.casefold())
        names.append(name)
    return names


def path_problem(path: str, *, windows: bool = os.name == "nt") -> str:
    """Why a file cannot be made under this absolute path, in words; "" where no reason is known.

    Only the length is checked; the system reports other problems when the file is written.
    """
    if windows and len(path) > LONGEST_WINDOWS_PATH and not path.startswith("\\\\?\\"):
        return (
            f"the path has {len(path)} characters, Windows takes {LONGEST_WINDOWS_PATH}: "
            "choose a folder nearer to the root of the drive"
        )
    return ""
