"""Makes an `ElementCube` with its report from a spectrum image."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike
from scipy.ndimage import uniform_filter

from napari_mineral_anomaly.errors import InputError
from napari_mineral_anomaly.io.formats.shared.disk.stamps import FileStamp
from napari_mineral_anomaly.io.reading.acquisition_words import (
    beam_notes,
    beam_steps,
    live_time_notes,
)
from napari_mineral_anomaly.io.reading.images import valid_image
from napari_mineral_anomaly.io.reading.sizes.pixel_size import checked_pixel_size, checked_spot_size
from napari_mineral_anomaly.progress import SILENT, Task
from napari_mineral_anomaly.scan.cube import ElementCube, Quantity
from napari_mineral_anomaly.scan.element_maps import (
    BackgroundMethod,
    element_maps,
    per_live_second,
    require_live_time,
    window_labels,
)
from napari_mineral_anomaly.scan.quality.checks import full_report
from napari_mineral_anomaly.scan.quality.facts import ReadFacts, ReadMap
from napari_mineral_anomaly.scan.report import MappedLine, SpectrumReport
from napari_mineral_anomaly.scan.robust import MAD_TO_SIGMA
from napari_mineral_anomaly.scan.spectra import SpectrumImage
from napari_mineral_anomaly.scan.spectra.beam import Beam
from napari_mineral_anomaly.scan.spectra.excitation import beam_of
from napari_mineral_anomaly.scan.spectra.lines import fwhm_kev, mapped_line
from napari_mineral_anomaly.scan.spectra.overlaps import window_overlaps
from napari_mineral_anomaly.scan.spectra.suggest import (
    LEAST_SIGNIFICANCE,
    LOWEST_LINE_KEV,
    Suggestion,
    SumAnalysis,
    analyse_sum,
)
from napari_mineral_anomaly.scan.spectra.windows import ElementWindow, element_windows
from napari_mineral_anomaly.words import listed

# Peaks that are off their lines by this part of their width lose 2 % of their counts, which fall
# out of the window.
_SHIFT_FWHM = 0.2


@dataclass(frozen=True)
class ChosenElements:
    """The windows of a spectrum image, and why they were chosen.

    Attributes
    ----------
    windows : tuple of ElementWindow
    suggestions : dict of str to Suggestion
        By element; empty where the user named the elements.
    beam : Beam
    notes : tuple of str
    """

    windows: tuple[ElementWindow, ...]
    suggestions: dict[str, Suggestion]
    beam: Beam
    notes: tuple[str, ...] = ()


def maps_of_spectra(
    image: SpectrumImage,
    elements: Sequence[str] | None = None,
    *,
    calibration_source: str = "the file",
    background: BackgroundMethod = "linear",
    pixel_size: float | Sequence[float] | None = None,
    valid: ArrayLike | str | Path | None = None,
    quantity: Quantity | None = None,
    spot_size: float | None = None,
    per_second: bool = False,
    task: Task = SILENT,
) -> ElementCube:
    """Choose the elements of a spectrum image and integrate their windows; the report says how.

    Parameters
    ----------
    image : SpectrumImage
    elements : sequence of str, optional
        Symbols, also with a line ("Pb Ma"); default: what the sum spectrum shows and the file
        declares (`suggest_elements`).
    calibration_source : str
        For the report: "the file" or "typed by the user".
    background : {"linear", "none"}
        See `element_maps`.
    pixel_size, valid, quantity, spot_size
        As in `read_maps`; the quantity is "counts" by default.
    per_second : bool
        Whether the maps are counts per second of live time (`per_live_second`).
    task : Task, optional
        Reports progress (phases "summing spectra", "finding elements", "integrating") and answers
        a cancel.

    Raises
    ------
    InputError
        Without a calibration, when no element is found or can be shown, or when counts per second
        are asked for and no live time is known.
    CancelledError
    """
    energy = image.require_energy()
    # The typed values are checked before minutes are spent on reading.
    size = checked_pixel_size(pixel_size)
    if per_second:
        require_live_time(image)
    area = valid_image(valid, image.shape)
    spot = checked_spot_size(spot_size)
    chosen = choose_elements(image, elements, task=task)
    cube = element_maps(image, chosen.windows, task, background=background)
    cube, chosen = _without_absent(cube, chosen)
    steps = [*image.steps, *beam_steps(image, chosen.beam)]
    if per_second:
        cube, step = per_live_second(cube, image)
        steps.append(step)
    overlaps = window_overlaps(chosen.windows, chosen.beam)
    spectrum = SpectrumReport(
        n_channels=image.n_channels,
        offset_kev=energy.offset_kev,
        gain_kev=energy.gain_kev,
        calibration_source=calibration_source,
        beam_kev=chosen.beam.kev,
        beam_is_estimate=chosen.beam.source == "spectrum",
        beam_source=chosen.beam.source,
        is_monochromatic=chosen.beam.is_monochromatic,
        background=background,
        elements=tuple(_mapped_line(window, chosen.suggestions) for window in chosen.windows),
        overlaps=tuple(overlaps),
    )
    file = image.files[0] if image.files else image.source or "memory"
    # Spectra that stay in their file know its state at the opening.
    stamps: Sequence[FileStamp] = getattr(image.counts, "stamps", ())
    facts = ReadFacts(
        maps=tuple(
            ReadMap(
                file,
                label,
                np.dtype(cube.maps.dtype),
                n_bytes=stamps[0].size if stamps else None,
                modified=stamps[0].modified if stamps else None,
            )
            for label in window_labels(chosen.windows)
        ),
        warnings=(
            *(f"{file}: {note}." for note in image.notes),
            *chosen.notes,
            *beam_notes(image, chosen.beam),
            *([] if per_second else live_time_notes(image)),
        ),
        pixel_size_source=_size_source(image, typed=size is not None),
        spot_size_um=spot,
        spectrum=spectrum,
        steps=tuple(steps),
    )
    return cube.replace(
        report=partial(full_report, facts=facts),
        quantity=quantity or cube.quantity,
        pixel_size=size or image.pixel_size,
        valid=area,
    )


def choose_elements(
    image: SpectrumImage, elements: Sequence[str] | None = None, *, task: Task = SILENT
) -> ChosenElements:
    """The windows for the elements that the user names, or that the sum spectrum shows.

    Raises
    ------
    InputError
    CancelledError
    """
    energy = image.require_energy()
    total = image.sum_spectrum(task)
    beam = beam_of(image)
    if elements is not None:
        names = [name.strip() for name in elements if name.strip()]
        windows = element_windows(names, energy, beam)
        return ChosenElements(tuple(windows), {}, beam)
    task.step("finding elements", 0, 1, "peaks of the sum spectrum")
    analysis = analyse_sum(total, energy, image.declared_elements, beam)
    task.step("finding elements", 1, 1, "peaks of the sum spectrum")
    found = {one.element: one for one in analysis.suggestions}
    if not found:
        raise InputError(
            f"No element stands out in the sum of the spectra of {image.source or 'this image'}: "
            "check the energy calibration (--energy OFFSET GAIN on the command line), or name the "
            "elements to map, for example Fe,Ca,Ti (--elements Fe,Ca,Ti)."
        )
    windows = element_windows(list(found), energy, beam)
    notes = (*_unmapped(image, found), *_shifted(analysis, image, beam))
    return ChosenElements(tuple(windows), found, beam, notes)


def _size_source(image: SpectrumImage, *, typed: bool) -> str:
    if typed:
        return "typed by the user"
    return "unknown" if image.pixel_size is None else "header of the spectrum image"


def _mapped_line(window: ElementWindow, suggestions: dict[str, Suggestion]) -> MappedLine:
    suggestion = suggestions.get(window.element)
    return MappedLine(
        element=window.element,
        line=window.line,
        line_kev=window.line_kev,
        low_kev=window.low_kev,
        high_kev=window.high_kev,
        significance=None if suggestion is None else suggestion.significance,
        declared=suggestion is not None and suggestion.declared,
    )


def _without_absent(
    cube: ElementCube, chosen: ChosenElements
) -> tuple[ElementCube, ChosenElements]:
    """Leave out elements that the file lists but that neither the sum nor any place shows.

    Such maps hold only counts of neighbouring lines, which a detector would take for a signal. An
    element is seen at a place where the net counts of 3 x 3 pixels are six robust standard
    deviations of the map above zero.
    """
    absent = []
    for c, window in enumerate(chosen.windows):
        suggestion = chosen.suggestions.get(window.element)
        if suggestion is None or suggestion.significance >= LEAST_SIGNIFICANCE:
            continue
        smooth = uniform_filter(cube.plane(c).astype(np.float64), 3, mode="nearest")
        scatter = MAD_TO_SIGMA * float(np.median(np.abs(smooth - np.median(smooth))))
        if float(smooth.max()) < LEAST_SIGNIFICANCE * scatter:
            absent.append(c)
    if not absent or len(absent) == len(chosen.windows):
        return cube, chosen
    kept = [c for c in range(len(chosen.windows)) if c not in absent]
    names = [cube.elements[c] for c in absent]
    example = ",".join([*(cube.elements[c] for c in kept[:2]), "...", *names[:2]])
    note = (
        f"{listed(names, shown=20)}: listed in the file, but neither the sum of the spectra nor "
        "any place in the map shows them: not mapped; name them to map them all the same, "
        f"{example} (--elements {example} on the command line)."
    )
    left = cube.replace(maps=cube.maps[kept], elements=[cube.elements[c] for c in kept])
    windows = tuple(chosen.windows[c] for c in kept)
    return left, replace(chosen, windows=windows, notes=(*chosen.notes, note))


def _unmapped(image: SpectrumImage, found: dict[str, Suggestion]) -> list[str]:
    """A note on elements that the file lists but that have no line in these spectra."""
    energy = image.require_energy()
    lost = [symbol for symbol in image.declared_elements if symbol not in found]
    if not lost:
        return []
    low, high = max(energy.range_kev[0], LOWEST_LINE_KEV), energy.range_kev[1]
    return [
        f"{listed(lost, shown=20)}: listed in the file, but without a line between {low:.2f} "
        f"and {high:.2f} keV that this beam excites and this detector counts well: not mapped."
    ]


def _shifted(analysis: SumAnalysis, image: SpectrumImage, beam: Beam) -> list[str]:
    """A note where the peaks are not at the energies of their lines."""
    energy, fitted = image.require_energy(), analysis.fit.energy
    worst, at = 0.0, ""
    for one in analysis.suggestions:
        line = mapped_line(one.element, energy, beam)
        if line is None or one.significance < LEAST_SIGNIFICANCE:
            continue
        stands = float(energy.channels_to_kev(fitted.kev_to_channels(line.kev)))
        shift = stands - line.kev
        if abs(shift) / float(fwhm_kev(line.kev)) > _SHIFT_FWHM and abs(shift) > abs(worst):
            worst, at = shift, f"{one.element} {line.name}"
    if not at:
        return []
    return [
        f"The peaks are off their lines, {1000 * worst:+.0f} eV at {at}: a first "
        f"channel at {fitted.offset_kev:.4f} keV and {fitted.gain_kev:.7f} keV per channel fit "
        f"them better (--energy {fitted.offset_kev:.4f} {fitted.gain_kev:.7f} on the command line)."
    ]
