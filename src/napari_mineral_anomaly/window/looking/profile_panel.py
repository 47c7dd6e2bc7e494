"""A profile along a line that the user draws on the map."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from superqt.utils import qthrottled

from napari_mineral_anomaly.scan.looking.profile import profile_along
from napari_mineral_anomaly.window.jobs import Executor
from napari_mineral_anomaly.window.kit.controls import form_layout, push_button, row, spin_box
from napari_mineral_anomaly.window.kit.panel import Panel
from napari_mineral_anomaly.window.kit.saving import choose_and_save, save_file
from napari_mineral_anomaly.window.layers.links import Link, first_layer, linked_layers
from napari_mineral_anomaly.window.layers.make import add, pixel_size_of, spatial_of
from napari_mineral_anomaly.window.looking.profile_plot import ProfilePlot
from napari_mineral_anomaly.window.state.of_viewer import state_of

_FOLLOW_MS = 100
_COLOUR = "#f08030"


class ProfilePanel(Panel):
    """Draws the line, shows the chosen elements along it, saves all elements as CSV.

    Attributes
    ----------
    profile : DataFrame or None
        The table of the line that was drawn last.
    """

    def __init__(self, viewer: Any, executor: Executor | None = None) -> None:
        super().__init__(viewer, executor, scrolls=False)
        self._state = state_of(viewer)
        self._elements: tuple[str, ...] = ()
        self._line: Any = None
        self.profile: pd.DataFrame | None = None
        self.draw_button = push_button(
            "Draw a line",
            "Press the mouse on the map, and let go where the line shall end. A new line takes the "
            "place of the old one.",
            self.draw,
        )
        self.save_button = push_button(
            "Save as CSV…",
            "Distance and all elements along the line, with their counting errors.",
            self._choose_file,
        )
        self.width = spin_box(
            1, 99, 1, tooltip="The mean of so many pixels across the line; its error is smaller."
        )
        self.width.setSuffix(" px wide")
        self.width.valueChanged.connect(self.refresh)
        self.plot = ProfilePlot()
        form = form_layout()
        form.addRow("Mean over", self.width)
        self.column.addLayout(row(self.draw_button, self.save_button))
        self.add(form, self.plot, self.status)
        self._follow = qthrottled(self.refresh, timeout=_FOLLOW_MS)
        self.colour_by_theme(self.plot)
        self.listen(self._state.events.scan_id, self._on_section)
        self._on_section()

    def draw(self) -> None:
        """Let the user draw on the map."""
        element = first_layer(self.viewer, "element", self._state.scan_id)
        if element is None:
            self.status.plain("Open a section first.")
            return
        if self._line is None or self._line not in self.viewer.layers:
            link = Link(str(self._state.scan_id), "profile")
            kwargs = {
                "name": "profile line",
                "ndim": 2,
                "edge_color": _COLOUR,
                "edge_width": 1,
                "metadata": link.metadata(),
                **spatial_of(element),
            }
            self._take(add(self.viewer, ([], kwargs, "shapes")))
        self.viewer.layers.selection.active = self._line
        self._line.visible = True
        self._line.mode = "add_line"
        self.status.plain("Draw a line on the map.")

    def show_elements(self, elements: Sequence[str]) -> None:
        """Draw these elements in the figure."""
        self._elements = tuple(elements)
        self._draw_figure()

    def refresh(self, value: Any = None) -> None:
        """Read the maps along the newest line."""
        lines = [] if self._line is None else list(self._line.data)
        elements = list(linked_layers(self.viewer, self._state.scan_id, "element"))
        if not lines or not elements:
            return
        layer, link = elements[0]
        planes = [one.data for one, _ in elements]
        names = [own.element or one.name for one, own in elements]
        line, width = np.asarray(lines[-1], dtype=float)[:, -2:], self.width.value()
        size, is_counts = pixel_size_of(layer), link.quantity == "counts"
        self.jobs.run(
            "Reading the profile",
            lambda task: profile_along(
                planes, names, line, pixel_size=size, is_counts=is_counts, width=width
            ),
            self._on_profile,
        )

    def save(self, path: str | Path) -> None:
        """Write the profile; it replaces an earlier file of that name."""
        profile = self.profile
        if profile is not None:
            save_file(path, lambda to: profile.to_csv(to, index=False), self.status)

    def _choose_file(self) -> None:
        choose_and_save(self, "Save the profile", "profile.csv", "CSV (*.csv)", self.save)

    def _on_section(self, scan_id: str | None = None) -> None:
        self.profile = None
        self.plot.hide()
        self.save_button.setEnabled(False)
        self._line = None
        own = self._state.scan_id
        line = None if own is None else first_layer(self.viewer, "profile", own)
        if line is not None:
            self._take(line)
            self.refresh()

    def _take(self, line: Any) -> None:
        self._line = line
        self.listen(line.events.data, self._follow)

    def _on_profile(self, profile: pd.DataFrame) -> None:
        self.profile = profile
        self.save_button.setEnabled(True)
        first = profile.columns[0]
        length, unit = float(profile[first].max()), first.removeprefix("distance_")
        self.status.plain(f"{length:,.4g} {unit.replace('um', 'µm')}, {len(profile)} steps.")
        self._draw_figure()

    def _draw_figure(self) -> None:
        table = self.profile
        if table is None:
            return
        shown = [one for one in self._elements if one in table]
        self.plot.setVisible(bool(shown))
        if shown:
            self.plot.show_profile(table, shown)
