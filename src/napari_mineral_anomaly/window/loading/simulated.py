"""The layers of a simulated thin section, for a worker."""

from __future__ import annotations

from napari_mineral_anomaly.progress import SILENT, Task
from napari_mineral_anomaly.window.layers.links import Link
from napari_mineral_anomaly.window.layers.make import (
    LayerData,
    element_layers,
    spatial_kwargs,
    truth_labels,
)

# Rows and columns: small enough to appear at once, large enough for some dozen odd grains.
SHAPE = (160, 240)
SEED = 1


def simulated_name(scene: str) -> str:
    """The name of a simulated section, for people."""
    return f"simulated, {scene}"


def simulated_layers(scene: str, scan_id: str, *, task: Task = SILENT) -> list[LayerData]:
    """Simulate a section; its element maps, and its truth as a hidden layer.

    Raises
    ------
    CancelledError
    """
    from napari_mineral_anomaly.simulate import simulate_section  # takes a second or two

    section = simulate_section(scene, shape=SHAPE, seed=SEED, task=task)
    name = simulated_name(scene)
    layers = element_layers(section.cube, scan=name, scan_id=scan_id)
    data, kwargs, kind = truth_labels(
        section.truth,
        title=name,
        link=Link(scan_id, "truth", scan=name),
        spatial=spatial_kwargs(section.cube.pixel_size),
    )
    # Hidden, so that users can search before they see the answer. Below the maps, so that the
    # layer at the top is one that is seen.
    return [(data, kwargs | {"visible": False}, kind), *layers]
