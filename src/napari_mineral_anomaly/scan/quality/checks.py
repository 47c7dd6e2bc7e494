"""Quality checks on the numbers of a scan: the second half of the ingest report.

Every map is read once. For each map the checks keep a `_MapFacts` of a few kilobytes, and for the
whole scan two images of one byte per pixel.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_mineral_anomaly.scan.cube import ElementCube
from napari_mineral_anomaly.scan.quality import (
    dead_lines,
    marker_words,
    odd_numbers,
    similar_maps,
)
from napari_mineral_anomaly.scan.quality import spikes as map_spikes
from napari_mineral_anomaly.scan.quality.facts import ReadFacts, ReadMap
from napari_mineral_anomaly.scan.report import IngestReport, UsedMap, ValidAreaCounts
from napari_mineral_anomaly.scan.robust import pearson_r, thinned
from napari_mineral_anomaly.scan.sentinels import (
    MISSING_MAGNITUDE,
    Suspect,
    in_words,
    without,
)
from napari_mineral_anomaly.scan.sentinels import suspects as find_suspects
from napari_mineral_anomaly.scan.valid_area import is_measured, pixel_noise
from napari_mineral_anomaly.words import listed

_SAMPLED_PIXELS = 50_000
# Correlation of neighbouring pixels below which a map shows nothing but counting noise. Measured on
# seven real scans: noise maps 0.02-0.04, the weakest real element 0.09.
_NOISE_R = 0.05
_NOISE_PAIRS = 1000
_NOISE_SAMPLE = 200_000
# A map that alone is missing in this share of the scan costs much of it.
_MISSING_ALONE = 0.05
_FEW_NEGATIVE = 1e-4
# Glitches of the instrument do not make a map noise.
_GLITCHES = 8


def full_report(cube: ElementCube, facts: ReadFacts) -> IngestReport:
    """All checks of a scan.

    Parameters
    ----------
    cube : ElementCube
        Its valid area is found if it was not given.
    facts : ReadFacts

    Returns
    -------
    IngestReport
    """
    area = cube.valid_area
    # Numbers that stand for "missing" may be so large that their squares overflow.
    with np.errstate(over="ignore", invalid="ignore"):
        maps, standing_out = _all_facts(cube, facts.maps)
        spikes = [map_spikes.count_alone(one.peaks, standing_out) for one in maps]
        suspects = find_suspects(cube.maps, cube.markers)
        sample = np.stack([one.sample for one in maps], axis=1)[_ordinary(cube, suspects)]
        twins = _identical(cube, maps)
        pairs = [
            pair
            for pair in similar_maps.agreeing_pairs(cube.elements, sample)
            if (pair.first, pair.second) not in twins and (pair.second, pair.first) not in twins
        ]
        warnings = [
            *facts.warnings,
            *_valid_area_words(area.n_valid, area.reason),
            *_constant_and_identical(cube, maps, twins),
            *_markers_in_memory(cube),
            *_saturated(facts.maps, maps),
            *marker_words.suspect_words(cube.elements, () if facts.all_are_numbers else suspects),
            *_too_large(cube, maps),
            *_missing_words(cube, maps),
            *odd_numbers.odd_words(cube.elements, [one.odd for one in maps], cube.quantity),
            *_negative_counts(cube, maps),
            *similar_maps.pair_words(pairs),
            *similar_maps.mirrored_words(cube, [one.reduced for one in maps]),
            *_noise(cube, maps),
            *dead_lines.empty_everywhere(cube.valid),
            *_dead_words(cube, maps),
            *map_spikes.spike_words(cube.elements, spikes),
            *_spot_words(cube, facts.spot_size_um),
        ]
    return IngestReport(
        used=tuple(_with_spikes(one.used, count) for one, count in zip(maps, spikes, strict=True)),
        ignored=facts.ignored,
        pixel_size_um=cube.pixel_size,
        pixel_size_source=facts.pixel_size_source,
        warnings=tuple(warnings),
        spot_size_um=facts.spot_size_um,
        context=facts.context,
        valid_area=ValidAreaCounts(
            origin=area.origin,
            n_pixels=area.mask.size,
            n_valid=area.n_valid,
            n_missing=area.n_missing,
            n_zero=area.n_zero,
            n_off_sample=area.n_off_sample,
            reason=area.reason,
        ),
        pairs=tuple(pairs),
        spectra=None if cube.spectra is None else cube.spectra.source,
        spectrum=facts.spectrum,
        steps=facts.steps,
        to_decide=facts.to_decide,
    )


def _with_spikes(used: UsedMap, count: int) -> UsedMap:
    """The entry with its number of spikes, which is known only after all maps were read."""
    return used.model_copy(update={"spikes": count}) if count else used


@dataclass(frozen=True, eq=False)
class _MapFacts:
    """What the checks keep of one map.

    ``digest`` is equal for two maps with the same numbers; ``peaks`` are flat positions of single
    high pixels; ``sample`` holds some valid pixels (n,) float64; ``reduced`` is a small picture of
    the map; ``r_beside`` is the correlation of neighbouring pixels; ``missing`` are the
    pixels that are not measured, as packed bits.
    """

    used: UsedMap
    is_constant: bool
    n_too_large: int
    digest: bytes
    peaks: NDArray[np.intp]
    sample: NDArray[np.float64]
    reduced: NDArray[np.float32]
    r_beside: float
    odd: odd_numbers.OddNumbers
    missing: NDArray[np.uint8] | None = None


def _all_facts(
    cube: ElementCube, read: Sequence[ReadMap]
) -> tuple[list[_MapFacts], NDArray[np.uint8]]:
    """One pass over the maps; also the number of maps with a high pixel at each place (H, W)."""
    valid = cube.valid
    where = thinned(np.flatnonzero(valid), _SAMPLED_PIXELS)
    standing_out = np.zeros(cube.shape, dtype=np.uint8)
    found = []
    for c, source in enumerate(read):
        plane = without(cube.plane(c), _below_magnitude(cube.markers.get(c, ())))
        finite = None
        if plane.dtype.kind == "f":
            finite = is_measured(plane)
            if finite.all():
                finite = None
        odd = odd_numbers.odd_numbers(plane, valid, source.dtype)
        # Negative net counts show that a background was subtracted: its noise is in the map.
        is_poisson = cube.quantity == "counts" and odd.factor == 1 and not (plane < 0).any()
        noise = None if is_poisson else pixel_noise(plane, valid)
        peaks, high = map_spikes.single_peaks(plane, valid, noise)
        standing_out += high
        found.append(
            _MapFacts(
                used=_used_map(plane, source, finite, valid),
                is_constant=bool(np.all(plane == plane.flat[0]) or not np.isfinite(plane).any()),
                n_too_large=_n_too_large(plane, finite),
                digest=hashlib.blake2b(np.ascontiguousarray(plane).data).digest(),
                peaks=peaks,
                sample=plane.reshape(-1)[where].astype(np.float64),
                reduced=similar_maps.reduced_picture(plane, valid),
                r_beside=_r_of_neighbours(plane, valid),
                odd=odd,
                missing=None if finite is None else np.packbits(~finite),
            )
        )
    return found, standing_out


def _used_map(
    plane: NDArray[Any],
    source: ReadMap,
    finite: NDArray[np.bool_] | None,
    valid: NDArray[np.bool_],
) -> UsedMap:
    """Count what matters in one map (H, W)."""
    stored = source.dtype
    measured = plane if finite is None else plane[finite]
    top = source.saturated_at
    rows, columns = (dead_lines.dead_lines(plane, valid, axis) for axis in (1, 0))
    return UsedMap(
        file=source.file,
        element=source.element,
        dtype=str(stored),
        shape=(int(plane.shape[0]), int(plane.shape[1])),
        nan=0 if finite is None else int(np.count_nonzero(~np.isfinite(plane))),
        zero=int(plane.size - np.count_nonzero(plane)),
        negative=int(np.count_nonzero(plane < 0)) if plane.dtype.kind in "if" else 0,
        saturated=0 if top is None else int(np.count_nonzero(plane == top)),
        page=source.page,
        n_bytes=source.n_bytes,
        modified=source.modified,
        min=float(measured.min()) if measured.size else None,
        max=float(measured.max()) if measured.size else None,
        mean=float(measured.mean(dtype=np.float64)) if measured.size else None,
        dead_rows=tuple(int(i) for i in np.flatnonzero(rows)),
        dead_columns=tuple(int(i) for i in np.flatnonzero(columns)),
    )


def _n_too_large(plane: NDArray[Any], finite: NDArray[np.bool_] | None) -> int:
    return 0 if finite is None else int(np.count_nonzero(~finite & np.isfinite(plane)))


def _valid_area_words(n_valid: int, reason: str) -> list[str]:
    if n_valid == 0:
        return ["No pixel is valid: every pixel is missing or zero in all elements."]
    return [f"Valid area: {reason}."] if reason else []


def _identical(cube: ElementCube, maps: Sequence[_MapFacts]) -> list[tuple[str, str]]:
    """Pairs of maps with the same numbers."""
    first: dict[bytes, str] = {}
    twins = []
    for element, one in zip(cube.elements, maps, strict=True):
        if one.is_constant:
            continue
        if one.digest in first:
            twins.append((first[one.digest], element))
        first.setdefault(one.digest, element)
    return twins


def _constant_and_identical(
    cube: ElementCube, maps: Sequence[_MapFacts], twins: Sequence[tuple[str, str]]
) -> list[str]:
    constant = [e for e, one in zip(cube.elements, maps, strict=True) if one.is_constant]
    lines = []
    if constant:
        verb = "is the same number everywhere" if len(constant) == 1 else "are constant maps"
        lines.append(f"{', '.join(constant)} {verb}: no information in it.")
    lines += [f"{a} and {b} hold identical numbers: one file under two names?" for a, b in twins]
    return lines


def _saturated(read: Sequence[ReadMap], maps: Sequence[_MapFacts]) -> list[str]:
    return [
        f"{one.used.element}: {one.used.saturated} pixels stand at "
        f"{in_words(source.saturated_at or 0)}, the top of {source.dtype}: counts may be cut off."
        for source, one in zip(read, maps, strict=True)
        if one.used.saturated > 1
    ]


def _markers_in_memory(cube: ElementCube) -> list[str]:
    """Markers that the maps still hold: no reader has left them out."""
    markers = {c: _below_magnitude(numbers) for c, numbers in cube.markers.items()}
    words = marker_words.left_out_words(cube.maps, cube.elements, markers, "missing=()")
    return list(words)


def _below_magnitude(numbers: Sequence[float]) -> list[float]:
    """Markers without those that are told by their size."""
    return [number for number in numbers if abs(number) < MISSING_MAGNITUDE]


def _ordinary(cube: ElementCube, suspects: Sequence[Suspect]) -> NDArray[np.bool_]:
    """Which of the sampled pixels hold no suspect number (n,)."""
    where = thinned(np.flatnonzero(cube.valid), _SAMPLED_PIXELS)
    odd = marker_words.suspect_pixels(cube.maps, suspects)
    if odd is None:
        return np.ones(where.size, dtype=bool)
    ordinary: NDArray[np.bool_] = ~odd.reshape(-1)[where]
    return ordinary


def _missing_words(cube: ElementCube, maps: Sequence[_MapFacts]) -> list[str]:
    """Missing pixels in a given valid area; maps that alone cost many pixels."""
    lacking = {e: one.missing for e, one in zip(cube.elements, maps, strict=True)}
    masks = {
        element: np.unpackbits(bits, count=cube.valid.size).astype(bool).reshape(cube.shape)
        for element, bits in lacking.items()
        if bits is not None
    }
    if cube.valid_area.origin == "given":
        inside = {e: int(np.count_nonzero(mask & cube.valid)) for e, mask in masks.items()}
        parts = [f"{element} {n}" for element, n in inside.items() if n]
        if not parts:
            return []
        return [
            "The given valid area holds missing pixels "
            f"({listed(parts, shown=20)}): each missing value is taken as the median of its map."
        ]
    n_lacking = np.sum(list(masks.values()), axis=0) if masks else 0
    lines = []
    for element, mask in masks.items():
        alone = int(np.count_nonzero(mask & (n_lacking == 1)))
        if alone >= _MISSING_ALONE * mask.size:
            lines.append(
                f"{element} alone is missing at {alone} pixels ({100 * alone / mask.size:.0f} % of "
                "the scan), which are left out in every map; read the scan without it to keep them."
            )
    return lines


def _too_large(cube: ElementCube, maps: Sequence[_MapFacts]) -> list[str]:
    """Numbers that no instrument counts: some programs write missing values as -3.4e38."""
    return [
        f"{element}: {one.n_too_large} pixels hold numbers beyond {MISSING_MAGNITUDE:g}, which "
        "mark missing values: they are left out unless a valid area includes them."
        for element, one in zip(cube.elements, maps, strict=True)
        if one.n_too_large
    ]


def _negative_counts(cube: ElementCube, maps: Sequence[_MapFacts]) -> list[str]:
    """Counts below zero: so few that the scan counts as counts all the same."""
    if cube.quantity != "counts":
        return []
    few = [(one.used.element, one.used.negative) for one in maps if one.used.negative]
    share = sum(n for _, n in few) / (len(maps) * cube.valid.size)
    if not few or share > _FEW_NEGATIVE:
        return []
    names = listed([f"{element} {n}" for element, n in few], shown=20)
    return [f"Pixels below zero among the counts ({names}): glitches of the instrument?"]


def _noise(cube: ElementCube, maps: Sequence[_MapFacts]) -> list[str]:
    """Maps whose neighbouring pixels agree no more than by chance."""
    noise = [e for e, one in zip(cube.elements, maps, strict=True) if one.r_beside < _NOISE_R]
    if not noise:
        return []
    return [
        f"{listed(noise, shown=20)}: neighbouring pixels do not agree (r below {_NOISE_R}): "
        "noise, or grains of single pixels."
    ]


def _r_of_neighbours(plane: NDArray[Any], valid: NDArray[np.bool_]) -> float:
    """Correlation of neighbouring valid pixels, along or across, whichever is higher."""
    height, width = plane.shape
    rows = np.arange(0, height - 1, max(1, height * width // _NOISE_SAMPLE))
    here, below = valid[rows], valid[rows + 1]
    along, across = here[:, :-1] & here[:, 1:], here & below
    values, beneath = plane[rows], plane[rows + 1]
    return max(
        _correlation(values[:, :-1][along], values[:, 1:][along]),
        _correlation(values[across], beneath[across]),
    )


def _correlation(a: NDArray[Any], b: NDArray[Any]) -> float:
    """Pearson's r; 1 (no noise) where there are too few pairs, or no variation.

    Where it is that of noise, it is taken again with the highest few numbers cut off.
    """
    if a.size < _NOISE_PAIRS:
        return 1.0
    r = pearson_r(a, b, undefined=1.0)
    if r >= _NOISE_R:
        return r
    highest = (np.partition(values, -_GLITCHES)[-_GLITCHES] for values in (a, b))
    cut = max(highest)
    return pearson_r(np.minimum(a, cut), np.minimum(b, cut), undefined=1.0)


def _dead_words(cube: ElementCube, maps: Sequence[_MapFacts]) -> list[str]:
    lines = []
    for word, name in (("row", "dead_rows"), ("column", "dead_columns")):
        for element, one in zip(cube.elements, maps, strict=True):
            dead = getattr(one.used, name)
            if dead:
                lines.append(f"{element}: {dead_lines.lines_are(word, dead)} zero from end to end.")
    return lines


def _spot_words(cube: ElementCube, spot_size: float | None) -> list[str]:
    """A note on grains where the beam is wider than the step."""
    if spot_size is None or cube.pixel_size is None:
        return []
    step = min(cube.pixel_size)
    if spot_size <= step:
        return []
    return [
        f"The beam ({spot_size:g} µm) is wider than the step ({step:g} µm): grains smaller than "
        f"the beam appear as blobs about {spot_size / step:.1f} pixels across, and their area in "
        "the grain list is that of the blob."
    ]


def report_of_cube(cube: ElementCube) -> IngestReport:
    """The report of a cube made in memory: statistics and warnings, no files.

    Reads every map.
    """
    name = cube.source or "memory"
    dtype = np.dtype(cube.maps.dtype)
    facts = ReadFacts(
        maps=tuple(ReadMap(name, element, dtype) for element in cube.elements),
        pixel_size_source="unknown" if cube.pixel_size is None else "given with the array",
    )
    return full_report(cube, facts)
