"""Products of a score layer for export, taken from the viewer so that a worker can write them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from napari_mineral_anomaly.errors import InputError
from napari_mineral_anomaly.evaluation.brushed_truth import truth_for_files
from napari_mineral_anomaly.grains.sem.fit import SemFit
from napari_mineral_anomaly.grains.sem.places import with_sem_places
from napari_mineral_anomaly.io.writing.results import labels_for_files, mask_for_files
from napari_mineral_anomaly.progress import SILENT
from napari_mineral_anomaly.runs.export import Format, Product
from napari_mineral_anomaly.runs.report.map_style import MapStyle
from napari_mineral_anomaly.scan.labels import label_dtype
from napari_mineral_anomaly.window.grains.board import board_of
from napari_mineral_anomaly.window.grains.listing import GrainListing, plan_rows, pseudo_labels_of
from napari_mineral_anomaly.window.layers.links import (
    TITLES_IN_FILES,
    first_layer,
    layers_of,
    link_of,
    linked_layers,
    scan_id_of,
)
from napari_mineral_anomaly.window.layers.make import pixel_size_of, threshold_of
from napari_mineral_anomaly.window.layers.scans import cube_from_layers
from napari_mineral_anomaly.window.layers.session import Session, mask_of
from napari_mineral_anomaly.window.sem.points import sem_points_of

if TYPE_CHECKING:
    from napari.layers import Layer

Choice = tuple[str, Format]

_SINGLE: tuple[Format, ...] = ("ome", "imagej", "png", "csv", "zarr")
_STACK: tuple[Format, ...] = ("ome", "imagej", "folder", "png", "csv", "zarr")


class Row(NamedTuple):
    """One result in the dock: its title, the stem of its files, the formats that it can have.

    ``ticked`` is the format that is ticked at first: that of `mineral-anomaly detect`, or of a
    brushed truth.
    """

    title: str
    stem: str
    formats: tuple[Format, ...]
    ticked: Format | None = None


ROWS = {
    "score": Row("Score", "anomaly_score", _SINGLE, "ome"),
    "mask": Row("Mask", "anomaly_mask", _SINGLE, "imagej"),
    "labels": Row("Labels", "pseudo_labels", _SINGLE, "imagej"),
    "contributions": Row("Contributions", "element_contributions", _STACK, "ome"),
    "reconstruction": Row("Expected maps", "element_reconstruction", _STACK),
    "maps": Row("Element maps", "element_maps", _STACK),
    "valid": Row("Valid area", "valid_area", _SINGLE),
    "truth": Row("Truth", "truth", _SINGLE, "imagej"),
    "grains": Row("Grains", "grains", ("csv", "qupath", "qgis"), "csv"),
}
DEFAULTS = frozenset((key, row.ticked) for key, row in ROWS.items() if row.ticked)

_MASK_WORDS = ((0, "background"), (255, "anomalous"))
_LABEL_WORDS = ((0, "outside"), (1, "anomaly candidates"))
_VALID_WORDS = ((0, "left out"), (255, "valid"))
_TRUTH_WORDS = ((0, "background"), (1, "anomaly"), (255, "left out"))
_NO_RUN = "only runs of this session have it"


@dataclass(frozen=True, eq=False)
class _Image:
    """One image as planes (1, H, W). It is converted for files only when it is read."""

    image: NDArray[Any]
    dtype: np.dtype[Any]
    convert: Callable[[NDArray[Any]], NDArray[Any]]

    @property
    def shape(self) -> tuple[int, ...]:
        return (1, *self.image.shape)

    def __getitem__(self, key: Any) -> NDArray[Any]:
        return self.convert(self.image).astype(self.dtype, copy=False)[None][key]


class _Sources:
    """What the results of one score layer are made from; None stands for what does not exist.

    `missing` says what cannot be made.
    """

    link: Any
    mask: Any
    labels: Any
    result: Any
    truth: Any

    def __init__(self, viewer: Any, session: Session, score: Layer) -> None:
        self.score, self.link = score, link_of(score)
        self.mask = mask_of(viewer, score)
        self.labels = pseudo_labels_of(viewer, score)
        run = session.run_of(self.link)
        self.result = None if run is None else run.result
        self.reconstruction = None if run is None else run.result.reconstruction
        scan_id = None if self.link is None else self.link.scan_id
        self.has_maps = scan_id is not None and first_layer(viewer, "element", scan_id) is not None
        truths = [layer for layer, _ in linked_layers(viewer, scan_id_of(score), "truth")]
        self.truth = truths[-1] if truths else None  # the newest

    def missing(self) -> dict[str, str]:
        """For each result, the reason why it cannot be written; "" if it can."""
        no_mask = "" if self.mask is not None else "make a mask in the step “Decide” first"
        no_run = "" if self.result is not None else _NO_RUN
        no_maps = (
            "" if self.reconstruction is not None else "this detector does not reconstruct maps"
        )
        return {
            "score": "",
            "mask": no_mask,
            "labels": "" if self.labels is not None else _NO_RUN,
            "contributions": no_run,
            "reconstruction": no_run or no_maps,
            "maps": "" if self.has_maps else "no element map of the scan is left",
            "valid": "",
            "truth": "" if self.truth is not None else "brush a truth mask first",
            "grains": no_mask,
        }


def available(viewer: Any, session: Session, score: Layer | None) -> dict[str, str]:
    """For each result, the reason why it cannot be written; "" if it can."""
    if score is None:
        return dict.fromkeys(ROWS, "no score map is chosen")
    return _Sources(viewer, session, score).missing()


def chosen_products(
    choices: Iterable[Choice], viewer: Any, session: Session, score: Layer, *, copy: bool
) -> list[tuple[Product, Format]]:
    """The products of some choices; a product with several formats is made only once.

    Parameters
    ----------
    choices : iterable of (result, format)
    viewer, session, score
    copy : bool
        True copies the arrays that the brush can change, for a worker. False is for a plan, which
        needs sizes only.

    Raises
    ------
    InputError
        When a result cannot be written, with the reason.
    """
    sources = _Sources(viewer, session, score)
    missing = sources.missing()
    scan = sources.link.scan if sources.link is not None and sources.link.scan else score.name
    made: dict[str, Product] = {}
    pairs = []
    for key, form in choices:
        row = ROWS[key]
        if missing[key]:
            raise InputError(f"{row.title} cannot be exported: {missing[key]}.")
        if key not in made:
            made[key] = Product(
                row.stem,
                f"{row.title}, {scan}",
                pixel_size=pixel_size_of(score),
                **_contents(key, sources, viewer, session, copy=copy),
            )
        pairs.append((made[key], form))
    return pairs


def opened_files(viewer: Any) -> list[Path]:
    """Files and folders from which the layers of the viewer were read: never replaced."""
    found: dict[Path, None] = {}
    for layer in layers_of(viewer):
        link = link_of(layer)
        if link is not None and link.source:
            found[Path(link.source)] = None
        if layer.source.path:
            found[Path(layer.source.path)] = None
    return list(found)


def _contents(
    key: str, of: _Sources, viewer: Any, session: Session, *, copy: bool
) -> dict[str, Any]:
    """Numbers, names and style of a product."""
    copied = np.array if copy else np.asarray
    if key == "score":
        planes = np.asarray(of.score.data)[None].astype(np.float32, copy=False)
        style = MapStyle("score", "background sigmas", threshold=threshold_of(of.score))
        names = (TITLES_IN_FILES["score"],)
        return {"planes": planes, "names": names, "style": style, "shrink": "largest"}
    if key == "mask":
        mask = copied(of.mask.data)
        title = TITLES_IN_FILES["mask"]
        found = _classes(mask, np.uint8, mask_for_files, title, _MASK_WORDS)
        return found | {"shrink": "largest"}
    if key == "labels":
        labels, title = copied(of.labels.data), TITLES_IN_FILES["pseudo_labels"]
        dtype = label_dtype(int(labels.max(initial=0)))
        return _classes(labels, dtype, labels_for_files, title, _LABEL_WORDS)
    if key == "valid":
        score = np.asarray(of.score.data)
        return _classes(score, np.uint8, _finite_for_files, TITLES_IN_FILES["valid"], _VALID_WORDS)
    if key == "truth":
        truth = copied(of.truth.data)
        return _classes(truth, np.uint8, truth_for_files, TITLES_IN_FILES["truth"], _TRUTH_WORDS)
    if key == "contributions":
        style = MapStyle("signed", "background sigmas")
        return _stack(of.result.contributions, of.result.elements, style)
    if key == "reconstruction":
        return _stack(of.reconstruction, of.result.elements, MapStyle())
    if key == "maps":
        cube = cube_from_layers(viewer, of.link.scan_id)
        unit = "counts" if of.link.quantity == "counts" else ""
        return _stack(cube.maps, cube.elements, MapStyle(unit=unit))
    # The grains. A plan needs sizes only, and that of the table is unknown until it is made.
    if not copy:
        return {"table": pd.DataFrame}
    # List the grains as the step “Decide” does, so that file and window agree.
    board = board_of(viewer)
    book = board.book(scan_id_of(of.score))
    list_rows = plan_rows(viewer, session, of.score, book, board.cluster_names)
    listing = cache(lambda: list_rows(SILENT).with_maps())  # once for table and outlines
    fit = sem_points_of(viewer).fit_or_none(scan_id_of(of.score))
    return {"table": lambda: _with_sem(listing(), fit), "labels": lambda: listing().labels}


def _with_sem(listing: GrainListing, fit: SemFit | None) -> pd.DataFrame:
    table = listing.table
    return table if fit is None else with_sem_places(table, listing.labels, fit)


def _stack(planes: Any, names: tuple[str, ...], style: MapStyle) -> dict[str, Any]:
    return {"planes": planes, "names": names, "style": style, "is_stack": True}


def _classes(
    image: NDArray[Any],
    dtype: Any,
    convert: Callable[[NDArray[Any]], NDArray[Any]],
    name: str,
    words: tuple[tuple[int, str], ...],
) -> dict[str, Any]:
    planes = _Image(image, np.dtype(dtype), convert)
    style = MapStyle("classes", classes=words)
    return {"planes": planes, "names": (name,), "style": style, "shrink": "first"}


def _finite_for_files(values: NDArray[Any]) -> NDArray[np.uint8]:
    return mask_for_files(np.isfinite(values))
