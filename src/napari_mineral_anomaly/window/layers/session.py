"""Data that the docks of one viewer share: finished runs, and brush strokes on masks.

A run belongs to its result layers. When the last of them is removed from the viewer, the run and
its contributions (the largest arrays here) are freed.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any
from weakref import ref

import numpy as np
from numpy.typing import NDArray
from psygnal import Signal

from napari_mineral_anomaly.detectors.pipeline import DetectionRun
from napari_mineral_anomaly.grains.pixels.large import Spare
from napari_mineral_anomaly.grains.pixels.mask import (
    JudgedScore,
    MaskCounts,
    MaskKeeper,
    MaskParts,
    computed_mask,
)
from napari_mineral_anomaly.window.layers.links import (
    Link,
    first_layer,
    layers_of,
    link_of,
    relink,
)
from napari_mineral_anomaly.window.layers.make import as_labels, min_grain_of, threshold_of
from napari_mineral_anomaly.window.layers.per_viewer import PerViewer

if TYPE_CHECKING:
    from napari.layers import Layer

# As many as napari undoes.
_STROKES_TO_UNDO = 100

_sessions: PerViewer[Session] = PerViewer(lambda viewer: Session(viewer))


def session_of(viewer: Any) -> Session:
    """The session of a viewer; made at the first call."""
    return _sessions.of(viewer)


class Session:
    """Runs by (scan id, detector), and a `MaskKeeper` for each mask layer."""

    changed = Signal()

    def __init__(self, viewer: Any) -> None:
        # Weak: with a strong reference here, the viewer would never be freed.
        self._viewer = ref(viewer)
        self._runs: dict[tuple[str, str], DetectionRun] = {}
        self._keepers: dict[str, MaskKeeper] = {}
        # Where the strokes lie that napari can undo; each stroke is one list of places.
        self._strokes: dict[str, deque[list[Any]]] = defaultdict(
            lambda: deque(maxlen=_STROKES_TO_UNDO)
        )
        viewer.layers.events.removed.connect(self._on_removed)

    def keep_run(self, scan_id: str, run: DetectionRun, *, tell: bool = True) -> None:
        """Make ``run`` the current run of its scan and detector.

        Without ``tell`` the caller tells of it, with `changed`, when its layers are there.
        """
        self._runs[scan_id, run.fitted.name] = run
        if tell:
            self.changed.emit()

    def run_of(self, link: Link | None) -> DetectionRun | None:
        """The run of a result layer with this note; None if the layer was opened from a file."""
        if link is None or link.detector is None:
            return None
        return self._runs.get((link.scan_id, link.detector))

    def runs(self) -> dict[tuple[str, str], DetectionRun]:
        """The current runs by scan id and detector, oldest first."""
        return dict(self._runs)

    def restore_strokes(
        self, mask: Layer, score: Layer, judged: JudgedScore, numbers: Spare
    ) -> None:
        """Show the strokes of an earlier session; ``numbers`` are the mask with them."""
        if judged.edits is not None:
            self.watch_mask(mask, score).restore(judged.edits, judged.shown, judged.grains)
            mask.data = numbers.take()

    def mask_parts(self, mask: Layer, score: Layer) -> MaskParts:
        """The mask as it is now, with its strokes, for a worker: arrays that never change."""
        return self._absorbed(mask, score).parts

    def runs_of_scan(self, scan_id: str) -> Iterator[DetectionRun]:
        """The current runs of one scan, oldest first."""
        return (run for (scan, _), run in self._runs.items() if scan == scan_id)

    def watch_mask(
        self, mask: Layer, score: Layer, judged: JudgedScore | None = None
    ) -> MaskKeeper:
        """The keeper of a mask layer that follows ``score``.

        At the first call every difference from the computed mask counts as brushed. If the caller
        has ``judged``, that mask need not be computed again.
        """
        key = str(mask.unique_id)
        if key not in self._keepers:
            self._keepers[key] = (
                MaskKeeper(_computed(score))
                if judged is None
                else MaskKeeper(judged.computed, judged.grains if judged.edits is None else None)
            )
            mask.events.paint.connect(self._on_paint)
        return self._keepers[key]

    def strokes_on(self, mask: Layer, score: Layer) -> NDArray[np.int8] | None:
        """The brush strokes on a mask until now, see `MaskKeeper.edits`."""
        return self._absorbed(mask, score).edits

    def show_judged(
        self, score: Layer, mask: Layer, judged: JudgedScore, numbers: Spare | None = None
    ) -> MaskCounts:
        """Show the mask of another threshold; the strokes on it stay.

        ``numbers`` is the mask as it was judged, for the layer; without it, it is made here.
        """
        keeper = self._absorbed(mask, score)
        relink(score, threshold=judged.threshold, min_grain_px=judged.min_grain_px)
        self._forget_undo(mask, keeper, judged)
        mask.data = _numbers(keeper.show_judged(judged), judged, numbers)
        return keeper.counts()

    def count_mask(self, score: Layer, mask: Layer) -> MaskCounts:
        """Counts of a mask with its present strokes."""
        return self._absorbed(mask, score).counts()

    def known_counts(self, score: Layer, mask: Layer) -> MaskCounts | None:
        """As `count_mask`; None where a worker should count the grains of `mask_parts` before."""
        keeper = self._absorbed(mask, score)
        return keeper.counts() if keeper.knows_grains else None

    def take_grains(self, score: Layer, mask: Layer, shown: NDArray[np.bool_], grains: int) -> None:
        """Take the number of grains that a worker counted in ``shown`` (`mask_parts`)."""
        self._absorbed(mask, score).take_grains(shown, grains)

    def replace_score(
        self, score: Layer, mask: Layer | None, judged: JudgedScore, numbers: Spare | None = None
    ) -> None:
        """Put a new score into its layer; the strokes on its mask stay."""
        keeper = None if mask is None else self._absorbed(mask, score)
        score.data = judged.score
        relink(score, threshold=judged.threshold, min_grain_px=judged.min_grain_px)
        if mask is not None and keeper is not None:
            self._forget_undo(mask, keeper, judged)
            mask.data = _numbers(keeper.show_judged(judged), judged, numbers)

    def _absorbed(self, mask: Layer, score: Layer) -> MaskKeeper:
        """The keeper of a mask, with the strokes until now."""
        keeper = self.watch_mask(mask, score)
        keeper.absorb(np.asarray(mask.data))
        return keeper

    def _on_paint(self, event: Any) -> None:
        places = [atom[0] for atom in event.value]
        self._strokes[str(event.source.unique_id)].append(places)

    def _forget_undo(self, mask: Layer, keeper: MaskKeeper, judged: JudgedScore) -> None:
        """Let napari undo no stroke where the mask without strokes is about to be another one.

        napari would put back the pixels of the old threshold, and they would count as strokes.
        """
        strokes = self._strokes.get(str(mask.unique_id))
        before, after = keeper.parts.computed, judged.computed
        if not strokes or not any(
            _differ(before, after, place) for one in strokes for place in one
        ):
            return
        strokes.clear()
        forget_undo(mask)

    def _on_removed(self, event: Any) -> None:
        self._keepers.pop(str(event.value.unique_id), None)
        self._strokes.pop(str(event.value.unique_id), None)
        viewer = self._viewer()
        if viewer is None:
            return
        shown = {
            (link.scan_id, link.detector)
            for layer in layers_of(viewer)
            if (link := link_of(layer)) is not None and link.role != "element"
        }
        gone = self._runs.keys() - shown
        for key in gone:
            del self._runs[key]
        if gone:
            self.changed.emit()


def forget_undo(labels: Layer) -> None:
    """Let napari undo none of the strokes on a labels layer."""
    mode, editable = labels.mode, labels.editable
    labels.editable = False  # with this napari forgets its history
    if editable:
        labels.editable = True
        labels.mode = mode


def mask_of(viewer: Any, score: Layer) -> Layer | None:
    """The mask layer that follows a score layer."""
    return first_layer(viewer, "mask", score_id=str(score.unique_id))


def _numbers(shown: NDArray[np.bool_], judged: JudgedScore, numbers: Spare | None) -> Any:
    """The mask for its layer: as a worker made it, unless a stroke came in between."""
    return as_labels(shown) if numbers is None or shown is not judged.shown else numbers.take()


def _differ(before: NDArray[np.bool_], after: NDArray[np.bool_], place: Any) -> bool:
    return before.shape != after.shape or bool((before[place] != after[place]).any())


def _computed(score: Layer) -> Any:
    return computed_mask(np.asarray(score.data), threshold_of(score), min_grain_of(score))
