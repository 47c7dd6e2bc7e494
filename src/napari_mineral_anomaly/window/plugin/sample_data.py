"""napari sample data: simulated thin sections, made when they are opened."""

from __future__ import annotations

from napari import current_viewer

from napari_mineral_anomaly.simulate import simulate_section
from napari_mineral_anomaly.window.layers.links import Link
from napari_mineral_anomaly.window.layers.make import (
    LayerData,
    element_layers,
    new_scan_id,
    spatial_kwargs,
    truth_labels,
)
from napari_mineral_anomaly.window.plugin.commands import show_workbench_soon

# Rows and columns: small enough to appear at once, large enough for some dozen odd grains.
SHAPE = (160, 240)
SEED = 1


def easy_section() -> list[LayerData]:
    """A gneiss with small bright grains of gold, monazite, zircon, galena and chalcopyrite."""
    return _section("easy")


def hard_section() -> list[LayerData]:
    """A mica schist with few counts per pixel; odd grains of the same elements as the matrix."""
    return _section("hard")


def _section(scene: str) -> list[LayerData]:
    show_workbench_soon(current_viewer())
    section = simulate_section(scene, shape=SHAPE, seed=SEED)
    name, scan_id = f"simulated, {scene}", new_scan_id()
    layers = element_layers(section.cube, scan=name, scan_id=scan_id)
    data, kwargs, kind = truth_labels(
        section.truth,
        title=name,
        link=Link(scan_id, "truth", scan=name),
        spatial=spatial_kwargs(section.cube.pixel_size),
    )
    # Hidden, so that users can search before they see the answer.
    return [*layers, (data, kwargs | {"visible": False}, kind)]
