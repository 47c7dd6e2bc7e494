"""The chunks of a Zarr array: whether they are as at the opening, and how large they say they are.

The libraries allocate the unpacked size that a compressed chunk declares before they unpack it, so
one wrong bit in a chunk of a few hundred bytes can ask for gigabytes. All chunks of an array unpack
to the same size. And they read a chunk that is not there as the fill value, also when it was there
at the opening.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from napari_mineral_anomaly.errors import InputError

# Long enough for the headers of all codecs here; Blosc's is the longest.
_HEAD_BYTES = 18
_ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"
_METADATA = frozenset(("zarr.json", ".zgroup", ".zarray", ".zattrs", ".zmetadata"))

_State = tuple[int, int]


class StoredChunks:
    """The files of an array in a store, with size and last change of each at the opening.

    Parameters
    ----------
    path : Path
        The store.
    array : zarr.Array
    name : str
        Path of the array in the store; "" for a store that is one array.
    """

    def __init__(self, path: Path, array: Any, name: str) -> None:
        self._path, self._array = path, array
        self._folder = path / name if name else path
        self.files: dict[Path, _State] = {}
        for folder, _, names in os.walk(self._folder):
            for file in names:
                found = Path(folder, file)
                state = None if file in _METADATA else _state_of(found)
                if state is not None:
                    self.files[found] = state

    @contextmanager
    def unchanged(self, index: Any) -> Iterator[None]:
        """Refuse what was read in the block if one of its chunks is not as at the opening.

        Parameters
        ----------
        index : slices and whole numbers
            The part of the array that is read.

        Raises
        ------
        InputError
        """
        try:
            yield
        finally:
            # Also after an error: the change is then its likely cause.
            for file in self._touched(index):
                self._require_same(file)

    def _require_same(self, file: Path) -> None:
        before, now = self.files.get(file), _state_of(file)
        if before == now:
            return
        what = "is there only now" if before is None else "was written again"
        chunk = file.relative_to(self._path).as_posix()
        raise InputError(
            f"{self._path.name} was changed while it was read (its chunk {chunk} "
            f"{'is gone' if now is None else what}): open it again when the instrument or program "
            "has finished writing it, and its drive is connected."
        )

    def _touched(self, index: Any) -> Iterator[Path]:
        sizes = tuple(getattr(self._array, "shards", None) or self._array.chunks)
        places = []
        for part, n, size in zip(self._parts(index), self._array.shape, sizes, strict=True):
            chosen = range(n)[part] if isinstance(part, slice) else [range(n)[part]]
            low, high = (min(chosen), max(chosen) + 1) if len(chosen) else (0, 0)
            places.append(range(low // size, -(-high // size)))
        for place in itertools.product(*places):
            yield self._folder / self._array.metadata.encode_chunk_key(place)

    def _parts(self, index: Any) -> list[Any]:
        parts = list(index) if isinstance(index, tuple) else [index]
        if Ellipsis in parts:
            at = parts.index(Ellipsis)
            parts[at : at + 1] = [slice(None)] * (self._array.ndim - len(parts) + 1)
        return parts + [slice(None)] * (self._array.ndim - len(parts))


def _state_of(file: Path) -> _State | None:
    try:
        found = file.stat()
    except OSError:
        return None
    return found.st_size, found.st_mtime_ns


def require_sound_chunks(path: Path, array: Any, files: Iterable[Path], n_bytes: int) -> None:
    """Refuse chunks that declare another unpacked size than ``n_bytes``, and cut Blosc chunks.

    Blosc declares its packed size, too. The library reads on behind the end of a chunk that is
    shorter.

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
            head = chunk.read(_HEAD_BYTES)
        declared = declared_bytes(kind, head)
        if kind == "blosc" and int.from_bytes(head[12:16], "little") != file.stat().st_size:
            raise InputError(
                f"{path.name} is damaged: its chunk {file.relative_to(path).as_posix()} is cut "
                "short or has other bytes behind it; copy the store again."
            )
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
