"""The mask that the user brushes: strokes stay when the threshold moves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_mineral_anomaly.detectors.results.threshold import flagged
from napari_mineral_anomaly.grains.pixels.large import painted_rows
from napari_mineral_anomaly.grains.pixels.regions import label_grains, remove_small_grains


@dataclass(frozen=True)
class MaskCounts:
    """Counts of a mask: flagged pixels, grains, and pixels that the brush decided."""

    pixels: int
    grains: int
    brushed: int


def computed_mask(
    score: NDArray[np.floating[Any]], threshold: float, min_grain_px: int = 1
) -> NDArray[np.bool_]:
    """Pixels at or above ``threshold`` in grains of at least ``min_grain_px``; NaN never."""
    return remove_small_grains(flagged(score, threshold), min_grain_px)


def with_strokes(computed: NDArray[np.bool_], edits: NDArray[np.int8] | None) -> NDArray[np.bool_]:
    """A computed mask with brush strokes (+1 in, -1 out, 0 as computed) on top."""
    return computed if edits is None else np.where(edits == 0, computed, edits > 0)


def count_grains(mask: NDArray[np.bool_]) -> int:
    """Number of 8-connected grains of a mask."""
    return int(label_grains(mask).max(initial=0))


@dataclass(frozen=True, eq=False)
class JudgedScore:
    """A score judged at one threshold, with all that takes long to compute for a new mask.

    Attributes
    ----------
    score : (H, W) float
        The score that was judged.
    threshold, min_grain_px : float, int
        Threshold (background sigmas) and smallest grain (pixels).
    computed : (H, W) bool
        The mask without strokes.
    edits : (H, W) int8, optional
        The strokes that ``shown`` and ``grains`` take into account.
    shown : (H, W) bool
        The mask with these strokes; without strokes it is ``computed`` itself.
    grains : int
        Grains of the mask with these strokes.
    """

    score: NDArray[np.floating[Any]]
    threshold: float
    min_grain_px: int
    computed: NDArray[np.bool_]
    edits: NDArray[np.int8] | None
    shown: NDArray[np.bool_]
    grains: int


def judge_score(
    score: NDArray[np.floating[Any]],
    threshold: float,
    min_grain_px: int,
    edits: NDArray[np.int8] | None = None,
) -> JudgedScore:
    """Judge a score at a threshold; needs no window, so a worker can run it."""
    computed = computed_mask(score, threshold, min_grain_px)
    shown = with_strokes(computed, edits)
    return JudgedScore(score, threshold, min_grain_px, computed, edits, shown, count_grains(shown))


@dataclass(frozen=True, eq=False)
class MaskParts:
    """What a mask was made of when it was last shown.

    Attributes
    ----------
    computed, shown : (H, W) bool
        The mask without strokes and with them.
    edits : (H, W) int8, optional
        The strokes: +1 brushed in, -1 brushed out, 0 as computed.
    """

    computed: NDArray[np.bool_]
    shown: NDArray[np.bool_]
    edits: NDArray[np.int8] | None

    def strokes(self, painted: NDArray[Any]) -> NDArray[np.int8] | None:
        """The strokes after the user painted: ``edits`` itself if nothing changed."""
        rows = painted_rows(painted, self.shown)
        if rows is None:
            return self.edits
        edits = np.zeros(painted.shape, np.int8) if self.edits is None else self.edits.copy()
        painted = painted[rows] != 0
        changed = painted != self.shown[rows]
        now = painted[changed]
        against = now != self.computed[rows][changed]
        edits[rows][changed] = np.where(against, np.where(now, 1, -1), 0)
        return edits


class MaskKeeper:
    """Keeps the computed mask and the brush strokes separate.

    Parameters
    ----------
    computed : (H, W) bool
        The mask that is shown before any stroke.
    grains : int, optional
        Its number of grains, where it is known.
    """

    def __init__(self, computed: NDArray[np.bool_], grains: int | None = None) -> None:
        self._computed = computed
        self._shown = computed
        # +1 brushed in, -1 brushed out, 0 as computed; made with the first stroke.
        self._edits: NDArray[np.int8] | None = None
        # Remembered, because counting takes long; None where the mask has changed since.
        self._grains = grains

    @property
    def edits(self) -> NDArray[np.int8] | None:
        """The strokes; never changed in place, each further stroke makes a new array."""
        return self._edits

    @property
    def brushed(self) -> int:
        """Number of pixels that the brush decided."""
        return 0 if self._edits is None else int(np.count_nonzero(self._edits))

    def absorb(self, painted: NDArray[Any]) -> None:
        """Record the strokes since the mask was last shown.

        A pixel that is brushed (or undone) back to its computed value is no longer a stroke.
        """
        edits = self.parts.strokes(painted)
        if edits is not self._edits:
            self._edits = edits
            self._shown = painted != 0
            self._grains = None

    def restore(
        self, edits: NDArray[np.int8], shown: NDArray[np.bool_], grains: int | None
    ) -> None:
        """Take over strokes of an earlier session, with the mask and the grains that they make."""
        self._edits, self._shown, self._grains = edits, shown, grains

    @property
    def parts(self) -> MaskParts:
        """The arrays of the mask as last shown, for a worker; they are never changed in place."""
        return MaskParts(self._computed, self._shown, self._edits)

    def show(self, computed: NDArray[np.bool_], grains: int | None = None) -> NDArray[np.bool_]:
        """The new computed mask with the strokes on top; ``grains``: its number, where known."""
        self._computed = computed
        self._shown = with_strokes(computed, self._edits)
        self._grains = grains
        return self._shown

    def show_judged(self, judged: JudgedScore) -> NDArray[np.bool_]:
        """Like `show`; the mask and its grains are known unless a stroke came in between."""
        if self._edits is not judged.edits:
            return self.show(judged.computed)
        self._computed, self._shown, self._grains = judged.computed, judged.shown, judged.grains
        return self._shown

    @property
    def knows_grains(self) -> bool:
        """Whether `counts` need not count grains, which takes long."""
        return self._grains is not None

    def take_grains(self, shown: NDArray[np.bool_], grains: int) -> None:
        """Take the number of grains of a mask that a worker counted, if it is still shown."""
        if shown is self._shown:
            self._grains = grains

    def counts(self) -> MaskCounts:
        """Counts of the mask as last shown."""
        if self._grains is None:
            self._grains = count_grains(self._shown)
        return MaskCounts(
            pixels=int(np.count_nonzero(self._shown)),
            grains=self._grains,
            brushed=self.brushed,
        )
