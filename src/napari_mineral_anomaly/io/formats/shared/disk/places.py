"""Questions to the disk that never fail: a place that cannot be looked at holds nothing for us.

`pathlib` raises where the user lacks the right to look, as in ``System Volume Information`` of
Windows drives and ``lost+found`` of Linux, and where a drive drops out.
"""

from __future__ import annotations

import os
from pathlib import Path

from napari_mineral_anomaly.errors import InputError


def is_file(path: Path) -> bool:
    """Whether there is an ordinary file: no pipe, device or socket, which may block a reader."""
    return os.path.isfile(path)  # noqa: PTH113 (pathlib raises)


def is_folder(path: Path) -> bool:
    """Whether there is a folder."""
    return os.path.isdir(path)  # noqa: PTH112 (pathlib raises)


def entries(folder: Path) -> list[Path]:
    """What a folder holds, in a fixed order; nothing where it cannot be listed or has vanished."""
    try:
        return sorted(folder.iterdir())
    except OSError:
        return []


def require_file(path: Path, wanted: str) -> None:
    """Refuse a path that is no file; ``wanted`` says what it should be ("an image").

    Raises
    ------
    InputError
    """
    if is_folder(path):
        raise InputError(f"{path} is a folder; {wanted} is needed.")
    if not is_file(path):
        kind = "is no ordinary file" if os.path.lexists(path) else "does not exist"
        raise InputError(f"{path} {kind}; check the spelling and the drive.")
