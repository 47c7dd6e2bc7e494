"""sections.csv of a batch that has not begun: nothing in it starts a formula."""

from __future__ import annotations

import csv
from pathlib import Path

from napari_mineral_anomaly.runs.batch.recipe import Recipe
from napari_mineral_anomaly.runs.batch.state import join_batch
from napari_mineral_anomaly.runs.batch.summary import write_summary

NAMES = ("=1+1", "-5 vein", "+x", "@home", "plain")


def test_no_section_is_a_formula_in_a_spreadsheet(tmp_path: Path) -> None:
    sections = [tmp_path / "in" / name for name in NAMES]
    for section in sections:
        section.mkdir(parents=True)
    batch = join_batch(tmp_path / "out", sections, Recipe(), None, may_exist=False)
    write_summary(batch)
    with (batch.out / "sections.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert sorted(row["section"] for row in rows) == sorted(
        ["'=1+1", "'-5 vein", "'+x", "'@home", "plain"]
    )
    assert {row["state"] for row in rows} == {"waiting"}
    assert {row["pixels"] for row in rows} == {""}
