"""The info of a result: typed fields that also answer to their names."""

from __future__ import annotations

import pickle
from dataclasses import FrozenInstanceError

import numpy as np
import pytest

from napari_mineral_anomaly.detectors.results.info import RunInfo
from napari_mineral_anomaly.detectors.results.result import AnomalyResult


def test_fields_and_details_answer_to_their_names() -> None:
    info = RunInfo.of({"seed": 3, "loss_curve": [], "rank": 5})
    assert (info.seed, info["seed"], info.details, info["rank"]) == (3, 3, {"rank": 5}, 5)
    assert dict(info) == {"seed": 3, "loss_curve": [], "rank": 5}
    assert len(info) == 3
    assert info == {"rank": 5, "seed": 3, "loss_curve": []}


def test_what_nobody_reported_is_not_in_it() -> None:
    info = RunInfo(seed=3, details={"nothing": None})
    assert "warnings" not in info
    assert info.get("warnings", ()) == ()
    assert info["nothing"] is None
    for name in ("warnings", "details", "rank"):
        with pytest.raises(KeyError):
            info[name]


def test_other_values_make_another_info() -> None:
    info = RunInfo(seed=3, details={"rank": 5})
    other = info.with_(seed=4, kept=2)
    assert dict(other) == {"seed": 4, "rank": 5, "kept": 2}
    assert dict(info) == {"seed": 3, "rank": 5}
    with pytest.raises(FrozenInstanceError):
        info.seed = 4  # type: ignore[misc]
    assert pickle.loads(pickle.dumps(other)) == other


def test_a_result_takes_a_plain_mapping_too() -> None:
    plane = np.zeros((2, 3), np.float32)
    result = AnomalyResult(plane, 3.0, plane[None], plane.astype(np.uint16), ("Fe",), info={"a": 1})
    assert isinstance(result.info, RunInfo)
    assert dict(result.with_info(seed=2).info) == {"seed": 2, "a": 1}
