"""What both forms of MSFA-Net must keep to: the contract of a detector, its seed, its switches."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import dask.array
import numpy as np
import pytest
import torch

from napari_mineral_anomaly.detectors.pipeline import detect
from napari_mineral_anomaly.detectors.registry import make_detector
from napari_mineral_anomaly.detectors.results.result import AnomalyResult
from napari_mineral_anomaly.errors import InputError
from napari_mineral_anomaly.scan.cube import ElementCube

MakeScan = Callable[..., ElementCube]

# Small; the published form with its switches at their other end, where the published one hides
# what is tested.
SMALL: dict[str, dict[str, Any]] = {
    "msfa": {
        "epochs": 8,
        "pre_epochs": 8,
        "tile": 12,
        "batch_size": 4,
        "width": 8,
        "groups": 2,
        "mask_blocks": 3,
    },
    "msfa-paper": {
        "transform": "auto",
        "weight_mode": "mask",
        "score": "rx",
        "epochs": 4,
        "pre_epochs": 3,
        "refresh": 2,
        "latent_dim": 16,
        "groups": 4,
        "pool_size": 4,
        "min_samples": 5,
        "eps_mode": "kdist",
        "anomal_prop": 0.05,
    },
}
PUBLISHED: dict[str, Any] = {"transform": "none", "weight_mode": "paper_up", "score": "l2"}

both = pytest.mark.parametrize("name", SMALL)


def _run(cube: ElementCube, name: str, **changes: Any) -> AnomalyResult:
    return detect(cube, name, **({"seed": 0} | SMALL[name] | changes))


@pytest.mark.parametrize(
    ("name", "changes"),
    [("msfa", {}), ("msfa-paper", {}), ("msfa-paper", PUBLISHED)],
    ids=["msfa", "msfa-paper", "msfa-paper as published"],
)
def test_the_contract_holds_inside_and_outside_the_valid_area(
    masked_scan: ElementCube, name: str, changes: dict[str, Any]
) -> None:
    before = masked_scan.valid.copy()
    result = _run(masked_scan, name, **changes)
    valid = masked_scan.valid
    np.testing.assert_array_equal(valid, before)
    assert result.score.dtype == np.float32
    assert np.isnan(result.score[~valid]).all()
    assert np.isfinite(result.score[valid]).all()
    assert result.contributions.shape == (6, 24, 20)
    assert np.isnan(result.contributions[:, ~valid]).all()
    assert np.isfinite(result.contributions[:, valid]).all()
    assert (result.pseudo_labels[~valid] == 0).all()
    assert (result.pseudo_labels[valid] >= 1).all()
    assert result.info["n_candidates"] == np.count_nonzero(result.pseudo_labels == 1)
    assert result.info["device"] in ("cpu", "cuda", "mps")
    steps = SMALL[name]["pre_epochs"], SMALL[name]["epochs"]
    last_stages = [2, 3, 4] if name == "msfa" else [2]
    assert result.info["epochs"] == steps[1]
    # Nothing in this scan is odd: msfa repeats the second stage, see its own tests.
    stages = [1] * steps[0] + [stage for stage in last_stages for _ in range(steps[1])]
    assert [p["stage"] for p in result.info["loss_curve"]] == stages
    assert json.loads(json.dumps(dict(result.info))) == result.info  # run.json can hold it


@both
def test_same_seed_same_numbers_and_another_seed_others(scan: ElementCube, name: str) -> None:
    torch.manual_seed(1)
    first = _run(scan, name)
    torch.manual_seed(2)
    np.random.seed(3)  # noqa: NPY002 (the point: global random state must not matter)
    again = _run(scan, name)
    np.testing.assert_array_equal(first.score, again.score)
    np.testing.assert_array_equal(first.contributions, again.contributions)
    np.testing.assert_array_equal(first.pseudo_labels, again.pseudo_labels)
    assert first.info["loss_curve"] == again.info["loss_curve"]
    assert not np.array_equal(first.score, _run(scan, name, seed=1).score)


SWITCHES: dict[str, list[dict[str, Any]]] = {
    "msfa": [
        {"no_attention": True},
        {"no_groups": True},
        {"no_orthogonal": True},
        {"no_pseudo_labels": True},
        {"no_masking": True},
        {"no_context": True},
        {"no_linear_path": True},
        {"transform": "log1p"},
        {"lambda_cohesion": 0.0, "lambda_separation": 0.0},
        {"smoothing_px": 0.0},
        {"epochs": 0},
        {"epochs": 0, "pre_epochs": 0},
    ],
    "msfa-paper": [
        {"no_attention": True},
        {"no_groups": True},
        {"no_orthogonal": True},
        {"ortho_init": "uniform_gs"},
        {"skip": "none"},
        {"head": "bn_sigmoid"},
        {"transform": "log1p"},
        {"cluster_loss": False},
        {"lambda_common": 1.0},
        {"weight_mode": "paper_up"},
        {"weight_mode": "sad_down"},
        {"score": "l2"},
        {"score": "rx_minmax"},
        {"pre_epochs": 0},
        {"epochs": 0},
    ],
}


@pytest.mark.parametrize(
    ("name", "change"),
    [
        pytest.param(name, change, id="-".join([name, *(f"{k}={v}" for k, v in change.items())]))
        for name, changes in SWITCHES.items()
        for change in changes
    ],
)
def test_each_switch_changes_the_scores(
    scan: ElementCube, name: str, change: dict[str, Any]
) -> None:
    plain, switched = _run(scan, name), _run(scan, name, **change)
    assert np.isfinite(switched.score).all()
    assert switched.score.std() > 0
    # Of a score that joins several questions, the part of the network.
    ours, other = (
        one.score if one.reconstruction_error is None else one.reconstruction_error
        for one in (plain, switched)
    )
    assert not np.allclose(ours, other, atol=1e-4)


@both
def test_an_untrained_network_has_no_loss_and_still_scores(scan: ElementCube, name: str) -> None:
    result = _run(scan, name, epochs=0, pre_epochs=0)
    assert result.info["loss_curve"] == []
    assert result.info["n_candidates"] == np.count_nonzero(result.pseudo_labels == 1)
    assert np.isfinite(result.score).all()
    assert result.score.std() > 0


@both
def test_a_zero_channel_gives_no_nan_and_is_recorded(scan: ElementCube, name: str) -> None:
    with_zero = ElementCube(
        np.concatenate([scan.maps, np.zeros_like(scan.maps[:1])]), [*scan.elements, "Au"]
    )
    result = _run(with_zero, name)
    assert result.info["dropped_elements"] == ["Au"]
    np.testing.assert_array_equal(result.score, _run(scan, name).score)
    assert (result.contributions[6] == 0).all()


@both
def test_missing_values_inside_a_given_area_get_a_finite_score(
    scan: ElementCube, name: str
) -> None:
    maps = scan.maps.astype(np.float32)
    maps[2, 5, 5] = np.nan
    result = _run(scan.replace(maps=maps, valid=np.ones(scan.shape, dtype=bool)), name)
    assert np.isfinite(result.score).all()
    assert np.isfinite(result.contributions).all()


@both
def test_pixels_outside_the_valid_area_have_no_say(masked_scan: ElementCube, name: str) -> None:
    spoilt = np.array(masked_scan.maps)
    spoilt[:, ~masked_scan.valid] = 60_000
    plain, other = _run(masked_scan, name), _run(masked_scan.replace(maps=spoilt), name)
    np.testing.assert_array_equal(plain.score, other.score)
    np.testing.assert_array_equal(plain.pseudo_labels, other.pseudo_labels)


@pytest.mark.parametrize(
    ("name", "changes"),
    [("msfa", {}), ("msfa-paper", {}), ("msfa-paper", {"batch_size": 200})],
    ids=["msfa", "msfa-paper", "msfa-paper in windows"],
)
def test_lazy_maps_give_the_same_numbers(
    scan: ElementCube, name: str, changes: dict[str, Any]
) -> None:
    lazy = scan.replace(maps=dask.array.from_array(scan.maps, chunks=(1, 7, 9)))
    np.testing.assert_array_equal(
        _run(lazy, name, **changes).score, _run(scan, name, **changes).score
    )


@both
def test_a_model_scores_another_scan_by_the_names_of_its_elements(
    make_scan: MakeScan, name: str
) -> None:
    fitted = make_detector(name, **SMALL[name]).fit(make_scan(seed=0))
    other = make_scan(seed=1)
    order = [5, 3, 1, 0, 2, 4]
    turned = ElementCube(other.maps[order], [other.elements[c] for c in order])
    plain, mixed = fitted.score(other), fitted.score(turned)
    np.testing.assert_array_equal(mixed.score, plain.score)
    np.testing.assert_array_equal(mixed.contributions, plain.contributions[order])
    with pytest.raises(InputError, match="no map of Zr"):
        fitted.score(ElementCube(other.maps[:5], other.elements[:5]))
