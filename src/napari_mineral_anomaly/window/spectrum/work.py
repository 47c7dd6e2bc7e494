"""Work that the dock *Spectrum* does in its worker."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_mineral_anomaly.detectors.pipeline import DetectionRun
from napari_mineral_anomaly.errors import InputError
from napari_mineral_anomaly.progress import SILENT, Task
from napari_mineral_anomaly.scan.cube import ElementCube
from napari_mineral_anomaly.scan.element_maps import element_maps
from napari_mineral_anomaly.scan.looking.region import (
    ExpectedCounts,
    Region,
    RegionSpectrum,
    expected_counts,
    region_spectrum,
)
from napari_mineral_anomaly.scan.report import OverlapCounts
from napari_mineral_anomaly.scan.spectra import SpectrumImage
from napari_mineral_anomaly.scan.spectra.beam import Beam
from napari_mineral_anomaly.scan.spectra.excitation import beam_of
from napari_mineral_anomaly.scan.spectra.lines import element_lines
from napari_mineral_anomaly.scan.spectra.overlaps import window_overlaps
from napari_mineral_anomaly.scan.spectra.suggest import Suggestion, suggest_elements
from napari_mineral_anomaly.scan.spectra.windows import element_windows
from napari_mineral_anomaly.window.layers.make import LayerData, element_layers
from napari_mineral_anomaly.window.spectrum.plots import Marker

# Weaker lines of the clicked element are not drawn (relative to the strongest of their shell).
_WEAKEST_DRAWN = 0.05
# Weakest overlap that gets a sentence (counts in the window per count of the other element's peak),
# and the largest number of sentences.
_LEAST_WARNED, _MOST_WARNED = 0.03, 3


@dataclass(frozen=True, eq=False)
class Overview:
    """The sum spectrum (E,) of a scan, its beam, and the elements found in it."""

    total: NDArray[np.float64]
    suggestions: tuple[Suggestion, ...]
    beam: Beam | None = None


@dataclass(frozen=True, eq=False)
class RegionSeen:
    """Spectrum of a pixel or region, and the values that a detector expected there."""

    spectrum: RegionSpectrum | None
    expected: ExpectedCounts | None
    detector: str


def overview(image: SpectrumImage, task: Task = SILENT) -> Overview:
    """Sum all spectra (once per scan) and find the elements of the peaks."""
    total = image.sum_spectrum(task)
    if image.energy is None:
        return Overview(total, ())
    beam = beam_of(image, task)
    found = suggest_elements(total, image.energy, declared=image.declared_elements, beam=beam)
    return Overview(total, tuple(found), beam)


def examine_region(
    region: Region,
    image: SpectrumImage | None,
    cube: ElementCube | None,
    runs: Sequence[DetectionRun],
    task: Task = SILENT,
) -> RegionSeen:
    """Spectrum of a region, and its observed and expected counts.

    The expected counts come from the newest of ``runs`` that reconstructs the maps.
    """
    spectrum = None if image is None else region_spectrum(image, region, task)
    for run in reversed(runs):
        result = run.result
        if cube is None or result.reconstruction is None or result.score.shape != cube.shape:
            continue
        counts = expected_counts(cube, result.reconstruction, result.elements, region)
        return RegionSeen(spectrum, counts, run.fitted.name)
    return RegionSeen(spectrum, None, "")


def maps_as_layers(
    image: SpectrumImage, elements: Sequence[str], *, scan: str, scan_id: str, task: Task = SILENT
) -> list[LayerData]:
    """Integrate the windows of the chosen elements: hidden layers of a scan in the viewer.

    Raises
    ------
    InputError
        Without elements or calibration, or where an element has no line in the spectrum.
    CancelledError
    """
    if not elements:
        raise InputError("No element is ticked: tick those that you want as maps.")
    windows = element_windows(elements, image.require_energy(), beam_of(image, task))
    cube = element_maps(image, windows, task)
    return element_layers(cube, scan=scan, scan_id=scan_id, visible=0)


@dataclass(frozen=True)
class Annotation:
    """Lines to draw, notes for the list and warnings about the chosen elements."""

    markers: tuple[Marker, ...]
    notes: dict[str, str]
    warnings: tuple[str, ...]


def annotate(
    image: SpectrumImage, names: Sequence[str], ticked: Sequence[str], current: str | None
) -> Annotation:
    """Lines of the ticked elements, all lines of the clicked one, and sentences about overlaps."""
    energy = image.energy
    if energy is None:
        return Annotation((), {}, ("Type the energy calibration to see the lines of elements.",))
    beam = beam_of(image)
    notes, markers, warnings, windows = {}, [], [], {}
    for name in names:
        try:
            [window] = element_windows([name], energy, beam)
        except InputError as error:
            notes[name] = "no line in this spectrum"
            if name in ticked:
                warnings.append(str(error))
            continue
        windows[name] = window
        notes[name] = f"{in_greek(window.line)} {window.line_kev:.2f} keV"
        if name in ticked:
            markers.append(Marker(name, name, window.line_kev))
    if current in windows:
        markers += [
            Marker(current, in_greek(line.name), line.kev, main=False)
            for line in element_lines(windows[current].element, beam.kev)
            if line.intensity >= _WEAKEST_DRAWN and energy.range_kev[0] < line.kev
        ]
    chosen = [window for name, window in windows.items() if name in ticked]
    overlaps = [o for o in window_overlaps(chosen, beam) if o.share >= _LEAST_WARNED]
    warnings += [overlap_sentence(overlap) for overlap in overlaps[:_MOST_WARNED]]
    if len(overlaps) > _MOST_WARNED:
        warnings.append(f"Weaker overlaps: {len(overlaps) - _MOST_WARNED} more.")
    return Annotation(tuple(markers), notes, tuple(warnings))


def overlap_sentence(overlap: OverlapCounts) -> str:
    """A sentence about one overlap."""
    peak = in_greek(f"{overlap.partner_line[0]}a")
    return (
        f"{overlap.victim} {in_greek(overlap.victim_line)} lies under {overlap.partner} "
        f"{in_greek(overlap.partner_line)} ({abs(overlap.distance_ev):.0f} eV apart): for every "
        f"100 counts of {overlap.partner} {peak}, about {max(1, round(100 * overlap.share))} "
        f"appear in the map of {overlap.victim}."
    )


def in_greek(line: str) -> str:
    """A line name with Greek letters: "Kα1" for "Ka1"."""
    return line.replace("a", "α", 1).replace("b", "β", 1).replace("g", "γ", 1)
