"""Flags: signs that an artefact, and not a mineral, has made a grain.

Flags are shown; they never delete a grain. Each flag is one test, with its reason in words. The
constants are our choice. They were set on simulated sections; benchmarks/artefact_flags.py reports
on sections with other seeds.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special

from napari_mineral_anomaly.grains.artefacts.bad_lines import BadLines, find_bad_lines
from napari_mineral_anomaly.grains.artefacts.dark_spots import are_dark
from napari_mineral_anomaly.grains.artefacts.mixing import is_mixture
from napari_mineral_anomaly.grains.pixels.regions import GrainRegions, PixelSets
from napari_mineral_anomaly.grains.signals import GrainSignals
from napari_mineral_anomaly.progress import SILENT, Task
from napari_mineral_anomaly.scan.cube import ElementCube
from napari_mineral_anomaly.scan.spectra.leaks import LineLeaks

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

LINE_OVERLAP = "line overlap"
SPIKE = "single-pixel spike"
SCAN_EDGE = "scan edge"
VALID_EDGE = "valid-area edge"
LOW_COUNTS = "counts too low"
MIXING = "two-phase mixing"
BAD_LINE = "dead row or column"
DARK = "low in all elements"

FLAG_CODES = (LINE_OVERLAP, SPIKE, SCAN_EDGE, VALID_EDGE, LOW_COUNTS, MIXING, BAD_LINE, DARK)
FLAG_SEPARATOR = "; "

# An element drives a grain from this contribution on (background sigmas).
DRIVING_SIGMAS = 4.0
# Leaks are known within about this factor: each detector has its own resolution and absorption.
LEAK_TOLERANCE = 2.0
# In maps that are not counts, weaker overlaps get no flag.
STRONG_LEAK = 0.1
SPIKE_SIGMAS = 5.0
LARGEST_SPIKE_PX = 2
# In a spike, all other elements depart from their surroundings by less than this.
OTHER_SIGMAS = 4.5
# The beam is about a pixel wide, so each of the eight pixels around a real grain gets at least 5 %
# of the grain's excess (discrete Gaussian with a full width of one pixel, grain in the middle).
# Around a spike it is less than half of that.
HALO_SHARE = 0.025
POISSON_SIGMAS = 3.0


@dataclass(frozen=True, eq=False)
class Edges:
    """(n,) bool each: grains that touch the border of the scan, or a pixel that is not valid."""

    scan: Bools
    valid_area: Bools


def find_edges(regions: GrainRegions, *, task: Task = SILENT) -> Edges:
    """Which grains touch an edge (also by a corner)."""
    height, width = regions.labels.shape
    row_min, row_max, column_min, column_max = regions.bounds
    scan = (row_min == 0) | (column_min == 0) | (row_max == height - 1) | (column_max == width - 1)
    if regions.valid.all():
        return Edges(scan, np.zeros(regions.n_grains, dtype=bool))
    beside = regions.around(1, 1, allowed=~regions.valid, task=task)
    return Edges(scan, beside.size > 0)


def flag_artefacts(
    cube: ElementCube,
    regions: GrainRegions,
    ring: PixelSets,
    signals: GrainSignals,
    contributions: Floats,
    pseudo_labels: NDArray[np.unsignedinteger],
    leaks: LineLeaks,
    edges: Edges,
    *,
    task: Task = SILENT,
) -> list[tuple[str, ...]]:
    """The flags of every grain.

    Parameters
    ----------
    cube, regions, ring, signals, leaks, edges
        The scan, its grains, their rings, and the results of `measure_grains`, `line_leaks` and
        `find_edges`.
    contributions : (n, C) float64
        Mean contribution of each element to each grain; 0 for elements that do not drive it.
    pseudo_labels : (H, W)
    task : Task, optional

    Returns
    -------
    list of tuple of str
        Per grain: codes of `FLAG_CODES`. Some have the elements or lines that they concern in
        brackets: "line overlap (As by Pb)".
    """
    flags: list[list[str]] = [[] for _ in range(regions.n_grains)]
    drives = contributions >= DRIVING_SIGMAS
    for victim, partner in leaks.pairs:
        name = f"{LINE_OVERLAP} ({cube.elements[victim]} by {cube.elements[partner]})"
        faked = drives[:, victim] & _could_fake(signals, victim, partner, leaks)
        _add(flags, faked, name)
    spiked = _spikes(signals, drives)
    for c in range(cube.n_elements):
        _add(flags, spiked == c, f"{SPIKE} ({cube.elements[c]})")
    _add(flags, edges.scan, SCAN_EDGE)
    _add(flags, edges.valid_area, VALID_EDGE)
    _add(flags, _low_counts(signals, np.abs(contributions) >= DRIVING_SIGMAS), LOW_COUNTS)
    _add(flags, is_mixture(cube, regions, ring, signals, pseudo_labels, task=task), MIXING)
    for grain, what in _bad_lines(regions, find_bad_lines(cube, task=task)):
        flags[grain].append(f"{BAD_LINE} ({what})")
    _add(flags, are_dark(signals), DARK)
    return [tuple(found) for found in flags]


def flag_sentence(flag: str) -> str:
    """One sentence that explains a flag such as "line overlap (As by Pb)"."""
    code, _, rest = flag.partition(" (")
    what = rest.removesuffix(")")
    if code == LINE_OVERLAP:
        victim, _, partner = what.partition(" by ")
        return (
            f"The {victim} signal could be the tail of {partner} lines: the grain holds enough "
            f"{partner} for that."
        )
    if code == BAD_LINE:
        return f"The grain lies on or beside {what}, which was measured badly or not at all."
    return {
        SPIKE: (
            f"Only {what} stands out, in a single pixel. A real grain would have a rim as wide as "
            "the beam; this may be a diffraction peak or a detector spike."
        ),
        SCAN_EDGE: "The grain touches the edge of the scan: part of it was not measured.",
        VALID_EDGE: "The grain touches the edge of the valid area.",
        LOW_COUNTS: (
            "There are so few counts that chance could explain the grain: no driving element "
            f"differs from its surroundings by {POISSON_SIGMAS:g} counting sigmas."
        ),
        DARK: (
            "Every element is lower than around it: a hole, a crack or a thin place, or a mineral "
            "made of elements that were not mapped."
        ),
        MIXING: (
            "A mixture of the two phases beside the grain would look the same: this may be a "
            "boundary and not a mineral."
        ),
    }.get(code, flag)


def _add(flags: list[list[str]], where: Bools, name: str) -> None:
    for grain in np.flatnonzero(where):
        flags[grain].append(name)


def _could_fake(signals: GrainSignals, victim: int, partner: int, leaks: LineLeaks) -> Bools:
    """Grains that hold enough of the partner to explain the excess of the victim."""
    share = leaks.share[victim, partner]
    if not signals.is_counts:
        # Concentrations have no common scale with counts: test only that both are in excess.
        sigmas = signals.ring_sigmas
        return np.asarray((share >= STRONG_LEAK) & (sigmas[:, partner] >= sigmas[:, victim]))
    ring_mean = np.nan_to_num(signals.ring_mean)
    faked = np.zeros(signals.n_pixels.size, dtype=bool)
    # Drivers stand out from the scan, not from the ring: a grain in a Ti mineral has no excess of
    # Ti over its ring, but its Ba signal still comes from Ti.
    for base in (ring_mean, np.minimum(ring_mean, signals.scan_median)):
        own = signals.mean[:, victim] - base[:, victim]
        other = signals.mean[:, partner] - base[:, partner]
        leaked = LEAK_TOLERANCE * share * np.maximum(other, 0.0)
        error = np.sqrt((leaked + np.maximum(base[:, victim], 0.0)) / signals.n_pixels)
        # A leak is never stronger than its source, and one below the noise fakes nothing.
        faked |= (other >= own) & (leaked > error) & (own <= leaked + error)
    return faked


def _spikes(signals: GrainSignals, drives: Bools) -> NDArray[np.int64]:
    """(n,) number of the element that has the spike, or -1."""
    n = signals.n_pixels.size
    base = np.nan_to_num(signals.ring_mean)
    around = np.where(np.isfinite(signals.peak_around), signals.peak_around, base)
    step = signals.peak - around
    if signals.is_counts:
        noise = np.sqrt(np.maximum(around, 0) + np.maximum(around, 0) / 8 + 1)
        halo_noise = np.sqrt((np.maximum(base, 0) + 1) / 8)
    else:
        noise = np.maximum(np.nan_to_num(signals.ring_sd), 1e-12 * (1 + np.abs(base)))
        halo_noise = noise / np.sqrt(8)
    sharpness = np.where(drives, step / noise, 0.0)
    element = np.argmax(sharpness, axis=1) if sharpness.size else np.zeros(n, dtype=np.int64)
    each = np.arange(n)
    own_sharpness = sharpness[each, element]
    own_step = step[each, element]
    halo = (around - base)[each, element]
    no_halo = halo <= HALO_SHARE * own_step + halo_noise[each, element]
    # The limit is stricter for elements that drive the grain too.
    allowed = np.where(drives & (signals.excess > 0), POISSON_SIGMAS, OTHER_SIGMAS)
    others = np.abs(signals.ring_sigmas) / allowed
    others[each, element] = 0.0
    alone = others.max(axis=1, initial=0.0) < 1.0
    found = (
        (signals.n_pixels <= LARGEST_SPIKE_PX)
        & (signals.n_ring > 0)
        & (own_sharpness >= SPIKE_SIGMAS)
        & no_halo
        & alone
    )
    return np.where(found, element, -1)


def _low_counts(signals: GrainSignals, drives: Bools) -> Bools:
    """Grains in which no driving element differs from the ring by more than counting errors."""
    if not signals.is_counts:
        return np.zeros(signals.n_pixels.size, dtype=bool)
    n, ring = signals.n_pixels[:, None], np.maximum(signals.n_ring, 1)[:, None]
    seen = np.rint(np.maximum(signals.mean, 0) * n)
    expected = (np.maximum(np.nan_to_num(signals.ring_mean), 0) * ring + 1) / ring * n
    # Poisson probabilities of at least, and of at most, as many counts.
    tail = np.minimum(special.gammainc(seen, expected), special.pdtr(seen, expected))
    clear = drives & (tail < special.ndtr(-POISSON_SIGMAS))
    judged = drives.any(axis=1) & (signals.n_ring > 0)
    return np.asarray(judged & ~clear.any(axis=1))


def _bad_lines(regions: GrainRegions, lines: BadLines) -> list[tuple[int, str]]:
    """(grain, "row 12") for grains in a dim line, or in or beside a dead one."""
    row_min, row_max, column_min, column_max = regions.bounds
    found = []
    for word, low, high, dead, dim in (
        ("row", row_min, row_max, lines.dead_rows, lines.dim_rows),
        ("column", column_min, column_max, lines.dead_columns, lines.dim_columns),
    ):
        for line in np.flatnonzero(dead | dim):
            reach = int(dead[line])
            hit = (low - reach <= line) & (line <= high + reach)
            found += [(int(grain), f"{word} {line}") for grain in np.flatnonzero(hit)]
    return found
