"""The ingest report in words, for the command line and the window."""

from __future__ import annotations

from napari_mineral_anomaly.scan.report import (
    IngestReport,
    OverlapCounts,
    SpectrumReport,
    UsedMap,
    ValidAreaCounts,
)
from napari_mineral_anomaly.scan.spectra.suggest import LEAST_SIGNIFICANCE
from napari_mineral_anomaly.words import sizes

_OVERLAPS_SHOWN = 8

CONTEXT_KINDS = {
    "bse": "electron image",
    "optical": "picture",
    "phase": "phase map",
    "mask": "mask",
    "other": "image",
}


def report_lines(report: IngestReport) -> list[str]:
    """A report as lines of text, for the command line and the window."""
    lines = undecided_lines(report)
    if report.used:
        shapes = {used.shape for used in report.used}
        dtypes = sorted({used.dtype for used in report.used})
        sizes = ", ".join(f"{h} x {w} pixels (rows x columns)" for h, w in sorted(shapes))
        noun = "element map" if len(report.used) == 1 else "element maps"
        lines.append(f"{len(report.used)} {noun}, {sizes}, {', '.join(dtypes)}")
    lines.append(f"Pixel size: {_pixel_size_words(report)}")
    if report.spot_size_um is not None:
        lines.append(f"Beam diameter: {report.spot_size_um:g} µm (typed by the user)")
    if report.valid_area is not None and report.valid_area.n_valid < report.valid_area.n_pixels:
        lines.append(_valid_area_words(report.valid_area))
    if report.spectra is not None:
        lines.append(f"Spectra of the pixels: {report.spectra}")
    if report.spectrum is not None:
        lines += spectrum_lines(report.spectrum)
    if report.steps:
        lines.append("What reading did:")
        lines += [f"  {step}" for step in report.steps]
    width = max((len(used.element) for used in report.used), default=0)
    for used in report.used:
        place = used.file if used.page is None else f"{used.file}, plane {used.page}"
        numbers = f"{used.dtype}{_range_words(used)}{_counts_words(used)}"
        lines.append(f"  {used.element:<{width}}  {place}  {numbers}")
    offered = [companion for companion in report.context if companion.offered]
    if offered:
        lines.append("In register beside the maps, offered as context:")
        lines += [f"  {one.file}: {CONTEXT_KINDS[one.kind]}" for one in offered]
    if report.ignored:
        lines.append("Not read as element maps:")
        lines += [f"  {ignored.file}: {ignored.reason}" for ignored in report.ignored]
    if report.warnings:
        lines.append("Please note:")
        lines += [f"  {warning}" for warning in report.warnings]
    return lines


def undecided_lines(report: IngestReport) -> list[str]:
    """The maps whose element the user must tell, and how; [] without any."""
    if not report.to_decide:
        return []
    lines = ["To decide: which element is it? These have the shape of the maps, but no element:"]
    for one in report.to_decide:
        lines.append(f"  {one.file}: {sizes(one.shape)} pixels, {one.dtype}; {one.why}")
    lines.append(
        f'  Type {report.to_decide[0].answer}, or "-" in place of the element to leave it out.'
    )
    return lines


def _valid_area_words(area: ValidAreaCounts) -> str:
    share = 100 * area.n_valid / area.n_pixels
    if area.origin == "given":
        return f"Valid area: {area.n_valid} pixels, {share:.1f} % of the scan (given)"
    left_out = [
        f"{count} {word}"
        for count, word in (
            (area.n_off_sample, "off the sample (no element present, connected to the border)"),
            (area.n_zero, "zero in every element"),
            (area.n_missing, "missing"),
        )
        if count
    ]
    words = "; ".join(left_out)
    return f"Valid area: {area.n_valid} pixels, {share:.1f} % of the scan; left out: {words}"


def _range_words(used: UsedMap) -> str:
    if used.min is None or used.max is None or used.mean is None:
        return ""
    return f"  {used.min:.4g} to {used.max:.4g}, mean {used.mean:.4g}"


def _pixel_size_words(report: IngestReport) -> str:
    if report.pixel_size_um is None:
        return "unknown"
    y, x = report.pixel_size_um
    size = f"{x:g} µm" if x == y else f"{x:g} µm wide, {y:g} µm high"
    return f"{size} ({report.pixel_size_source})"


def _counts_words(used: UsedMap) -> str:
    n_pixels = used.counted or used.shape[0] * used.shape[1]
    parts = [
        f"{count} {word} ({100 * count / n_pixels:.1f} %)"
        for count, word in (
            (used.zero, "zero"),
            (used.nan, "missing"),
            (used.negative, "negative"),
            (used.saturated, "saturated"),
        )
        if count
    ]
    if used.spikes:
        parts.append(f"{used.spikes} single-pixel spike{'s' if used.spikes > 1 else ''}")
    return f"  {', '.join(parts)}" if parts else ""


def spectrum_lines(report: SpectrumReport) -> list[str]:
    """The report as lines of text."""
    last = report.offset_kev + report.gain_kev * (report.n_channels - 1)
    beam = {
        "file": "from the file",
        "typed": "typed by the user",
        "spectrum": "from the elastic peak of the spectrum"
        if report.is_monochromatic
        else "from the end of the spectrum",
    }["spectrum" if report.beam_is_estimate else report.beam_source]
    excited = (
        f"photons of one energy, {report.beam_kev:g} keV"
        if report.is_monochromatic
        else f"{report.beam_kev:g} kV"
    )
    counted = {
        "linear": "net counts, a straight line between both sides of the window subtracted",
        "none": "all counts of the window, continuum included",
    }[report.background]
    lines = [
        f"Spectra: {report.n_channels} channels of {1000 * report.gain_kev:g} eV, "
        f"{report.offset_kev:.3g} to {last:.4g} keV (calibration: {report.calibration_source}), "
        f"excited with {excited} ({beam})",
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
            lines.append(f"  and {len(report.overlaps) - _OVERLAPS_SHOWN} weaker overlaps")
    return lines


def overlap_words(one: OverlapCounts) -> str:
    """One overlap as a sentence."""
    return (
        f"{one.partner} {one.partner_line} in the window of {one.victim} {one.victim_line} "
        f"({abs(one.distance_ev):.0f} eV apart): {100 * one.share:.0f} counts per 100 of "
        f"{one.partner}"
    )
