"""Images beside the maps: how strongly each is seen, and images of other grids."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QFileDialog, QGridLayout, QLabel, QSlider, QWidget

from napari_mineral_anomaly.errors import InputError
from napari_mineral_anomaly.io.reading.companions import context_image
from napari_mineral_anomaly.scan.context import ContextImage
from napari_mineral_anomaly.scan.looking.registration import FEWEST_PAIRS, register
from napari_mineral_anomaly.window.jobs import Executor
from napari_mineral_anomaly.window.kit.controls import push_button, row
from napari_mineral_anomaly.window.kit.panel import Panel
from napari_mineral_anomaly.window.kit.wheel import calm_wheel
from napari_mineral_anomaly.window.layers.links import (
    first_layer,
    link_of,
    linked_layers,
    relink,
)
from napari_mineral_anomaly.window.layers.make import add, context_layer, pixel_size_of, spatial_of
from napari_mineral_anomaly.window.looking.marking import PairMarking, world_matrix
from napari_mineral_anomaly.window.state.of_viewer import state_of
from napari_mineral_anomaly.words import counted

_FILES = "Images (*.tif *.tiff *.png *.jpg *.jpeg *.bmp *.npy *.txt *.csv);;All files (*)"
_HALF = 50


class ImagesPanel(Panel):
    """A slider for each image, and the pairs of points that lay another one onto the maps.

    Attributes
    ----------
    sliders : dict of str to QSlider
        By the ``unique_id`` of the layer.
    marking : PairMarking or None
        While the user marks pairs of points.
    """

    def __init__(self, viewer: Any, executor: Executor | None = None) -> None:
        super().__init__(viewer, executor, scrolls=False)
        self._state = state_of(viewer)
        self.marking: PairMarking | None = None
        self.sliders: dict[str, QSlider] = {}
        self._rows = QWidget()
        self._grid = QGridLayout(self._rows)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self.add_button = push_button(
            "Add an image of another grid…",
            "An electron image or a picture with other pixels than the maps: mark three or more "
            "places on both, and it is laid onto the maps.",
            self._choose_file,
        )
        self.lay_button = push_button(
            "Lay it onto the map", "Use the pairs of points that are marked.", self.lay
        )
        self.give_up_button = push_button("Give up", "Take the image away again.", self.give_up)
        self.add(self._rows, self.add_button, row(self.lay_button, self.give_up_button))
        self.add(self.status)
        self.listen(self._state.events.scan_id, self._on_section)
        self.listen(self.viewer.layers.events.inserted, self._show_rows)
        self.listen(self.viewer.layers.events.removed, self._show_rows)
        self._show_marking()
        self._show_rows()

    def open_image(self, path: str | Path) -> None:
        """Read an image, and lay it beside the map to mark pairs of points."""
        place = Path(path)

        def work(task: Any) -> ContextImage:
            found = context_image(place)
            _ = found.image  # read here, not while the window waits
            return found

        self.jobs.run("Reading an image", work, self._on_image)

    def lay(self) -> None:
        """Lay the image onto the maps by the pairs that are marked."""
        marking = self.marking
        if marking is None:
            return
        on_image, on_map = marking.pairs()
        try:
            found = register(on_image, on_map, pixel_size_of(marking.element))
        except InputError as error:
            self.status.error(str(error))
            return
        pairs = [
            (*image, *own) for image, own in zip(on_image.tolist(), on_map.tolist(), strict=True)
        ]
        image = marking.image
        relink(image, pairs=pairs)
        image.affine = world_matrix(marking.element) @ found.matrix
        self._end_marking()
        self.sliders[str(image.unique_id)].setValue(_HALF)
        self.active.fit()
        self.status.good(
            f"Laid onto the map. {self._fit_words(found.residuals.tolist(), found.rms)}"
        )

    def give_up(self) -> None:
        """Take the image that is being laid away."""
        if self.marking is not None:
            image = self.marking.image
            self._end_marking()
            if image in self.viewer.layers:
                self.viewer.layers.remove(image)
            self.active.fit()
            self.status.plain("")

    def shut_down(self) -> None:
        """Also take the points away."""
        super().shut_down()
        self._end_marking()

    def _choose_file(self) -> None:
        path, _ = QFileDialog.getOpenFileName(self, "Image to lay onto the maps", "", _FILES)
        if path:
            self.open_image(path)

    def _on_image(self, context: ContextImage) -> None:
        element = first_layer(self.viewer, "element", self._state.scan_id)
        link = None if element is None else link_of(element)
        if element is None or link is None:
            self.status.plain("Open a section first.")
            return
        self.give_up()
        spatial = {**spatial_of(element), "scale": (1.0, 1.0), "translate": (0.0, 0.0)}
        data = context_layer(context, scan=link.scan, scan_id=link.scan_id, spatial=spatial)
        image = add(self.viewer, data)
        self.marking = PairMarking(self.viewer, element, image, self._show_fit)
        self._show_marking()
        self._show_fit()

    def _show_fit(self, event: Any = None) -> None:
        marking = self.marking
        if marking is None:
            return
        on_image, on_map = marking.pairs()
        n = len(on_image)
        self.lay_button.setEnabled(n >= FEWEST_PAIRS)
        if n < FEWEST_PAIRS:
            self.status.plain(
                f"Click a place on the image, then the same place on the map. "
                f"{counted(n, 'pair')} of at least {FEWEST_PAIRS} are marked."
            )
            return
        try:
            found = register(on_image, on_map, pixel_size_of(marking.element))
        except InputError as error:
            self.status.warning(str(error))
            return
        self.status.plain(self._fit_words(found.residuals.tolist(), found.rms))

    def _fit_words(self, residuals: list[float], rms: float) -> str:
        element = first_layer(self.viewer, "element", self._state.scan_id)
        unit = "pixels" if element is None or pixel_size_of(element) is None else "µm"
        if len(residuals) == FEWEST_PAIRS:
            return "Three pairs always fit: mark a fourth to see how well."
        each = ", ".join(f"{number}: {one:.3g}" for number, one in enumerate(residuals, start=1))
        return f"Residuals {each} {unit}; root mean square {rms:.3g} {unit}."

    def _end_marking(self) -> None:
        if self.marking is not None:
            marking, self.marking = self.marking, None
            marking.end()
        self._show_marking()

    def _show_marking(self) -> None:
        is_marking = self.marking is not None
        self.add_button.setVisible(not is_marking)
        self.lay_button.setVisible(is_marking)
        self.give_up_button.setVisible(is_marking)

    def _on_section(self, scan_id: str | None) -> None:
        self.give_up()
        self._show_rows()

    def _show_rows(self, event: Any = None) -> None:
        """A name and a slider for each image of the section."""
        found = list(linked_layers(self.viewer, self._state.scan_id, "context"))
        if self._state.scan_id is None:
            found = []
        if [str(layer.unique_id) for layer, _ in found] == list(self.sliders):
            return
        while self._grid.count():
            item = self._grid.takeAt(0)
            if item is not None and item.widget() is not None:
                item.widget().hide()
                item.widget().deleteLater()
        self.sliders = {}
        for number, (layer, _) in enumerate(found):
            name = QLabel(str(layer.name).split(" · ")[0])
            slider = QSlider(Qt.Orientation.Horizontal)
            slider.setRange(0, 100)
            slider.setValue(round(100 * layer.opacity) if layer.visible else 0)
            slider.setToolTip(
                "How strongly the image is seen over the maps; at the left not at all."
            )
            slider.setAccessibleName(f"Opacity of {name.text()}")
            slider.valueChanged.connect(lambda value, layer=layer: self._see(layer, value))
            self.sliders[str(layer.unique_id)] = slider
            self._grid.addWidget(name, number, 0)
            self._grid.addWidget(slider, number, 1)
        calm_wheel(self._rows)  # the panel may be in sight already
        self._rows.setVisible(bool(found))

    def _see(self, layer: Any, percent: int) -> None:
        """Show an image above the maps; at 0 it is hidden."""
        layers = self.viewer.layers
        if layer not in layers:
            return
        layer.visible = percent > 0
        if not percent:
            return
        layer.opacity = percent / 100
        maps = linked_layers(self.viewer, self._state.scan_id, "element")
        highest = max((layers.index(one) for one, _ in maps), default=0)
        if layers.index(layer) < highest:
            layers.move(layers.index(layer), highest + 1)
