"""``benchmark`` through real files and real processes."""

from __future__ import annotations

import csv
import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
import tifffile
from scipy.io import savemat

from napari_mineral_anomaly import detect
from napari_mineral_anomaly.cli import main
from napari_mineral_anomaly.evaluation.benchmark.files import BENCHMARK_FILES
from napari_mineral_anomaly.evaluation.metrics import evaluate
from napari_mineral_anomaly.io import read_scene


@pytest.fixture(scope="module")
def mat_scene(tmp_path_factory):
    """Reflectance of two mixed materials with a third in four pixels."""
    rng = np.random.default_rng(5)
    share = rng.uniform(size=(40, 50, 1))
    ends = rng.uniform(0.1, 0.6, size=(3, 12))
    data = share * ends[0] + (1 - share) * ends[1] + rng.normal(0, 0.01, (40, 50, 12))
    truth = np.zeros((40, 50), np.uint8)
    truth[10, 10:12] = truth[30, 40:42] = 1
    data[truth == 1] = ends[2]
    path = tmp_path_factory.mktemp("mat") / "field.mat"
    savemat(path, {"data": data, "map": truth})
    return path


@pytest.fixture(scope="module")
def written(scan, tmp_path_factory):
    """Output folder, standard output and error of one benchmark; never written to by a test."""
    out = tmp_path_factory.mktemp("benchmarks") / "new" / "out"
    command = [sys.executable, "-m", "napari_mineral_anomaly", "benchmark", scan]
    command += ["--detectors", "rx", "pca", "-o", out, "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return out, done.stdout, done.stderr


def expected_metrics(path, detector):
    cube, truth = read_scene(path)
    result = detect(cube, detector)
    return evaluate(result.score, truth, threshold=result.threshold)


def test_rows_hold_what_evaluate_says(written, scan):
    rows = json.loads(written[1], parse_constant=pytest.fail)
    assert [(r["scene"], r["family"], r["detector"], r["seed"]) for r in rows] == [
        ("scan_a", "simulated", "rx", 0),
        ("scan_a", "simulated", "pca", 0),
    ]
    for row in rows:
        expected = expected_metrics(scan, row["detector"])
        assert {key: row[key] for key in expected} == expected
        assert row["seconds"] > 0
        assert row["peak_mb"] is None or row["peak_mb"] > 20


def test_every_finished_run_is_a_line_on_stderr(written):
    lines = written[2].splitlines()
    assert [line.split(":")[0] for line in lines] == [
        "1/2 scan_a, rx, seed 0",
        "2/2 scan_a, pca, seed 0",
    ]


def test_the_folder_holds_every_file(written):
    out, stdout, _ = written
    assert sorted(path.name for path in out.iterdir()) == sorted(BENCHMARK_FILES)
    assert json.loads((out / "rows.json").read_text("utf-8")) == json.loads(stdout)
    for path in out.glob("*.png"):
        assert path.read_bytes().startswith(b"\x89PNG")
        assert path.stat().st_size > 5000
    assert [path.name for path in out.parent.iterdir()] == ["out"]


def test_the_tables_follow_from_the_rows(written, scan):
    out, stdout, _ = written
    rows = {(r["scene"], r["detector"]): r for r in json.loads(stdout)}
    with (out / "summary.csv").open(encoding="utf-8", newline="") as stream:
        summary = {(r["family"], r["detector"]): r for r in csv.DictReader(stream)}
    assert len(summary) == 4
    for detector in ("rx", "pca"):
        for family in ("simulated", "all"):
            ap = float(summary[family, detector]["ap"])
            assert ap == pytest.approx(rows["scan_a", detector]["ap"])
    with (out / "grain_recall.csv").open(encoding="utf-8", newline="") as stream:
        recall = list(csv.DictReader(stream))
    n_grains = len((scan / "grains_truth.csv").read_text("utf-8").splitlines()) - 1
    for detector in ("rx", "pca"):
        for criterion in {r["criterion"] for r in recall}:
            part = [r for r in recall if (r["detector"], r["criterion"]) == (detector, criterion)]
            assert sum(int(r["n_grains"]) for r in part) == n_grains
    assert {r["criterion"] for r in recall} == {"default", "0.0001 of the background"}


def test_a_table_for_people_and_no_recall_without_simulated_grains(capsys, mat_scene, tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    (out / "notes.txt").write_text("mine")
    argv = ["benchmark", str(mat_scene), "--detectors", "rx", "-o", str(out)]
    assert main(argv) == 2
    assert "--overwrite" in capsys.readouterr().err
    assert main([*argv, "--overwrite"]) == 0
    text = capsys.readouterr().out
    assert "field (airborne): 4 anomalous and 1996 background pixels, 0 left out" in text
    assert "Mean of the airborne scenes" in text
    assert "Mean of the families" not in text
    (row,) = json.loads((out / "rows.json").read_text("utf-8"))
    expected = expected_metrics(mat_scene, "rx")
    assert {key: row[key] for key in expected} == expected
    names = {path.name for path in out.iterdir()}
    assert names == set(BENCHMARK_FILES) - {"grain_recall.csv", "grain_recall.png"} | {"notes.txt"}


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        (["nowhere"], "nowhere does not exist"),
        (["barren:1"], "holds no anomaly"),
        (["easy", "easy:0"], "named easy-0"),
        (["easy", "--detectors", "magic"], "no detector 'magic'"),
        (["easy", "--seeds", "0"], "whole number from 1 up"),
    ],
)
def test_a_mistake_is_told_before_anything_runs(capsys, tmp_path, monkeypatch, argv, words):
    monkeypatch.chdir(tmp_path)
    assert main(["benchmark", *argv, "-o", "out"]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert len(printed.err.splitlines()) == 1
    assert words in printed.err
    assert list(tmp_path.iterdir()) == []


def test_a_bad_scene_ends_the_benchmark_in_one_sentence(capfd, tmp_path):
    scene = tmp_path / "scene"
    scene.mkdir()
    tifffile.imwrite(scene / "Fe.tif", np.ones((8, 8), np.uint16))
    out = tmp_path / "out"
    assert main(["benchmark", str(scene), "--detectors", "rx", "-o", str(out), "--json"]) == 2
    printed = capfd.readouterr()
    assert printed.out == ""
    assert len(printed.err.splitlines()) == 1
    assert "has no truth.tif" in printed.err
    assert not out.exists()


@pytest.mark.skipif(sys.platform == "win32", reason="signals differ")
def test_ctrl_c_ends_the_running_process_too(scan, mat_scene, tmp_path):
    out = tmp_path / "out"
    command = [sys.executable, "-m", "napari_mineral_anomaly", "benchmark", mat_scene, "easy:0"]
    # The second run takes seconds: the interruption comes into it, to the whole group as from a
    # terminal.
    command += ["--detectors", "rx", "knn", "-o", out]
    process = subprocess.Popen(
        command,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        # A shell's background job ignores SIGINT and so would its children: not what is tested.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    assert process.stderr is not None
    first = process.stderr.readline()
    assert first.startswith("1/4 field, rx")
    os.killpg(process.pid, signal.SIGINT)
    rest = process.stderr.read()
    assert process.wait() == 130
    assert "Interrupted" in rest
    assert "Traceback" not in rest
    assert list(tmp_path.iterdir()) == []
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        try:
            os.killpg(process.pid, 0)
        except ProcessLookupError:
            return
        time.sleep(0.05)
    pytest.fail("a process of the benchmark outlived it")
