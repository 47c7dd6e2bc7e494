"""Drives a real window while `event_meter` measures. A part of `window_events/run.py`."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from qtpy.QtWidgets import QApplication

from event_meter import Watcher
from napari_mineral_anomaly.simulate import SimulatedSection
from napari_mineral_anomaly.window.kit.opening import open_dock, open_step
from napari_mineral_anomaly.window.layers.links import linked_layers

# Seconds to wait for the effects of a step.
SETTLED = 0.5


@dataclass(eq=False)
class Driver:
    """A window that a script drives while the watcher measures.

    Attributes
    ----------
    section : SimulatedSection or None
        What the folder holds; None for a scan of the user.
    folder : Path
        With the maps.
    scratch : Path
        For what is written.
    """

    watcher: Watcher
    viewer: Any
    section: SimulatedSection | None
    folder: Path
    scratch: Path
    docks: dict[str, Any] = field(default_factory=dict)
    # Seconds to wait for the window.
    patience: float = 300
    # Grains, and seconds (by the clock, of the processor) from the start of the work to the list.
    listing: tuple[int, float, float] = (0, 0.0, 0.0)
    # Seconds (by the clock, of the processor) from a stroke of the teaching brush to the new list.
    teaching: tuple[float, float] | None = None

    def turn(self) -> None:
        """One turn of the event loop; the longest turn of each feature is kept."""
        started = time.perf_counter()
        QApplication.processEvents()
        stall = time.perf_counter() - started
        stalls, feature = self.watcher.stalls, self.watcher.feature
        stalls[feature] = max(stall, stalls.get(feature, 0.0))
        time.sleep(0.002)

    def wait(self, seconds: float) -> None:
        """Let the event loop run."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.turn()

    def until(self, done: Callable[[], bool]) -> None:
        """Wait until ``done``, then for the effects."""
        end = time.monotonic() + self.patience
        while not done():
            if time.monotonic() > end:
                raise TimeoutError(f"{self.watcher.feature}: the window did not get there")
            self.turn()
        self.wait(SETTLED)

    def dock(self, name: str) -> Any:
        """A dock; it is opened if it is not open yet."""
        if name not in self.docks:
            self.docks[name] = open_dock(self.viewer, name)
            self.wait(0.5)
        return self.docks[name]

    def step(self, name: str) -> Any:
        """A step of the workbench; it is shown, in as many turns as it takes."""
        workbench = open_step(self.viewer, name)
        while workbench.is_changing:
            self.turn()
        return workbench.step(name)

    @property
    def truth(self) -> NDArray[np.bool_]:
        """The true grains (H, W) of a simulated section."""
        assert self.section is not None, "only simulated sections have a truth"
        return self.section.truth

    @property
    def elements(self) -> list[Any]:
        """The layers of the element maps."""
        return [layer for layer, _ in linked_layers(self.viewer, role="element")]

    def layer(self, role: str) -> Any:
        """The newest layer of a kind."""
        return list(linked_layers(self.viewer, role=role))[-1][0]
