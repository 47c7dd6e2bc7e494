"""*Pseudo-labels*: name, merge and split the clusters behind the score, and retrain with them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial, reduce
from typing import Any

import numpy as np
from napari.utils.colormaps import DirectLabelColormap
from qtpy.QtWidgets import QColorDialog

from napari_mineral_anomaly.detectors.clusters.editing import (
    ClusterMap,
    merge,
    recolour,
    rename,
    split_by_signature,
    toggle_background,
)
from napari_mineral_anomaly.errors import InputError
from napari_mineral_anomaly.grains.verdicts.book import History
from napari_mineral_anomaly.progress import Task
from napari_mineral_anomaly.scan.cube import ElementCube
from napari_mineral_anomaly.window.clusters.book import clusters_of
from napari_mineral_anomaly.window.clusters.figures import (
    SignaturePlot,
    SignatureTable,
    qcolor,
)
from napari_mineral_anomaly.window.clusters.retrain import Retraining
from napari_mineral_anomaly.window.clusters.table import COLOUR, ROLE, ClusterTable
from napari_mineral_anomaly.window.clusters.work import (
    EditedClusters,
    clusters_now,
    with_signatures,
)
from napari_mineral_anomaly.window.grains.board import board_of
from napari_mineral_anomaly.window.jobs import Executor
from napari_mineral_anomaly.window.kit.controls import (
    ProgressBar,
    flow,
    form_layout,
    push_button,
    row,
    spin_box,
)
from napari_mineral_anomaly.window.kit.docks.dock import Dock
from napari_mineral_anomaly.window.kit.layer_combo import LayerCombo
from napari_mineral_anomaly.window.layers.links import layer_by_id, link_of, role_of
from napari_mineral_anomaly.window.layers.scans import cube_from_layers

_NO_LABELS = "Run a detector first. Networks group the pixels into clusters; this dock lists them."
_EMPTY = "Select one cluster to split it or to change its colour or role; select several to merge."
_STILL = "The last change is still being computed."
_EDITING, _LOOKING = "Editing the clusters", "Looking at the clusters"

Change = Callable[[ClusterMap, Task], ClusterMap]


def is_pseudo_labels(layer: Any) -> bool:
    """Whether a layer holds pseudo-labels of this plugin."""
    return role_of(layer) == "pseudo_labels"


class PseudoLabelsDock(Dock):
    """The layer holds the labels; this dock holds the names, roles and colours of the clusters."""

    def __init__(self, napari_viewer: Any, executor: Executor | None = None) -> None:
        super().__init__(napari_viewer, executor)
        self.board = board_of(napari_viewer)
        self._book = clusters_of(napari_viewer)
        self._edited: EditedClusters | None = None

        form = form_layout()
        self.layer_combo = LayerCombo(
            self, is_pseudo_labels, prefers=is_pseudo_labels, empty="no pseudo-labels yet"
        )
        self.layer_combo.setToolTip("The clusters of a run. You can brush in this layer.")
        form.addRow("Labels", self.layer_combo)
        self.column.addLayout(form)

        self.table = self.add(ClusterTable())
        self.table.renamed.connect(self._on_renamed)
        self.table.itemSelectionChanged.connect(self._on_selection)
        self.table.cellDoubleClicked.connect(self._on_double_click)

        self.colour_button = push_button(
            "Co&lour…", "Choose another colour for the selected clusters.", self._choose_colour
        )
        self.role_button = push_button(
            "&Background / anomaly",
            "Change the selected clusters from background to anomaly, or back.",
            self.toggle_role,
        )
        self.merge_button = push_button(
            "&Merge", "Merge the selected clusters; the result gets the name of the largest.",
            self.merge,
        )  # fmt: skip
        self.split_button = push_button(
            "S&plit", "Split the selected cluster by its element signature.", self.split
        )
        self.parts = spin_box(2, 9, tooltip="Number of parts of a split.")
        self.parts.setPrefix("in ")
        self.brush_button = push_button(
            "B&rush", "Add pixels to the selected cluster with the brush.", self.take_brush
        )
        self.undo_button = push_button("Undo", "Undo the last change.", self.undo)
        self.redo_button = push_button("Redo", "Redo the change.", self.redo)
        buttons = (self.colour_button, self.role_button, self.merge_button, self.split_button)
        more = (self.parts, self.brush_button, self.undo_button, self.redo_button)
        self.column.addLayout(flow(*buttons, *more, gap=6))

        self.retrain_button = push_button(
            "Retrain with these labels",
            "Run the same detector again. It learns only from the clusters marked as background.",
            self.retrain,
        )
        self.cancel_button = push_button("Cancel", "Cancel the computation.", self.cancel)
        self.column.addLayout(row(self.retrain_button, self.cancel_button))
        self.progress = self.add(ProgressBar())
        self.add(self.status)
        self.plot = self.add(SignaturePlot())
        self.signatures = self.add(SignatureTable())
        self.column.addStretch()

        self.retraining = Retraining(
            self, self.show_busy, self.progress.show_events, self._record_retraining
        )
        self.layer_combo.layer_changed.connect(self._on_layer)
        self.listen(self.session.changed, self._on_layer)
        self.listen(self.viewer.layers.events.removed, self._on_removed)
        self.colour_by_theme(self.plot)
        self._on_layer()

    # What the user does

    def recolour(self, rgba: Sequence[float]) -> None:
        """Give the selected clusters a colour (0-1)."""
        codes = self.table.selected_codes()
        colour = (float(rgba[0]), float(rgba[1]), float(rgba[2]), 1.0)
        self._edit("Colour", lambda m, _: reduce(partial(recolour, colour=colour), codes, m))

    def merge(self) -> None:
        """Merge the selected clusters."""
        codes = self.table.selected_codes()
        if len(codes) > 1:
            self._edit("Merge", lambda m, _: merge(m, codes))

    def split(self) -> None:
        """Split the selected cluster by its element signature."""
        codes, n = self.table.selected_codes(), self.parts.value()
        cube = self._cube()
        if len(codes) == 1 and cube is not None:
            self._edit(
                "Split", lambda m, task: split_by_signature(m, codes[0], cube, n=n, task=task)
            )

    def toggle_role(self) -> None:
        """Change the selected clusters from background to anomaly or back."""
        codes = self.table.selected_codes()
        self._edit("Role", lambda m, _: reduce(toggle_background, codes, m))

    def take_brush(self) -> None:
        """Let the brush add pixels to the selected cluster."""
        layer, codes = self.layer_combo.layer(), self.table.selected_codes()
        if layer is None or len(codes) != 1:
            return
        self.viewer.layers.selection.active = layer
        layer.visible = True
        layer.selected_label = codes[0]
        layer.mode = "paint"

    def undo(self) -> None:
        """Undo the last change."""
        self._step(History.undo)

    def redo(self) -> None:
        """Redo the change."""
        self._step(History.redo)

    def retrain(self) -> None:
        """Run the detector of these labels again; the clusters say what is background."""
        layer = self.layer_combo.layer()
        if layer is not None:
            self.retraining.start(layer, self._current_map(layer))
            self._refresh()

    def cancel(self) -> None:
        """Cancel the computation."""
        self.retraining.cancel()
        self.jobs.cancel(_EDITING)
        self.show_busy(False)

    # What happens then

    def _record_retraining(self, layer_id: str, clusters: ClusterMap) -> None:
        self._book.keep(layer_id, self._pushed(layer_id, clusters, "Retrain"))

    def _pushed(self, layer_id: str, clusters: ClusterMap, text: str) -> History[ClusterMap]:
        """The history of a layer with one more map; this step can be undone."""
        history = self._book.of(layer_id)
        return History(clusters) if history is None else history.push(clusters, text)

    def _on_layer(self) -> None:
        layer = self.layer_combo.layer()
        self._edited = None
        self.plot.clear()
        self.signatures.clear_signatures()
        if layer is None:
            self.table.setRowCount(0)
            self._refresh()
            self.status.plain(_NO_LABELS)
            return
        self._edit("", lambda m, _: m)

    def _on_removed(self, event: Any) -> None:
        self._book.forget(str(event.value.unique_id))

    def _cube(self) -> ElementCube | None:
        layer = self.layer_combo.layer()
        link = None if layer is None else link_of(layer)
        if layer is None or link is None:
            return None
        try:
            cube = cube_from_layers(self.viewer, link.scan_id)
        except InputError as error:
            self.status.error(str(error))
            return None
        return cube if cube.shape == layer.data.shape else None

    def _current_map(self, layer: Any) -> Callable[[], ClusterMap]:
        """What a worker calls to get the map: as last edited, with the brush strokes since then."""
        # A copy: the brush may write into the layer's array while the worker reads it.
        labels = np.array(layer.data)
        history = self._book.of(str(layer.unique_id))
        return partial(clusters_now, labels, None if history is None else history.present)

    def _edit(self, text: str, change: Change) -> None:
        """Change the map in the background.

        Without ``text`` the map is only looked at, and a later call replaces this one.
        """
        layer = self.layer_combo.layer()
        if layer is None:
            return
        if text and self.jobs.is_running(_EDITING):
            self.status.plain(_STILL)
            return
        layer_id, current, cube = str(layer.unique_id), self._current_map(layer), self._cube()

        def work(task: Task) -> EditedClusters:
            before = current()
            return with_signatures(change(before, task), before, cube, task)

        # A job that still runs only looked at the clusters as they were: this one replaces it.
        self.jobs.run(
            _EDITING,
            work,
            lambda edited: self._on_edited(layer_id, text, edited),
            name=text or _LOOKING,
            on_events=self.progress.show_events,
            on_end=lambda: self.show_busy(False),
        )
        self.show_busy(self.jobs.is_running(_EDITING))

    def _on_edited(self, layer_id: str, text: str, edited: EditedClusters) -> None:
        history, before = self._book.of(layer_id), edited.before
        assert before is not None
        if history is None or history.present is not before:
            history = self._pushed(layer_id, before, "Brush")
        self._book.keep(layer_id, history.push(edited.map, text) if text else history)
        self._show(layer_id, edited)

    def _step(self, change: Callable[[History[ClusterMap]], History[ClusterMap]]) -> None:
        layer = self.layer_combo.layer()
        history = None if layer is None else self._book.of(str(layer.unique_id))
        if layer is None or history is None:
            return
        history = change(history)
        layer_id, cube = str(layer.unique_id), self._cube()
        self._book.keep(layer_id, history)
        present = history.present
        self.jobs.run(
            _LOOKING,
            lambda task: with_signatures(present, None, cube, task),
            lambda edited: self._show_step(layer_id, edited),
            on_end=self._refresh,
            alongside=True,
        )

    def _show_step(self, layer_id: str, edited: EditedClusters) -> None:
        history = self._book.of(layer_id)
        if history is not None and history.present is edited.map:  # no new run came meanwhile
            self._show(layer_id, edited)

    def _show(self, layer_id: str, edited: EditedClusters) -> None:
        layer = layer_by_id(self.viewer, layer_id)
        if layer is None:
            return
        now = edited.map
        if edited.before is None or now.labels is not edited.before.labels:
            labels = now.labels
            if edited.before is not None:  # brush strokes made meanwhile stay
                brushed = layer.data != edited.before.labels
                labels = np.where(brushed, layer.data, labels) if brushed.any() else labels
            if not np.array_equal(layer.data, labels):
                layer.data = labels.copy()  # the brush owns the layer's array
        transparent = np.zeros(4)
        colours: dict[int | None, Any] = {0: transparent, None: transparent}
        colours |= {int(code): np.asarray(rgba) for code, rgba in now.colours.items()}
        layer.colormap = DirectLabelColormap(color_dict=colours)
        self.board.cluster_names[layer_id] = {int(k): v for k, v in now.names.items()}
        if layer is self.layer_combo.layer():
            self._edited = edited
            self.table.show_clusters(edited.lines, edited.map.colours)
            self.signatures.show_signatures(edited.signatures)
            self._on_selection()
            if self.status.text() in ("", _NO_LABELS, _STILL):
                self.status.plain(_EMPTY)

    def _on_renamed(self, code: int, name: str) -> None:
        self._edit("Name", lambda m, _: rename(m, code, name))

    def _on_double_click(self, row_: int, column: int) -> None:
        if column == COLOUR:
            self._choose_colour()
        elif column == ROLE:
            self.toggle_role()

    def _on_selection(self) -> None:
        if self._edited is not None:
            selected = frozenset(self.table.selected_codes())
            self.plot.show_signatures(self._edited.sigmas, self._edited.map.colours, selected)
        self._refresh()

    def _choose_colour(self) -> None:
        codes = self.table.selected_codes()
        if not codes or self._edited is None:
            return
        colour = QColorDialog.getColor(qcolor(self._edited.map.colours[codes[0]]), self)
        if colour.isValid():
            self.recolour(colour.getRgbF())

    def show_busy(self, busy: bool) -> None:
        """Show or hide the progress of a computation."""
        self.progress.setRange(0, 0)
        self.progress.setVisible(busy)
        self._refresh()

    def _refresh(self) -> None:
        layer = self.layer_combo.layer()
        n = len(self.table.selected_codes())
        history = None if layer is None else self._book.of(str(layer.unique_id))
        running = self.retraining.running
        self.colour_button.setEnabled(n > 0)
        self.role_button.setEnabled(n > 0)
        self.merge_button.setEnabled(n > 1)
        self.split_button.setEnabled(n == 1)
        self.brush_button.setEnabled(n == 1)
        self.undo_button.setEnabled(history is not None and history.can_undo)
        self.redo_button.setEnabled(history is not None and history.can_redo)
        self.retrain_button.setEnabled(self._edited is not None and not running)
        self.cancel_button.setEnabled(running or self.jobs.is_running(_EDITING))
