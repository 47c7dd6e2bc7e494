"""Simulated thin sections with exact truth.

>>> from napari_mineral_anomaly.simulate import simulate_section
>>> section = simulate_section("easy", shape=(64, 64), seed=1)
>>> section.cube.shape, int(section.truth.max())
((64, 64), 1)
"""

from __future__ import annotations

from napari_mineral_anomaly.simulate.scene_names import SCENES
from napari_mineral_anomaly.simulate.section import SimulatedSection, simulate_section
from napari_mineral_anomaly.simulate.write import write_section

__all__ = ["SCENES", "SimulatedSection", "simulate_section", "write_section"]
