"""Show a finished run: in new layers, or in the layers of an earlier run of the scan."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_mineral_anomaly.detectors.pipeline import DetectionRun
from napari_mineral_anomaly.errors import InputError
from napari_mineral_anomaly.grains.pixels.large import Spare
from napari_mineral_anomaly.grains.pixels.mask import JudgedScore, judge_score
from napari_mineral_anomaly.progress import SILENT, Task
from napari_mineral_anomaly.window.layers.links import Link, first_layer, layer_by_id
from napari_mineral_anomaly.window.layers.make import (
    add,
    mask_layer,
    min_grain_of,
    pseudo_label_layer,
    score_layer,
    score_limits,
    spatial_of,
)
from napari_mineral_anomaly.window.layers.scans import Scan, find_scan
from napari_mineral_anomaly.window.layers.session import Session, mask_of

if TYPE_CHECKING:
    from napari.layers import Layer


@dataclass(frozen=True, eq=False)
class ShownResult:
    """The score and mask layers of a run; ``scan_is_there``: the scan still has element layers."""

    score: Layer
    mask: Layer
    scan_is_there: bool


@dataclass(frozen=True, eq=False)
class ReadyRun:
    """What a worker makes of a run for its layers.

    Attributes
    ----------
    judged : JudgedScore
    numbers : Spare
        The judged mask, for its layer.
    labels : Spare
        The pseudo-labels, for their layer: the brush writes into the layer, not into the result.
    """

    judged: JudgedScore
    numbers: Spare
    labels: Spare

    @classmethod
    def of(cls, run: DetectionRun, judged: JudgedScore) -> ReadyRun:
        """Make the copies for the layers."""
        return cls(judged, Spare(judged.shown, np.uint8), Spare(run.result.pseudo_labels))


def ready_run(
    viewer: Any, session: Session, scan: Scan, run: DetectionRun
) -> Callable[[Task], ReadyRun]:
    """The slow part of showing a run, as a function for a worker; `show_result` does the rest.

    The smallest grain that was set for an earlier run and the strokes on its mask are kept.
    """
    score = first_layer(viewer, "score", **_own(scan, run))
    mask = None if score is None else mask_of(viewer, score)
    edits = None if score is None or mask is None else session.strokes_on(mask, score)
    result = run.result
    if edits is not None and edits.shape != result.score.shape:
        edits = None
    min_grain_px = 1 if score is None else min_grain_of(score)

    def make(task: Task) -> ReadyRun:
        judged = judge_score(result.score, float(result.threshold), min_grain_px, edits)
        return ReadyRun.of(run, judged)

    return make


def show_result(
    viewer: Any,
    session: Session,
    scan: Scan,
    run: DetectionRun,
    ready: ReadyRun | None = None,
) -> ShownResult:
    """Show a run of ``scan``.

    The layers of an earlier run of the same scan and detector are updated (brush strokes on its
    mask stay). Layers that the user removed are made again. If the element layers were removed
    during the run, the result lies where the scan was when the run began.

    Parameters
    ----------
    viewer, session, scan, run
    ready : ReadyRun, optional
        The result of `ready_run`; computed here if it is not given.

    Raises
    ------
    InputError
        When the shape of the element layers changed during the run.
    """
    showing = ResultInSteps(viewer, session, scan, run, ready)
    for step in showing.steps:
        step()
    shown = showing.shown()
    assert shown is not None, "nobody can remove a layer between these steps"
    return shown


class ResultInSteps:
    """What `show_result` does, in steps for as many turns of the event loop.

    ``steps`` come in their order; then `shown` tells the layers. Parameters as in `show_result`;
    ``before_labels`` is called with the pseudo-labels of an earlier run before they are replaced.

    Between two steps the window may do anything, so each step looks for the layers again. What is
    there then is a result that misses its mask, as if the user had removed it. Where layers of an
    earlier run are updated, the first step does all: nobody may see or save the labels of one run
    beside the score of another.
    """

    def __init__(
        self,
        viewer: Any,
        session: Session,
        scan: Scan,
        run: DetectionRun,
        ready: ReadyRun | None = None,
        before_labels: Callable[[Layer], None] | None = None,
    ) -> None:
        self._before_labels = before_labels
        self._viewer, self._session, self._scan, self._run = viewer, session, scan, run
        self._ready = ready
        self._score_id: str | None = None
        self._shown: ShownResult | None = None
        self._told = False
        self.steps = (self._show_labels, self._show_score, self._show_mask, self._tell)

    def shown(self) -> ShownResult | None:
        """The layers, after all steps; None if the user removed the score between two of them."""
        return self._shown

    def _scan_now(self) -> Scan | None:
        scan, shape = self._scan, self._run.result.score.shape
        now = find_scan(self._viewer, scan.scan_id)
        if now is not None and now.shape != shape:
            raise InputError(
                f"The element maps of {scan.name} were changed to {_size(now.shape)} pixels while "
                f"the run worked on {_size(shape)}. The result is not shown: run again."
            )
        return now

    def _look(self, now: Scan | None) -> dict[str, Any]:
        scan, name = self._scan, self._run.fitted.name
        return {
            # The short name of the detector: napari shows about 24 letters of a layer's name.
            "title": f"{name} · {scan.name}",
            "link": Link(scan.scan_id, "score", scan=scan.name, detector=name),
            "spatial": scan.spatial if now is None else now.spatial,
        }

    def _show_labels(self) -> None:
        now = self._scan_now()
        if self._ready is None:
            # As the mask is now: the strokes on it are kept.
            work = ready_run(self._viewer, self._session, self._scan, self._run)
            self._ready = work(SILENT)
        labels = self._ready.labels.take()
        layer = first_layer(self._viewer, "pseudo_labels", **_own(self._scan, self._run))
        if layer is None:
            add(self._viewer, pseudo_label_layer(labels, **self._look(now)))
        else:
            if self._before_labels is not None:
                self._before_labels(layer)
            layer.data = labels
        if first_layer(self._viewer, "score", **_own(self._scan, self._run)) is not None:
            self._show_score()
            self._show_mask()
            self._tell()

    def _show_score(self) -> None:
        viewer, result, ready = self._viewer, self._run.result, self._ready
        assert ready is not None, "the labels come first"
        if self._score_id is not None:
            return
        # Known before the score comes: whoever lists it at once finds the run. It is told later.
        self._session.keep_run(self._scan.scan_id, self._run, tell=False)
        score = first_layer(viewer, "score", **_own(self._scan, self._run))
        if score is None:
            look = self._look(self._scan_now())
            score = add(viewer, score_layer(result.score, result.threshold, **look))
        else:
            mask = mask_of(viewer, score)
            self._session.replace_score(score, mask, ready.judged, ready.numbers)
            score.contrast_limits = score_limits(result.score, result.threshold)
        self._score_id = str(score.unique_id)

    def _show_mask(self) -> None:
        viewer, ready = self._viewer, self._ready
        assert ready is not None, "the labels come first"
        score = layer_by_id(viewer, self._score_id)
        if score is None or self._shown is not None:
            return
        now, mask = self._scan_now(), mask_of(viewer, score)
        if mask is None:
            look = self._look(now)
            mask = add_mask(
                viewer,
                self._session,
                score,
                ready.judged,
                link=look["link"],
                title=look["title"],
                numbers=ready.numbers,
            )
        self._shown = ShownResult(score, mask, now is not None)

    def _tell(self) -> None:
        if self._score_id is not None and not self._told:
            self._told = True
            self._session.changed.emit()


def add_mask(
    viewer: Any,
    session: Session,
    score: Layer,
    judged: JudgedScore,
    *,
    link: Link,
    title: str,
    numbers: Spare | None = None,
) -> Layer:
    """Add a mask layer that follows a score layer; it has no strokes yet.

    ``numbers`` is the mask as it was judged, for the layer.
    """
    from napari.layers import Layer

    link = replace(link, score_id=str(score.unique_id), min_grain_px=None)
    data = mask_layer(
        judged.computed,
        title=title,
        link=link,
        spatial=spatial_of(score),
        numbers=None if numbers is None or judged.edits is not None else numbers.take(),
    )
    layer = Layer.create(*data)
    # Watch it before it is added: docks count its pixels as soon as the viewer has it.
    session.watch_mask(layer, score, judged)
    viewer.add_layer(layer)
    return layer


def _own(scan: Scan, run: DetectionRun) -> dict[str, Any]:
    """Entries of the note that identify the layers of a result."""
    return {"scan_id": scan.scan_id, "detector": run.fitted.name}


def _size(shape: tuple[int, ...]) -> str:
    return " × ".join(str(n) for n in shape)
