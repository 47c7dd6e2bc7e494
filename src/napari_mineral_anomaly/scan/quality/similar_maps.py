"""Maps that agree: line overlaps, one map under two names, maps that are mirrored."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_mineral_anomaly.scan.cube import ElementCube
from napari_mineral_anomaly.scan.names.map_names import parse_names
from napari_mineral_anomaly.scan.report import MapPair
from napari_mineral_anomaly.scan.robust import pearson_r
from napari_mineral_anomaly.scan.spectra.overlaps import overlapping_lines
from napari_mineral_anomaly.scan.valid_area import cell_sums

# Two maps of different elements that agree this closely are rarely two elements (Ba La on Ti Ka).
_SUSPICIOUS_R = 0.98
# Where lines overlap, the pair is named from this r on.
_OVERLAP_R = 0.7
_PAIRS_SHOWN = 5
# Glitches of the instrument that stand in two maps at once.
_FEW_PIXELS = 3
_HANGS = 0.2
# A map is called mirrored when it fits another one so much better that way. Small pictures of the
# maps are compared, at most this many cells wide.
_CELLS = 96
_FITS_R, _BETTER_BY = 0.6, 0.3
# Pictures must be this wide: ninths of fewer than three cells a side are too small.
_FEWEST_CELLS = 9
_FITS_EVERYWHERE = 0.5
_Turn = Callable[[NDArray[np.float32]], NDArray[np.float32]]


def agreeing_pairs(elements: Sequence[str], sample: NDArray[np.float64]) -> list[MapPair]:
    """Pairs of different elements with |r| above 0.98, or with overlapping lines and r above 0.7.

    Maps are compared where both are measured. An r that falls by more than 0.2 without three
    pixels is taken without them: a glitch may stand in several maps.

    Parameters
    ----------
    elements : sequence of str
        C names. Names without an element are left out: bands of a spectrum always agree.
    sample : (n, C) float64
        Some valid pixels.

    Returns
    -------
    list of MapPair
        The closest first.
    """
    parsed = parse_names(elements)
    known = [c for c, entry in enumerate(parsed) if entry.element is not None]
    if len(known) < 2 or len(sample) == 0:
        return []
    deviation, both = _deviations(sample[:, known])
    norm = np.sqrt((deviation**2).sum(axis=0))
    use = np.flatnonzero((norm > 0) & np.isfinite(norm))
    if use.size < 2:
        return []
    scaled = deviation[:, use] / norm[use]
    r = scaled.T @ scaled
    if both is not None:
        shared = np.sqrt((scaled**2).T @ both[:, use])
        r /= np.maximum(shared * shared.T, 1e-300)
    lines = _overlaps([elements[known[i]] for i in use])
    pairs = []
    for i, j in zip(*np.triu_indices(use.size, k=1), strict=True):
        a, b = known[use[i]], known[use[j]]
        if parsed[a].element == parsed[b].element:
            continue
        weaker, stronger = (a, b) if norm[use[i]] < norm[use[j]] else (b, a)
        words = lines.get((elements[weaker], elements[stronger]), "")
        value = float(r[i, j])
        if not _agree(value, words):
            continue
        value = _without_few(scaled[:, i], scaled[:, j], value)
        if _agree(value, words):
            pairs.append(
                MapPair(first=elements[weaker], second=elements[stronger], r=value, lines=words)
            )
    return sorted(pairs, key=lambda pair: -abs(pair.r))


def _deviations(
    sample: NDArray[np.float64],
) -> tuple[NDArray[np.float64], NDArray[np.float64] | None]:
    """Deviations (n, C) from the mean, 0 where not measured; and (n, C) 1 where measured.

    The second is None where everything is measured.
    """
    measured = np.isfinite(sample)
    if measured.all():
        return sample - sample.mean(axis=0), None
    n_measured = np.maximum(measured.sum(axis=0), 1)
    mean = np.where(measured, sample, 0).sum(axis=0) / n_measured
    return np.where(measured, sample - mean, 0), measured.astype(np.float64)


def _agree(r: float, lines: str) -> bool:
    return abs(r) > _SUSPICIOUS_R or (bool(lines) and r > _OVERLAP_R)


def _without_few(a: NDArray[np.float64], b: NDArray[np.float64], r: float) -> float:
    """The correlation of two maps; that without three pixels where it hangs on these."""
    if a.size < 10 * _FEW_PIXELS:
        return r
    few = np.argpartition(-np.abs(a * b), _FEW_PIXELS)[:_FEW_PIXELS]
    rest = pearson_r(np.delete(a, few), np.delete(b, few))
    return rest if abs(rest) < abs(r) - _HANGS else r


def pair_words(pairs: Sequence[MapPair]) -> list[str]:
    """Sentences on the pairs: the closest ones, and those with overlapping lines."""
    close = [pair for pair in pairs if abs(pair.r) > _SUSPICIOUS_R]
    lines = [_words(pair) for pair in close[:_PAIRS_SHOWN]]
    if len(close) > _PAIRS_SHOWN:
        more = len(close) - _PAIRS_SHOWN
        lines.append(f"{more} more pairs of elements agree as closely (|r| > {_SUSPICIOUS_R}).")
    named = [
        f"{pair.first} on {pair.second} (r = {pair.r:.2f}; {pair.lines})"
        for pair in pairs
        if pair.lines and abs(pair.r) <= _SUSPICIOUS_R
    ]
    if named:
        lines.append(f"Lines that overlap, in maps that agree: {'; '.join(named[:_PAIRS_SHOWN])}.")
    return lines


def _words(pair: MapPair) -> str:
    if pair.r < 0:
        return f"{pair.first} mirrors {pair.second} (r = {pair.r:.3f})."
    why = f"their lines overlap ({pair.lines})" if pair.lines else "line overlap"
    return f"{pair.first} follows {pair.second} (r = {pair.r:.3f}): {why}, or the same mineral?"


def _overlaps(names: Sequence[str]) -> dict[tuple[str, str], str]:
    """Lines in words by (victim, partner): the worst overlap of each pair."""
    words: dict[tuple[str, str], str] = {}
    for victim, partner, victim_line, partner_line, distance in overlapping_lines(names):
        elements = [entry.element for entry in parse_names([victim, partner])]
        text = (
            f"{elements[0]} {victim_line}, {elements[1]} {partner_line}, "
            f"{abs(distance):.0f} eV apart"
        )
        words.setdefault((victim, partner), text)
    return words


def reduced_picture(plane: NDArray[Any], valid: NDArray[np.bool_]) -> NDArray[np.float32]:
    """A small picture (at most 96 x 96) of a map, for comparing shapes; invalid pixels as 0."""
    height, width = (max(1, -(-length // _CELLS)) for length in plane.shape)
    return np.nan_to_num(cell_sums(np.where(valid, plane, 0), (height, width)))


def mirrored_words(cube: ElementCube, pictures: Sequence[NDArray[np.float32]]) -> list[str]:
    """Maps that fit another one when mirrored or transposed, and not as they are.

    This happens when one file of a folder was exported through another program; all scores would
    then show its misplaced edges. The correlation of the mirrored map must be above 0.6, 0.3 above
    that of the map as it is with any other map, and above 0.5 in three quarters of the ninths of
    the scan: a few large grains may lie symmetrically by chance. Our own choice.
    """
    elements = [entry.element for entry in parse_names(cube.elements)]
    known = [c for c, element in enumerate(elements) if element is not None]
    ways: dict[str, _Turn] = {
        "left to right": lambda p: p[:, ::-1],
        "top to bottom": lambda p: p[::-1],
        "by half a turn": lambda p: p[::-1, ::-1],
    }
    if pictures[0].shape[0] == pictures[0].shape[1]:
        ways["with rows and columns swapped"] = lambda p: p.T
    if min(pictures[0].shape) < _FEWEST_CELLS:
        return []
    found = []
    for i in known:
        others = [j for j in known if j != i]
        upright = max((abs(pearson_r(pictures[i], pictures[j])) for j in others), default=1.0)
        for way, turn in ways.items():
            turned = turn(pictures[i])
            for j in others:
                r = pearson_r(turned, pictures[j])
                if (
                    abs(r) > max(_FITS_R, upright + _BETTER_BY)
                    and _r_of_ninths(turned, pictures[j]) > _FITS_EVERYWHERE
                ):
                    found.append((abs(r), cube.elements[i], way, cube.elements[j]))
    return _about_mirrored(found)


def _about_mirrored(found: list[tuple[float, str, str, str]]) -> list[str]:
    """One sentence per mirrored map; of two that fit each other, the one that fits more is not."""
    lines = []
    fits = Counter(other for _, _, _, other in found)
    named_maps: set[str] = set()
    for r, element, way, other in sorted(found, key=lambda one: (fits[one[1]], -one[0])):
        if element in named_maps or other in named_maps:
            continue
        named_maps.add(element)
        lines.append(
            f"{element} fits {other} when mirrored {way} (r = {r:.2f}), and no map as it is: "
            "was it exported that way?"
        )
    return lines[:_PAIRS_SHOWN]


def _r_of_ninths(a: NDArray[np.float32], b: NDArray[np.float32]) -> float:
    """The |r| that three quarters of the nine parts of two pictures exceed."""
    parts = [
        (slice(h * k // 3, h * (k + 1) // 3), slice(w * m // 3, w * (m + 1) // 3))
        for h, w in [a.shape]
        for k in range(3)
        for m in range(3)
    ]
    return float(np.quantile([abs(pearson_r(a[part], b[part])) for part in parts], 0.25))
