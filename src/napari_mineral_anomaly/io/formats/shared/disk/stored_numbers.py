"""`StoredNumbers`: an array that stays in its file and is read in blocks.

Not a memory map: where a mapped file is cut short by another program, or its network drive drops
out, the system ends the whole process (SIGBUS). Here every block is read, and a file that was
changed since its opening is refused in one sentence.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from io import FileIO
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_mineral_anomaly.errors import InputError
from napari_mineral_anomaly.io.formats.shared.disk.stamps import FileStamp, unchanged

# Rather than to skip less than this, it is read and left out.
_GAP_BYTES = 65_536
# Where a part of what is read is left out, it is read in pieces of this size.
_PIECE_BYTES = 16_000_000

_Bounds = list[tuple[int, int]]


class StoredNumbers:
    """Numbers of a file in C order, read block by block; works like a numpy array of them.

    Parameters
    ----------
    path : Path
    dtype : numpy dtype
        Of the file, byte order included.
    shape : tuple of int
        In the order of the file.
    offset : int
        Bytes before the first number.
    stamp : FileStamp
        Of the file at its opening.
    order : tuple of int, optional
        For each axis of this array the axis of the file (as in `numpy.transpose`).
    """

    def __init__(
        self,
        path: Path,
        dtype: np.dtype[Any],
        shape: Sequence[int],
        offset: int,
        stamp: FileStamp,
        order: Sequence[int] | None = None,
    ) -> None:
        self._path, self._offset, self._stamp = path, offset, stamp
        self._stored = tuple(int(n) for n in shape)
        self._order = tuple(range(len(self._stored)) if order is None else order)
        self.dtype = np.dtype(dtype)
        self.shape: tuple[int, ...] = tuple(self._stored[axis] for axis in self._order)
        self.ndim = len(self.shape)
        # Numbers from one place to the next along each axis of the file.
        self._steps = [math.prod(self._stored[axis + 1 :]) for axis in range(self.ndim)]

    @property
    def nbytes(self) -> int:
        """Bytes of all numbers."""
        return math.prod(self.shape) * self.dtype.itemsize

    @property
    def stamps(self) -> tuple[FileStamp, ...]:
        """The file at its opening; every read compares it."""
        return (self._stamp,)

    def transpose(self, *order: int) -> StoredNumbers:
        """The same numbers with axes in another order; nothing is read."""
        turned = tuple(self._order[axis] for axis in order)
        return StoredNumbers(
            self._path, self.dtype, self._stored, self._offset, self._stamp, turned
        )

    def __getitem__(self, index: Any) -> NDArray[Any]:
        """Read a part, given by slices and whole numbers as in numpy.

        Raises
        ------
        InputError
            When the file was changed or removed since its opening, or cannot be read.
        """
        wanted = self._full_index(index)
        bounds: _Bounds = [(0, 0)] * self.ndim
        inside: list[slice | int] = []
        for axis, part in enumerate(wanted):
            bounds[self._order[axis]], rest = _bounds_of(part, self.shape[axis])
            inside.append(rest)
        with unchanged(self._stamp):
            try:
                values = self._read(bounds)
            except OSError as error:
                reason = error.strerror or str(error)
                raise InputError(f"{self._path.name} cannot be read: {reason}.") from None
        part_read: NDArray[Any] = values.transpose(self._order)[tuple(inside)]
        return part_read

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        if copy is False:
            raise ValueError("the numbers are in a file: they can only be copied")
        return np.asarray(self[...], dtype=dtype)

    def __len__(self) -> int:
        return self.shape[0]

    def _full_index(self, index: Any) -> list[slice | int]:
        parts = list(index) if isinstance(index, tuple) else [index]
        if Ellipsis in parts:
            at = parts.index(Ellipsis)
            missing = self.ndim - len(parts) + 1
            parts[at : at + 1] = [slice(None)] * missing
        if len(parts) > self.ndim:
            raise IndexError(f"{len(parts)} indices for {self.ndim} axes")
        return parts + [slice(None)] * (self.ndim - len(parts))

    def _read(self, bounds: _Bounds) -> NDArray[Any]:
        """The numbers within ``bounds`` (first, last + 1) of the axes of the file."""
        block = np.empty([stop - start for start, stop in bounds], dtype=self.dtype)
        if block.size == 0:
            return block
        axis, is_cut = self._run_axis(bounds)
        with self._path.open("rb", buffering=0) as file:
            if is_cut:
                self._read_and_cut(file, block, bounds, axis)
            else:
                self._read_runs(file, block, bounds, axis)
        return block

    def _run_axis(self, bounds: _Bounds) -> tuple[int, bool]:
        """The axis along which numbers are read in one run with all axes behind it.

        Also whether a part of the axes behind it is left out after reading: where many short runs
        are near each other, what lies between them is read, too.
        """
        is_cut, run = False, self.dtype.itemsize
        for axis in range(len(bounds) - 1, 0, -1):
            run *= self._stored[axis]
            is_part = bounds[axis] != (0, self._stored[axis])
            is_single = bounds[axis - 1][1] - bounds[axis - 1][0] == 1
            if is_part and (run > _GAP_BYTES or is_single):
                return axis, is_cut
            is_cut = is_cut or is_part
        return 0, is_cut

    def _read_runs(self, file: FileIO, block: NDArray[Any], bounds: _Bounds, axis: int) -> None:
        """Read runs that follow each other in ``block``."""
        view = block.reshape(-1).view(np.uint8).data
        item, below = self.dtype.itemsize, math.prod(self._stored[axis + 1 :])
        first, last = bounds[axis]
        n_bytes, at = (last - first) * below * item, 0
        for place in itertools.product(*(range(*bound) for bound in bounds[:axis])):
            offset = self._offset + (self._numbers_before(place) + first * below) * item
            self._fill(file, offset, view[at : at + n_bytes])
            at += n_bytes

    def _read_and_cut(self, file: FileIO, block: NDArray[Any], bounds: _Bounds, axis: int) -> None:
        """Read runs piece by piece, and keep the wanted part of each."""
        item, below = self.dtype.itemsize, math.prod(self._stored[axis + 1 :])
        first, last = bounds[axis]
        step = max(1, min(last - first, _PIECE_BYTES // (below * item)))
        wanted = (slice(None), *(slice(*bound) for bound in bounds[axis + 1 :]))
        piece = np.empty((step, *self._stored[axis + 1 :]), dtype=self.dtype)
        view = piece.reshape(-1).view(np.uint8).data
        for place in itertools.product(*(range(*bound) for bound in bounds[:axis])):
            at = tuple(i - start for i, (start, _) in zip(place, bounds, strict=False))
            before = self._numbers_before(place) + first * below
            for row in range(0, last - first, step):
                n = min(step, last - first - row)
                offset = self._offset + (before + row * below) * item
                self._fill(file, offset, view[: n * below * item])
                block[at][row : row + n] = piece[:n][wanted]

    def _numbers_before(self, place: Sequence[int]) -> int:
        return sum(i * step for i, step in zip(place, self._steps, strict=False))

    def _fill(self, file: FileIO, offset: int, view: memoryview) -> None:
        """Read bytes from ``offset`` on; one read may give fewer than are asked for."""
        file.seek(offset)
        got = file.readinto(view)
        while got < len(view):
            n = file.readinto(view[got:])
            if not n:
                self._stamp.require_unchanged()
                raise InputError(
                    f"{self._path.name} is cut short: {offset + got} bytes can be read, "
                    f"{offset + len(view)} are needed."
                )
            got += n


def _bounds_of(part: slice | int, length: int) -> tuple[tuple[int, int], slice | int]:
    """First and last + 1 of what an index needs of an axis, and the index within that."""
    if isinstance(part, slice):
        chosen = range(length)[part]
        if len(chosen) == 0:
            return (0, 0), slice(None)
        low, high = min(chosen[0], chosen[-1]), max(chosen[0], chosen[-1]) + 1
        return (low, high), slice(None, None, chosen.step)
    at = range(length)[part]
    return (at, at + 1), 0
