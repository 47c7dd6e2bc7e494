"""Teaching: brush what is ordinary, and the list follows within seconds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from superqt.utils import qdebounced

from napari_mineral_anomaly.detectors.pipeline import DetectionRun, teach_run
from napari_mineral_anomaly.detectors.teaching.detector import (
    taught_name,
    untaught_name,
)
from napari_mineral_anomaly.errors import InputError
from napari_mineral_anomaly.progress import Task
from napari_mineral_anomaly.window.grains.board import board_of
from napari_mineral_anomaly.window.grains.canvas import bring_to_top
from napari_mineral_anomaly.window.grains.listing import KeptCube
from napari_mineral_anomaly.window.jobs import Executor
from napari_mineral_anomaly.window.kit.controls import flow, push_button
from napari_mineral_anomaly.window.kit.layer_watch import LayerWatch
from napari_mineral_anomaly.window.kit.panel import Panel
from napari_mineral_anomaly.window.kit.showing import ResultTurns
from napari_mineral_anomaly.window.kit.turns import Turns
from napari_mineral_anomaly.window.layers.coming.removing import remove_layers
from napari_mineral_anomaly.window.layers.links import (
    Link,
    first_layer,
    layer_by_id,
    link_of,
    linked_layers,
)
from napari_mineral_anomaly.window.layers.make import threshold_of
from napari_mineral_anomaly.window.layers.results import ReadyRun, ShownResult, ready_run
from napari_mineral_anomaly.window.layers.scans import Scan, find_scan
from napari_mineral_anomaly.window.layers.views import show_score
from napari_mineral_anomaly.window.state.of_viewer import state_of
from napari_mineral_anomaly.window.teaching.brush import (
    brush_layer,
    brushed,
    make_brush_layer,
    set_pixels,
    take_brush,
)
from napari_mineral_anomaly.words import counted

if TYPE_CHECKING:
    from napari.layers import Layer

_HINT = (
    "Brush what is ordinary, or press O on a grain: it and all grains with its signature leave the "
    "first rows. The untouched result stays."
)
_NO_RUN = "This score came from a file, not from a run: run a detector first to teach it."
_NO_SCAN = "The element maps of this score are not open: without them nothing can be taught."
_TEACHING = "Teaching"

# Long enough to lift the brush and go on, short enough to seem immediate.
SETTLE_MS = 300


class TeachingPanel(Panel):
    """The brush layer is the truth: each change of it, undo too, teaches the untouched result."""

    def __init__(self, napari_viewer: Any, executor: Executor | None = None) -> None:
        super().__init__(napari_viewer, executor, scrolls=False)
        self.board = board_of(napari_viewer)
        self.state = state_of(napari_viewer)
        self._kept = KeptCube()
        self._showing, self._removing = ResultTurns(self), Turns(self)
        # Told before and after layers are taken away on purpose.
        self.before_removal: Callable[[bool], None] = lambda paused: None
        self.grain_button = push_button(
            "&Ordinary", "Teach that the chosen grain is ordinary. (O)", self.teach_grain
        )
        self.brush_button = push_button(
            "Brush", "Brush pixels that are ordinary; the list follows.", self.take_brush
        )
        self.undo_button = push_button("Undo", "Undo the last stroke.", self.undo)
        self.redo_button = push_button("Redo", "Redo the stroke.", self.redo)
        self.clear_button = push_button(
            "Forget", "Teach nothing: remove the taught result. Undo brings it back.", self.forget
        )
        self.column.addLayout(
            flow(
                self.grain_button,
                self.brush_button,
                self.undo_button,
                self.redo_button,
                self.clear_button,
                gap=6,
            )
        )
        self.add(self.status)
        self._teach_soon = qdebounced(self.teach_now, timeout=SETTLE_MS)
        self._watch = LayerWatch(self._on_stroke)
        events = self.viewer.layers.events
        self.listen(events.inserted, self._on_layers)
        self.listen(events.removed, self._on_layers)
        self.listen(self.state.events.scan_id, self._on_layers)
        self.listen(self.state.events.score_id, self._on_layers)
        self.listen(self.session.changed, self._refresh)
        self.listen(self.board.chosen, self._refresh)
        self.listen(self.board.listed, self._refresh)
        self._on_layers()

    # What the user does

    def teach_grain(self) -> None:
        """Brush the chosen grain as ordinary."""
        listing, score = self.board.listing, self._untaught_score()
        if listing is None or self.board.grain is None or score is None:
            self.status.plain("Choose a grain first.")
            return
        layer = make_brush_layer(self.viewer, score)
        set_pixels(layer, listing.labels == self.board.grain, 1)

    def take_brush(self) -> None:
        """Take the brush on the layer of ordinary pixels."""
        score = self._untaught_score()
        if score is not None:
            take_brush(self.viewer, make_brush_layer(self.viewer, score))

    def undo(self) -> None:
        """Undo the last stroke on the layer of ordinary pixels."""
        layer = brush_layer(self.viewer, self.state.scan_id)
        if layer is not None:
            layer.undo()

    def redo(self) -> None:
        """Redo the stroke that was undone."""
        layer = brush_layer(self.viewer, self.state.scan_id)
        if layer is not None:
            layer.redo()

    def forget(self) -> None:
        """Erase everything that was brushed."""
        layer = brush_layer(self.viewer, self.state.scan_id)
        if layer is not None and np.asarray(layer.data).any():
            set_pixels(layer, brushed(layer), 0)

    def teach_now(self) -> None:
        """Teach the untouched result what is brushed; the last request counts."""
        self.jobs.cancel(_TEACHING)
        self._removing.finish()
        layer, run = brush_layer(self.viewer, self.state.scan_id), self._untaught_run()
        scan = None if self.state.scan_id is None else find_scan(self.viewer, self.state.scan_id)
        if layer is None or run is None or scan is None:
            return
        mask = brushed(layer)
        shown = self._taught_run(run)
        if not mask.any():
            self._remove_taught(run)
            return
        known = None if shown is None else shown.result.taught
        if known is not None and np.array_equal(known, mask & run.result.valid):
            return  # as after a project was opened
        try:
            cube = self._kept.of(self.viewer, scan.scan_id)
        except InputError as error:
            self.fail(error)
            return
        threshold = self._threshold_for(scan.scan_id, run)

        def work(task: Task) -> tuple[DetectionRun, int]:
            taught = teach_run(cube, run, mask, task=task)
            taught = replace(taught, result=taught.result.with_threshold(threshold))
            return taught, _others_that_fell(run, taught)

        self.status.plain("Teaching…")
        self.jobs.run(_TEACHING, work, lambda done: self._on_taught(scan, *done))

    def shut_down(self) -> None:
        """Also disconnect from the layer and drop what is still due."""
        self._teach_soon.cancel()
        self._showing.stop()
        self._removing.finish()
        self._watch.watch(None)
        self._kept.forget()
        super().shut_down()

    # What happens then

    def _on_taught(self, scan: Scan, taught: DetectionRun, others: int) -> None:
        self.jobs.run(
            _TEACHING,
            ready_run(self.viewer, self.session, scan, taught),
            lambda ready: self._on_ready(scan, taught, others, ready),
        )

    def _on_ready(self, scan: Scan, taught: DetectionRun, others: int, ready: ReadyRun) -> None:
        self._showing.show(
            scan,
            taught,
            ready,
            lambda shown: self._on_shown(scan, taught, others, shown),
            self.fail,
            stay_on=brush_layer(self.viewer, scan.scan_id),
        )

    def _on_shown(
        self, scan: Scan, taught: DetectionRun, others: int, shown: ShownResult | None
    ) -> None:
        if shown is None:
            return
        show_score(self.viewer, str(shown.score.unique_id), alone=True)
        strokes = brush_layer(self.viewer, scan.scan_id)
        if strokes is not None:
            bring_to_top(self.viewer, strokes)
        if self.state.scan_id == scan.scan_id:
            self.state.score_id = str(shown.score.unique_id)
        n = int(taught.result.info["taught_pixels"])
        self.status.good(
            f"{counted(n, 'pixel')} taught; {counted(others, 'other pixel')} with that "
            "signature fell below the threshold."
        )

    def _remove_taught(self, run: DetectionRun) -> None:
        """Show the untouched result again, and take the layers of the taught one away in turns."""
        self._showing.stop()
        scan_id, name = self.state.scan_id, taught_name(run.fitted.name)
        score = first_layer(self.viewer, "score", scan_id, detector=run.fitted.name)
        if score is not None:
            self.state.score_id = str(score.unique_id)
            show_score(self.viewer, self.state.score_id, alone=True)
        self.status.plain(_HINT)
        # The score first: without it the project holds no taught result any more.
        taught = list(linked_layers(self.viewer, scan_id, detector=name))
        score_first = [
            [layer for layer, link in taught if (link.role == "score") == is_score]
            for is_score in (True, False)
        ]
        self._removing.do(*(partial(self._remove, layers) for layers in score_first))
        if self.works_at_once:
            self._removing.finish()

    def _remove(self, layers: list[Layer]) -> None:
        self.before_removal(True)
        remove_layers(self.viewer, layers)
        self.before_removal(False)

    def _on_stroke(self) -> None:
        self._refresh()
        self._teach_soon()

    def _on_layers(self, event: Any = None) -> None:
        self._watch.watch(brush_layer(self.viewer, self.state.scan_id))
        self._refresh()

    def _refresh(self) -> None:
        score, run = self._score(), self._untaught_run()
        layer = brush_layer(self.viewer, self.state.scan_id)
        can_teach = run is not None and self._has_maps()
        self.grain_button.setEnabled(can_teach and self.board.grain is not None)
        self.brush_button.setEnabled(can_teach)
        for button in (self.undo_button, self.redo_button, self.clear_button):
            button.setEnabled(can_teach and layer is not None)
        if self.jobs.is_running(_TEACHING):
            return
        if score is not None and run is None:
            self.status.plain(_NO_RUN)
        elif score is not None and not can_teach:
            self.status.plain(_NO_SCAN)
        elif self.status.text() in ("", _NO_RUN, _NO_SCAN):
            self.status.plain(_HINT)

    # What there is

    def _score(self) -> Layer | None:
        return layer_by_id(self.viewer, self.state.score_id)

    def _has_maps(self) -> bool:
        return first_layer(self.viewer, "element", self.state.scan_id) is not None

    def _untaught_run(self) -> DetectionRun | None:
        """The untouched run of the score that is shown."""
        score = self._score()
        link = None if score is None else link_of(score)
        if link is None or link.detector is None:
            return None
        return self.session.run_of(replace(link, detector=untaught_name(link.detector)))

    def _untaught_score(self) -> Layer | None:
        """The layer of the untouched score; without it, that of the taught one."""
        run = self._untaught_run()
        if run is None:
            return None
        found = first_layer(self.viewer, "score", self.state.scan_id, detector=run.fitted.name)
        return found or self._score()

    def _taught_run(self, run: DetectionRun) -> DetectionRun | None:
        scan_id = self.state.scan_id
        if scan_id is None:
            return None
        return self.session.run_of(Link(scan_id, "score", detector=taught_name(run.fitted.name)))

    def _threshold_for(self, scan_id: str, run: DetectionRun) -> float:
        """The threshold of the taught score as the user set it; at first that of the untouched."""
        for name in (taught_name(run.fitted.name), run.fitted.name):
            layer = first_layer(self.viewer, "score", scan_id, detector=name)
            if layer is not None:
                return threshold_of(layer)
        return float(run.result.threshold)


def _others_that_fell(run: DetectionRun, taught: DetectionRun) -> int:
    """Pixels that fell below the threshold without being taught themselves, for a worker."""
    threshold, own = taught.result.threshold, taught.result.taught
    odd_before = run.result.score >= threshold
    fell = int(np.count_nonzero(odd_before & (taught.result.score < threshold)))
    return fell if own is None else max(0, fell - int(np.count_nonzero(own & odd_before)))
