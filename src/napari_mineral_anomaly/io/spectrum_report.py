"""How element maps were made of spectra, as part of the ingest report."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

from napari_mineral_anomaly.scan.spectra.suggest import LEAST_SIGNIFICANCE

_OVERLAPS_SHOWN = 8


class _Value(BaseModel):
    model_config = ConfigDict(frozen=True)


class MappedLine(_Value):
    """One element map: its line, its window in keV, and how clearly the sum spectrum shows it.

    ``significance`` is in standard errors (see `spectra.suggest`); None for elements that the user
    named.
    """

    element: str
    line: str
    line_kev: float
    low_kev: float
    high_kev: float
    significance: float | None = None
    declared: bool = False


class OverlapCounts(_Value):
    """Counts of ``partner`` in the window of ``victim``, per count in the partner's own peak."""

    victim: str
    partner: str
    victim_line: str
    partner_line: str
    distance_ev: float
    share: float


class SpectrumReport(_Value):
    """What the maps of a spectrum image were made of.

    ``calibration_source`` is "the file" or "typed by the user"; ``beam_kev`` was told by the file
    or, where ``beam_is_estimate``, read off the end of the continuum.
    """

    n_channels: int
    offset_kev: float
    gain_kev: float
    calibration_source: str
    beam_kev: float
    beam_is_estimate: bool
    background: str
    elements: tuple[MappedLine, ...]
    overlaps: tuple[OverlapCounts, ...]


def spectrum_lines(report: SpectrumReport) -> list[str]:
    """The report as lines of text."""
    last = report.offset_kev + report.gain_kev * (report.n_channels - 1)
    beam = "from the end of the spectrum" if report.beam_is_estimate else "from the file"
    counted = {
        "linear": "net counts, a straight line between both sides of the window subtracted",
        "none": "all counts of the window, continuum included",
    }[report.background]
    lines = [
        f"Spectra: {report.n_channels} channels of {1000 * report.gain_kev:g} eV, "
        f"{report.offset_kev:.3g} to {last:.4g} keV (calibration: {report.calibration_source}), "
        f"excited with {report.beam_kev:g} kV ({beam})",
        f"Element maps made from the spectra: {counted}",
    ]
    for one in report.elements:
        seen = ""
        if one.significance is not None:
            clear = one.significance >= LEAST_SIGNIFICANCE
            seen = f", {one.significance:.0f} standard errors" if clear else ", not in the sum"
        listed = ", listed in the file" if one.declared else ""
        lines.append(
            f"  {one.element:<2} {one.line}  {one.line_kev:6.3f} keV, window {one.low_kev:.3f} to "
            f"{one.high_kev:.3f}{seen}{listed}"
        )
    if report.overlaps:
        lines.append("Lines that the detector does not separate:")
        lines += [f"  {overlap_words(one)}" for one in report.overlaps[:_OVERLAPS_SHOWN]]
        if len(report.overlaps) > _OVERLAPS_SHOWN:
            lines.append(f"  {len(report.overlaps) - _OVERLAPS_SHOWN} weaker overlaps more")
    return lines


def overlap_words(one: OverlapCounts) -> str:
    """One overlap as a sentence."""
    return (
        f"{one.partner} {one.partner_line} in the window of {one.victim} {one.victim_line} "
        f"({abs(one.distance_ev):.0f} eV apart): {100 * one.share:.0f} counts per 100 of "
        f"{one.partner}"
    )
