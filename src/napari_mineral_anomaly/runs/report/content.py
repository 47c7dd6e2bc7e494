"""The content of a report: what was found, how it was computed, what was read."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import pandas as pd

from napari_mineral_anomaly.grains.columns import report_columns
from napari_mineral_anomaly.runs.record import RunRecord
from napari_mineral_anomaly.runs.report.blocks import (
    Block,
    Heading,
    KeyValues,
    Picture,
    Table,
    Text,
    Title,
    Warnings,
)
from napari_mineral_anomaly.runs.report.drawing import figure_png
from napari_mineral_anomaly.runs.report.overview import draw_loss_curve
from napari_mineral_anomaly.scan.report import IngestReport, UsedMap

# A page with thousands of rows opens slowly; grains.csv lists all grains.
MAX_GRAINS = 100


def report_blocks(
    record: RunRecord,
    grains: pd.DataFrame,
    ingest: IngestReport,
    overview_png: bytes,
    *,
    decided: str = "",
    evidence: Sequence[Block] = (),
    sem: Sequence[Block] = (),
) -> list[Block]:
    """The blocks of a report.

    Parameters
    ----------
    record : RunRecord
    grains : DataFrame
        As `grains.table.find_grains` gives it.
    ingest : IngestReport
    overview_png : bytes
        The PNG of `draw_overview`.
    decided : str
        How many grains have which verdict.
    evidence, sem : sequence of Block
        What a project adds: the evidence on its grains, its fiducials.
    """
    blocks: list[Block] = [
        Title(f"Anomalous grains in {record.source}", _subtitle(record)),
        Text(record.findings, "lead"),
    ]
    if decided:
        blocks.append(Text(decided))
    if warnings := (*ingest.warnings, *record.warnings):
        blocks.append(Warnings(warnings))
    blocks += [
        Picture(overview_png, "Anomaly score map with the ranked grains and their driver maps"),
        Heading("Grains, the oddest first"),
        *_grain_table(record, grains),
        *evidence,
        *sem,
        Heading("How it was computed"),
        _pairs("How it was computed", _computation(record)),
    ]
    if record.loss_curve:
        png = figure_png(draw_loss_curve(record.loss_curve))
        blocks.append(Picture(png, "Training loss per epoch", 0.6))
    blocks += [
        Heading("What was read"),
        *_ingest(ingest),
        Heading("Versions"),
        _pairs("Versions", record.versions.items()),
    ]
    return blocks


def _subtitle(record: RunRecord) -> str:
    height, width = record.shape
    size = _pixel_size(record.pixel_size_um)
    return (
        f"{width} x {height} pixels, {size}, {len(record.elements)} elements, "
        f"detector {record.detector}, {record.created}"
    )


def _grain_table(record: RunRecord, grains: pd.DataFrame) -> list[Block]:
    if grains.empty:
        return [Text("None: no pixel of this scan is odder than another.")]
    columns = report_columns(grains)
    rows = tuple(
        tuple(column.report_text(grain) for column in columns)
        for grain in grains.head(MAX_GRAINS).to_dict("records")
    )
    numbers = tuple(k for k, column in enumerate(columns) if column.number)
    note = (
        "Scores are in background sigmas. The line shows the threshold: above it stand all grains "
        "that reach it, below it the oddest others. Expected by chance: how many pixels of a "
        "section with nothing odd would have a score as high as the peak of the row; near 0 a row "
        "is hardly chance, at 1 and more it may well be. A concentration is the largest area of an "
        "element that is high in a small part of the scan and in no listed grain. "
        "Driven by: the elements that carry the score, each with "
        "its mean excess (+) or lack (-) over the grain in background sigmas. Centres are measured "
        "from the centre of the first pixel. Perhaps: the mineral whose formula fits the excess "
        "over the surroundings best, with its distance (0 fits perfectly, 1 not at all); a hint by "
        "sign and pattern, no analysis. Beware of: what else could have made the grain; nothing is "
        "left out because of it. Beside: the background clusters around the grain."
    )
    if len(grains) > MAX_GRAINS:
        note += f" The worst {MAX_GRAINS} of {len(grains)}; grains.csv lists all."
    n_above = int(grains.head(MAX_GRAINS)["above_threshold"].sum())
    line = f"Threshold: {record.threshold:.2f} background sigmas"
    titles = tuple(column.report.title for column in columns)
    return [Table("Grains", titles, rows, numbers, line=(n_above, line)), Text(note, "small")]


def _computation(record: RunRecord) -> list[tuple[str, Any]]:
    rows: list[tuple[str, Any]] = [
        ("Detector", record.detector),
        ("Seed", record.seed),
        ("Device", record.device),
        ("Elements", ", ".join(record.elements)),
        ("Kind of numbers", record.quantity),
        ("Valid pixels", record.n_valid),
        ("Smallest grain listed (pixels)", record.min_grain_px),
    ]
    shown = {"seed", "device"}
    rows += [(f"Parameter {key}", v) for key, v in record.parameters.items() if key not in shown]
    rows += [(f"Seconds for {phase}", f"{s:.1f}") for phase, s in record.timings.items()]
    if record.peak_memory_mb is not None:
        rows.append(("Peak memory (MB)", f"{record.peak_memory_mb:.0f}"))
    return rows


def _ingest(ingest: IngestReport) -> list[Block]:
    used = Table(
        "Maps that were read",
        (
            "File",
            "Element",
            "Numbers",
            "Rows x columns",
            "Missing",
            "Zero",
            "Negative",
            "Saturated",
        ),
        tuple(
            (
                *(_place(m), m.element, m.dtype, "x".join(map(str, m.shape))),
                *(m.nan, m.zero, m.negative, m.saturated),
            )
            for m in ingest.used
        ),
        numbers=(4, 5, 6, 7),
    )
    size = _pixel_size(ingest.pixel_size_um)
    blocks: list[Block] = [Text(f"{size} (source: {ingest.pixel_size_source})."), used]
    if ingest.ignored:
        blocks += [
            Text("Not used as element maps:"),
            Table(
                "Files that were not used",
                ("File", "Why"),
                tuple((file.file, file.reason) for file in ingest.ignored),
            ),
        ]
    return blocks


def _place(used: UsedMap) -> str:
    return used.file if used.page is None else f"{used.file}, page {used.page}"


def _pixel_size(size: tuple[float, float] | None) -> str:
    if size is None:
        return "pixel size unknown"
    y, x = size
    return f"pixel size {x:g} µm" if x == y else f"pixel size {y:g} µm down, {x:g} µm across"


def _pairs(name: str, rows: Iterable[tuple[str, Any]]) -> KeyValues:
    pairs = ((str(key), "" if value is None else str(value)) for key, value in rows)
    return KeyValues(name, tuple(pairs))
