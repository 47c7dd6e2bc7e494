"""The grains of a score layer: plain values from the viewer, listed by a worker."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from napari_mineral_anomaly.detectors.pipeline import DetectionRun
from napari_mineral_anomaly.detectors.results.result import AnomalyResult
from napari_mineral_anomaly.detectors.results.threshold import flagged
from napari_mineral_anomaly.detectors.teaching.detector import taught_name, untaught_name
from napari_mineral_anomaly.errors import InputError
from napari_mineral_anomaly.grains.cells import Cells
from napari_mineral_anomaly.grains.columns import EDITED
from napari_mineral_anomaly.grains.details import GrainDetails, with_details
from napari_mineral_anomaly.grains.editing.steps import GrainMap
from napari_mineral_anomaly.grains.memory import ListMemory
from napari_mineral_anomaly.grains.pixels.edits import NO_EDITS, GrainEdits
from napari_mineral_anomaly.grains.pixels.large import copy_unless_same, row_blocks, same_pixels
from napari_mineral_anomaly.grains.search import GrainSearch
from napari_mineral_anomaly.grains.table import (
    DEFAULT_ROWS,
    GrainList,
    detail_grains,
    list_grains,
)
from napari_mineral_anomaly.grains.verdicts.book import VerdictBook, with_verdicts
from napari_mineral_anomaly.progress import SILENT, Task
from napari_mineral_anomaly.scan.cube import ElementCube
from napari_mineral_anomaly.window.layers.links import (
    first_layer,
    link_of,
    scan_id_of,
)
from napari_mineral_anomaly.window.layers.make import pixel_size_of, threshold_of
from napari_mineral_anomaly.window.layers.scans import cube_from_layers, valid_area_of
from napari_mineral_anomaly.window.layers.session import Session, mask_of

if TYPE_CHECKING:
    from napari.layers import Layer


@dataclass(frozen=True, eq=False)
class GrainListing:
    """The grains of one score in one mask, with the data they were found in.

    Attributes
    ----------
    score_id, scan_id : str
        The score layer, and the scan that the verdicts belong to.
    table : DataFrame
        As `find_grains` makes it, verdicts included.
    labels : (H, W) unsigned
        The grain of each pixel by ``table.id``; 0 = none.
    result : AnomalyResult
    cube : ElementCube or None
        None if the element layers were removed, or are not those that were scored.
    grains : GrainList
    edits : GrainEdits
        The edits of the user that it was made with.
    allowed : (H, W) bool
        Pixels that may belong to a grain.
    details : GrainDetails or None
        None until the element maps were examined, see `pending`.
    search : GrainSearch
    cells : Cells
        The table in the form that the window's model needs; made by the worker too.
    """

    score_id: str
    scan_id: str
    table: pd.DataFrame
    labels: NDArray[np.unsignedinteger[Any]]
    result: AnomalyResult
    cube: ElementCube | None
    grains: GrainList
    edits: GrainEdits
    allowed: NDArray[np.bool_]
    details: GrainDetails | None
    search: GrainSearch
    cells: Cells

    @property
    def pending(self) -> bool:
        """Whether minerals and flags of the table are still to come (`with_maps`)."""
        return self.cube is not None and self.details is None

    def with_maps(self, task: Task = SILENT) -> GrainListing:
        """The same list with the details that need the element maps; for a worker."""
        if not self.pending or self.cube is None:
            return self
        details = detail_grains(self.cube, self.result, self.grains, task=task)
        table = with_details(self.table, self.grains.rows, details)
        search, cells = GrainSearch(table), Cells.of(table)
        return replace(self, table=table, details=details, search=search, cells=cells)

    def row(self, grain: int) -> pd.Series:
        """The row of a grain."""
        if grain not in self._rows:  # after a click, several docks ask for the same row
            self._rows[grain] = self.table.iloc[self.cells.row_of_id[grain]]
        return self._rows[grain]

    @cached_property
    def _rows(self) -> dict[int, pd.Series]:
        return {}

    def box(self, grain: int) -> tuple[int, int, int, int]:
        """First and last row, first and last column of a grain, in pixels."""
        top, bottom, left, right = self.row(grain)[["row_min", "row_max", "col_min", "col_max"]]
        return int(top), int(bottom), int(left), int(right)

    def pixel_of(self, grain: int) -> tuple[int, int]:
        """The oddest pixel (y, x) of a grain; with it the grain can be found in another listing."""
        top, bottom, left, right = self.box(grain)
        window = slice(top, bottom + 1), slice(left, right + 1)
        inside = self.labels[window] == grain
        score = np.where(inside, np.nan_to_num(self.result.score[window]), -np.inf)
        y, x = np.unravel_index(np.argmax(score), score.shape)
        return top + int(y), left + int(x)

    @property
    def n_edited(self) -> int:
        """How many of the grains the user has merged, split or redrawn."""
        return int((self.table[EDITED] != "").sum())

    def for_editing(self) -> GrainMap:
        """The grains as the next edit needs them."""
        return GrainMap(self.labels, self.result.score, self.allowed, self.edits)

    def grain_at(self, y: int, x: int) -> int:
        """The grain of a pixel; 0 = none."""
        return int(self.labels[y, x])


class KeptCube:
    """Holds the cube of the last list of a dock, so that all others share it (`shared_cubes`).

    A cube with a brushed valid area is not kept, because that area changes in place.

    Attributes
    ----------
    memory : ListMemory
        What the lists of this cube share.
    """

    def __init__(self) -> None:
        self._cube: ElementCube | None = None
        self.memory = ListMemory()

    def of(self, viewer: Any, scan_id: str) -> ElementCube:
        """As `cube_from_layers`."""
        cube = cube_from_layers(viewer, scan_id)
        if cube is not self._cube:
            self.memory = ListMemory()
        self._cube = cube if valid_area_of(viewer, scan_id) is None else None
        return cube

    def forget(self) -> None:
        """Drop the maps."""
        self._cube, self.memory = None, ListMemory()


@dataclass(frozen=True, eq=False)
class RowsPlan:
    """What a list of grains is made from: plain values, for a worker. A call makes the list.

    Minerals and flags, which need the element maps, are added by `GrainListing.with_maps`.

    Attributes
    ----------
    score_id, scan_id : str
    run : DetectionRun or None
        None for a score from a file.
    result : AnomalyResult
        Of the run, with the threshold, pixel size and pseudo-labels of the layers.
    brushed : (H, W) bool or None
        The mask with the strokes of the user; None where the score has no mask layer.
    cube : ElementCube or None
    memory : ListMemory
    book : VerdictBook or None
    edits : GrainEdits
    others : mapping of str to AnomalyResult
        Results of other detectors on the scan.
    cluster_names : mapping of int to str, or None
    n_rows : int
    """

    score_id: str
    scan_id: str
    run: DetectionRun | None
    result: AnomalyResult
    brushed: NDArray[np.bool_] | None
    cube: ElementCube | None
    memory: ListMemory
    book: VerdictBook | None
    edits: GrainEdits
    others: Mapping[str, AnomalyResult]
    cluster_names: Mapping[int, str] | None
    n_rows: int

    @property
    def mask(self) -> NDArray[np.bool_]:
        """The pixels (H, W) whose grains are listed."""
        return self.result.mask if self.brushed is None else self.brushed

    def gives_the_same_as(self, other: RowsPlan) -> bool:
        """Whether the list of another plan is this one, verdicts apart, so that none is needed.

        Verdicts are shown when they are given, in whatever list. A cube with a brushed valid area
        is another one each time.
        """
        one, two = self.result, other.result
        return (
            self.run is not None
            and self.run is other.run
            and self.cube is other.cube
            and self.edits is other.edits
            and (self.score_id, self.n_rows) == (other.score_id, other.n_rows)
            and (one.threshold, one.pixel_size) == (two.threshold, two.pixel_size)
            and self.cluster_names == other.cluster_names
            and _are_alike(self.others, other.others)
            and same_pixels(one.pseudo_labels, two.pseudo_labels)
            and self._has_the_mask_of(other)
        )

    def _has_the_mask_of(self, other: RowsPlan) -> bool:
        """The same for the masks, where score and threshold are the same."""
        given = [mask for mask in (self.brushed, other.brushed) if mask is not None]
        if len(given) == 2:
            return same_pixels(*given)
        score, threshold = self.result.score, self.result.threshold
        return all(
            np.array_equal(mask[rows], flagged(score[rows], threshold))
            for mask in given
            for rows in row_blocks(mask)
        )

    def __call__(self, task: Task) -> GrainListing:
        """Make the list."""
        mask, result, book = self.mask, self.result, self.book
        grains = list_grains(
            result,
            mask=mask,
            n_rows=self.n_rows,
            cube=self.cube,
            others=self.others,
            cluster_names=self.cluster_names,
            edits=self.edits,
            memory=self.memory,
            task=task,
        )
        labels = grains.labels
        table = grains.table if book is None else with_verdicts(grains.table, book, labels)
        return GrainListing(
            score_id=self.score_id,
            scan_id=self.scan_id,
            table=table,
            labels=labels,
            result=result,
            cube=self.cube,
            grains=grains,
            edits=self.edits,
            allowed=result.valid & (mask | ~result.mask),
            details=None,
            search=GrainSearch(table),
            cells=Cells.of(table),
        )


def _are_alike(one: Mapping[str, AnomalyResult], two: Mapping[str, AnomalyResult]) -> bool:
    return one.keys() == two.keys() and all(
        result.score is two[name].score and result.threshold == two[name].threshold
        for name, result in one.items()
    )


def plan_rows(
    viewer: Any,
    session: Session,
    score: Layer,
    book: VerdictBook | None,
    cluster_names: Mapping[str, dict[int, str]],
    kept: KeptCube | None = None,
    n_rows: int = DEFAULT_ROWS,
) -> RowsPlan:
    """The work of listing the grains of ``score``.

    The names of the clusters are those of `GrainBoard.cluster_names`.
    """
    link = link_of(score)
    scan_id, score_id = scan_id_of(score), str(score.unique_id)
    layer = mask_of(viewer, score)
    clusters = pseudo_labels_of(viewer, score)
    names = None if clusters is None else cluster_names.get(str(clusters.unique_id))
    brushed = None if layer is None else session.mask_parts(layer, score).shown
    pixel_size, threshold = pixel_size_of(score), threshold_of(score)
    run = session.run_of(link)
    result = _scores_alone(np.asarray(score.data)) if run is None else run.result
    result = replace(result, threshold=threshold, pixel_size=pixel_size)
    if clusters is not None and clusters.data.shape == result.score.shape:
        # A copy: the brush may write into the layer's array while the job runs.
        result = replace(
            result, pseudo_labels=copy_unless_same(clusters.data, result.pseudo_labels)
        )
    kept = kept or KeptCube()
    cube = _cube(viewer, scan_id, result, kept)
    fits = book is not None and book.shape == result.score.shape
    # The same detector, taught or not, is no second opinion.
    name = "" if run is None else untaught_name(run.fitted.name)
    same = (name, taught_name(name))
    others = {
        other.fitted.name: other.result.with_threshold(_threshold_of(viewer, scan_id, other))
        for other in session.runs_of_scan(scan_id)
        if other.fitted.name not in same and other.result.score.shape == result.score.shape
    }
    return RowsPlan(
        score_id=score_id,
        scan_id=scan_id,
        run=run,
        result=result,
        brushed=brushed,
        cube=cube,
        memory=kept.memory,
        book=book,
        edits=book.edits if book is not None and fits else NO_EDITS,
        others=others,
        cluster_names=names,
        n_rows=n_rows,
    )


def pseudo_labels_of(viewer: Any, score: Layer) -> Layer | None:
    """The pseudo-labels of the run that a score layer shows."""
    link = link_of(score)
    if link is None or link.detector is None:
        return None
    return first_layer(viewer, "pseudo_labels", link.scan_id, detector=link.detector)


def _cube(viewer: Any, scan_id: str, result: AnomalyResult, kept: KeptCube) -> ElementCube | None:
    try:
        cube = kept.of(viewer, scan_id)
    except InputError:
        kept.forget()
        return None
    fits = cube.shape == result.score.shape and set(result.elements) <= set(cube.elements)
    return cube if fits else None


def _threshold_of(viewer: Any, scan_id: str, run: Any) -> float:
    """The threshold that the user set for another run of this scan."""
    own = first_layer(viewer, "score", scan_id, detector=run.fitted.name)
    return float(run.result.threshold) if own is None else threshold_of(own)


def _scores_alone(scores: NDArray[Any]) -> AnomalyResult:
    """A result for a score map from a file; its grains have no drivers."""
    return AnomalyResult(
        score=scores.astype(np.float32, copy=False),
        threshold=0.0,
        contributions=np.empty((0, *scores.shape), dtype=np.float32),
        pseudo_labels=np.zeros(scores.shape, dtype=np.uint16),
        elements=(),
    )
