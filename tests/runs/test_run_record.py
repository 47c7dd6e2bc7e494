"""run.json: every key of the contract, strict JSON, hashes that can be checked."""

from __future__ import annotations

import hashlib
import json

import numpy as np
import pytest

from napari_mineral_anomaly.detectors.results.result import AnomalyResult
from napari_mineral_anomaly.detectors.results.threshold import (
    default_threshold,
    expected_false_pixels,
)
from napari_mineral_anomaly.grains.table import find_grains
from napari_mineral_anomaly.process import peak_memory_mb
from napari_mineral_anomaly.runs.json_values import plain
from napari_mineral_anomaly.runs.record import make_record
from napari_mineral_anomaly.scan.cube import ElementCube
from napari_mineral_anomaly.scan.report import IngestReport, UsedMap

CONTRACT_KEYS = {
    "schema_version",
    "versions",
    "input_hashes",
    "elements",
    "detector",
    "seed",
    "device",
    "epochs",
    "parameters",
    "threshold",
    "promised_false_pixels",
    "n_valid",
    "n_flagged",
    "n_grains",
    "timings",
    "peak_memory_mb",
    "loss_curve",
}


def make_run(**changes):
    cube = ElementCube(np.ones((1, 20, 30), np.uint16), ["Fe"], (5.0, 5.0))
    score = np.zeros((20, 30), np.float32)
    score[0] = np.nan
    score[5, 5:8] = 9.0
    info = {
        "detector": "msfa",
        "seed": 4,
        "device": "cpu",
        "parameters": {"epochs": 12, "eps": np.float32(0.5)},
        "promised_false_pixels": 1.0,
        "loss_curve": [
            {"epoch": 1, "stage": 1, "loss": np.float64(1.5)},
            {"epoch": 1, "stage": 2, "loss": float("nan")},
        ],
        "timings": {"fit": 2.0, "score": 1.0},
        "n_clusters_found": np.int64(3),
    }
    arguments = {
        "score": score,
        "threshold": default_threshold(570),
        "contributions": np.zeros((1, 20, 30), np.float32),
        "pseudo_labels": np.full((20, 30), 2, np.uint16),
        "elements": ("Fe",),
        "pixel_size": (5.0, 5.0),
        "info": info,
    }
    return cube, AnomalyResult(**(arguments | changes))


def test_json_is_strict_and_holds_the_contract():
    cube, result = make_run()
    record = make_record(cube, result, find_grains(result), n_rows=20, timings={"read": 0.5})
    values = json.loads(record.to_json(), parse_constant=pytest.fail)
    assert set(values) >= CONTRACT_KEYS
    assert values["n_valid"] == 570
    assert values["n_flagged"] == 3
    assert values["epochs"] == 12
    assert values["seed"] == 4
    assert values["loss_curve"] == [
        {"epoch": 1, "stage": 1, "loss": 1.5},
        {"epoch": 1, "stage": 2, "loss": None},
    ]
    assert values["timings"] == {"read": 0.5, "fit": 2.0, "score": 1.0}
    assert values["promised_false_pixels"] == 1.0
    assert values["details"] == {"n_clusters_found": 3}
    assert values["versions"]["numpy"] == np.__version__
    assert values["versions"]["napari-mineral-anomaly"]
    assert values["source"] == "array in memory"


def test_a_threshold_set_by_hand_changes_the_promise():
    cube, result = make_run()
    record = make_record(cube, result.with_threshold(3.0), find_grains(result), n_rows=20)
    assert record.promised_false_pixels == pytest.approx(expected_false_pixels(3.0, 570))


@pytest.mark.parametrize("source", ["folder", "file"])
def test_inputs_are_hashed_and_private_paths_stay_out(tmp_path, source):
    data = b"counts"
    file = tmp_path / "scan" / "Fe.tif"
    file.parent.mkdir()
    file.write_bytes(data)
    used = [
        UsedMap(
            file=name,
            element=name,
            dtype="uint16",
            shape=(20, 30),
            nan=0,
            zero=0,
            negative=0,
            saturated=0,
        )
        for name in ("Fe.tif", "gone.tif")
    ]
    cube, result = make_run()
    path = file.parent if source == "folder" else file
    cube = cube.replace(source=str(path), report=IngestReport(used=tuple(used)))
    record = make_record(cube, result, find_grains(result), n_rows=20)
    assert record.input_hashes == {"Fe.tif": hashlib.sha256(data).hexdigest(), "gone.tif": None}
    assert record.source == path.name
    assert str(tmp_path) not in record.to_json()


def test_plain_turns_numpy_into_json_types():
    value = {"a": np.array([1.0, np.inf]), 2: (np.int8(3), np.bool_(True)), "p": {1.5}}
    assert plain(value) == {"a": [1.0, None], "2": [3, True], "p": [1.5]}


def test_peak_memory_is_that_of_this_process():
    before = peak_memory_mb()
    block = np.ones(60_000_000 // 8)
    after = peak_memory_mb()
    assert block.size
    if before is not None:
        assert 30 < before <= after < 1e6
