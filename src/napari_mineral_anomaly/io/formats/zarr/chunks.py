"""Checks the size that a compressed chunk of a Zarr array declares for its unpacked numbers.

The libraries allocate that memory before they unpack, so one wrong bit in a chunk of a few hundred
bytes can ask for gigabytes. All chunks of an array unpack to the same size.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from napari_mineral_anomaly.errors import InputError

# Long enough for the headers of all codecs here; Blosc's is the longest.
_HEAD_BYTES = 18
_ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"


def require_sound_chunks(path: Path, array: Any, files: Iterable[Path], n_bytes: int) -> None:
    """Refuse chunks that declare another unpacked size than ``n_bytes``.

    Parameters
    ----------
    path : Path
        The store, for the sentence.
    array : zarr.Array
        Only arrays with one compressor and without shards are checked.
    files : iterable of Path
        The chunks.
    n_bytes : int
        Bytes of one chunk, unpacked.

    Raises
    ------
    InputError
    """
    compressors = tuple(getattr(array, "compressors", ()))
    if getattr(array, "shards", None) or len(compressors) != 1:
        return
    kind = type(compressors[0]).__name__.removesuffix("Codec").casefold()
    # Filters may store numbers in another width: FixedScaleOffset keeps float64 as uint16.
    count = n_bytes // array.dtype.itemsize
    is_filtered = bool(getattr(array, "filters", ()))
    sizes = {count * width for width in (1, 2, 4, 8)} if is_filtered else {n_bytes}
    for file in files:
        with file.open("rb") as chunk:
            declared = declared_bytes(kind, chunk.read(_HEAD_BYTES))
        if declared is not None and declared not in sizes:
            raise InputError(
                f"{path.name} is damaged: its chunk {file.relative_to(path).as_posix()} says that "
                f"it unpacks to {declared} bytes, a chunk of this array has {n_bytes}."
            )


def declared_bytes(kind: str, head: bytes) -> int | None:
    """The unpacked size that the first bytes of a chunk declare; None where they hold none.

    Parameters
    ----------
    kind : str
        "blosc", "zstd" or "lz4"; for others the answer is None.
    head : bytes
        Layouts: Blosc 1 header (nbytes at 4), RFC 8878 section 3.1.1 (zstd), numcodecs (four bytes
        before an LZ4 block).
    """
    if kind == "blosc" and len(head) >= 8:
        return int.from_bytes(head[4:8], "little")
    if kind == "lz4" and len(head) >= 4:
        return int.from_bytes(head[:4], "little")
    if kind == "zstd" and len(head) >= 6 and head.startswith(_ZSTD_MAGIC):
        return _zstd_content_size(head)
    return None


def _zstd_content_size(head: bytes) -> int | None:
    descriptor = head[4]
    is_single = bool(descriptor & 0x20)
    width = (1 if is_single else 0, 2, 4, 8)[descriptor >> 6]
    start = 5 + (not is_single) + (0, 1, 2, 4)[descriptor & 3]
    field = head[start : start + width]
    if not width or len(field) < width:
        return None
    return int.from_bytes(field, "little") + (256 if width == 2 else 0)
