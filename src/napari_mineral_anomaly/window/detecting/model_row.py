"""Buttons that save what a detector learned, and apply it to another section."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from qtpy.QtWidgets import QFileDialog, QHBoxLayout, QWidget

from napari_mineral_anomaly.detectors.base import FittedDetector
from napari_mineral_anomaly.detectors.pipeline import DetectionRun, apply_detector
from napari_mineral_anomaly.progress import Task
from napari_mineral_anomaly.scan.cube import ElementCube
from napari_mineral_anomaly.window.kit.controls import push_button


class ModelRow(QWidget):
    """Asks for the folder of a model.

    Parameters
    ----------
    save, apply : callable
        Called with the folder that was chosen.
    """

    def __init__(self, save: Callable[[str], None], apply: Callable[[str], None]) -> None:
        super().__init__()
        self.save_button = push_button(
            "Save model…",
            "Save what this detector learned, to use it on other sections.",
            lambda: self._choose("Empty folder for the model", save),
        )
        self.apply_button = push_button(
            "Apply saved model…",
            "Score the section with a saved model.",
            lambda: self._choose("Folder of the saved model", apply),
        )
        line = QHBoxLayout(self)
        line.setContentsMargins(0, 0, 0, 0)
        for button in (self.save_button, self.apply_button):
            line.addWidget(button)

    def _choose(self, title: str, use: Callable[[str], None]) -> None:
        folder = QFileDialog.getExistingDirectory(self, title)
        if folder:
            use(folder)


def saving(fitted: FittedDetector, folder: str | Path) -> Callable[[Task], Path]:
    """What a worker does to save a model; its result is the folder."""

    def save(task: Task) -> Path:
        from napari_mineral_anomaly.detectors.bundle import save_model

        save_model(fitted, folder)
        return Path(folder)

    return save


def applying(folder: str | Path) -> Callable[[ElementCube, Task], DetectionRun]:
    """What a worker does to score a section with a saved model."""

    def score(cube: ElementCube, task: Task) -> DetectionRun:
        from napari_mineral_anomaly.detectors.bundle import load_model

        return apply_detector(cube, load_model(folder), task=task)

    return score
