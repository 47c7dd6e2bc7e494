"""Questions to the disk that never fail: a place that cannot be looked at holds nothing for us.

`pathlib` raises where the user lacks the right to look, as in ``System Volume Information`` of
Windows drives and ``lost+found`` of Linux, and where a drive drops out.
"""

from __future__ import annotations

import os
from pathlib import Path


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
