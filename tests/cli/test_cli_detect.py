"""``detect`` from files to files: what it writes, says and refuses."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import tifffile

from napari_mineral_anomaly import detect, read_maps
from napari_mineral_anomaly.cli import main
from napari_mineral_anomaly.grains.columns import GRAIN_COLUMNS
from napari_mineral_anomaly.grains.table import find_grains
from napari_mineral_anomaly.io.run_files import MODEL_FILES, RUN_FILES
from napari_mineral_anomaly.project.names import LOG_FILE, PROJECT_FILE

COMMAND = [sys.executable, "-m", "napari_mineral_anomaly"]


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_every_file_of_the_contract_is_there_and_nothing_else(rx_run):
    assert names(rx_run) == sorted([*RUN_FILES, PROJECT_FILE, LOG_FILE])
    assert names(rx_run / "model") == sorted(MODEL_FILES)
    assert names(rx_run.parent) == ["rx"]


def test_the_files_hold_what_the_library_computes(rx_run, scan):
    cube = read_maps(scan)
    result = detect(cube, "rx", threshold=2.0)
    read = {path.name: tifffile.imread(path) for path in rx_run.glob("*.tif")}
    assert np.array_equal(read["anomaly_score.ome.tif"], result.score, equal_nan=True)
    assert np.array_equal(read["anomaly_mask.tif"], np.where(result.mask, 255, 0))
    assert np.array_equal(read["pseudo_labels.tif"], result.pseudo_labels)
    contributions = read["element_contributions.ome.tif"]
    assert np.array_equal(contributions, np.asarray(result.contributions), equal_nan=True)
    table = pd.read_csv(rx_run / "grains.csv", keep_default_na=True)
    assert tuple(table.columns[: len(GRAIN_COLUMNS)]) == GRAIN_COLUMNS
    expected = find_grains(result, cube=cube)
    assert np.allclose(table["peak_score"], expected["peak_score"])
    assert table["driver_1"].tolist() == expected["driver_1"].tolist()


def test_grain_numbers_refer_to_the_labelled_mask(rx_run):
    labels = tifffile.imread(rx_run / "grain_labels.tif")
    table = pd.read_csv(rx_run / "grains.csv").set_index("id")
    areas = np.bincount(labels.ravel())
    assert len(table) == labels.max() > 0
    assert table["area_px"].to_dict() == {k: areas[k] for k in range(1, labels.max() + 1)}


def test_micrometres_come_from_the_files(rx_run, scan):
    with tifffile.TiffFile(scan / "truth.tif") as tiff:
        assert tiff.imagej_metadata["unit"] == "um"
        over, under = tiff.pages[0].tags["XResolution"].value
    pixel = under / over
    with tifffile.TiffFile(rx_run / "anomaly_score.ome.tif") as tiff:
        written = re.search(r'PhysicalSizeX="([\d.]+)"', tiff.ome_metadata)
    assert written is not None
    assert float(written.group(1)) == pytest.approx(pixel)
    table = pd.read_csv(rx_run / "grains.csv")
    assert np.allclose(table["area_um2"], table["area_px"] * pixel**2)
    assert np.allclose(table["centroid_x_um"], table["centroid_x_px"] * pixel)


def test_run_and_ingest_records(rx_run, scan):
    run = json.loads((rx_run / "run.json").read_text("utf-8"), parse_constant=pytest.fail)
    ingest = json.loads((rx_run / "ingest.json").read_text("utf-8"), parse_constant=pytest.fail)
    files = {used["file"] for used in ingest["used"]}
    assert files == {path.name for path in scan.glob("*.tif")} - {"truth.tif"}
    assert set(run["input_hashes"]) == files
    assert all(len(digest) == 64 for digest in run["input_hashes"].values())
    assert run["detector"] == "rx"
    assert run["epochs"] is None
    table = pd.read_csv(rx_run / "grains.csv")
    assert run["n_listed"] == len(table)
    assert run["n_grains"] == table["above_threshold"].sum() > 0
    assert run["n_flagged"] == np.count_nonzero(tifffile.imread(rx_run / "anomaly_mask.tif"))
    assert set(run["timings"]) >= {"read", "fit", "score", "export"}
    assert str(scan.parent) not in (rx_run / "run.json").read_text("utf-8")


def test_json_is_alone_on_stdout_and_agrees_with_run_json(run_json, scan, tmp_path):
    out = tmp_path / "out"
    printed = run_json("detect", scan, "-o", out, "--detector", "rx", "--threshold", 1.5)
    run = json.loads((out / "run.json").read_text("utf-8"))
    assert printed["out"] == str(out)
    assert {key: printed[key] for key in run} == run
    assert run["threshold"] == 1.5
    assert len(printed["grains"]) == min(run["n_listed"], 50) > 0
    mask = tifffile.imread(out / "anomaly_mask.tif") > 0
    assert np.array_equal(mask, tifffile.imread(out / "anomaly_score.ome.tif") >= 1.5)


def test_it_says_where_the_results_are_and_the_worst_grains(capsys, scan, tmp_path):
    out = tmp_path / "out"
    argv = ["detect", str(scan), "-o", str(out), "--detector", "rx", "--threshold", "2"]
    assert main(argv) == 0
    text = capsys.readouterr().out
    table = pd.read_csv(out / "grains.csv")
    assert f"Results in {out}" in text
    assert f"scan_a (rx): {table['above_threshold'].sum()} grains at or above" in text
    assert table.loc[0, "driver_1"] in text


def test_small_grains_leave_the_list_but_not_the_mask(run_json, scan, rx_run, tmp_path):
    out = tmp_path / "out"
    argv = ("detect", scan, "-o", out, "--detector", "rx", "--threshold", 2)
    assert run_json(*argv, "--min-grain-px", 3)["min_grain_px"] == 3
    every, large = pd.read_csv(rx_run / "grains.csv"), pd.read_csv(out / "grains.csv")
    assert large["area_px"].min() >= 3
    listed = every.loc[every["above_threshold"] & (every["area_px"] >= 3), "peak_score"]
    assert large.loc[large["above_threshold"], "peak_score"].tolist() == listed.tolist()
    one, other = (tifffile.imread(f / "anomaly_mask.tif") for f in (rx_run, out))
    assert np.array_equal(one, other)


def test_valid_image_and_pixel_size_are_used(run_json, scan, tmp_path):
    valid = np.zeros((64, 72), np.uint8)
    valid[10:50, 5:60] = 7
    tifffile.imwrite(tmp_path / "valid.tif", valid)
    out = tmp_path / "out"
    printed = run_json(
        *("detect", scan, "-o", out, "--detector", "rx", "--pixel-size", "4,2.5"),
        *("--valid", tmp_path / "valid.tif"),
    )
    assert printed["n_valid"] == 40 * 55
    assert printed["pixel_size_um"] == [4.0, 2.5]
    score = tifffile.imread(out / "anomaly_score.ome.tif")
    assert np.array_equal(np.isfinite(score), valid > 0)


def test_files_of_one_scan_may_be_given_one_by_one(run_json, scan, tmp_path):
    files = sorted(scan.glob("*.tif"))[:4]
    printed = run_json("detect", *files, "-o", tmp_path / "out", "--detector", "rx")
    assert len(printed["elements"]) == len([f for f in files if f.name != "truth.tif"])


def test_the_network_runs_with_few_epochs_and_the_same_seed_gives_the_same_numbers(
    run_json, scan, tmp_path
):
    runs = []
    for name in ("one", "two"):
        out = tmp_path / name
        argv = ("detect", scan, "-o", out, "--detector", "msfa-paper")
        runs.append(run_json(*argv, "--epochs", 2, "--seed", 3, "--device", "cpu"))
    assert runs[0]["epochs"] == 2
    assert runs[0]["seed"] == 3
    assert len(runs[0]["loss_curve"]) == 4  # two stages
    scores = [tifffile.imread(tmp_path / name / "anomaly_score.ome.tif") for name in ("one", "two")]
    assert np.array_equal(scores[0], scores[1], equal_nan=True)
    assert "Training loss per epoch" in (tmp_path / "one" / "report.html").read_text("utf-8")


def test_an_output_folder_in_use_is_refused_before_anything_is_read(capsys, tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    (out / "notes.txt").write_text("mine")
    assert main(["detect", str(tmp_path / "missing"), "-o", str(out), "--detector", "rx"]) == 2
    assert "exists and is not empty" in capsys.readouterr().err
    assert names(out) == ["notes.txt"]


def test_overwrite_replaces_results_and_keeps_other_files(capsys, scan, tmp_path):
    out = tmp_path / "out"
    argv = ["detect", str(scan), "-o", str(out), "--detector", "rx", "--overwrite"]
    assert main(argv) == 0
    (out / "notes.txt").write_text("mine")
    assert main([*argv, "--threshold", "1e6"]) == 0
    assert names(out) == sorted((*RUN_FILES, PROJECT_FILE, LOG_FILE, "notes.txt"))
    assert not pd.read_csv(out / "grains.csv")["above_threshold"].any()
    assert "0 grains at or above" in capsys.readouterr().out


def test_results_never_replace_the_scan(capsys, scan):
    before = names(scan)
    assert main(["detect", str(scan), "-o", str(scan), "--detector", "rx", "--overwrite"]) == 2
    assert "holds the input" in capsys.readouterr().err
    assert names(scan) == before


def test_a_bad_scan_is_one_sentence_and_leaves_nothing(capfd, bad_scan):
    before = names(bad_scan.parent)
    out = bad_scan.parent / "out"
    assert main(["detect", str(bad_scan), "-o", str(out), "--detector", "rx"]) == 2
    printed = capfd.readouterr()
    assert printed.out == ""
    assert len(printed.err.splitlines()) == 1, printed.err
    assert printed.err.strip().endswith(".")
    assert names(bad_scan.parent) == before


def test_the_installed_command_behaves_the_same(tmp_path):
    command = Path(sys.executable).with_name("mineral-anomaly")
    if not command.exists():
        pytest.skip("the command is not installed beside this Python")
    missing = tmp_path / "missing"
    done = subprocess.run(
        [command, "detect", missing, "-o", tmp_path / "out"], capture_output=True, text=True
    )
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.splitlines() == [
        f"{missing} does not exist; check the spelling and the drive."
    ]
    assert names(tmp_path) == []


@pytest.mark.skipif(sys.platform == "win32", reason="sends SIGINT")
def test_ctrl_c_ends_with_130_and_leaves_nothing(scan, tmp_path):
    argv = ["detect", str(scan), "-o", str(tmp_path / "out"), "--detector", "msfa-paper"]
    running = subprocess.Popen(
        [*COMMAND, *argv, "--epochs", "100000", "--device", "cpu"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONUNBUFFERED": "1"},
        # A shell's background job ignores SIGINT and so would its children: not what is tested.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    try:
        assert running.stderr is not None
        assert running.stderr.readline().strip()  # the first line of progress: it computes
        running.send_signal(signal.SIGINT)
        out, error = running.communicate(timeout=60)
    finally:
        running.kill()
    assert running.returncode == 130
    assert out == ""
    assert error.splitlines()[-1] == "Interrupted: nothing was left half-written."
    assert "Traceback" not in error
    assert names(tmp_path) == []


def test_the_grains_are_written_for_a_spreadsheet_too(scan: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    options = ("--detector", "rx", "--csv-dialect", "excel-de")
    assert main(["detect", str(scan), "-o", str(out), *options]) == 0
    plain = pd.read_csv(out / "grains.csv")
    german = pd.read_csv(out / "grains_excel-de.csv", sep=";", decimal=",", encoding="utf-8-sig")
    pd.testing.assert_frame_equal(plain, german)
    options = ("--detector", "rx", "--overwrite")
    assert main(["detect", str(scan), "-o", str(out), *options]) == 0
    assert not (out / "grains_excel-de.csv").exists()  # of the earlier run


def test_quick_takes_no_training_and_run_json_says_so(scan, tmp_path):
    out = tmp_path / "quick"
    assert main(["detect", str(scan), "-o", str(out), "--quick"]) == 0
    record = json.loads((out / "run.json").read_text(encoding="utf-8"))
    assert record["parameters"]["quick"] is True
    assert (record["epochs"], record["loss_curve"]) == (0, [])
    assert "network" not in record["details"]["questions"]
    assert not (out / "reconstruction_error.ome.tif").exists()
    assert main(["apply", str(out / "model"), str(scan), "-o", str(tmp_path / "applied")]) == 0
    again = tmp_path / "applied" / scan.name
    applied = json.loads((again / "run.json").read_text(encoding="utf-8"))
    assert applied["parameters"]["quick"] is True
    scores = [tifffile.imread(folder / "anomaly_score.ome.tif") for folder in (out, again)]
    assert np.array_equal(*scores, equal_nan=True)


def test_quick_is_refused_for_a_detector_that_does_not_have_it(scan, tmp_path, capsys):
    out = tmp_path / "none"
    assert main(["detect", str(scan), "-o", str(out), "--detector", "rx", "--quick"]) == 2
    assert "Only the detector msfa has --quick; rx does not." in capsys.readouterr().err
    assert not out.exists()
