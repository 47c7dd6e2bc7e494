"""OUT/sections.csv and OUT/index.html, rebuilt from the folders of the sections."""

from __future__ import annotations

from dataclasses import asdict, fields

import pandas as pd

from napari_mineral_anomaly.io.writing.atomic import atomic_path
from napari_mineral_anomaly.io.writing.tables import write_table
from napari_mineral_anomaly.runs.batch.page import render_index
from napari_mineral_anomaly.runs.batch.rows import SectionRow, section_rows
from napari_mineral_anomaly.runs.batch.state import Batch, batch_lock

SECTIONS_FILE = "sections.csv"
INDEX_FILE = "index.html"


def write_summary(batch: Batch) -> list[SectionRow]:
    """Rebuild sections.csv and index.html, while nobody else does, and give the rows."""
    with batch_lock(batch.out):
        rows = section_rows(batch)
        table = pd.DataFrame(
            [asdict(row) for row in rows], columns=[one.name for one in fields(SectionRow)]
        ).astype({"pixels": "Int64", "height_px": "Int64", "width_px": "Int64"})
        table = table.astype({"flagged_pixels": "Int64", "grains": "Int64", "listed": "Int64"})
        write_table(batch.out / SECTIONS_FILE, table)
        with atomic_path(batch.out / INDEX_FILE) as temporary:
            temporary.write_text(render_index(batch, rows), encoding="utf-8", newline="\n")
    return rows
