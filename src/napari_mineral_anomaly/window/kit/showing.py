"""Show a finished run in several turns of the event loop, for the panels that start runs."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from napari_mineral_anomaly.detectors.pipeline import DetectionRun
from napari_mineral_anomaly.errors import InputError
from napari_mineral_anomaly.window.kit.panel import Panel
from napari_mineral_anomaly.window.kit.turns import Step, Turns
from napari_mineral_anomaly.window.layers.results import ReadyRun, ResultInSteps, ShownResult
from napari_mineral_anomaly.window.layers.scans import Scan

if TYPE_CHECKING:
    from napari.layers import Layer


class ResultTurns:
    """Shows one run after the other. napari needs a quarter of a second for each new layer.

    Parameters
    ----------
    panel : Panel
        When it is destroyed, the remaining steps are dropped.
    """

    def __init__(self, panel: Panel) -> None:
        self._panel, self._turns = panel, Turns(panel)

    @property
    def pending(self) -> bool:
        """Whether a result is not entirely shown yet."""
        return self._turns.pending

    def show(
        self,
        scan: Scan,
        run: DetectionRun,
        ready: ReadyRun,
        on_shown: Callable[[ShownResult | None], None],
        on_failed: Callable[[InputError], None],
        *,
        stay_on: Layer | None = None,
        before_labels: Callable[[Layer], None] | None = None,
    ) -> None:
        """Show a run, its first step at once; one that is still being shown stays as it is.

        Parameters
        ----------
        scan, run, ready
            As for `layers.results.show_result`.
        on_shown : callable
            Called in a turn of its own with the layers; with None if the user removed the score
            meanwhile.
        on_failed : callable
            Called when the element layers do not fit the run any more.
        stay_on : Layer, optional
            A layer on which the user is drawing: napari makes each new layer the active one.
        before_labels : callable, optional
            As for `layers.results.ResultInSteps`.
        """
        panel = self._panel
        showing = ResultInSteps(panel.viewer, panel.session, scan, run, ready, before_labels)

        selection = panel.viewer.layers.selection

        def take(step: Step) -> None:
            stays = stay_on is not None and selection.active is stay_on
            try:
                step()
            except InputError as error:
                self._turns.cancel()
                on_failed(error)
            if stays:
                selection.active = stay_on

        first, *others = showing.steps
        self._turns.do(*(partial(take, step) for step in others), lambda: on_shown(showing.shown()))
        take(first)
        if panel.works_at_once:
            self._turns.finish()

    def stop(self) -> None:
        """Drop the remaining steps; a run whose score is there already is saved all the same."""
        if self._turns.pending:
            self._turns.cancel()
            self._panel.session.changed.emit()
