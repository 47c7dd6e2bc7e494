"""A batch as its user runs it: on this computer, in shares, killed and resumed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from html.parser import HTMLParser

import pandas as pd
import pytest

from napari_mineral_anomaly.cli import main
from napari_mineral_anomaly.errors import InputError
from napari_mineral_anomaly.io.run_files import RUN_FILES
from napari_mineral_anomaly.project.names import LOG_FILE, PROJECT_FILE
from napari_mineral_anomaly.runs.batch.recipe import Recipe
from napari_mineral_anomaly.runs.batch.run import Share, run_batch

RX = Recipe(detector="rx", threshold=3.5)


def test_each_section_has_its_results_and_a_row(whole, sections, table):
    rows = table(whole).set_index("section")
    assert rows["state"].to_dict() == {"broken": "failed", "s1": "done", "s2": "done"}
    assert "Fe.tif is not a TIFF" in rows.loc["broken", "failure"]
    for name in ("s1", "s2"):
        written = {path.name for path in (whole / name).iterdir()}
        assert written == {*RUN_FILES, PROJECT_FILE, LOG_FILE}
        record = json.loads((whole / name / "run.json").read_text())
        row = rows.loc[name]
        assert row["source"] == str(sections / name)
        assert int(row["grains"]) == record["n_grains"]
        assert int(row["flagged_pixels"]) == record["n_flagged"]
        assert int(row["pixels"]) == record["n_valid"] == 32 * (40 + int(name[1]))
        assert float(row["area_mm2"]) == pytest.approx(record["n_valid"] * 400 / 1e6, abs=1e-4)
        assert float(row["seconds"]) > 0
        assert float(row["peak_memory_mb"]) > 50
        assert row["host"] == os.uname().nodename
        grains = pd.read_csv(whole / name / "grains.csv", keep_default_na=False)
        above = grains[grains["above_threshold"]]
        counts = above["mineral_hint"].value_counts()
        told = dict(part.rsplit(" ", 1) for part in row["minerals"].split("; ") if part)
        assert {k: int(n) for k, n in told.items()} == counts.drop("", errors="ignore").to_dict()


def test_the_page_is_whole_and_needs_no_other_file(whole):
    page = (whole / "index.html").read_text(encoding="utf-8")
    links: list[str] = []

    class Links(HTMLParser):
        def handle_starttag(self, tag, attrs):
            links.extend(value for name, value in attrs if name in ("src", "href"))

    Links().feed(page)
    pictures = [link for link in links if link.startswith("data:image/png;base64,")]
    assert len(pictures) == 2
    reports = sorted(set(links) - set(pictures))
    assert reports == ["s1/report.html", "s2/report.html"]
    assert all((whole / report).is_file() for report in reports)
    assert "is not a TIFF" in page


def test_the_same_folder_is_refused_without_resume_and_with_another_recipe(
    whole, sections, without_machine
):
    before = without_machine(whole)
    with pytest.raises(InputError, match="already holds a batch: go on with it by --resume"):
        run_batch([sections], whole, RX)
    with pytest.raises(InputError, match=r"another recipe \(threshold was 3.5, now 4.0\)"):
        run_batch([sections], whole, Recipe(detector="rx", threshold=4.0), resume=True)
    assert without_machine(whole) == before


def test_a_folder_with_other_files_is_refused(tmp_path, sections):
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(InputError, match="not empty, and holds no batch"):
        run_batch([sections], tmp_path, RX, resume=True)
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


def test_shares_at_the_same_time_give_the_same_summary(whole, sections, tmp_path, without_machine):
    recipe = whole.parent / "recipe.toml"
    command = [sys.executable, "-m", "napari_mineral_anomaly", "batch", str(sections)]
    command += ["-o", str(tmp_path / "out"), "--recipe", str(recipe), "--task"]
    shares = [subprocess.Popen([*command, f"{n}/2"]) for n in (1, 2)]
    assert sorted(share.wait() for share in shares) in ([0, 1], [1, 1])
    assert without_machine(tmp_path / "out") == without_machine(whole)
    before = {p: p.stat().st_mtime_ns for p in (tmp_path / "out").glob("s*/run.json")}
    assert len(before) == 2
    # The last call: only the broken section is tried again.
    assert main(["batch", "-o", str(tmp_path / "out"), "--resume"]) == 1
    assert before == {p: p.stat().st_mtime_ns for p in before}
    assert without_machine(tmp_path / "out") == without_machine(whole)


def test_a_killed_batch_is_resumed_to_the_same_summary(whole, sections, tmp_path, without_machine):
    out = tmp_path / "out"
    command = [sys.executable, "-m", "napari_mineral_anomaly", "batch", str(sections)]
    command += ["-o", str(out), "--recipe", str(whole.parent / "recipe.toml"), "--resume"]
    for wanted in (0, 1):  # killed before a section is done, and after the first
        with subprocess.Popen(command, stderr=subprocess.DEVNULL) as process:
            deadline = time.monotonic() + 100
            while len(list(out.glob("s*/run.json"))) < wanted or not out.exists():
                assert time.monotonic() < deadline
                time.sleep(0.02)
            process.send_signal(signal.SIGKILL)
    notes = out / "s1" / "notes.txt"
    notes.parent.mkdir(exist_ok=True)
    notes.write_text("mine")
    assert main(command[3:]) == 1
    assert without_machine(out) == without_machine(whole)
    assert notes.read_text() == "mine"
    hidden = [path.name for path in out.iterdir() if path.name.startswith(".")]
    assert hidden == [".batch"]


def test_a_model_is_applied_to_every_section(whole, sections, tmp_path):
    rows = run_batch([sections / "s2"], tmp_path / "out", Recipe(threshold=3.5), model=whole / "s1")
    assert [(row.section, row.state, row.detector) for row in rows] == [("s2", "done", "rx")]
    record = json.loads((tmp_path / "out" / "s2" / "run.json").read_text())
    assert "fit" not in record["timings"]
    with pytest.raises(InputError, match="another model"):
        run_batch([sections / "s2"], tmp_path / "out", Recipe(threshold=3.5), resume=True)


def test_a_share_beyond_the_sections_has_nothing_to_do(whole, sections, tmp_path):
    rows = run_batch([sections / "s1"], tmp_path / "out", RX, share=Share(2, 2))
    assert [row.state for row in rows] == ["waiting"]
