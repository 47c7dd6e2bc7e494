"""Planes and spectra that refuse a file that was changed after its opening (`stamps`)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, ParamSpec, TypeVar

import numpy as np
from numpy.typing import NDArray

from napari_mineral_anomaly.io.formats.shared.disk.stamps import FileStamp, unchanged
from napari_mineral_anomaly.io.formats.shared.planes import MapFile, Plane

P = ParamSpec("P")
R = TypeVar("R")


def watched(file: MapFile, stamp: FileStamp) -> MapFile:
    """The same planes; reading them refuses a file that was changed after its opening."""
    return replace(file, planes=tuple(_watched_plane(plane, stamp) for plane in file.planes))


def watched_call(function: Callable[P, R], stamp: FileStamp) -> Callable[P, R]:
    """A function that refuses its answer where the file was changed after its opening."""

    def call(*args: P.args, **kwargs: P.kwargs) -> R:
        with unchanged(stamp):
            return function(*args, **kwargs)

    return call


class WatchedCounts:
    """Counts (H, W, E) of a file, with the state of the file at its opening.

    Blocks that are read later refuse a file that was changed meanwhile; counts that are in memory
    already stay as they are.
    """

    def __init__(self, counts: Any, stamp: FileStamp) -> None:
        self._counts, self.stamps = counts, (stamp,)
        self._later = () if isinstance(counts, np.ndarray) else self.stamps
        self.shape: tuple[int, ...] = tuple(int(n) for n in counts.shape)
        self.dtype: np.dtype[Any] = np.dtype(counts.dtype)

    def __getitem__(self, index: Any) -> NDArray[Any]:
        with unchanged(*self._later):
            return np.asarray(self._counts[index])

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        whole = self._counts if isinstance(self._counts, np.ndarray) else self[:, :]
        return np.array(whole, dtype=dtype, copy=bool(copy)) if copy else np.asarray(whole, dtype)


def _watched_plane(plane: Plane, stamp: FileStamp) -> Plane:
    into = None if plane.read_into is None else watched_call(plane.read_into, stamp)
    return replace(plane, read=watched_call(plane.read, stamp), read_into=into, stamp=stamp)
