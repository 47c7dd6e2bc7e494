"""Scenes, seeds and means of a benchmark, and the recall of simulated grains, by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from napari_mineral_anomaly import detect
from napari_mineral_anomaly.detectors.registry import detector_names
from napari_mineral_anomaly.errors import InputError
from napari_mineral_anomaly.evaluation.benchmark.grain_recall import (
    found_grains,
    grain_recall_by_fraction,
    threshold_at_false_alarm_rate,
)
from napari_mineral_anomaly.evaluation.benchmark.runs import (
    choose_detectors,
    parse_scene,
    parse_scenes,
    plan_runs,
    run_one,
    summarise,
)
from napari_mineral_anomaly.evaluation.metrics import evaluate
from napari_mineral_anomaly.simulate import simulate_section, write_section


@pytest.fixture(scope="module")
def section():
    return simulate_section("easy", shape=(72, 80), seed=3)


@pytest.fixture(scope="module")
def folder(section, tmp_path_factory):
    return write_section(section, tmp_path_factory.mktemp("scenes") / "v1.2")


@pytest.mark.parametrize(
    ("text", "name", "simulated"),
    [
        ("hard:3", "hard-3", ("hard", 3)),
        ("easy", "easy-0", ("easy", 0)),
        ("artefacts:00", "artefacts-0", ("artefacts", 0)),
    ],
)
def test_a_simulated_scene_by_name_and_seed(tmp_path, monkeypatch, text, name, simulated):
    monkeypatch.chdir(tmp_path)
    scene = parse_scene(text)
    assert (scene.name, scene.simulated) == (name, simulated)


def test_a_folder_goes_before_a_simulated_scene_of_that_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "easy").mkdir()
    assert parse_scene("easy").simulated is None


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("nowhere", "nowhere does not exist; a scene is a folder with truth.tif"),
        ("easy:-1", "write easy:0, easy:1"),
        ("easy:", "write easy:0, easy:1"),
        ("barren:0", "barren holds no anomaly"),
        ("C:\\scenes\\one", "does not exist"),
    ],
)
def test_what_is_no_scene_is_told(tmp_path, monkeypatch, text, words):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match=words.replace(".", r"\.")):
        parse_scene(text)


def test_scenes_of_one_name_get_that_of_their_folder(tmp_path):
    for sample in ("a", "b"):
        (tmp_path / sample / "tiff").mkdir(parents=True)
    scenes = parse_scenes([str(tmp_path / "a" / "tiff"), "hard:1", str(tmp_path / "b" / "tiff")])
    assert [scene.name for scene in scenes] == ["a_tiff", "hard-1", "b_tiff"]


def test_the_same_scene_twice_is_refused(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match="named easy-0"):
        parse_scenes(["easy", "easy:0"])


def test_a_written_section_and_the_simulated_one_are_the_same_scene(section, folder):
    scene = parse_scene(str(folder))
    loaded = scene.load()
    assert scene.name == "v1.2"
    assert loaded.family == "simulated"
    assert np.array_equal(loaded.truth, section.truth_with_rim)
    assert np.count_nonzero(loaded.truth == 255) > 0
    assert np.array_equal(
        [loaded.cube.plane(loaded.cube.elements.index(e)) for e in section.cube.elements],
        section.cube.maps,
    )
    assert np.allclose(loaded.grains["fraction"], section.grains["fraction"], atol=1e-4)


def test_maps_with_a_truth_of_their_own_are_minerals(folder, tmp_path):
    for path in folder.glob("*.tif"):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    loaded = parse_scene(str(tmp_path)).load()
    assert loaded.family == "minerals"
    assert loaded.grains is None


def test_detectors_are_chosen_once_each():
    assert choose_detectors(["all"]) == choose_detectors(["rx", "all"]) == detector_names()
    assert choose_detectors(["pca", "rx", "pca"]) == ["pca", "rx"]
    with pytest.raises(InputError, match="no detector 'magic'"):
        choose_detectors(["rx", "magic"])


def test_seeds_are_for_detectors_with_randomness():
    scene = parse_scene("easy:0")
    runs = [(name, seed) for _, name, seed in plan_runs([scene], ["rx", "iforest"], 3)]
    assert runs == [("rx", 0), ("iforest", 0), ("iforest", 1), ("iforest", 2)]


def test_a_run_is_detect_and_evaluate(section, folder):
    run = run_one(parse_scene(str(folder)), "pca", 0)
    result = detect(section.cube, "pca")
    expected = evaluate(result.score, section.truth_with_rim, threshold=result.threshold)
    # Elements come in the order of the files: sums differ in the last digits.
    for key, value in expected.items():
        assert run.row[key] == pytest.approx(value, rel=1e-4), key
    assert run.row["n_flagged"] == np.count_nonzero(run.score >= run.threshold)
    assert run.threshold == result.threshold
    assert run.row["seconds"] > 0


def row(scene, family, detector, seed, auc, ap, seconds=1.0):
    return {
        "scene": scene, "family": family, "detector": detector, "seed": seed,
        "auc": auc, "ap": ap, "pauc_1e3": ap / 2, "seconds": seconds,
    }  # fmt: skip


def test_means_go_over_seeds_then_scenes_then_families():
    rows = [
        # Three seeds of one scene weigh as much as the one seed of the other.
        row("s1", "simulated", "net", 0, 0.90, 0.2, 1.0),
        row("s1", "simulated", "net", 1, 0.92, 0.4, 2.0),
        row("s1", "simulated", "net", 2, 0.94, 0.6, 3.0),
        row("s2", "simulated", "net", 0, 0.80, 0.8, 6.0),
        row("m1", "minerals", "net", 0, 0.70, 0.1, 8.0),
        row("s1", "simulated", "rx", 0, 0.99, 0.9),
    ]
    table = summarise(rows).set_index(["family", "detector"])
    assert table.index.tolist() == [
        ("minerals", "net"), ("simulated", "rx"), ("simulated", "net"), ("all", "net"),
    ]  # fmt: skip
    simulated = table.loc[("simulated", "net")]
    assert simulated["n_scenes"] == 2
    assert simulated["auc"] == pytest.approx((0.92 + 0.80) / 2)
    assert simulated["ap"] == pytest.approx((0.4 + 0.8) / 2)
    assert simulated["pauc_1e3"] == pytest.approx(0.3)
    assert simulated["seconds"] == pytest.approx((2 + 6) / 2)
    # Sample standard deviation over the three seeds; one seed alone has none.
    assert simulated["auc_sd"] == pytest.approx(0.02)
    assert simulated["ap_sd"] == pytest.approx(0.2)
    assert np.isnan(table.loc[("minerals", "net"), "ap_sd"])
    over_families = table.loc[("all", "net")]
    assert over_families["n_scenes"] == 3
    assert over_families["ap"] == pytest.approx((0.6 + 0.1) / 2)


def test_threshold_at_a_false_alarm_rate():
    score = np.arange(1000, dtype=np.float32).reshape(20, 50)
    truth = np.zeros((20, 50), np.uint8)
    truth[-1, -5:] = 1
    truth[-1, -10:-5] = 255
    threshold = threshold_at_false_alarm_rate(score, truth, rate=3 / 990)
    assert np.count_nonzero(score[truth == 0] >= threshold) == 3
    none = threshold_at_false_alarm_rate(score, truth, rate=1e-4)
    assert score[truth == 0].max() < none <= score[truth == 1].min()
    # Of many equal pixels either all are flagged or none.
    ties = np.ones((20, 50), np.float32)
    assert threshold_at_false_alarm_rate(ties, truth, rate=0.5) > 1


def test_recall_by_fraction_on_grains_placed_by_hand():
    truth = np.zeros((12, 12), np.uint8)
    truth[1, 1] = truth[5, 5] = truth[5, 6] = truth[9, 2] = truth[9, 9] = 1
    grains = pd.DataFrame(
        {
            # The first three lie between pixels; the last is not the last in the map's order.
            "centroid_y_px": [9.4, 5.0, 1.2, 9.0],
            "centroid_x_px": [9.4, 5.5, 0.6, 2.0],
            "fraction": [0.2, 1.0, 0.55, 0.15],
        }
    )
    score = np.zeros((12, 12), np.float32)
    score[9, 9], score[5, 6], score[9, 2], score[0, 0] = 5.0, 9.0, np.nan, 99.0
    assert found_grains(score, truth, grains, 5.0).tolist() == [True, True, False, False]
    assert found_grains(score, truth, grains, 5.1).tolist() == [False, True, False, False]
    table = grain_recall_by_fraction(score, truth, grains, 5.0, edges=(0.1, 0.4, 0.8, 0.9, 1.0))
    assert table["n_grains"].tolist() == [2, 1, 0, 1]
    assert table["n_found"].tolist() == [1, 0, 0, 1]
    assert table["recall"].tolist()[:2] == [0.5, 0.0]
    assert np.isnan(table["recall"][2])
    with pytest.raises(InputError, match="does not fit the truth mask"):
        found_grains(score, truth, grains.head(3), 5.0)


def test_every_simulated_grain_is_an_area_of_the_truth():
    # One area per grain of the table, with as many pixels as the table says.
    section = simulate_section("hard", shape=(96, 96), seed=1)
    for grain in range(len(section.grains)):
        score = np.zeros(section.truth.shape, np.float32)
        y, x = section.grains.loc[grain, ["centroid_y_px", "centroid_x_px"]].astype(float)
        score[round(y), round(x)] = 1.0
        found = found_grains(score, section.truth_with_rim, section.grains, 1.0)
        assert np.flatnonzero(found).tolist() == [grain]
