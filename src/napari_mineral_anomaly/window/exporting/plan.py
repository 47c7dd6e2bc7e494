"""Products of a score layer for export, taken from the viewer so that a worker can write them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from napari_mineral_anomaly.detectors.results.result import AnomalyResult
from napari_mineral_anomaly.errors import InputError
from napari_mineral_anomaly.evaluation.brushed_truth import truth_for_files
from napari_mineral_anomaly.io.writing.results import labels_for_files, mask_for_files
from napari_mineral_anomaly.progress import SILENT
from napari_mineral_anomaly.runs.export import Format, Product
from napari_mineral_anomaly.runs.report.map_style import MapStyle
from napari_mineral_anomaly.scan.cube import ElementCube
from napari_mineral_anomaly.scan.labels import label_dtype
from napari_mineral_anomaly.window.grains.board import board_of
from napari_mineral_anomaly.window.grains.listing import (
    plan_rows,
    pseudo_labels_of,
)
from napari_mineral_anomaly.window.layers.links import (
    TITLES_IN_FILES,
    Link,
    first_layer,
    layers_of,
    link_of,
    linked_layers,
    scan_id_of,
)
from napari_mineral_anomaly.window.layers.make import pixel_size_of, threshold_of
from napari_mineral_anomaly.window.layers.scans import cube_from_layers
from napari_mineral_anomaly.window.layers.session import Session, mask_of

if TYPE_CHECKING:
    from napari.layers import Layer

TRUTH_FILE = "truth.tif"

Key = Literal[
    "score",
    "mask",
    "labels",
    "contributions",
    "reconstruction",
    "maps",
    "valid",
    "truth",
    "grains",
]
KEYS: tuple[Key, ...] = get_args(Key)
Choice = tuple[Key, Format]

# Titles of the rows of the dock.
TITLES: dict[Key, str] = {
    "score": "Score",
    "mask": "Mask",
    "labels": "Labels",
    "contributions": "Contributions",
    "reconstruction": "Expected maps",
    "maps": "Element maps",
    "valid": "Valid area",
    "truth": "Truth",
    "grains": "Grains",
}

# Ticked at first: the files that `mineral-anomaly detect` also writes, and a brushed truth.
DEFAULTS: frozenset[Choice] = frozenset(
    {
        ("score", "ome"),
        ("mask", "imagej"),
        ("labels", "imagej"),
        ("contributions", "ome"),
        ("truth", "imagej"),
        ("grains", "csv"),
    }
)

_STEMS: dict[Key, str] = {
    "score": "anomaly_score",
    "mask": "anomaly_mask",
    "labels": "pseudo_labels",
    "contributions": "element_contributions",
    "reconstruction": "element_reconstruction",
    "maps": "element_maps",
    "valid": "valid_area",
    "truth": "truth",
    "grains": "grains",
}
_LABEL_WORDS = ((0, "outside"), (1, "anomaly candidates"))
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


def available(viewer: Any, session: Session, score: Layer | None) -> dict[Key, str]:
    """For each product, the reason why it cannot be written; "" if it can."""
    if score is None:
        return dict.fromkeys(KEYS, "no score map is chosen")
    return {key: _missing(key, viewer, session, score) for key in KEYS}


def _missing(key: Key, viewer: Any, session: Session, score: Layer) -> str:
    """The reason why one product cannot be written; "" if it can."""
    link = link_of(score)
    if key in ("mask", "grains"):
        there = mask_of(viewer, score) is not None
        return "" if there else "make a mask in the dock “Threshold” first"
    if key == "labels":
        return "" if pseudo_labels_of(viewer, score) is not None else _NO_RUN
    if key == "contributions":
        return "" if session.run_of(link) is not None else _NO_RUN
    if key == "reconstruction":
        run = session.run_of(link)
        if run is None:
            return _NO_RUN
        return (
            "this detector does not reconstruct maps" if run.result.reconstruction is None else ""
        )
    if key == "maps":
        there = _scan_id(viewer, link) is not None
        return "" if there else "no element map of the scan is left"
    if key == "truth":
        return "" if _truth(viewer, score) is not None else "brush a truth mask first"
    return ""


def product_of(key: Key, viewer: Any, session: Session, score: Layer, *, copy: bool) -> Product:
    """One product of a score layer.

    Parameters
    ----------
    key : str
    viewer, session, score
    copy : bool
        True copies the arrays that the brush can change, for a worker. False is for a plan, which
        needs sizes only.

    Raises
    ------
    InputError
        When there is no such product, with the reason.
    """
    reason = _missing(key, viewer, session, score)
    if reason:
        raise InputError(f"{TITLES[key]} cannot be exported: {reason}.")
    make = _MAKERS[key]
    product = make(viewer, session, score, np.array if copy else np.asarray)
    return replace(
        product, stem=_STEMS[key], title=_title(key, score), pixel_size=pixel_size_of(score)
    )


def chosen_products(
    choices: Iterable[Choice], viewer: Any, session: Session, score: Layer, *, copy: bool
) -> list[tuple[Product, Format]]:
    """The products of some choices; a product with several formats is made only once."""
    made: dict[Key, Product] = {}
    pairs = []
    for key, form in choices:
        if key not in made:
            made[key] = product_of(key, viewer, session, score, copy=copy)
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


Copy = Callable[[Any], Any]


def _score(viewer: Any, session: Session, score: Layer, copy: Copy) -> Product:
    planes = np.asarray(score.data)[None]
    planes = planes if planes.dtype == np.float32 else planes.astype(np.float32)
    style = MapStyle("score", "background sigmas", threshold=threshold_of(score))
    return Product("", "", planes, (TITLES_IN_FILES["score"],), style=style)


def _mask(viewer: Any, session: Session, score: Layer, copy: Copy) -> Product:
    planes = _Image(copy(_data(mask_of(viewer, score))), np.dtype(np.uint8), mask_for_files)
    words = ((0, "background"), (255, "anomalous"))
    return Product(
        "", "", planes, (TITLES_IN_FILES["mask"],), style=MapStyle("classes", classes=words)
    )


def _labels(viewer: Any, session: Session, score: Layer, copy: Copy) -> Product:
    data = copy(_data(pseudo_labels_of(viewer, score)))
    planes = _Image(data, label_dtype(int(data.max(initial=0))), labels_for_files)
    style = MapStyle("classes", classes=_LABEL_WORDS)
    return Product("", "", planes, (TITLES_IN_FILES["pseudo_labels"],), style=style)


def _contributions(viewer: Any, session: Session, score: Layer, copy: Copy) -> Product:
    result = _result(session, score)
    style = MapStyle("signed", "background sigmas")
    return Product("", "", result.contributions, result.elements, style=style, is_stack=True)


def _reconstruction(viewer: Any, session: Session, score: Layer, copy: Copy) -> Product:
    result = _result(session, score)
    return Product("", "", result.reconstruction, result.elements, style=MapStyle(), is_stack=True)


def _maps(viewer: Any, session: Session, score: Layer, copy: Copy) -> Product:
    link = link_of(score)
    cube = _cube(viewer, link)
    if cube is None:
        raise InputError(
            "No element map of this scan is left in the layer list: load the scan again."
        )
    unit = link.quantity if link is not None and link.quantity in ("counts",) else ""
    return Product("", "", cube.maps, cube.elements, style=MapStyle(unit=unit or ""), is_stack=True)


def _valid(viewer: Any, session: Session, score: Layer, copy: Copy) -> Product:
    def inside(values: NDArray[Any]) -> NDArray[np.uint8]:
        return mask_for_files(np.isfinite(values))

    planes = _Image(np.asarray(score.data), np.dtype(np.uint8), inside)
    style = MapStyle("classes", classes=((0, "left out"), (255, "valid")))
    return Product("", "", planes, ("Valid area",), style=style)


def _truth_product(viewer: Any, session: Session, score: Layer, copy: Copy) -> Product:
    planes = _Image(copy(_data(_truth(viewer, score))), np.dtype(np.uint8), truth_for_files)
    style = MapStyle("classes", classes=_TRUTH_WORDS)
    return Product("", "", planes, (TITLES_IN_FILES["truth"],), style=style)


def _grains(viewer: Any, session: Session, score: Layer, copy: Copy) -> Product:
    # A plan needs sizes only, and the size of the table is unknown until it is made.
    if copy is np.asarray:
        return Product("", "", table=pd.DataFrame)
    # List the grains as the dock “Grain table” does, so that file and window agree.
    board = board_of(viewer)
    book = board.book(scan_id_of(score))
    list_rows = plan_rows(viewer, session, score, book, board.cluster_names)
    return Product("", "", table=lambda: list_rows(SILENT).with_maps().table)


_MAKERS: dict[Key, Callable[[Any, Session, Any, Copy], Product]] = {
    "score": _score,
    "mask": _mask,
    "labels": _labels,
    "contributions": _contributions,
    "reconstruction": _reconstruction,
    "maps": _maps,
    "valid": _valid,
    "truth": _truth_product,
    "grains": _grains,
}


def _title(key: Key, score: Layer) -> str:
    link = link_of(score)
    scan = link.scan if link is not None and link.scan else score.name
    return f"{TITLES[key]}, {scan}"


def _result(session: Session, score: Layer) -> AnomalyResult:
    run = session.run_of(link_of(score))
    if run is None:
        raise InputError("The run of this score is not in this session: run the detector again.")
    return run.result


def _scan_id(viewer: Any, link: Link | None) -> str | None:
    """The scan id of a score; None if the scan has no element layer any more."""
    if link is None or first_layer(viewer, "element", link.scan_id) is None:
        return None
    return link.scan_id


def _cube(viewer: Any, link: Link | None) -> ElementCube | None:
    scan_id = _scan_id(viewer, link)
    return None if scan_id is None else cube_from_layers(viewer, scan_id)


def _data(layer: Layer | None) -> Any:
    if layer is None:
        raise InputError("The layer to export is no longer in the viewer.")
    return layer.data


def _truth(viewer: Any, score: Layer) -> Layer | None:
    """The newest truth mask of the score's scan."""
    found = [layer for layer, _ in linked_layers(viewer, scan_id_of(score), "truth")]
    return found[-1] if found else None
