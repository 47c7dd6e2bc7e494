"""The results of a project as products to export, as the user left them."""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray

from napari_mineral_anomaly.io.writing.results import (
    GRAIN_LABELS_TITLE,
    MASK_TITLE,
    PSEUDO_LABELS_TITLE,
    SCORE_TITLE,
    labels_for_files,
    mask_for_files,
)
from napari_mineral_anomaly.io.writing.zarr import Shrink
from napari_mineral_anomaly.project.load import LoadedProject, LoadedResult
from napari_mineral_anomaly.project.output.report import ProjectGrains
from napari_mineral_anomaly.runs.export import Product
from napari_mineral_anomaly.runs.report.map_style import MapStyle

IMAGES = ("score", "mask", "contributions", "labels")
GRAIN_LABELS = "grain_labels"


def image_product(project: LoadedProject, name: str) -> Product:
    """One of `IMAGES` of the main result of a project."""
    main, size, scan = project.main, project.file.pixel_size_um, project.file.name
    result = main.result
    if name == "contributions":
        return Product(
            "element_contributions",
            f"Contributions, {scan}",
            result.contributions,
            result.elements,
            size,
            MapStyle("signed", "background sigmas"),
            is_stack=True,
        )
    stem, title, image, inside, style, shrink = _single(name, main)
    return Product(stem, f"{title}, {scan}", image[None], (inside,), size, style, shrink=shrink)


def grain_product(project: LoadedProject, grains: ProjectGrains) -> Product:
    """The grains of a project, as a table and as outlines."""
    return Product(
        "grains",
        f"Grains, {project.file.name}",
        pixel_size=project.file.pixel_size_um,
        table=grains.table,
        labels=grains.labels,
    )


def grain_labels_product(project: LoadedProject, grains: ProjectGrains) -> Product:
    """The pixels of the listed grains by their ids."""
    return Product(
        GRAIN_LABELS,
        f"Grain labels, {project.file.name}",
        grains.labels[None],
        (GRAIN_LABELS_TITLE,),
        project.file.pixel_size_um,
        MapStyle("classes", classes=((0, "no grain"),)),
        shrink="first",
    )


def _single(name: str, main: LoadedResult) -> tuple[str, str, NDArray[Any], str, MapStyle, Shrink]:
    """Stem, title, pixels, title inside the file, style, and how smaller levels are made."""
    result = main.result
    if name == "score":
        style = MapStyle("score", "background sigmas", threshold=main.note.threshold)
        return "anomaly_score", "Score", result.score, SCORE_TITLE, style, "largest"
    if name == "mask":
        style = MapStyle("classes", classes=((0, "background"), (255, "anomalous")))
        mask = mask_for_files(main.mask)
        return "anomaly_mask", "Mask", mask, MASK_TITLE, style, "largest"
    style = MapStyle("classes", classes=((0, "outside"), (1, "anomaly candidates")))
    labels = labels_for_files(result.pseudo_labels)
    return "pseudo_labels", "Labels", labels, PSEUDO_LABELS_TITLE, style, "first"
