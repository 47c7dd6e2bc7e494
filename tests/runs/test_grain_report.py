"""What a run says of its grains: hints and flags in grains.csv, on the page and in the summary."""

from __future__ import annotations

import html

import pandas as pd

from napari_mineral_anomaly.cli.text import run_summary
from napari_mineral_anomaly.detectors.pipeline import run_detection
from napari_mineral_anomaly.detectors.registry import make_config
from napari_mineral_anomaly.grains.columns import GRAIN_COLUMNS
from napari_mineral_anomaly.runs.folder import write_run
from napari_mineral_anomaly.simulate import simulate_section


def test_hints_and_flags_reach_the_table_the_page_and_the_summary(tmp_path):
    section = simulate_section("artefacts", (120, 140), 11)
    run = run_detection(section.cube, "rx", make_config("rx"))
    written = write_run(tmp_path / "out", section.cube, run)
    table = pd.read_csv(tmp_path / "out" / "grains.csv", keep_default_na=False)
    assert tuple(table.columns[: len(GRAIN_COLUMNS)]) == GRAIN_COLUMNS
    hinted = table[table["mineral_hint"] != ""]
    flagged = table[table["flags"] != ""]
    assert len(hinted) > 0
    assert len(flagged) > 0
    page = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    first = hinted.iloc[0]
    assert f"{first['mineral_hint']} ({float(first['mineral_distance']):.2f})" in page
    assert html.escape(flagged.iloc[0]["flags"]) in page
    summary = run_summary(written)
    assert "perhaps" in summary
    assert flagged[flagged["rank"] <= 10].iloc[0]["flags"] in summary
