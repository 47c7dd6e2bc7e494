"""``inspect``, ``train``, ``apply``, ``evaluate`` and ``sample`` through the real files."""

from __future__ import annotations

import json
import subprocess
import sys

import numpy as np
import pytest
import tifffile

from napari_mineral_anomaly import read_maps
from napari_mineral_anomaly.cli import main
from napari_mineral_anomaly.evaluation.metrics import evaluate
from napari_mineral_anomaly.io.run_files import MODEL_FILES, RUN_FILES
from napari_mineral_anomaly.project.names import LOG_FILE, PROJECT_FILE


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_inspect_prints_the_ingest_report(run_json, scan):
    printed = run_json("inspect", scan)
    report = read_maps(scan).report
    assert report is not None
    assert printed == report.model_dump(mode="json")
    assert "truth.tif" in [ignored["file"] for ignored in printed["ignored"]]


def test_inspect_for_people_names_every_file(capsys, scan):
    assert main(["inspect", str(scan)]) == 0
    text = capsys.readouterr().out
    assert all(path.name in text for path in scan.iterdir())


def test_inspect_refuses_bad_scans_in_one_sentence(capfd, bad_scan):
    assert main(["inspect", str(bad_scan)]) == 2
    assert len(capfd.readouterr().err.splitlines()) == 1


def test_train_and_apply_are_the_two_halves_of_detect(run_json, scan, rx_run, tmp_path):
    model = tmp_path / "model"
    summary = run_json("train", scan, "-o", model, "--detector", "rx")
    assert names(model) == sorted(MODEL_FILES)
    assert summary["detector"] == "rx"
    assert summary["n_scans"] == 1
    (printed,) = run_json("apply", model, scan, "-o", tmp_path / "out")
    out = tmp_path / "out" / "scan_a"
    assert printed["out"] == str(out)
    assert names(out) == sorted([*RUN_FILES, PROJECT_FILE, LOG_FILE])
    one, two = (tifffile.imread(f / "anomaly_score.ome.tif") for f in (rx_run, out))
    assert np.allclose(one, two, rtol=1e-5, equal_nan=True)


def test_one_model_from_several_scans_scores_each_into_its_own_folder(
    run_json, scan, other_scan, tmp_path
):
    model = tmp_path / "model"
    summary = run_json("train", scan, other_scan, "-o", model, "--detector", "rx")
    assert summary["n_scans"] == 2
    assert summary["n_valid"] == read_maps(scan).n_valid + read_maps(other_scan).n_valid
    runs = run_json("apply", model, scan, other_scan, "-o", tmp_path / "out")
    assert names(tmp_path / "out") == ["scan_a", "scan_b"]
    assert [run["shape"] for run in runs] == [[64, 72], [48, 80]]
    for name in ("scan_a", "scan_b"):
        assert names(tmp_path / "out" / name) == sorted([*RUN_FILES, PROJECT_FILE, LOG_FILE])


def test_results_of_detect_hold_a_model_that_apply_takes(run_json, rx_run, other_scan, tmp_path):
    (run,) = run_json("apply", rx_run, other_scan, "-o", tmp_path / "out")
    assert run["source"] == "scan_b"


def test_scans_of_the_same_name_are_told_apart_by_their_folders(run_json, rx_run, scan, tmp_path):
    for site in ("north", "south"):
        (tmp_path / site).mkdir()
        (tmp_path / site / "tiff").symlink_to(scan, target_is_directory=True)
    scans = [tmp_path / site / "tiff" for site in ("north", "south")]
    runs = run_json("apply", rx_run, *scans, "-o", tmp_path / "out")
    assert names(tmp_path / "out") == ["north_tiff", "south_tiff"]
    assert [run["source"] for run in runs] == ["tiff", "tiff"]


def test_the_same_scan_twice_is_refused(capsys, rx_run, scan, tmp_path):
    assert main(["apply", str(rx_run), str(scan), str(scan), "-o", str(tmp_path / "out")]) == 2
    assert "Two inputs would both write" in capsys.readouterr().err


def test_a_scan_that_lacks_an_element_stops_apply_before_anything_is_written(
    capsys, rx_run, scan, tmp_path
):
    poor = tmp_path / "poor"
    poor.mkdir()
    for path in sorted(scan.glob("*.tif"))[:3]:
        (poor / path.name).write_bytes(path.read_bytes())
    out = tmp_path / "out"
    assert main(["apply", str(rx_run), str(scan), str(poor), "-o", str(out)]) == 2
    error = capsys.readouterr().err.splitlines()[-1]
    assert "poor lacks" in error
    assert not out.exists()


def test_a_model_that_is_none_is_told(capsys, scan, tmp_path):
    assert main(["apply", str(tmp_path / "none"), str(scan), "-o", str(tmp_path / "out")]) == 2
    assert len(capsys.readouterr().err.splitlines()) == 1
    assert names(tmp_path) == []


def test_one_valid_image_does_not_fit_several_scans(capsys, scan, other_scan, tmp_path):
    argv = ["train", str(scan), str(other_scan), "-o", str(tmp_path / "m"), "--detector", "rx"]
    assert main([*argv, "--valid", str(scan / "truth.tif")]) == 2
    assert "fits one scan, but 2 are given" in capsys.readouterr().err


@pytest.mark.parametrize("truth", ["truth.tif", "."])
def test_evaluate_takes_the_threshold_of_the_run(run_json, rx_run, scan, truth):
    printed = run_json("evaluate", rx_run / "anomaly_score.ome.tif", scan / truth)
    score = tifffile.imread(rx_run / "anomaly_score.ome.tif")
    threshold = json.loads((rx_run / "run.json").read_text("utf-8"))["threshold"]
    expected = evaluate(score, tifffile.imread(scan / "truth.tif"), threshold=threshold)
    assert printed == expected
    assert set(printed["grain_precision"]) == {"10", "20", "50"}
    assert 0.5 < printed["auc"] <= 1


def test_evaluate_takes_a_run_folder_a_threshold_and_a_valid_image(
    run_json, rx_run, scan, tmp_path
):
    valid = np.zeros((64, 72), np.uint8)
    valid[:50] = 1
    tifffile.imwrite(tmp_path / "valid.tif", valid)
    printed = run_json(
        *("evaluate", rx_run, scan / "truth.tif", "--threshold", 3),
        *("--valid", tmp_path / "valid.tif"),
    )
    score = tifffile.imread(rx_run / "anomaly_score.ome.tif")
    truth = tifffile.imread(scan / "truth.tif")
    assert printed == evaluate(score, truth, valid=valid, threshold=3.0)


def test_evaluate_without_a_run_has_no_grain_precision(run_json, capsys, scan, tmp_path):
    score = np.random.default_rng(0).normal(size=(64, 72)).astype(np.float32)
    tifffile.imwrite(tmp_path / "score.tif", score)
    argv = ("evaluate", tmp_path / "score.tif", scan / "truth.tif")
    assert run_json(*argv)["grain_precision"] is None
    assert main([str(word) for word in argv]) == 0
    text = capsys.readouterr().out
    assert "AUC (Pd, Pf)" in text
    assert "--threshold" in text


def test_evaluate_refuses_images_that_do_not_fit(capsys, rx_run, other_scan, tmp_path):
    assert main(["evaluate", str(rx_run), str(other_scan / "truth.tif")]) == 2
    assert "48x80 pixels but the score map is 64x72" in capsys.readouterr().err
    assert main(["evaluate", str(rx_run), str(tmp_path / "none.tif")]) == 2
    assert len(capsys.readouterr().err.splitlines()) == 1


def test_sample_writes_the_same_scan_for_the_same_seed(run_json, tmp_path):
    for name in ("one", "two"):
        printed = run_json("sample", tmp_path / name, "--size", 40, 50, "--seed", 5)
        assert printed["shape"] == [40, 50]
    assert names(tmp_path / "one") == names(tmp_path / "two")
    for path in (tmp_path / "one").iterdir():
        assert path.read_bytes() == (tmp_path / "two" / path.name).read_bytes()
    truth = tifffile.imread(tmp_path / "one" / "truth.tif")
    assert printed["n_anomaly"] == np.count_nonzero(truth == 1) > 0
    assert main(["sample", str(tmp_path / "one")]) == 2


@pytest.mark.skipif(sys.platform == "win32", reason="pipes differ")
def test_a_reader_that_stops_reading_is_no_error(scan):
    command = f"{sys.executable} -m napari_mineral_anomaly inspect {scan} | head -c 1"
    done = subprocess.run(["sh", "-c", command], capture_output=True, text=True)
    assert done.returncode == 0
    assert "Error" not in done.stderr
