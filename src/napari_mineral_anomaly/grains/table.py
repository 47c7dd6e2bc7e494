"""From a score map to a ranked table of grains, never empty and never cut off.

The list holds every grain with a flagged pixel and, below the threshold, the oddest others until
there are `DEFAULT_ROWS`; then the concentrations that no listed grain shows.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from napari_mineral_anomaly.detectors.clusters.pseudo_labels import default_cluster_name
from napari_mineral_anomaly.detectors.results.agreement import agreeing_detectors
from napari_mineral_anomaly.detectors.results.result import AnomalyResult
from napari_mineral_anomaly.detectors.results.threshold import expected_false_pixels
from napari_mineral_anomaly.errors import InputError
from napari_mineral_anomaly.grains.artefacts.dark_spots import are_dark
from napari_mineral_anomaly.grains.artefacts.flags import Edges, find_edges, flag_artefacts
from napari_mineral_anomaly.grains.columns import (
    CONCENTRATION,
    DRIVER_COLUMNS,
    GRAIN,
    N_DRIVERS,
    with_all_columns,
)
from napari_mineral_anomaly.grains.concentrations import concentrations
from napari_mineral_anomaly.grains.details import GrainDetails, with_details
from napari_mineral_anomaly.grains.drivers import (
    driver_contributions,
    driver_texts,
    driving_contributions,
    in_order_of,
    seen_in_maps,
    with_surroundings,
)
from napari_mineral_anomaly.grains.memory import ListMemory, ListRecall
from napari_mineral_anomaly.grains.minerals.hints import hint_minerals
from napari_mineral_anomaly.grains.pixels.edits import NO_EDITS, EditedGrain, GrainEdits, lay_over
from napari_mineral_anomaly.grains.pixels.extent import SignaturePlanes
from napari_mineral_anomaly.grains.pixels.growing import evidence_of, grow_grains
from napari_mineral_anomaly.grains.pixels.neighbours import ClusterShares, neighbour_shares
from napari_mineral_anomaly.grains.pixels.regions import GrainRegions, PixelSets
from napari_mineral_anomaly.grains.signals import GrainSignals, element_symbols, measure_grains
from napari_mineral_anomaly.progress import SILENT, Task
from napari_mineral_anomaly.scan.cube import ElementCube
from napari_mineral_anomaly.scan.labels import label_dtype
from napari_mineral_anomaly.scan.robust import MAD_TO_SIGMA
from napari_mineral_anomaly.scan.spectra.leaks import line_leaks
from napari_mineral_anomaly.words import sizes

Floats = NDArray[np.float64]

# Rows of the list, where fewer grains are above the threshold.
DEFAULT_ROWS = 20
_NOISE_PIXELS = 200_000
# Maps on disk that take no more than this are held in memory while grains are grown: 25 megapixels
# of 20 elements in uint16.
_HELD_BYTES = 1_000_000_000

STEPS = ("grains", "concentrations", "drivers", "surroundings", "minerals", "flags")


@dataclass(frozen=True, eq=False)
class GrainList:
    """The listed grains, with all but their mineral hints and flags.

    Attributes
    ----------
    table : DataFrame
        As `find_grains` returns it, without mineral hints and flags.
    rows : (n,) int
        Which grain of ``regions`` each row is.
    ids : (n,) int64
        The id of each grain of ``regions``.
    regions : GrainRegions
    contributions : (n, C) float64
        Contribution of each element of the result to each grain of ``regions``, as
        `driver_contributions` gives it; of a joined score as `with_surroundings` does.
    drivers : (n, C) float64
        The same, no larger than what the maps show (`seen_in_maps`): what the list shows.
    ring : PixelSets
        The local ring of each grain.
    signals : GrainSignals or None
        None without the scan.
    edges : Edges
    neighbours : list of ClusterShares
        As `neighbours.neighbour_shares` returns them.
    """

    table: pd.DataFrame
    rows: NDArray[np.intp]
    ids: NDArray[np.int64]
    regions: GrainRegions
    contributions: Floats
    drivers: Floats
    ring: PixelSets
    signals: GrainSignals | None
    edges: Edges
    neighbours: list[ClusterShares]

    @cached_property
    def labels(self) -> NDArray[np.unsignedinteger[Any]]:
        """(H, W) the id of the grain of each pixel; 0 = none. uint16, or uint32 where needed."""
        largest = int(self.ids.max(initial=0))
        of_number = np.concatenate(([0], self.ids)).astype(label_dtype(largest))
        return np.asarray(of_number[self.regions.labels])

    @cached_property
    def pixels_by_id(self) -> PixelSets:
        """The pixels of each grain, so that ``of(id - 1)`` gives those of an id."""
        sets = self.regions.pixels
        if np.array_equal(self.ids, np.arange(1, sets.n_grains + 1)):
            return sets
        grain = self.ids[sets.grain] - 1
        order = np.argsort(grain, kind="stable")
        return PixelSets(grain[order], sets.pixel[order], int(self.ids.max(initial=0)))

    def number_of(self, grain_id: int) -> int | None:
        """Which grain of ``regions`` has an id; None where there is none."""
        found = np.flatnonzero(self.ids == grain_id)
        return int(found[0]) if found.size else None


def find_grains(
    result: AnomalyResult,
    *,
    mask: NDArray[Any] | None = None,
    min_area_px: int = 1,
    n_rows: int = DEFAULT_ROWS,
    cube: ElementCube | None = None,
    others: Mapping[str, AnomalyResult] | None = None,
    cluster_names: Mapping[int, str] | None = None,
    edits: GrainEdits = NO_EDITS,
    task: Task = SILENT,
) -> pd.DataFrame:
    """Table of the oddest grains, worst first.

    Grains above the threshold come first, by peak score; then those below it, by the evidence of
    the whole grain (`pixels.growing.evidence_of`); then the concentrations, by peak score. With
    the scan, a grain is whole (`pixels.growing`); without it, the connected pixels of the mask.

    Parameters
    ----------
    result : AnomalyResult
    mask : (H, W), optional
        Non-zero = anomalous; default ``result.mask``. Pixels without a score never count. Pixels
        at or above the threshold that are zero here were taken out by the user: they belong to no
        grain. Pixels below it that are non-zero were brushed in: their grain is as it was drawn.
    min_area_px : int
        Smaller grains are left out of the table.
    n_rows : int
        Grains wanted; those below the threshold fill the list up. 0: only those above it.
    cube : ElementCube, optional
        The scan. Without it there are no whole grains, concentrations, mineral hints and artefact
        flags.
    others : mapping of str to AnomalyResult, optional
        Results of other detectors on the same scan, by the name to show.
    cluster_names : mapping of int to str, optional
        Names of pseudo-label clusters; default: `pseudo_labels.default_cluster_name`.
    edits : GrainEdits, optional
        Grains that the user merged, split or redrew: they are listed in any case, unless most of
        their pixels were taught to be ordinary.
    task : Task, optional
        Reports progress (phase "grains") and can be cancelled.

    Returns
    -------
    DataFrame
        With the columns of `columns.COLUMNS`, which explains them. ``status`` is "unseen", and
        ``comment``, ``decided_by`` and ``decided_at`` are empty until
        `verdicts.book.with_verdicts` fills them in.

    Raises
    ------
    InputError
        When ``cube``, ``mask`` or one of ``others`` is of another size than the score.
    CancelledError
        When ``task`` was cancelled.
    """
    _check_shapes(result, cube=cube)
    grains = list_grains(
        result,
        mask=mask,
        min_area_px=min_area_px,
        n_rows=n_rows,
        cube=cube,
        others=others,
        cluster_names=cluster_names,
        edits=edits,
        task=task,
    )
    if cube is None:
        return grains.table
    details = detail_grains(cube, result, grains, task=task)
    return with_details(grains.table, grains.rows, details)


def list_grains(
    result: AnomalyResult,
    *,
    mask: NDArray[Any] | None = None,
    min_area_px: int = 1,
    n_rows: int = DEFAULT_ROWS,
    cube: ElementCube | None = None,
    others: Mapping[str, AnomalyResult] | None = None,
    cluster_names: Mapping[int, str] | None = None,
    edits: GrainEdits = NO_EDITS,
    memory: ListMemory | None = None,
    task: Task = SILENT,
) -> GrainList:
    """The first half of `find_grains`: all columns but mineral hints and flags.

    ``memory`` is what an earlier list of the same scan left for this one: the list is the same
    with and without it, and takes less time with it.
    """
    recall = ListRecall() if memory is None else memory.recall()
    mask = result.mask if mask is None else np.asarray(mask) != 0
    _check_shapes(result, mask=mask, cube=cube, others=others)
    _report_step("grains", task)
    mask = mask & result.valid
    grown = grow_grains(
        None if cube is None else signatures_of(_at_hand(cube)),
        result.score,
        mask,
        result.valid & (mask | ~result.mask),
        drawn=mask & ~result.mask,
        n_rows=n_rows,
        min_area_px=min_area_px,
        recall=recall,
        task=task,
    )
    _report_step("concentrations", task)
    found = () if cube is None else concentrations(cube, grown.labels > 0, recall=recall, task=task)
    labels = grown.labels
    taken_out = (result.mask & ~mask).reshape(-1)
    found = tuple(
        one
        for one in found
        if not taken_out[one.pixels].all() and not _is_taught(result, one.pixels)
    )
    for number, one in enumerate(found, start=grown.n_grains + 1):
        labels.reshape(-1)[one.pixels[~taken_out[one.pixels]]] = number
    allowed = result.valid & (mask | ~result.mask)
    edits = replace(edits, grains=_untaught(result, edits.grains))
    laid = lay_over(labels, grown.n_grains + len(found), edits, allowed)
    regions = GrainRegions.of_labels(laid.labels, result.valid)
    table = _geometry(result, regions, laid.ids)
    is_grain, is_edited = laid.computed <= grown.n_grains, laid.computed < 0
    table["kind"] = np.where(is_grain, GRAIN, CONCENTRATION)
    has_flagged = regions.pixels.largest(mask.reshape(-1)[regions.pixels.pixel]) > 0
    table["above_threshold"] = has_flagged & (is_edited | (laid.computed <= grown.n_above))
    table["edited"] = laid.how
    n_valid = int(np.count_nonzero(result.valid))
    table["expected_by_chance"] = [
        expected_false_pixels(peak, n_valid) for peak in table["peak_score"]
    ]
    table["found_by"] = _found_by(result, regions, is_grain)
    _report_step("drivers", task)
    ring = regions.ring(task=task)
    signals = (
        None if cube is None else measure_grains(cube, regions, ring, recall=recall, task=task)
    )
    contributions = driver_contributions(result, regions.pixels, ring)
    drivers = contributions
    if signals is not None:
        if result.found_by is not None:
            contributions = with_surroundings(contributions, result.elements, signals)
        drivers = seen_in_maps(
            contributions, result.elements, signals, table["peak_score"].to_numpy()
        )
    texts = driver_texts(drivers, result.elements)
    for row in np.flatnonzero(~is_grain):
        one = found[laid.computed[row] - grown.n_grains - 1]
        texts[row] = (*one.drivers, *[""] * N_DRIVERS)[:N_DRIVERS]
    for k, column in enumerate(DRIVER_COLUMNS):
        table[column] = texts[:, k]
    _report_step("surroundings", task)
    edges = find_edges(regions, task=task)
    table["touches_edge"] = np.where(
        edges.scan, "scan", np.where(edges.valid_area, "valid area", "")
    )
    agreeing = _agreement(result, regions, others)
    table["n_agreeing"] = np.array([len(names) for names in agreeing], dtype=np.int64)
    table["detectors_agreeing"] = [", ".join(names) for names in agreeing]
    neighbours = neighbour_shares(result.pseudo_labels, regions, task=task)
    table["neighbours"] = _neighbour_texts(neighbours, cluster_names or {})
    by_peak = table["above_threshold"] | (table["kind"] == CONCENTRATION)
    evidence = evidence_of(regions.labels, regions.n_grains, result.score)
    table = table.assign(
        _peak=table["peak_score"].where(by_peak, evidence),
        _mean=table["mean_score"].where(by_peak, 0.0),
    ).sort_values(
        ["above_threshold", "kind", "_peak", "_mean", "id"],
        # "grain" comes after "concentration" in the alphabet.
        ascending=[False, False, False, False, True],
    )
    table = table.drop(columns=["_peak", "_mean"])
    rows = table.index.to_numpy()
    table["rank"] = np.arange(1, len(table) + 1)
    table = with_all_columns(table).reset_index(drop=True)
    recall.keep()
    return GrainList(
        table, rows, laid.ids, regions, contributions, drivers, ring, signals, edges, neighbours
    )


def _at_hand(cube: ElementCube) -> ElementCube:
    """A scan whose maps are in memory where they may be: each grain reads several windows of it.

    A window of a store on disk needs whole chunks of every element.
    """
    n_bytes = cube.maps.dtype.itemsize * cube.n_elements * cube.shape[0] * cube.shape[1]
    return cube.in_memory() if n_bytes <= _HELD_BYTES else cube


def signatures_of(cube: ElementCube) -> SignaturePlanes:
    """The element maps as planes in which grains are grown, with the noise of each.

    The variance of counts is their mean. For other numbers it is half the squared median
    difference of neighbouring pixels, scaled to a Gaussian, over about `_NOISE_PIXELS` pixels.
    """
    if cube.quantity == "counts":
        return SignaturePlanes(cube.maps, None)
    rows = slice(None, None, max(1, cube.shape[0] * cube.shape[1] // _NOISE_PIXELS))
    noise = np.empty(cube.n_elements)
    for c in range(cube.n_elements):
        lines = np.asarray(cube.maps[c, rows]).astype(np.float64)
        steps = np.abs(np.diff(lines, axis=1))
        steps = steps[np.isfinite(steps) & (steps > 0)]
        step = MAD_TO_SIGMA * float(np.median(steps)) if steps.size else 1.0
        noise[c] = step**2 / 2
    return SignaturePlanes(cube.maps, noise)


def _untaught(result: AnomalyResult, grains: tuple[EditedGrain, ...]) -> tuple[EditedGrain, ...]:
    return tuple(one for one in grains if not _is_taught(result, one.pixels))


def _is_taught(result: AnomalyResult, pixels: NDArray[np.int64]) -> bool:
    """Whether what was taught explains most of some pixels: nothing of them is an excess then."""
    if result.taught is None:
        return False
    rows, columns = np.unravel_index(pixels, result.score.shape)
    # Of maps that are computed on demand, only those of the window around the pixels.
    top, left = int(rows.min()), int(columns.min())
    window = slice(top, int(rows.max()) + 1), slice(left, int(columns.max()) + 1)
    near = np.asarray(result.contributions[(slice(None), *window)])
    excess = near[:, rows - top, columns - left].any(axis=0)
    return float(excess.mean()) < 0.5


def detail_grains(
    cube: ElementCube, result: AnomalyResult, grains: GrainList, *, task: Task = SILENT
) -> GrainDetails:
    """The second half of `find_grains`: what the element maps show of the listed grains."""
    regions, ring = grains.regions, grains.ring
    signals = grains.signals or measure_grains(cube, regions, ring, task=task)
    _report_step("minerals", task)
    leaks = line_leaks(element_symbols(cube.elements))
    hints = hint_minerals(signals, leaks).without(are_dark(signals))
    _report_step("flags", task)
    driving = driving_contributions(grains.contributions)
    driving = in_order_of(cube.elements, driving, result.elements)
    labels = result.pseudo_labels
    flags = flag_artefacts(
        cube, regions, ring, signals, driving, labels, leaks, grains.edges, task=task
    )
    return GrainDetails(ring, signals, hints, tuple(flags))


def _report_step(step: str, task: Task) -> None:
    """Report one of the `STEPS` of a grain list as it begins (phase "grains")."""
    task.step("grains", STEPS.index(step), len(STEPS), step)


def _check_shapes(
    result: AnomalyResult,
    *,
    mask: NDArray[np.bool_] | None = None,
    cube: ElementCube | None = None,
    others: Mapping[str, AnomalyResult] | None = None,
) -> None:
    shapes = {} if mask is None else {"mask": mask.shape}
    shapes |= {} if cube is None else {"scan": cube.shape}
    shapes |= {f"score of {name}": other.score.shape for name, other in (others or {}).items()}
    for name, shape in shapes.items():
        if shape != result.score.shape:
            raise InputError(
                f"The {name} is {sizes(shape)} pixels but the score map is "
                f"{sizes(result.score.shape)}: they must lie on the same grid."
            )


def _geometry(result: AnomalyResult, regions: GrainRegions, ids: NDArray[np.int64]) -> pd.DataFrame:
    sets = regions.pixels
    score = result.score.reshape(-1)[sets.pixel].astype(np.float64)
    pixel_y, pixel_x = result.pixel_size or (np.nan, np.nan)
    centroid_y, centroid_x = sets.mean(regions.rows), sets.mean(regions.columns)
    row_min, row_max, col_min, col_max = regions.bounds
    area = sets.size
    return pd.DataFrame(
        {
            "id": ids,
            "peak_score": sets.largest(score),
            "mean_score": sets.mean(score),
            "area_px": area,
            "area_um2": area * pixel_y * pixel_x,
            "centroid_y_px": centroid_y,
            "centroid_x_px": centroid_x,
            "centroid_y_um": centroid_y * pixel_y,
            "centroid_x_um": centroid_x * pixel_x,
            "equivalent_diameter_px": 2 * np.sqrt(area / np.pi),
            "equivalent_diameter_um": 2 * np.sqrt(area * pixel_y * pixel_x / np.pi),
            "sem_y_mm": np.full(sets.n_grains, np.nan),
            "sem_x_mm": np.full(sets.n_grains, np.nan),
            "row_min": row_min,
            "row_max": row_max,
            "col_min": col_min,
            "col_max": col_max,
        }
    )


def _found_by(
    result: AnomalyResult, regions: GrainRegions, is_grain: NDArray[np.bool_]
) -> list[str]:
    """In words, the question that adds most in most pixels of each grain; "" where there is one."""
    questions = list((result.info.details.get("questions") or {}).values())
    if result.found_by is None or not questions:
        return [""] * regions.n_grains
    sets = regions.pixels
    codes = result.found_by.reshape(-1)[sets.pixel].astype(np.int64)
    votes = np.zeros((regions.n_grains, len(questions) + 1), dtype=np.int64)
    np.add.at(votes, (sets.grain, codes), 1)
    best = votes[:, 1:].argmax(axis=1)
    return [questions[k] if own else "" for k, own in zip(best, is_grain, strict=True)]


def _agreement(
    result: AnomalyResult, regions: GrainRegions, others: Mapping[str, AnomalyResult] | None
) -> list[tuple[str, ...]]:
    """Names of the detectors that flag each grain; first the one whose result is listed."""
    own = result.info.detector or "this detector"
    rivals = {name: other for name, other in (others or {}).items() if name != own}
    if not rivals:
        return [(own,)] * regions.n_grains
    return [(own, *names) for names in agreeing_detectors(regions.labels, rivals)]


def _neighbour_texts(neighbours: list[ClusterShares], names: Mapping[int, str]) -> list[str]:
    """Pseudo-label clusters of the pixels one and two steps away, with their shares."""
    return [
        ", ".join(
            f"{names.get(code) or default_cluster_name(code)} {100 * share:.0f} %"
            for code, share in found
        )
        for found in neighbours
    ]
