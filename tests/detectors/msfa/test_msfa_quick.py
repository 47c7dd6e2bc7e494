"""A quick look by `msfa`: the questions that need no training."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import average_precision_score

from napari_mineral_anomaly import ElementCube
from napari_mineral_anomaly.detectors.bundle import load_model, save_model
from napari_mineral_anomaly.detectors.heads.answers import answer
from napari_mineral_anomaly.detectors.heads.fit import fit_heads
from napari_mineral_anomaly.detectors.heads.join import join_answers
from napari_mineral_anomaly.detectors.heads.questions import NETWORK, QUESTIONS
from napari_mineral_anomaly.detectors.networks.msfa.features import fit_features
from napari_mineral_anomaly.detectors.networks.msfa.position import Position
from napari_mineral_anomaly.detectors.pipeline import DetectionRun, run_detection
from napari_mineral_anomaly.detectors.registry import make_config
from napari_mineral_anomaly.errors import InputError
from napari_mineral_anomaly.simulate import simulate_section
from napari_mineral_anomaly.simulate.section import SimulatedSection


@pytest.fixture(scope="module")
def section() -> SimulatedSection:
    return simulate_section("easy", (80, 90), seed=5)


@pytest.fixture(scope="module")
def run(section: SimulatedSection) -> DetectionRun:
    return run_detection(section.cube, "msfa", make_config("msfa", quick=True, seed=4))


def test_the_score_joins_the_questions_that_need_no_network(
    section: SimulatedSection, run: DetectionRun
) -> None:
    position = Position.of(section.cube)
    cube = position.turned(section.cube)
    features, _ = fit_features(cube, "auto", 24)
    heads = fit_heads(cube, features, unit_noise=True)
    joined = join_answers(answer(cube, features, heads), cube.valid)
    expected = position.turned_image(joined.score)
    np.testing.assert_allclose(run.result.score, expected, atol=1e-4)
    assert set(run.result.info["questions"]) == set(QUESTIONS) - {NETWORK}
    assert run.result.reconstruction_error is None
    assert run.result.found_by is not None
    assert set(np.unique(run.result.found_by[section.cube.valid])) <= {1, 2, 3, 4}


def test_it_finds_grains_without_a_training_step(
    section: SimulatedSection, run: DetectionRun
) -> None:
    valid = section.cube.valid
    truth = (section.truth == 1)[valid]
    assert average_precision_score(truth, run.result.score[valid]) > 0.5
    assert run.result.info["epochs"] == 0
    assert run.result.info["quick"] is True
    assert run.result.info.loss_curve is None
    assert run.result.info["parameters"]["quick"] is True


def test_a_saved_quick_model_scores_alike_and_stays_quick(
    section: SimulatedSection, run: DetectionRun, tmp_path: Path
) -> None:
    folder = save_model(run.fitted, tmp_path / "model")
    assert json.loads((folder / "model.json").read_text())["config"]["quick"] is True
    loaded = load_model(folder)
    again = loaded.score(section.cube)
    np.testing.assert_array_equal(again.score, run.result.score)
    fewer = ElementCube(section.cube.maps[:3], section.cube.elements[:3], quantity="counts")
    with pytest.raises(InputError, match="has no map of"):
        loaded.score(fewer)


def test_the_order_of_the_maps_and_a_mirror_change_nothing(
    section: SimulatedSection, run: DetectionRun
) -> None:
    maps = np.ascontiguousarray(np.asarray(section.cube.maps)[::-1, :, ::-1])
    other = ElementCube(
        maps,
        section.cube.elements[::-1],
        valid=section.cube.valid[:, ::-1],
        quantity=section.cube.quantity,
    )
    found = run_detection(other, "msfa", make_config("msfa", quick=True, seed=4)).result
    np.testing.assert_allclose(found.score[:, ::-1], run.result.score, atol=1e-4)


def test_no_network_is_loaded() -> None:
    code = (
        "import sys, numpy as np\n"
        "from napari_mineral_anomaly import ElementCube, detect\n"
        "maps = np.random.default_rng(0).poisson(9, (4, 30, 30))\n"
        "detect(ElementCube(maps, list('abcd'), quantity='counts'), quick=True)\n"
        "assert 'torch' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=120)


def test_quick_and_the_network_alone_exclude_each_other() -> None:
    with pytest.raises(InputError, match=r"^Detector msfa: quick asks everything but the network"):
        make_config("msfa", quick=True, network_only=True)
