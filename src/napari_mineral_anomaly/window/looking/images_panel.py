"""Images beside the maps: how strongly each is seen, and images of other grids."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QFileDialog, QGridLayout, QLabel, QPushButton, QSlider, QWidget

from napari_mineral_anomaly.errors import InputError
from napari_mineral_anomaly.io.reading.companions import context_image
from napari_mineral_anomaly.scan.context import ContextImage
from napari_mineral_anomaly.scan.looking.registration import FEWEST_PAIRS, Registration, register
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


class _Laid(NamedTuple):
    """How an image lies and is seen."""

    affine: Any
    opacity: float
    visible: bool


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
        self._before: _Laid | None = None  # how the image lay that is being marked again
        self.sliders: dict[str, QSlider] = {}
        self._corrections: dict[str, QPushButton] = {}
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
        self.undo_button = push_button("Undo a point", "Take the newest point away.", self.undo)
        self.give_up_button = push_button(
            "Give up", "Leave the image as it was before you marked points.", self.give_up
        )
        self.add(self._rows, self.add_button, self.lay_button)
        self.add(row(self.undo_button, self.give_up_button), self.status)
        self.listen(self._state.events.scan_id, self._on_section)
        self.listen(self.viewer.layers.events.inserted, self._show_rows)
        self.listen(self.viewer.layers.events.removed, self._on_removed)
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
        self.status.good(f"Laid onto the map. {self._fit_words(found)}")

    def correct(self, image: Any) -> None:
        """Mark the points of an image that was laid onto the map again."""
        link = link_of(image)
        if link is not None and link.pairs:
            self.give_up()
            self._before = _Laid(image.affine.affine_matrix, image.opacity, image.visible)
            self._begin(image, link.pairs)

    def undo(self) -> None:
        """Take the newest point away."""
        if self.marking is not None:
            self.marking.undo()

    def give_up(self) -> None:
        """Take the image that is being laid away; one that was laid before lies as it did."""
        if self.marking is None:
            return
        image, before = self.marking.image, self._before
        self._end_marking()
        if before is not None:
            image.affine, image.opacity, image.visible = before
            self._show_opacity(image)
        elif image in self.viewer.layers:
            self.viewer.layers.remove(image)
        self.active.fit()
        self.status.plain("")

    def resume(self) -> None:
        """Let the mouse add points again, after another step was shown."""
        if self.marking is not None:
            self.marking.resume()

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
        self._begin(add(self.viewer, data))

    def _begin(self, image: Any, pairs: Sequence[Sequence[float]] = ()) -> None:
        element = first_layer(self.viewer, "element", self._state.scan_id)
        self.marking = PairMarking(self.viewer, element, image, self._show_fit, pairs)
        self._show_opacity(image)
        self._show_marking()
        self._show_fit()

    def _show_fit(self) -> None:
        marking = self.marking
        if marking is None:
            return
        on_image, on_map = marking.pairs()
        self.undo_button.setEnabled(len(marking.points.data) > 0)
        found = None
        try:
            found = register(on_image, on_map, pixel_size_of(marking.element))
        except InputError as error:
            if len(on_image) >= FEWEST_PAIRS:
                self.status.warning(str(error))
        self.lay_button.setEnabled(found is not None)
        if found is not None or len(on_image) < FEWEST_PAIRS:
            parts = [_next_click(marking), "" if found is None else self._fit_words(found)]
            self.status.plain(" ".join(filter(None, parts)))

    def _fit_words(self, found: Registration) -> str:
        element = first_layer(self.viewer, "element", self._state.scan_id)
        unit = "pixels" if element is None or pixel_size_of(element) is None else "µm"
        if len(found.residuals) == FEWEST_PAIRS:
            return "Three pairs always fit: only a fourth shows how well."
        each = ", ".join(f"{k}: {one:.1f}" for k, one in enumerate(found.residuals, start=1))
        return f"Residuals {each} {unit}; root mean square {found.rms:.1f} {unit}."

    def _end_marking(self) -> None:
        if self.marking is not None:
            marking, self.marking = self.marking, None
            self._before = None
            marking.end()
        self._show_marking()

    def _show_marking(self) -> None:
        is_marking = self.marking is not None
        self.add_button.setVisible(not is_marking)
        self.lay_button.setVisible(is_marking)
        laid = {
            str(layer.unique_id)
            for layer, link in linked_layers(self.viewer, self._state.scan_id, "context")
            if link.pairs
        }
        for key, button in self._corrections.items():
            button.setVisible(key in laid and not is_marking)
        for button in (self.undo_button, self.give_up_button):
            button.setVisible(is_marking)

    def _on_removed(self, event: Any) -> None:
        """Without the image or its points there is nothing to lay."""
        marking = self.marking
        if marking is not None and not marking.is_whole:
            if marking.image in self.viewer.layers:
                self.give_up()
                self.status.plain("The points were removed: start again.")
            else:
                self._end_marking()
                self.active.fit()
                self.status.plain("The image was removed.")
        self._show_rows()

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
        self.sliders, self._corrections = {}, {}
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
            correct = push_button(
                "Correct…",
                "Lay the image beside the map again, with its points.",
                partial(self.correct, layer),
            )
            self._corrections[str(layer.unique_id)] = correct
            for column, part in enumerate((name, slider, correct)):
                self._grid.addWidget(part, number, column)
        self._show_marking()
        calm_wheel(self._rows)  # the panel may be in sight already
        self._rows.setVisible(bool(found))

    def _show_opacity(self, image: Any) -> None:
        """Let the slider of an image say how strongly it is seen."""
        slider = self.sliders.get(str(image.unique_id))
        if slider is not None:
            slider.blockSignals(True)
            slider.setValue(round(100 * image.opacity) if image.visible else 0)
            slider.blockSignals(False)

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


def _next_click(marking: PairMarking) -> str:
    """What to click next."""
    on_image, on_map = (len(points) for points in marking.points_on_both())
    beside = marking.n_beside
    if beside:
        lies = "1 point lies" if beside == 1 else f"{beside} points lie"
        return f"{lies} neither on the image nor on the map: move it there, or undo it."
    if on_image > on_map:
        return f"Now click place {on_map + 1} on the map."
    if on_map > on_image:
        return f"Now click place {on_image + 1} on the image."
    if on_image < FEWEST_PAIRS:
        return (
            "Click a place on the image, then the same place on the map. "
            f"{counted(on_image, 'pair')} of at least {FEWEST_PAIRS} are marked."
        )
    return ""
