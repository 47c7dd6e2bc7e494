"""Editing of pseudo-label clusters: name, merge, split, or count one as an anomaly.

Everything here maps a `ClusterMap` to a new one; undo is `verdicts.book.History`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from matplotlib import colormaps
from numpy.typing import NDArray

from napari_mineral_anomaly.detectors.clusters.pseudo_labels import (
    CANDIDATE_LABEL,
    FIRST_BACKGROUND_LABEL,
    default_cluster_name,
)
from napari_mineral_anomaly.errors import InputError
from napari_mineral_anomaly.progress import SILENT, Task
from napari_mineral_anomaly.scan.cube import ElementCube
from napari_mineral_anomaly.scan.labels import label_dtype
from napari_mineral_anomaly.scan.robust import robust_centre_and_sigma

Colour = tuple[float, float, float, float]
Labels = NDArray[np.unsignedinteger[Any]]

CANDIDATES_COLOUR: Colour = (0.84, 0.15, 0.16, 1.0)
# A split is fitted on at most this many pixels of the cluster and then applied to all of them.
MAX_FITTED_PIXELS = 20_000
_COUNTED_CODES = 1 << 20


@dataclass(frozen=True, eq=False)
class ClusterMap:
    """Pseudo-labels with the name, colour and kind of each cluster; never altered in place.

    Attributes
    ----------
    labels : (H, W) unsigned integer
        0 outside the valid area, else the code of a cluster; 1 = anomaly candidates and 2... =
        background clusters where the detector made them.
    names : mapping of int to str
    colours : mapping of int to (r, g, b, a), 0 to 1
    background : frozenset of int
        Clusters that count as ordinary rock; all others as anomalies.
    """

    labels: Labels
    names: Mapping[int, str]
    colours: Mapping[int, Colour]
    background: frozenset[int]

    @property
    def codes(self) -> tuple[int, ...]:
        """Codes of all clusters, rising; 0 is none."""
        return tuple(sorted(self.names))


def cluster_map(labels: Labels, names: Mapping[int, str] | None = None) -> ClusterMap:
    """The pseudo-labels of a result, ready for editing.

    Parameters
    ----------
    labels : (H, W)
        As `AnomalyResult.pseudo_labels`.
    names : mapping of int to str, optional
        Known names of some clusters.
    """
    codes = _codes_in(labels)
    known = names or {}
    return ClusterMap(
        labels=labels,
        names={code: known.get(code, default_cluster_name(code)) for code in codes},
        colours={code: _default_colour(code) for code in codes},
        background=frozenset(code for code in codes if code != CANDIDATE_LABEL),
    )


def rename(clusters: ClusterMap, code: int, name: str) -> ClusterMap:
    """Give a cluster another name, such as a phase; InputError for an empty name or one in use."""
    _require(clusters, code)
    name = name.strip()
    if not name:
        raise InputError("A cluster needs a name.")
    if any(other == name for c, other in clusters.names.items() if c != code):
        raise InputError(f"Another cluster is already called {name!r}: merge the two instead.")
    return replace(clusters, names={**clusters.names, code: name})


def recolour(clusters: ClusterMap, code: int, colour: Iterable[float]) -> ClusterMap:
    """Give a cluster another colour (r, g, b, a), each 0 to 1."""
    _require(clusters, code)
    values = tuple(float(value) for value in colour)
    if len(values) != 4 or not all(0 <= value <= 1 for value in values):
        raise InputError("A colour is four numbers between 0 and 1: red, green, blue, opacity.")
    red, green, blue, alpha = values
    return replace(clusters, colours={**clusters.colours, code: (red, green, blue, alpha)})


def toggle_background(clusters: ClusterMap, code: int) -> ClusterMap:
    """Turn a background cluster into an anomalous one, or the reverse."""
    _require(clusters, code)
    return replace(clusters, background=clusters.background ^ {code})


def merge(clusters: ClusterMap, codes: Iterable[int], into: int | None = None) -> ClusterMap:
    """Make one cluster of several.

    Parameters
    ----------
    clusters : ClusterMap
    codes : iterable of int
        At least two.
    into : int, optional
        The one of them whose code, name, colour and kind remain; default: the largest.
    """
    chosen = sorted(set(codes))
    for code in chosen:
        _require(clusters, code)
    if len(chosen) < 2:
        raise InputError("Choose at least two clusters to merge.")
    if into is None:
        size = np.bincount(clusters.labels.reshape(-1), minlength=chosen[-1] + 1)
        into = max(chosen, key=lambda code: int(size[code]))
    if into not in chosen:
        raise InputError("The cluster that remains must be one of those merged.")
    gone = frozenset(chosen) - {into}
    table = np.arange(int(clusters.labels.max()) + 1, dtype=clusters.labels.dtype)
    table[list(gone)] = into
    return ClusterMap(
        labels=table[clusters.labels],
        names={code: name for code, name in clusters.names.items() if code not in gone},
        colours={code: colour for code, colour in clusters.colours.items() if code not in gone},
        background=clusters.background - gone,
    )


def split_by_signature(
    clusters: ClusterMap,
    code: int,
    cube: ElementCube,
    *,
    n: int = 2,
    seed: int = 0,
    task: Task = SILENT,
) -> ClusterMap:
    """Divide a cluster by the element values of its pixels.

    k-means (scikit-learn) on all elements, each scaled by its own median and robust sigma inside
    the cluster, so that the strongest element does not dominate; fitted on at most
    `MAX_FITTED_PIXELS` pixels. The largest part keeps code and name.

    Parameters
    ----------
    clusters : ClusterMap
    code : int
    cube : ElementCube
        The scan of these labels.
    n : int
        Parts.
    seed : int
    task : Task, optional

    Raises
    ------
    InputError
        For an unknown cluster, fewer than two parts or more parts than pixels, maps of another
        size.
    """
    _require(clusters, code)
    _require_same_grid(clusters, cube)
    where = np.flatnonzero(clusters.labels == code)
    if n < 2 or where.size < n:
        raise InputError(f"A cluster of {where.size} pixels cannot be split into {n} parts.")
    values = np.empty((where.size, cube.n_elements), dtype=np.float32)
    for c in range(cube.n_elements):
        task.check()
        plane = cube.plane(c).reshape(-1)[where].astype(np.float64)
        centre, sigma = robust_centre_and_sigma(plane)
        values[:, c] = (plane - centre) / sigma
    fitted = np.sort(
        np.random.default_rng(seed).choice(
            where.size, min(where.size, MAX_FITTED_PIXELS), replace=False
        )
    )
    task.check()
    # Imported here: it takes a second, and the window imports this module to show clusters.
    from sklearn.cluster import KMeans

    model = KMeans(n_clusters=n, n_init=4, random_state=seed).fit(values[fitted])
    task.check()
    part = model.predict(values)
    order = np.argsort(-np.bincount(part, minlength=n), kind="stable")
    return _with_parts(clusters, code, [where[part == k] for k in order])


def cluster_signatures(
    clusters: ClusterMap, cube: ElementCube, *, task: Task = SILENT
) -> pd.DataFrame:
    """Mean of every element in every cluster.

    Returns
    -------
    DataFrame
        One row per cluster, by code: code, name, n_px, share (of the labelled pixels),
        is_background, then a column per element with its mean in the units of the maps.
    """
    return _signatures(clusters, cube, in_sigmas=False, task=task)


def signature_sigmas(
    clusters: ClusterMap, cube: ElementCube, *, task: Task = SILENT
) -> pd.DataFrame:
    """As `cluster_signatures`, in robust sigmas of the labelled pixels of the scan."""
    return _signatures(clusters, cube, in_sigmas=True, task=task)


def for_training(clusters: ClusterMap) -> NDArray[np.uint16]:
    """The pseudo-labels to train a detector with.

    Returns
    -------
    (H, W) uint16
        0 outside, 1 anomaly candidates, 2... background clusters, the largest first.

    Raises
    ------
    InputError
        When no cluster is background: then there is nothing to learn from.
    """
    size = np.bincount(clusters.labels.reshape(-1), minlength=max(clusters.codes, default=0) + 1)
    ordinary = sorted(
        (code for code in clusters.background if size[code]), key=lambda code: (-size[code], code)
    )
    if not ordinary:
        raise InputError("At least one cluster must be background: a detector learns from it.")
    table = np.full(size.size, CANDIDATE_LABEL, dtype=np.uint16)
    table[0] = 0
    table[ordinary] = FIRST_BACKGROUND_LABEL + np.arange(len(ordinary))
    return np.asarray(table[clusters.labels])


def _codes_in(labels: Labels) -> list[int]:
    """All codes of a map except 0, rising."""
    if int(labels.max(initial=0)) < _COUNTED_CODES:  # much faster, and the usual case
        return [int(code) for code in np.flatnonzero(np.bincount(labels.reshape(-1))) if code]
    return [int(code) for code in np.unique(labels) if code]


def _default_colour(code: int) -> Colour:
    if code == CANDIDATE_LABEL:
        return CANDIDATES_COLOUR
    palette = colormaps["tab20"]
    # tab20 pairs a dark and a light tone: the dark ones first. Its reds are left to candidates.
    order = [k for k in (*range(0, 20, 2), *range(1, 20, 2)) if k not in (6, 7)]
    red, green, blue, alpha = palette(order[(code - FIRST_BACKGROUND_LABEL) % len(order)])
    return float(red), float(green), float(blue), float(alpha)


def _require(clusters: ClusterMap, code: int) -> None:
    if code not in clusters.names:
        raise InputError(f"There is no cluster {code}.")


def _require_same_grid(clusters: ClusterMap, cube: ElementCube) -> None:
    if cube.shape != clusters.labels.shape:
        raise InputError("The element maps and the clusters must lie on the same grid.")


def _with_parts(clusters: ClusterMap, code: int, parts: list[NDArray[np.intp]]) -> ClusterMap:
    """The first part keeps ``code``, the others get new codes and the same kind."""
    free = int(clusters.labels.max()) + 1
    wide_enough = label_dtype(free + len(parts))
    labels = clusters.labels.astype(np.promote_types(clusters.labels.dtype, wide_enough))
    names, colours = dict(clusters.names), dict(clusters.colours)
    background = set(clusters.background)
    taken = set(names.values())
    for k, pixels in enumerate(parts[1:], start=2):
        new = free + k - 2
        labels.reshape(-1)[pixels] = new
        name = f"{names[code]}, part {k}"
        while name in taken:
            name += "'"
        taken.add(name)
        names[new], colours[new] = name, _default_colour(new)
        if code in clusters.background:
            background.add(new)
    return ClusterMap(labels, names, colours, frozenset(background))


def _signatures(
    clusters: ClusterMap, cube: ElementCube, *, in_sigmas: bool, task: Task
) -> pd.DataFrame:
    _require_same_grid(clusters, cube)
    where = np.flatnonzero(clusters.labels)
    label = clusters.labels.reshape(-1)[where].astype(np.int64)
    codes = list(clusters.codes)
    size = np.bincount(label, minlength=max(codes, default=0) + 1)
    n_px = size[codes]
    columns: dict[str, Any] = {
        "code": codes,
        "name": [clusters.names[code] for code in codes],
        "n_px": n_px,
        "share": n_px / max(int(where.size), 1),
        "is_background": [code in clusters.background for code in codes],
    }
    for c, element in enumerate(cube.elements):
        task.step("signatures", c, cube.n_elements, element)
        values = cube.plane(c).reshape(-1)[where].astype(np.float64)
        finite = np.isfinite(values)
        total = np.bincount(label[finite], weights=values[finite], minlength=size.size)[codes]
        count = np.bincount(label[finite], minlength=size.size)[codes]
        with np.errstate(invalid="ignore"):
            mean = total / count
        if in_sigmas:
            centre, sigma = robust_centre_and_sigma(values[finite])
            mean = (mean - centre) / sigma
        columns[element] = mean
    return pd.DataFrame(columns)
