"""Retraining: runs the detector of a pseudo-label layer again, with the edited labels."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from napari_mineral_anomaly.detectors.clusters.editing import ClusterMap
from napari_mineral_anomaly.detectors.pipeline import DetectionRun
from napari_mineral_anomaly.detectors.registry import make_config
from napari_mineral_anomaly.detectors.retraining import Retrained, retrain
from napari_mineral_anomaly.errors import InputError
from napari_mineral_anomaly.progress import ProgressEvent, Task
from napari_mineral_anomaly.window.clusters.work import with_later_strokes
from napari_mineral_anomaly.window.jobs import Failure
from napari_mineral_anomaly.window.kit.docks.dock import Dock
from napari_mineral_anomaly.window.kit.showing import ResultTurns
from napari_mineral_anomaly.window.layers.links import layer_by_id, link_of
from napari_mineral_anomaly.window.layers.results import ReadyRun, ShownResult, ready_run
from napari_mineral_anomaly.window.layers.scans import Scan, cube_from_layers, find_scan
from napari_mineral_anomaly.words import counted

_RETRAINING, _MASKING = "Retraining", "Making the mask"


class Retraining:
    """One run at a time, with the parameters of the run that made the labels."""

    def __init__(
        self,
        dock: Dock,
        show_busy: Callable[[bool], None],
        show_events: Callable[[Sequence[ProgressEvent]], None],
        adopt: Callable[[str, ClusterMap], None],
    ) -> None:
        self._dock, self._show_busy, self._show_events = dock, show_busy, show_events
        self._showing = ResultTurns(dock)
        self._adopt = adopt
        self._earlier: DetectionRun | None = None

    @property
    def running(self) -> bool:
        """Whether a run is going on."""
        return self._dock.jobs.is_running(_RETRAINING, _MASKING) or self._showing.pending

    def start(self, layer: Any, clusters: Callable[[], ClusterMap]) -> None:
        """Run the detector that made ``layer``, learning from the background of ``clusters``.

        The worker calls ``clusters``, because it looks at every pixel.
        """
        dock, link = self._dock, link_of(layer)
        scan = None if link is None else find_scan(dock.viewer, link.scan_id)
        if link is None or link.detector is None or scan is None:
            dock.status.error("The scan or the detector of these labels is not known.")
            return
        earlier = dock.session.run_of(link)
        self._earlier, name = earlier, link.detector
        try:
            config = make_config(name) if earlier is None else earlier.fitted.config
            cube = cube_from_layers(dock.viewer, scan.scan_id)
        except InputError as error:
            dock.fail(error)
            return
        self.cancel()
        self._show_busy(True)
        dock.status.plain("Retraining: starting…")

        def work(task: Task) -> tuple[ClusterMap, Retrained]:
            learned = clusters()
            return learned, retrain(cube, name, config, learned, task=task)

        dock.jobs.run(
            _RETRAINING,
            work,
            lambda done: self._on_done(scan, str(layer.unique_id), *done),
            on_events=self._show_events,
            on_failed=self._on_failed,
            on_cancelled=self._on_cancelled,
        )

    def cancel(self) -> None:
        """Cancel the run."""
        self._dock.jobs.cancel(_RETRAINING, _MASKING)

    def _on_done(
        self, scan: Scan, layer_id: str, learned: ClusterMap, retrained: Retrained
    ) -> None:
        """Make the mask of the finished run; until it is shown, the user can cancel."""
        dock = self._dock
        dock.jobs.run(
            _MASKING,
            ready_run(dock.viewer, dock.session, scan, retrained.run),
            lambda ready: self._on_ready(scan, layer_id, learned, retrained, ready),
            on_failed=self._on_failed,
            on_cancelled=self._on_cancelled,
        )

    def _on_ready(
        self,
        scan: Scan,
        layer_id: str,
        learned: ClusterMap,
        retrained: Retrained,
        ready: ReadyRun,
    ) -> None:
        layer, now = layer_by_id(self._dock.viewer, layer_id), retrained.clusters.labels
        labels = now
        # Another run may have replaced the labels meanwhile: these are no strokes.
        if layer is not None and self._dock.session.run_of(link_of(layer)) is self._earlier:
            labels = with_later_strokes(now, learned.labels, layer.data)
        self._adopt(layer_id, retrained.clusters)
        self._showing.show(
            scan,
            retrained.run,
            ready,
            lambda shown: self._on_shown(retrained, shown),
            self._on_failed,
        )
        if layer is not None and labels is not now:
            layer.data = labels  # the run knows nothing of these strokes: the next training does

    def _on_shown(self, retrained: Retrained, shown: ShownResult | None) -> None:
        self._end("")
        if shown is None:
            return
        dock = self._dock
        counts = dock.session.count_mask(shown.score, shown.mask)
        n = retrained.run.result.info["background_pixels_given"]
        dock.status.good(
            f"Retrained on {counted(n, 'background pixel')}: now "
            f"{counted(counts.pixels, 'pixel')} in {counted(counts.grains, 'grain')} are at or "
            "above the threshold."
        )

    def _on_cancelled(self) -> None:
        self._end("Retraining was cancelled; nothing was changed.")

    def _on_failed(self, reason: Failure | InputError) -> None:
        self._end("")
        self._dock.fail(reason)

    def _end(self, text: str) -> None:
        self._show_busy(False)
        self._dock.status.plain(text)
