"""From a mask of anomalous pixels to a ranked table of grains."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from napari_mineral_anomaly.agreement import agreeing_detectors
from napari_mineral_anomaly.artefacts import (
    FLAG_SEPARATOR,
    Edges,
    find_edges,
    flag_artefacts,
)
from napari_mineral_anomaly.cube import ElementCube
from napari_mineral_anomaly.errors import InputError
from napari_mineral_anomaly.grain_regions import (
    GrainRegions,
    PixelSets,
    label_grains,
    remove_small_grains,
)
from napari_mineral_anomaly.grain_signals import element_symbols, measure_grains
from napari_mineral_anomaly.line_leaks import line_leaks
from napari_mineral_anomaly.mineral_hints import MineralHint, hint_minerals
from napari_mineral_anomaly.neighbours import default_cluster_name, neighbour_shares
from napari_mineral_anomaly.progress import (
    CancelToken,
    ProgressCallback,
    ProgressEvent,
    check,
    emit,
)
from napari_mineral_anomaly.result import AnomalyResult
from napari_mineral_anomaly.stage import StageTransform

__all__ = [
    "DRIVER_COLUMNS",
    "GRAIN_COLUMNS",
    "UNSEEN",
    "StageTransform",
    "find_grains",
    "label_grains",
    "remove_small_grains",
    "split_driver",
]

N_DRIVERS = 5

DRIVER_COLUMNS = tuple(f"driver_{k}" for k in range(1, N_DRIVERS + 1))

UNSEEN = "unseen"

GRAIN_COLUMNS = (
    "id",
    "rank",
    "peak_score",
    "mean_score",
    "area_px",
    "area_um2",
    "centroid_y_px",
    "centroid_x_px",
    "centroid_y_um",
    "centroid_x_um",
    *DRIVER_COLUMNS,
    "equivalent_diameter_px",
    "equivalent_diameter_um",
    "stage_y_mm",
    "stage_x_mm",
    "row_min",
    "row_max",
    "col_min",
    "col_max",
    "touches_edge",
    "n_agreeing",
    "detectors_agreeing",
    "mineral_hint",
    "mineral_distance",
    "mineral_others",
    "flags",
    "neighbours",
    "status",
    "comment",
    "decided_by",
    "decided_at",
)

Floats = NDArray[np.float64]

_STEPS = ("grains", "drivers", "surroundings", "elements", "minerals", "flags")


def find_grains(
    result: AnomalyResult,
    *,
    mask: NDArray[Any] | None = None,
    min_area_px: int = 1,
    cube: ElementCube | None = None,
    others: Mapping[str, AnomalyResult] | None = None,
    stage: StageTransform | None = None,
    cluster_names: Mapping[int, str] | None = None,
    on_event: ProgressCallback | None = None,
    cancel: CancelToken | None = None,
) -> pd.DataFrame:
    """Table of the anomalous grains, worst first.

    A grain is an 8-connected area of the mask. Grains are ranked by their peak score, then by
    their mean score.

    Parameters
    ----------
    result : AnomalyResult
    mask : (H, W), optional
        Non-zero = anomalous; default ``result.mask``. Pixels without a score never count.
    min_area_px : int
        Smaller grains are left out of the table.
    cube : ElementCube, optional
        The scan itself. Without it there are no mineral hints, and no artefact flags.
    others : mapping of str to AnomalyResult, optional
        Results of other detectors on the same scan, by the name to show.
    stage : StageTransform, optional
        From pixels to stage millimetres; default: the map's own axes, from its first pixel.
    cluster_names : mapping of int to str, optional
        Names of pseudo-label clusters; default: `neighbours.default_cluster_name`.
    on_event, cancel
        Progress callback (phase "grains") and cancel token.

    Returns
    -------
    DataFrame with the columns `GRAIN_COLUMNS`
        ``id`` is the number of the grain in ``label_grains(mask)``; with ``min_area_px`` > 1 some
        numbers are missing. ``peak_score`` and ``mean_score`` are in background sigmas.
        ``area_um2`` and ``centroid_*_um`` are NaN where the pixel size is unknown. Centroids are
        unweighted means of pixel positions; the centre of the first pixel is at 0 (0 µm), as in
        napari's world coordinates of a layer with the pixel size as scale.
        ``driver_1`` ... ``driver_5`` are such as "As+14.2": an element and its signed contribution
        in background sigmas, averaged over the grain (our choice: on a grain of n pixels the mean
        carries 1/sqrt(n) of the noise of its peak pixel), the largest magnitude first; empty
        where there are fewer elements.
        ``equivalent_diameter_*`` is the diameter of the circle of equal area. ``row_min`` ...
        ``col_max`` are inclusive. ``touches_edge`` is "scan", "valid area" or empty.
        ``detectors_agreeing`` names the detectors that flag at least one pixel of the grain
        (`agreement.agreeing_detectors`), the result's own first.
        ``mineral_hint`` and ``mineral_distance`` are the nearest mineral
        (`mineral_hints`), ``mineral_others`` the next, such as "rutile 0.21". ``flags`` are
        artefact flags (`artefacts`) joined by "; ". ``neighbours`` are the pseudo-label clusters
        of the pixels around the grain with their shares, such as
        "Cluster 3 64 %, Cluster 2 36 %". ``status`` is
        "unseen", and ``comment``, ``decided_by`` and ``decided_at`` are empty until
        `verdicts.with_verdicts` fills them.

    Raises
    ------
    InputError
        When ``cube``, ``mask`` or one of ``others`` is of another size than the score.
    CancelledError
        When ``cancel`` was cancelled.
    """

    def tell(step: str) -> None:
        check(cancel)
        emit(on_event, ProgressEvent("grains", _STEPS.index(step), len(_STEPS), step))

    mask = result.mask if mask is None else np.asarray(mask) != 0
    _check_shapes(result, mask, cube, others)
    tell("grains")
    all_grains = GrainRegions.of(mask, result.valid)
    ids = np.flatnonzero(all_grains.pixels.size >= min_area_px) + 1
    regions = all_grains.keeping(all_grains.pixels.size >= min_area_px)
    table = _geometry(result, regions, ids, stage)
    tell("drivers")
    contributions = mean_contributions(result, regions.pixels)
    texts = _driver_texts(contributions, result.elements)
    for k, column in enumerate(DRIVER_COLUMNS):
        table[column] = texts[:, k]
    tell("surroundings")
    edges = find_edges(regions, cancel=cancel)
    table["touches_edge"] = _edge_texts(edges)
    agreeing = _agreement(result, all_grains, ids, others)
    table["n_agreeing"] = np.array([len(names) for names in agreeing], dtype=np.int64)
    table["detectors_agreeing"] = [", ".join(names) for names in agreeing]
    ring = regions.ring(cancel=cancel)
    table["neighbours"] = _neighbours(result, regions, cluster_names or {}, cancel)
    if cube is None:
        hints: list[tuple[MineralHint, ...]] = [()] * regions.n_grains
        flags: list[tuple[str, ...]] = [()] * regions.n_grains
    else:
        tell("elements")
        signals = measure_grains(cube, regions, ring, cancel=cancel)
        tell("minerals")
        leaks = line_leaks(element_symbols(cube.elements))
        hint_table = hint_minerals(signals, leaks)
        hints = [hint_table.of(grain) for grain in range(regions.n_grains)]
        tell("flags")
        flags = flag_artefacts(
            cube,
            regions,
            ring,
            signals,
            _in_order_of(cube.elements, driving_contributions(contributions), result.elements),
            result.pseudo_labels,
            leaks,
            edges,
            cancel=cancel,
        )
    table["mineral_hint"] = [found[0].name if found else "" for found in hints]
    table["mineral_distance"] = [found[0].distance if found else np.nan for found in hints]
    table["mineral_others"] = [
        ", ".join(f"{hint.name} {hint.distance:.2f}" for hint in found[1:]) for found in hints
    ]
    table["flags"] = [FLAG_SEPARATOR.join(found) for found in flags]
    table["status"] = UNSEEN
    table[["comment", "decided_by", "decided_at"]] = ""
    table = table.sort_values(["peak_score", "mean_score", "id"], ascending=[False, False, True])
    table["rank"] = np.arange(1, len(table) + 1)
    return table[list(GRAIN_COLUMNS)].reset_index(drop=True)


def split_driver(driver: str) -> tuple[str, float]:
    """Element and signed contribution (background sigmas) of a driver such as "As+14.2"."""
    at = max(driver.rfind("+"), driver.rfind("-"))
    return driver[:at], float(driver[at:])


def _check_shapes(
    result: AnomalyResult,
    mask: NDArray[np.bool_],
    cube: ElementCube | None,
    others: Mapping[str, AnomalyResult] | None,
) -> None:
    shapes = {"mask": mask.shape} | ({} if cube is None else {"scan": cube.shape})
    shapes |= {f"score of {name}": other.score.shape for name, other in (others or {}).items()}
    for name, shape in shapes.items():
        if shape != result.score.shape:
            raise InputError(
                f"The {name} is {'x'.join(map(str, shape))} pixels but the score map is "
                f"{'x'.join(map(str, result.score.shape))}: they must lie on the same grid."
            )


def _geometry(
    result: AnomalyResult,
    regions: GrainRegions,
    ids: NDArray[np.intp],
    stage: StageTransform | None,
) -> pd.DataFrame:
    pixels = regions.pixels
    score = result.score.reshape(-1)[pixels.pixel].astype(np.float64)
    pixel_y, pixel_x = result.pixel_size or (np.nan, np.nan)
    if stage is None and result.pixel_size is not None:
        stage = StageTransform.from_pixel_size(result.pixel_size)
    centroid_y, centroid_x = pixels.mean(regions.rows), pixels.mean(regions.columns)
    unknown = np.full(pixels.n_grains, np.nan)
    stage_y, stage_x = (unknown, unknown) if stage is None else stage.apply(centroid_y, centroid_x)
    row_min, row_max, col_min, col_max = regions.bounds
    area = pixels.size
    return pd.DataFrame(
        {
            "id": ids,
            "peak_score": pixels.largest(score),
            "mean_score": pixels.mean(score),
            "area_px": area,
            "area_um2": area * pixel_y * pixel_x,
            "centroid_y_px": centroid_y,
            "centroid_x_px": centroid_x,
            "centroid_y_um": centroid_y * pixel_y,
            "centroid_x_um": centroid_x * pixel_x,
            "equivalent_diameter_px": 2 * np.sqrt(area / np.pi),
            "equivalent_diameter_um": 2 * np.sqrt(area * pixel_y * pixel_x / np.pi),
            "stage_y_mm": stage_y,
            "stage_x_mm": stage_x,
            "row_min": row_min,
            "row_max": row_max,
            "col_min": col_min,
            "col_max": col_max,
        }
    )


def mean_contributions(result: AnomalyResult, pixels: PixelSets) -> Floats:
    """Mean contribution (n, C) of each element to n sets of pixels, in background sigmas.

    One contribution plane in memory at a time: they may be lazy.
    """
    means = np.empty((pixels.n_grains, len(result.elements)))
    for c in range(len(result.elements)):
        plane = np.asarray(result.contributions[c]).reshape(-1)
        means[:, c] = pixels.mean(plane[pixels.pixel])
    return means


def driving_contributions(means: Floats) -> Floats:
    """``means`` (n, C) with all but the `N_DRIVERS` largest magnitudes of each row set to 0."""
    order = _largest_first(means)
    out = np.zeros_like(means)
    np.put_along_axis(out, order, np.take_along_axis(means, order, axis=1), axis=1)
    return out


def _largest_first(means: Floats) -> NDArray[np.intp]:
    # A stable sort keeps ties in element order, so that the same run gives the same table.
    return np.argsort(-np.abs(means), axis=1, kind="stable")[:, :N_DRIVERS]


def _driver_texts(means: Floats, elements: tuple[str, ...]) -> NDArray[np.object_]:
    """(n, N_DRIVERS) texts, empty where there are fewer elements."""
    texts = np.full((means.shape[0], N_DRIVERS), "", dtype=object)
    order = _largest_first(means)
    for k in range(order.shape[1]):
        values = np.take_along_axis(means, order[:, k : k + 1], axis=1)[:, 0]
        texts[:, k] = [f"{elements[c]}{z:+.1f}" for c, z in zip(order[:, k], values, strict=True)]
    return texts


def _in_order_of(wanted: tuple[str, ...], values: Floats, elements: tuple[str, ...]) -> Floats:
    """Columns of ``values`` (named by ``elements``) as ``wanted``; 0 where one is missing."""
    out = np.zeros((values.shape[0], len(wanted)))
    for c, name in enumerate(wanted):
        if name in elements:
            out[:, c] = values[:, elements.index(name)]
    return out


def _edge_texts(edges: Edges) -> NDArray[np.str_]:
    return np.where(edges.scan, "scan", np.where(edges.valid_area, "valid area", ""))


def _agreement(
    result: AnomalyResult,
    all_grains: GrainRegions,
    ids: NDArray[np.intp],
    others: Mapping[str, AnomalyResult] | None,
) -> list[tuple[str, ...]]:
    """Names of the detectors that flag each grain: the own one, which made the list, first."""
    own = str(result.info.get("detector", "")) or "this detector"
    rivals = {name: other for name, other in (others or {}).items() if name != own}
    if not rivals:
        return [(own,)] * ids.size
    agreeing = agreeing_detectors(all_grains.labels, rivals)
    return [(own, *agreeing[number - 1]) for number in ids]


def _neighbours(
    result: AnomalyResult,
    regions: GrainRegions,
    names: Mapping[int, str],
    cancel: CancelToken | None,
) -> list[str]:
    """Pseudo-label clusters of the pixels one and two steps away, with their shares."""
    shares = neighbour_shares(result.pseudo_labels, regions, cancel=cancel)
    return [
        ", ".join(
            f"{names.get(code) or default_cluster_name(code)} {100 * share:.0f} %"
            for code, share in found
        )
        for found in shares
    ]
