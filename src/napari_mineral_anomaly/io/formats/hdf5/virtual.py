"""Damaged virtual datasets end the process that opens them, so another process opens them first.

libhdf5 (2.0 here) has a segmentation fault when it unpacks a damaged list of sources; to open the
dataset is enough. So the class of its layout is read from the bytes of its header, without the
library (HDF5 File Format Specification 3.0, sections IV.A.1 and IV.A.2.i). Only files with virtual
datasets, or with headers that are not understood, cost a process.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any, BinaryIO

from napari_mineral_anomaly.errors import InputError

_LAYOUT, _CONTINUATION = 0x08, 0x10
_VIRTUAL = 3
_MOST_BLOCKS = 100
_LONGEST_SECONDS = 60
# Opens each dataset, none of its sources. Errors do no harm: only the end of the process counts.
_OPEN_ALL = """
import json, sys
import h5py
path, names = json.loads(sys.argv[1])
with h5py.File(path, "r") as file:
    for name in names:
        try:
            item = file[name]
            item.virtual_sources()
        except Exception:
            pass
"""
_LARGEST_HEADER = 1_000_000


def require_openable(path: Path) -> None:
    """Refuse a file whose virtual datasets end a process that opens them.

    Parameters
    ----------
    path : Path
        A file that begins like HDF5.

    Raises
    ------
    InputError
    """
    state = path.stat()
    if not _is_openable(path, state.st_mtime_ns, state.st_size):
        raise InputError(
            f"{path.name} is damaged: the HDF5 library fails on its virtual datasets; export it "
            "again."
        )


@lru_cache(maxsize=64)
def _is_openable(path: Path, changed: int, size: int) -> bool:
    """The answer for a file as it was at a time of change; False also for a process that hangs.

    The process knows h5py only, and nothing of the script that called us: `multiprocessing` would
    run that script again.
    """
    names = _suspects(path)
    if not names or not sys.executable:
        return True
    places = [name.decode("utf-8", "surrogateescape") for name in names]
    try:
        done = subprocess.run(
            [sys.executable, "-c", _OPEN_ALL, json.dumps([str(path), places])],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_LONGEST_SECONDS,
            check=False,
            creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
        )
    except subprocess.TimeoutExpired:
        return False
    # 1: an exception of Python, which is met again, and explained, when the file is read here.
    return done.returncode in (0, 1)


def _suspects(path: Path) -> list[bytes]:
    """The datasets of a file that are virtual or whose headers are not understood."""
    import h5py

    places: list[tuple[bytes, int]] = []

    def keep(name: bytes, info: Any) -> None:
        if info.type == h5py.h5o.TYPE_DATASET:
            places.append((name, int(info.addr)))

    with h5py.File(path, "r") as file:
        start = int(file.userblock_size)
        h5py.h5o.visit(file.id, keep, info=True)
    with path.open("rb") as raw:
        return [name for name, place in places if _layout(raw, start, place) in (None, _VIRTUAL)]


def _layout(raw: BinaryIO, start: int, place: int) -> int | None:
    """The class of the layout of the dataset whose header lies at ``place``; None if not found."""
    try:
        for kind, data in _messages(raw, start, place):
            if kind == _LAYOUT and len(data) >= 3:
                return data[1] if data[0] >= 3 else data[2]
    except (IndexError, OSError, OverflowError, ValueError):
        pass
    return None


def _messages(raw: BinaryIO, start: int, place: int) -> Iterator[tuple[int, bytes]]:
    """The messages of an object header, version 1 or 2, as (type, bytes)."""
    head = _bytes(raw, start + place, 64)
    is_new = head[:4] == b"OHDR"
    has_order = is_new and bool(head[5] & 0x04)
    if is_new:
        flags = head[5]
        at = 6 + (16 if flags & 0x20 else 0) + (4 if flags & 0x10 else 0)
        width = 1 << (flags & 3)
        blocks = [(place + at + width, int.from_bytes(head[at : at + width], "little"))]
    else:
        blocks = [(place + 16, int.from_bytes(head[8:12], "little"))]
    front = (6 if has_order else 4) if is_new else 8
    for _ in range(_MOST_BLOCKS):
        if not blocks:
            return
        offset, length = blocks.pop()
        block = _bytes(raw, start + offset, min(length, _LARGEST_HEADER))
        at = 0
        while at + front <= len(block):
            kind = block[at] if is_new else int.from_bytes(block[at : at + 2], "little")
            size_at = at + (1 if is_new else 2)
            size = int.from_bytes(block[size_at : size_at + 2], "little")
            data = block[at + front : at + front + size]
            at += front + size
            if kind == _CONTINUATION and len(data) >= 16:
                follow = int.from_bytes(data[:8], "little")
                n_bytes = int.from_bytes(data[8:16], "little")
                # A block of version 2 begins with "OCHK" and ends with a checksum.
                blocks.append((follow + 4, n_bytes - 8) if is_new else (follow, n_bytes))
            else:
                yield kind, data


def _bytes(raw: BinaryIO, offset: int, length: int) -> bytes:
    raw.seek(offset)
    return raw.read(max(0, length))
