"""What the numbers of a scan say about its quality: counts per map and warnings in words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_mineral_anomaly.cube import MISSING_MAGNITUDE, ElementCube
from napari_mineral_anomaly.elements import parse_names
from napari_mineral_anomaly.io.ingest import UsedMap
from napari_mineral_anomaly.io.planes import listed

# Two maps of different elements that agree this closely are rarely two elements (Ba La on Ti Ka).
_SUSPICIOUS_R = 0.98
_SAMPLED_PIXELS = 50_000
_PAIRS_SHOWN = 5
# Correlation of neighbouring pixels below which a map shows nothing but counting noise. Measured on
# seven real scans: noise maps 0.02-0.04, the weakest real element 0.09.
_NOISE_R = 0.05
_NOISE_PAIRS = 1000
_NOISE_SAMPLE = 200_000
# A line without any count is called dead if chance leaves it so less often than this.
_CHANCE = 1e-9
_LINES_SHOWN = 8


def used_map(
    values: NDArray[Any],
    *,
    file: str,
    element: str,
    page: int | None = None,
    dtype: np.dtype[Any] | None = None,
) -> UsedMap:
    """Count what matters in one map (H, W); ``dtype`` is that of the file if it differs."""
    stored = values.dtype if dtype is None else dtype
    finite = np.isfinite(values)
    top = np.iinfo(stored).max if stored.kind in "ui" else None
    return UsedMap(
        file=file,
        element=element,
        dtype=str(stored),
        shape=(int(values.shape[0]), int(values.shape[1])),
        nan=int(values.size - np.count_nonzero(finite)),
        zero=int(values.size - np.count_nonzero(values)),
        negative=int(np.count_nonzero(values < 0)) if stored.kind in "if" else 0,
        saturated=0 if top is None else int(np.count_nonzero(values == top)),
        page=page,
    )


def cube_warnings(cube: ElementCube, used: Sequence[UsedMap]) -> list[str]:
    """Sentences about constant, identical and saturated maps, suspicious pairs and dead lines."""
    # Numbers that stand for "missing" may be so large that their squares overflow.
    with np.errstate(over="ignore", invalid="ignore"):
        return [
            *_no_valid_pixel(cube),
            *_constant_and_identical(cube),
            *_saturated(used),
            *_too_large(cube),
            *_suspicious_pairs(cube),
            *_noise(cube),
            *_dead_lines(cube),
        ]


def _no_valid_pixel(cube: ElementCube) -> list[str]:
    if cube.n_valid:
        return []
    return ["No pixel is valid: every pixel is missing or zero in all elements."]


def _constant_and_identical(cube: ElementCube) -> list[str]:
    constant: list[str] = []
    twins: list[str] = []
    seen: dict[bytes, list[int]] = {}
    for c, element in enumerate(cube.elements):
        plane = cube.plane(c)
        if np.all(plane == plane.flat[0]) or not np.isfinite(plane).any():
            constant.append(element)
            continue
        # A cheap key first; equality is tested on the numbers themselves.
        key = np.ascontiguousarray(plane[:: max(1, plane.shape[0] // 16)]).tobytes()
        for other in seen.setdefault(key, []):
            if np.array_equal(plane, cube.plane(other), equal_nan=plane.dtype.kind == "f"):
                twins.append(f"{cube.elements[other]} and {element}")
                break
        seen[key].append(c)
    lines = []
    if constant:
        verb = "is the same number everywhere" if len(constant) == 1 else "are constant maps"
        lines.append(f"{', '.join(constant)} {verb}: no information in it.")
    lines += [f"{pair} hold identical numbers: one file under two names?" for pair in twins]
    return lines


def _saturated(used: Sequence[UsedMap]) -> list[str]:
    return [
        f"{u.element}: {u.saturated} pixels stand at {np.iinfo(u.dtype).max}, "
        f"the top of {u.dtype}: counts may be cut off."
        for u in used
        if u.saturated > 1
    ]


def _too_large(cube: ElementCube) -> list[str]:
    """Numbers no instrument counts: missing values that a program has written as -3.4e38."""
    lines = []
    for c, element in enumerate(cube.elements):
        plane = cube.plane(c)
        if plane.dtype.kind != "f":
            continue
        count = np.count_nonzero((np.abs(plane) >= MISSING_MAGNITUDE) & np.isfinite(plane))
        if count:
            lines.append(
                f"{element}: {count} pixels hold numbers beyond {MISSING_MAGNITUDE:g}, which mark "
                "missing values: they are left out unless a valid area includes them."
            )
    return lines


def _suspicious_pairs(cube: ElementCube) -> list[str]:
    """Pairs of different elements with |r| above 0.98; bands of a spectrum always agree so."""
    parsed = parse_names(cube.elements)
    known = [c for c, entry in enumerate(parsed) if entry.element is not None]
    where = np.flatnonzero(cube.valid)[:: max(1, cube.n_valid // _SAMPLED_PIXELS)]
    if not known or where.size == 0:
        return []
    sample = np.stack([cube.plane(c).reshape(-1)[where].astype(np.float64) for c in known], axis=1)
    deviation = sample - sample.mean(axis=0)
    norm = np.sqrt((deviation**2).sum(axis=0))
    use = (norm > 0) & np.isfinite(norm)
    if np.count_nonzero(use) < 2:
        return []
    index = np.flatnonzero(use)
    scaled = deviation[:, index] / norm[index]
    r = scaled.T @ scaled
    pairs = []
    for i, j in zip(*np.triu_indices(len(index), k=1), strict=True):
        a, b = known[index[i]], known[index[j]]
        if abs(r[i, j]) > _SUSPICIOUS_R and parsed[a].element != parsed[b].element:
            weaker, stronger = (a, b) if norm[index[i]] < norm[index[j]] else (b, a)
            pairs.append((abs(float(r[i, j])), float(r[i, j]), weaker, stronger))
    pairs.sort(reverse=True)
    lines = [
        f"{cube.elements[weaker]} follows {cube.elements[stronger]} (r = {value:.3f}): "
        "line overlap, or the same mineral?"
        if value > 0
        else f"{cube.elements[weaker]} mirrors {cube.elements[stronger]} (r = {value:.3f})."
        for _, value, weaker, stronger in pairs[:_PAIRS_SHOWN]
    ]
    if len(pairs) > _PAIRS_SHOWN:
        more = len(pairs) - _PAIRS_SHOWN
        lines.append(f"{more} more pairs of elements agree as closely (|r| > {_SUSPICIOUS_R}).")
    return lines


def _noise(cube: ElementCube) -> list[str]:
    """Maps whose neighbouring pixels agree no more than by chance."""
    height, width = cube.shape
    rows = np.arange(0, height - 1, max(1, height * width // _NOISE_SAMPLE))
    valid = cube.valid[rows]
    along = valid[:, :-1] & valid[:, 1:]
    across = valid & cube.valid[rows + 1]
    noise = []
    for c, element in enumerate(cube.elements):
        plane, below = cube.plane(c)[rows], cube.plane(c)[rows + 1]
        r = max(
            _correlation(plane[:, :-1][along], plane[:, 1:][along]),
            _correlation(plane[across], below[across]),
        )
        if r < _NOISE_R:
            noise.append(element)
    if not noise:
        return []
    return [
        f"{listed(noise, shown=20)}: neighbouring pixels do not agree (r below {_NOISE_R}): "
        "noise, or grains of single pixels."
    ]


def _correlation(a: NDArray[Any], b: NDArray[Any]) -> float:
    """Pearson's r; 1 where there are too few pairs, or no variation, to speak of noise."""
    if a.size < _NOISE_PAIRS:
        return 1.0
    a, b = a - a.mean(dtype=np.float64), b - b.mean(dtype=np.float64)
    norm = float(np.sqrt(np.dot(a, a) * np.dot(b, b)))
    return float(np.dot(a, b)) / norm if 0 < norm < np.inf else 1.0


def _dead_lines(cube: ElementCube) -> list[str]:
    """Rows and columns without a single count, where chance does not explain it."""
    lines = []
    for axis, word in ((1, "row"), (0, "column")):
        n_valid = np.count_nonzero(cube.valid, axis=axis)
        inside = np.flatnonzero(n_valid)
        if inside.size == 0:
            return []
        everywhere = np.zeros(n_valid.size, dtype=bool)
        everywhere[inside[0] : inside[-1] + 1] = n_valid[inside[0] : inside[-1] + 1] == 0
        if everywhere.any():
            lines.append(f"{_numbered(word, everywhere)} zero or missing in every map.")
        for c, element in enumerate(cube.elements):
            n_nonzero = np.count_nonzero((cube.plane(c) != 0) & cube.valid, axis=axis)
            dead = _dead(n_nonzero, n_valid)
            if dead.any():
                lines.append(f"{element}: {_numbered(word, dead)} zero from end to end.")
    return lines


def _dead(n_nonzero: NDArray[np.intp], n_valid: NDArray[np.intp]) -> NDArray[np.bool_]:
    """Which lines of a map are zero although the lines beside them are not.

    A phase that ends leaves empty lines too, but its last lines thin out; a dead line has full
    neighbours.
    """
    share = n_nonzero / np.maximum(n_valid, 1)
    typical = float(np.median(share[n_valid > 0]))
    empty = (n_valid > 0) & (n_nonzero == 0)
    if typical == 0 or not empty.any():
        return np.zeros(n_valid.size, dtype=bool)
    empty &= (1 - min(typical, 1 - 1e-12)) ** n_valid < _CHANCE
    dead = np.zeros(n_valid.size, dtype=bool)
    edges = np.flatnonzero(np.diff(np.concatenate(([False], empty, [False]))))
    for start, stop in zip(edges[::2], edges[1::2], strict=True):
        beside = [share[i] for i in (start - 1, stop) if 0 <= i < share.size]
        dead[start:stop] = all(value >= typical / 2 for value in beside)
    return dead


def _numbered(word: str, dead: NDArray[np.bool_]) -> str:
    numbers = [str(n) for n in np.flatnonzero(dead)]
    if len(numbers) == 1:
        return f"{word} {numbers[0]} (counted from 0) is"
    shown = ", ".join(numbers[:_LINES_SHOWN])
    more = f" and {len(numbers) - _LINES_SHOWN} more" if len(numbers) > _LINES_SHOWN else ""
    return f"{len(numbers)} {word}s ({shown}{more}; counted from 0) are"
