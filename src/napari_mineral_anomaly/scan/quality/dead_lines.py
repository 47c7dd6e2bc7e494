"""Rows and columns of a map without any count, where chance does not explain it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

# A line without any count is dead if the probability of no count by chance is below this.
_CHANCE = 1e-9
_LINES_SHOWN = 8


def dead_lines(plane: NDArray[Any], valid: NDArray[np.bool_], axis: int) -> NDArray[np.bool_]:
    """Which lines of a map are zero although the lines beside them are not.

    Empty lines also lie beside the end of a phase, but there the last lines are nearly empty; the
    neighbours of a dead line are full.

    Parameters
    ----------
    plane : array (H, W)
    valid : (H, W) bool
    axis : int
        1 for rows, 0 for columns.

    Returns
    -------
    (H,) or (W,) bool
    """
    n_valid = np.count_nonzero(valid, axis=axis)
    if not n_valid.any():
        return np.zeros(n_valid.size, dtype=bool)
    n_nonzero = np.count_nonzero((plane != 0) & valid, axis=axis)
    share = n_nonzero / np.maximum(n_valid, 1)
    typical = float(np.median(share[n_valid > 0]))
    empty = (n_valid > 0) & (n_nonzero == 0)
    if typical == 0 or not empty.any():
        return np.zeros(n_valid.size, dtype=bool)
    empty &= (1 - min(typical, 1 - 1e-12)) ** n_valid < _CHANCE
    dead = np.zeros(n_valid.size, dtype=bool)
    edges = np.flatnonzero(np.diff(np.concatenate(([False], empty, [False]))))
    for start, stop in zip(edges[::2], edges[1::2], strict=True):
        beside = [share[i] for i in (start - 1, stop) if 0 <= i < share.size]
        dead[start:stop] = all(value >= typical / 2 for value in beside)
    return dead


def empty_everywhere(valid: NDArray[np.bool_]) -> list[str]:
    """Sentences on rows and columns inside the sample without a valid pixel."""
    lines = []
    for axis, word in ((1, "row"), (0, "column")):
        n_valid = np.count_nonzero(valid, axis=axis)
        inside = np.flatnonzero(n_valid)
        if inside.size == 0:
            return []
        first, last = inside[0], inside[-1]
        empty = [int(i) for i in np.flatnonzero(n_valid == 0) if first < i < last]
        if empty:
            lines.append(f"{lines_are(word, empty)} zero or missing in every map.")
    return lines


def lines_are(word: str, lines: Sequence[int]) -> str:
    """Lines as the start of a sentence: "row 7 (counted from 0) is"."""
    if len(lines) == 1:
        return f"{word} {lines[0]} (counted from 0) is"
    shown = ", ".join(str(i) for i in lines[:_LINES_SHOWN])
    more = f" and {len(lines) - _LINES_SHOWN} more" if len(lines) > _LINES_SHOWN else ""
    return f"{len(lines)} {word}s ({shown}{more}; counted from 0) are"
