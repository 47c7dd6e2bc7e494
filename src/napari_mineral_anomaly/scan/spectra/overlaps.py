"""Which elements get counts from the lines of other elements, computed from line energies.

There is no table of known pairs. Each line of another element is a Gaussian of the detector's
width. The leak is the part of it that lies in an element's window, times its intensity relative to
the main peak of that other element.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import NamedTuple

from napari_mineral_anomaly.scan.names.map_names import parse_names
from napari_mineral_anomaly.scan.report import OverlapCounts
from napari_mineral_anomaly.scan.spectra.beam import Beam, as_beam
from napari_mineral_anomaly.scan.spectra.lines import (
    DEFAULT_BEAM_KEV,
    MainLine,
    family,
    main_lines,
    mapped_line,
)
from napari_mineral_anomaly.scan.spectra.windows import (
    ElementWindow,
    Interval,
    peak_share,
    window_around,
)

# An overlap is named from this share on: counts in the victim's window per count in the main peak
# of the partner's shell. It is 0.04 for Zn K-beta in Au L-alpha, 0.03 for Fe K-beta in Co K-alpha.
LEAST_SHARE = 0.01


class OverlappingLines(NamedTuple):
    """A pair of elements whose lines the detector does not separate.

    ``victim`` and ``partner`` are the names as given; the map of the victim holds counts of the
    partner's ``partner_line``. ``distance_ev`` is partner minus victim.
    """

    victim: str
    partner: str
    victim_line: str
    partner_line: str
    distance_ev: float


def window_overlaps(
    windows: Sequence[ElementWindow], beam: Beam | float | None = None
) -> list[OverlapCounts]:
    """Overlaps among the windows of a scan, the worst first.

    Parameters
    ----------
    windows : sequence of ElementWindow
    beam : Beam or float, optional
        The beam, or the voltage of a tube or microscope in kV; default 50 kV.
    """
    excitation = as_beam(DEFAULT_BEAM_KEV if beam is None else beam)
    found = []
    for window in windows:
        victim = MainLine(window.element, window.line, window.line_kev)
        for partner in dict.fromkeys(other.element for other in windows):
            if partner != window.element:
                found += _shell_overlaps(
                    victim, (window.low_kev, window.high_kev), partner, excitation
                )
    return sorted(found, key=lambda overlap: -overlap.share)


def overlapping_lines(
    elements: Sequence[str], beam: Beam | float | None = None
) -> list[OverlappingLines]:
    """Pairs among the names of element maps whose lines overlap, the worst first.

    Parameters
    ----------
    elements : sequence of str
        Names as in `ElementCube.elements`: "Ba", "Pb La", "TiO2". Names without an element are
        left out. A name without a line means the usual one: K-alpha up to indium, L-alpha above.
    beam : Beam or float, optional
        The beam, or the voltage of a tube or microscope in kV; default 50 kV.

    Returns
    -------
    list of OverlappingLines
        A pair of maps appears once per direction that overlaps, with the partner's line that adds
        most.

    Examples
    --------
    >>> overlapping_lines(["Ba", "Ti", "Si"])[0][:4]
    ('Ba', 'Ti', 'La', 'Ka')
    """
    excitation = as_beam(DEFAULT_BEAM_KEV if beam is None else beam)
    named = []
    for name, parsed in zip(elements, parse_names(list(elements)), strict=True):
        line = (
            None if parsed.element is None else _main_line(parsed.element, parsed.line, excitation)
        )
        if line is not None:
            named.append((name, line))
    found: list[tuple[float, OverlappingLines]] = []
    for victim_name, victim in named:
        region = window_around(victim.kev)
        for partner_name, partner in named:
            if partner.element == victim.element:
                continue
            leaks = _shell_overlaps(victim, region, partner.element, excitation)
            if leaks:
                leak = leaks[0]
                pair = OverlappingLines(
                    victim_name, partner_name, leak.victim_line, leak.partner_line, leak.distance_ev
                )
                found.append((leak.share, pair))
    return [pair for _, pair in sorted(found, key=lambda item: -item[0])]


def _main_line(symbol: str, line: str | None, beam: Beam) -> MainLine | None:
    if line is not None:
        for option in main_lines(symbol, beam):
            if option.shell == line[0]:
                return option
    return mapped_line(symbol, beam=beam)


@cache
def _shell_overlaps(
    victim: MainLine, region: Interval, partner: str, beam: Beam
) -> list[OverlapCounts]:
    """The shells of ``partner`` that leak into a window, the worst first."""
    found = []
    for main in main_lines(partner, beam):
        own = window_around(main.kev)
        lines = family(partner, main.shell, beam.kev)
        adds = [(line.intensity * float(peak_share(line.kev, region)), line) for line in lines]
        in_own = sum(line.intensity * float(peak_share(line.kev, own)) for line in lines)
        share = sum(counts for counts, _ in adds) / in_own
        if share >= LEAST_SHARE:
            worst = max(adds, key=lambda item: item[0])[1]
            distance = 1000.0 * (worst.kev - victim.kev)
            name = _short(worst.name)
            found.append(
                OverlapCounts(
                    victim=victim.element,
                    partner=partner,
                    victim_line=victim.name,
                    partner_line=name,
                    distance_ev=round(distance, 1),
                    share=share,
                )
            )
    return sorted(found, key=lambda overlap: -overlap.share)


def _short(name: str) -> str:
    """The name of a peak: the detector does not separate Ka1 and Ka2, so both are "Ka"."""
    return name[:2] if name[:2] in ("Ka", "Kb", "La", "Ma", "Mb") and name[:2] != "Lb" else name
