"""A project where a result is accepted; its report; several projects compared."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import tifffile
from pypdf import PdfReader

from napari_mineral_anomaly.cli import main
from napari_mineral_anomaly.grains.verdicts.book import History, VerdictBook
from napari_mineral_anomaly.io.run_files import SCORE_FILE
from napari_mineral_anomaly.io.writing.tiff import write_ome
from napari_mineral_anomaly.project.load import load_project
from napari_mineral_anomaly.project.lock import open_lock
from napari_mineral_anomaly.project.output.report import list_project
from napari_mineral_anomaly.project.reading import read_project
from napari_mineral_anomaly.project.saving.state import ImageToSave, ResultState, SectionState
from napari_mineral_anomaly.project.saving.store import ProjectStore


@pytest.fixture
def judged(rx_run: Path, tmp_path: Path) -> Path:
    """The project of `rx_run`, as a user left it: another threshold, strokes, truth, verdicts."""
    folder = tmp_path / "judged"
    shutil.copytree(rx_run, folder)
    project = load_project(folder)
    listed = list_project(project)
    shape = project.file.shape
    book = VerdictBook(shape).decide(
        listed.labels, [1], status="accept", comment="native <gold>", who="anna"
    )
    book = book.decide(listed.labels, [2], status="reject", who="anna")
    truth = np.zeros(shape, np.uint8)
    truth[listed.labels == 1] = 1
    strokes = np.zeros(shape, np.int8)
    strokes[listed.labels == 3] = -1
    file = project.file
    ProjectStore(folder, file).save(
        SectionState(
            name=file.name,
            shape=shape,
            pixel_size=file.pixel_size_um,
            elements=file.elements,
            scan=None,
            results=(ResultState("rx", 2.6),),
            truths=((1, "truth"),),
            images={
                "truth 1": ImageToSave("truth", lambda: truth),
                "strokes rx": ImageToSave("strokes", lambda: strokes),
            },
            verdicts=History(book),
        )
    )
    return folder


def test_evaluate_takes_threshold_and_truth_of_a_project(judged, scan, run_json):
    of_project = run_json("evaluate", judged, scan)
    at_its_threshold = run_json("evaluate", judged, scan, "--threshold", 2.6)
    elsewhere = run_json("evaluate", judged, scan, "--threshold", 5)
    assert of_project == at_its_threshold
    assert of_project["grain_precision"] != elsewhere["grain_precision"]
    brushed = run_json("evaluate", judged, judged)
    truth = tifffile.imread(judged / read_project(judged).truths[0].file)
    assert brushed["n_anomaly"] == int(np.count_nonzero(truth == 1)) > 0


def test_a_project_without_truth_is_told(rx_run, capsys):
    assert main(["evaluate", str(rx_run), str(rx_run)]) == 2
    assert "holds no truth mask" in capsys.readouterr().err


def test_apply_takes_the_model_of_a_project_and_writes_projects(judged, other_scan, tmp_path):
    out = tmp_path / "applied"
    assert main(["apply", str(judged), str(other_scan), "-o", str(out)]) == 0
    made = load_project(out / other_scan.name)
    assert made.file.main == "rx"
    assert made.cube is not None
    assert made.cube.shape == (48, 80)


def test_the_report_holds_the_work_of_the_user(judged, tmp_path, capsys):
    out = tmp_path / "page.html"
    assert main(["report", str(judged), "-o", str(out)]) == 0
    printed = capsys.readouterr().out
    assert "threshold of 2.60 background sigmas" in printed
    assert "1 accept, 1 reject" in printed
    page = out.read_text(encoding="utf-8")
    assert "native &lt;gold&gt;" in page
    assert "Threshold: 2.60 background sigmas" in page
    # The grain that was brushed out is not listed.
    project = load_project(judged)
    assert not project.main.mask[project.main.judged.edits == -1].any()
    assert main(["report", str(judged), "-o", str(out)]) == 2
    assert "--overwrite" in capsys.readouterr().err
    assert main(["report", str(judged)]) == 0
    assert (judged / "report.html").read_text(encoding="utf-8") == page


def test_the_report_is_a_pdf_too(judged, tmp_path, capsys):
    assert main(["report", str(judged), "--pdf", "-o", str(tmp_path / "client.html")]) == 0
    assert "client.html and" in capsys.readouterr().out
    page = (tmp_path / "client.html").read_text(encoding="utf-8")
    pages = PdfReader(tmp_path / "client.pdf").pages
    text = " ".join(" ".join(one.extract_text() for one in pages).split())
    for words in (
        "native <gold>",
        "1 accept, 1 reject",
        "Threshold: 2.60 background sigmas",
        "Rank 1, grain 1: accept",
        "µm²",
        f"page 1 of {len(pages)}",
    ):
        assert words in text
    # Only the accepted grain has a page; both reports show its maps.
    assert text.count("background sigmas at its peak") == 1
    assert page.count('<section class="grain">') == 1
    assert sum(len(one.images) for one in pages) == page.count("<img ") == 2
    only = tmp_path / "only.pdf"
    assert main(["report", str(judged), "-o", str(only)]) == 0
    assert only.read_bytes()[:5] == b"%PDF-"
    assert main(["report", str(judged), "-o", str(only)]) == 2
    assert main(["report", str(judged), "--pdf", "-o", str(tmp_path / "new.html")]) == 0
    assert main(["report", str(judged), str(judged), "--pdf", "-o", str(tmp_path / "x")]) == 2


def test_the_report_needs_the_maps_and_finds_them_where_it_is_told(judged, scan, tmp_path, capsys):
    path = judged / "project.json"
    content = json.loads(path.read_text())
    content["maps"]["sources"] = [{"relative": "gone", "absolute": "/nowhere"}]
    path.write_text(json.dumps(content))
    assert main(["report", str(judged)]) == 2
    assert "are not at /nowhere any more" in capsys.readouterr().err
    assert main(["report", str(judged), "--maps", str(scan)]) == 0


def test_several_projects_are_compared(judged, rx_run, other_scan, tmp_path, capsys):
    second = tmp_path / "rx"  # a name that the first project has too
    argv = ["detect", str(other_scan), "-o", str(second), "--detector", "rx", "--threshold", "3"]
    assert main(argv) == 0
    out = tmp_path / "compared"
    capsys.readouterr()
    assert main(["report", str(judged), str(rx_run), str(second), "-o", str(out)]) == 0
    assert "3 sections compared" in capsys.readouterr().out
    grains = pd.read_csv(out / "grains.csv")
    names = ["judged", f"{rx_run.parent.name}/rx", f"{tmp_path.name}/rx"]
    assert list(dict.fromkeys(grains["section"])) == names
    recurring = pd.read_csv(out / "recurring.csv").fillna({"name": ""})
    drivers = recurring[recurring["what"] == "driver"]
    finds = grains[grains["above_threshold"] & (grains["status"] != "reject")]
    assert drivers["grains"].sum() == len(finds)
    area = 64 * 72 * 20 * 20 / 1e6
    valid = np.isfinite(tifffile.imread(rx_run / "anomaly_score.ome.tif")).mean()
    own = drivers[names[1]].sum()
    assert own == (finds["section"] == names[1]).sum()
    per_mm2 = drivers[f"{names[1]} per mm²"].sum()
    assert per_mm2 == pytest.approx(own / (area * valid))
    scores = [tifffile.imread(p / "anomaly_score.ome.tif") for p in (judged, rx_run, second)]
    whole = sum(np.count_nonzero(np.isfinite(score)) for score in scores) * 20 * 20 / 1e6
    assert drivers["per mm²"].sum() == pytest.approx(drivers["grains"].sum() / whole)
    counts = (drivers[names] > 0).sum(axis=1)
    assert counts.tolist() == drivers["sections"].tolist()
    page = (out / "index.html").read_text(encoding="utf-8")
    assert "3 sections compared" in page
    first = drivers.iloc[0]
    assert f"{first['grains']} ({first['per mm²']:.3g})" in page


def test_a_comparison_needs_a_folder_and_different_projects(rx_run, tmp_path, capsys):
    assert main(["report", str(rx_run), str(rx_run)]) == 2
    assert "-o OUT" in capsys.readouterr().err
    assert main(["report", str(rx_run), str(rx_run), "-o", str(tmp_path / "x")]) == 2
    assert "given twice" in capsys.readouterr().err


def test_open_refuses_what_is_no_project(scan, capsys):
    assert main(["open", str(scan)]) == 2
    assert "is no project" in capsys.readouterr().err


def test_detect_overwrites_a_result_and_keeps_the_verdicts(judged, scan, tmp_path, capsys):
    argv = ["detect", str(scan), "-o", str(judged), "--detector", "pca", "--overwrite"]
    held = open_lock(judged)
    assert held.lock is not None
    assert main(argv) == 2
    assert "is open in another window" in capsys.readouterr().err
    held.lock.release()
    assert main(argv) == 0
    again = load_project(judged)
    assert again.file.main == "pca"
    assert list(again.results) == ["pca"]
    assert again.verdicts is not None
    assert again.verdicts.present.verdicts[0].comment == "native <gold>"
    assert len(again.truths) == 1


def test_detect_over_the_project_of_another_scan_sets_it_aside(judged, other_scan):
    argv = ["detect", str(other_scan), "-o", str(judged), "--detector", "rx", "--overwrite"]
    assert main(argv) == 0
    assert load_project(judged).verdicts is None
    assert (judged / "project.before-1.json").is_file()


def test_a_taught_result_lies_beside_the_untouched_one_and_is_repeated(scan, tmp_path, capsys):
    score = tifffile.imread(_detect(scan, tmp_path / "plain") / SCORE_FILE)
    mask = np.zeros(score.shape, dtype=np.uint8)
    mask[np.unravel_index(np.nanargmax(score), score.shape)] = 255
    tifffile.imwrite(tmp_path / "ordinary.tif", mask)
    taught = _detect(scan, tmp_path / "taught", "--taught", str(tmp_path / "ordinary.tif"))
    new = tifffile.imread(taught / SCORE_FILE)
    assert new[mask > 0].max() <= 0
    assert np.all(new <= score)
    np.testing.assert_array_equal(
        tifffile.imread(taught / "results/untaught-1" / SCORE_FILE), score
    )
    record = json.loads((taught / "run.json").read_text())
    assert record["detector"] == "rx+taught"
    assert record["details"]["taught_pixels"] == 1
    np.testing.assert_array_equal(tifffile.imread(taught / "taught.tif"), mask)
    # Nor is it listed as a concentration of its elements.
    assert not tifffile.imread(taught / "grain_labels.tif")[mask > 0].any()
    assert set(load_project(taught).results) == {"rx", "rx+taught"}
    # The project alone is enough to do it again.
    capsys.readouterr()
    assert main(["detect", str(taught), "-o", str(tmp_path / "again")]) == 0
    np.testing.assert_array_equal(tifffile.imread(tmp_path / "again" / SCORE_FILE), new)
    assert main(["detect", str(taught), "-o", str(tmp_path / "b"), "--seed", "1"]) == 2
    assert "--seed cannot be given with it" in capsys.readouterr().err
    tifffile.imwrite(tmp_path / "small.tif", mask[:5])
    argv = ["detect", str(scan), "-o", str(tmp_path / "c"), "--detector", "rx", "--taught"]
    assert main([*argv, str(tmp_path / "small.tif")]) == 2
    assert "must be of the same scan" in capsys.readouterr().err


def test_a_result_is_made_again_from_the_copy_of_the_maps(judged, tmp_path):
    cube = load_project(judged).require_cube()
    write_ome(judged / "maps.ome.tif", cube.maps, list(cube.elements), cube.pixel_size)
    path = judged / "project.json"
    content = json.loads(path.read_text())
    content["maps"] |= {"stored": "maps.ome.tif", "sources": []}
    path.write_text(json.dumps(content))
    assert main(["detect", str(judged), "-o", str(tmp_path / "again")]) == 0
    before, again = (tifffile.imread(at / SCORE_FILE) for at in (judged, tmp_path / "again"))
    np.testing.assert_array_equal(again, before)
    (judged / "maps.ome.tif").unlink()
    assert main(["detect", str(judged), "-o", str(tmp_path / "third")]) == 2


def test_a_result_is_made_again_from_maps_that_were_moved(judged, scan, tmp_path, capsys):
    moved, again = tmp_path / "moved", tmp_path / "again"
    shutil.copytree(scan, moved)
    hidden = scan.rename(scan.with_name("gone"))
    try:
        assert main(["detect", str(judged), "-o", str(again)]) == 2
        assert "--maps FOLDER" in capsys.readouterr().err
        assert main(["detect", str(judged), "--maps", str(moved), "-o", str(again)]) == 0
    finally:
        hidden.rename(scan)
    scores = [tifffile.imread(folder / SCORE_FILE) for folder in (judged, again)]
    np.testing.assert_array_equal(*scores)
    capsys.readouterr()
    assert main(["detect", str(scan), "--maps", str(moved), "-o", str(again)]) == 2
    assert "--maps belongs to a project" in capsys.readouterr().err


def test_a_result_is_not_made_again_from_other_elements(judged, tmp_path, capsys):
    record = json.loads((judged / "run.json").read_text())
    left_out = record["elements"].pop()
    (judged / "run.json").write_text(json.dumps(record))
    assert main(["detect", str(judged), "-o", str(tmp_path / "again")]) == 2
    assert f"was made without {left_out}, which the maps" in capsys.readouterr().err
    assert not (tmp_path / "again").exists()


def _detect(scan, out, *more):
    assert main(["detect", str(scan), "-o", str(out), "--detector", "rx", *more]) == 0
    return out


def test_verdicts_serve_as_truth_but_never_judge_what_they_taught(
    judged, scan, tmp_path, run_json, capsys
):
    # Without the brushed truth, the verdicts are the truth: one grain accepted, one rejected.
    content = json.loads((judged / "project.json").read_text())
    content["truths"] = []
    (judged / "project.json").write_text(json.dumps(content))
    project = load_project(judged)
    accepted, rejected = (
        next(v.pixels for v in project.verdicts.present.verdicts if v.status == status)
        for status in ("accept", "reject")
    )
    by_verdicts = run_json("evaluate", judged, judged)
    assert by_verdicts["n_anomaly"] == len(accepted)
    assert by_verdicts["n_background"] == len(rejected)

    mask = np.zeros(project.file.shape, dtype=np.uint8)
    mask.reshape(-1)[rejected] = 1
    tifffile.imwrite(tmp_path / "ordinary.tif", mask)
    taught = _detect(scan, tmp_path / "taught", "--taught", str(tmp_path / "ordinary.tif"))
    assert main(["evaluate", str(taught), str(judged)]) == 2
    assert "judge the untouched result" in capsys.readouterr().err
    assert main(["evaluate", str(taught / "results/untaught-1"), str(judged)]) == 0
    # An independent truth judges it, without the pixels that taught it.
    capsys.readouterr()
    left_out = tifffile.imread(scan / "truth.tif").reshape(-1) == 255
    plain = run_json("evaluate", taught / "results/untaught-1", scan)["n_excluded"]
    more = run_json("evaluate", taught, scan)["n_excluded"] - plain
    assert more == np.count_nonzero(~left_out[rejected]) > 0
