"""The mask under the geologist's brush: strokes survive when the threshold moves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_mineral_anomaly.grains import label_grains, remove_small_grains


@dataclass(frozen=True)
class MaskCounts:
    """What a mask holds: flagged pixels, grains, and pixels that the brush decided."""

    pixels: int
    grains: int
    brushed: int


def computed_mask(
    score: NDArray[np.floating[Any]], threshold: float, min_grain_px: int = 1
) -> NDArray[np.bool_]:
    """Pixels at or above ``threshold`` in grains of at least ``min_grain_px``; NaN never."""
    return remove_small_grains(score >= threshold, min_grain_px)


class MaskKeeper:
    """Keeps what was computed and what was brushed apart.

    Parameters
    ----------
    computed : (H, W) bool
        The mask that is shown before any stroke.
    """

    def __init__(self, computed: NDArray[np.bool_]) -> None:
        self._computed = computed
        self._shown = computed
        # +1 brushed in, -1 brushed out, 0 as computed; made with the first stroke.
        self._edits: NDArray[np.int8] | None = None

    @property
    def brushed(self) -> int:
        """Number of pixels that the brush decided."""
        return 0 if self._edits is None else int(np.count_nonzero(self._edits))

    def absorb(self, painted: NDArray[Any]) -> None:
        """Take over the strokes since the mask was last shown.

        Brushing a pixel back to its computed value, undo included, makes it ordinary again.
        """
        painted = painted != 0
        changed = painted != self._shown
        if not changed.any():
            return
        if self._edits is None:
            self._edits = np.zeros(painted.shape, dtype=np.int8)
        now = painted[changed]
        against = now != self._computed[changed]
        self._edits[changed] = np.where(against, np.where(now, 1, -1), 0)
        self._shown = painted

    def show(self, computed: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """The new computed mask with the strokes on top."""
        self._computed = computed
        self._shown = computed
        if self._edits is not None:
            self._shown = np.where(self._edits == 0, computed, self._edits > 0)
        return self._shown

    def counts(self) -> MaskCounts:
        """Counts of the mask as last shown."""
        return MaskCounts(
            pixels=int(np.count_nonzero(self._shown)),
            grains=int(label_grains(self._shown).max(initial=0)),
            brushed=self.brushed,
        )
