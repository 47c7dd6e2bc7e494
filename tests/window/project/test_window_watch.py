"""No change of a section is missed by its project."""

from __future__ import annotations

import pytest
from napari.components import ViewerModel

from napari_mineral_anomaly.window.layers.links import first_layer
from napari_mineral_anomaly.window.project.watch import SectionWatch
from napari_mineral_anomaly.window.workbench.steps.find_step import FindStep


@pytest.mark.parametrize("role", ["mask", "pseudo_labels"])
def test_a_stroke_is_noticed_before_the_next_turn_of_the_event_loop(
    run_rx: FindStep, scanned: ViewerModel, scan_id: str, role: str
) -> None:
    changes: list[str] = []
    watch = SectionWatch(scanned, scan_id, changes.append, lambda: None)
    first_layer(scanned, role).paint((5, 6), 1)
    watch.close()
    assert changes
