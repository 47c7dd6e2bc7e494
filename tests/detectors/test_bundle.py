from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file

from napari_mineral_anomaly.detectors.base import FittedDetector
from napari_mineral_anomaly.detectors.bundle import load_model, save_model
from napari_mineral_anomaly.detectors.registry import detector_names, make_detector
from napari_mineral_anomaly.errors import InputError
from napari_mineral_anomaly.scan.cube import ElementCube

SMALL: dict[str, dict[str, Any]] = {
    "robust-rx": {"trim": 0.05, "rounds": 2},
    "iforest": {"trees": 10},
    "inne": {"sets": 10},
    "mcd": {"sample": 200, "support": 0.75},
    "msfa": {"epochs": 2, "pre_epochs": 2, "tile": 12, "width": 8, "groups": 2},
    "msfa-paper": {
        "epochs": 2,
        "latent_dim": 8,
        "groups": 2,
        "pool_size": 4,
        "min_samples": 5,
        "eps": 0.3,
    },
    "auto-ad": {"epochs": 2, "channels": 8},
    "dfan": {"pre_epochs": 2, "epochs": 1},
}


def _fit(name: str, cube: ElementCube) -> FittedDetector:
    return make_detector(name, **SMALL.get(name, {})).fit(cube)


@pytest.fixture
def rx_model(scan: ElementCube, tmp_path: Path) -> Path:
    return save_model(_fit("rx", scan), tmp_path / "model")


@pytest.mark.parametrize("name", detector_names())
def test_a_loaded_model_gives_exactly_the_same_result(
    name: str, make_scan: Callable[..., ElementCube], tmp_path: Path
) -> None:
    fitted = _fit(name, make_scan(seed=0))
    save_model(fitted, tmp_path / "a" / "model")
    loaded = load_model(tmp_path / "a" / "model")
    assert (loaded.name, loaded.elements) == (fitted.name, fitted.elements)
    assert loaded.config == fitted.config
    for scan in (make_scan(seed=0), make_scan(seed=3)):
        before, after = fitted.score(scan), loaded.score(scan)
        np.testing.assert_array_equal(before.score, after.score)
        np.testing.assert_array_equal(before.contributions, after.contributions)
        np.testing.assert_array_equal(before.pseudo_labels, after.pseudo_labels)
        assert before.info == after.info


def test_the_folder_holds_numbers_and_json_only(scan: ElementCube, tmp_path: Path) -> None:
    folder = tmp_path / "model"
    save_model(_fit("msfa", scan), folder, provenance={"inputs": {"Fe.tif": "abc"}})
    assert sorted(path.name for path in folder.iterdir()) == ["model.json", "weights.safetensors"]
    assert [path.name for path in tmp_path.iterdir()] == ["model"]
    arrays = load_file(folder / "weights.safetensors")
    assert arrays["network/entry.weight"].shape == (8, 12, 1, 1)
    description = json.loads((folder / "model.json").read_text(encoding="utf-8"))
    assert description["detector"] == "msfa"
    assert description["elements"] == sorted(scan.elements)
    assert description["config"]["epochs"] == 2
    assert description["provenance"] == {"inputs": {"Fe.tif": "abc"}}
    assert {"napari-mineral-anomaly", "numpy", "torch"} <= set(description["versions"])


def test_a_model_is_not_written_over_anything_by_accident(
    scan: ElementCube, rx_model: Path, tmp_path: Path
) -> None:
    fitted = _fit("rx", scan)
    before = (rx_model / "weights.safetensors").read_bytes()
    with pytest.raises(InputError, match="is not empty"):
        save_model(fitted, rx_model)
    other = _fit("rx", scan.replace(maps=scan.maps[:, ::-1]))
    save_model(other, rx_model, overwrite=True)
    assert (rx_model / "weights.safetensors").read_bytes() != before
    photos = tmp_path / "photos"
    photos.mkdir()
    (photos / "thin_section.jpg").write_bytes(b"x")
    with pytest.raises(InputError, match=r"more than a model \(thin_section.jpg\)"):
        save_model(fitted, photos, overwrite=True)
    with pytest.raises(InputError, match="is a file"):
        save_model(fitted, photos / "thin_section.jpg", overwrite=True)
    assert (photos / "thin_section.jpg").exists()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["model", "photos"]
    empty = tmp_path / "empty"
    empty.mkdir()
    save_model(fitted, empty)
    load_model(empty)


def _edit(folder: Path, **changes: Any) -> None:
    path = folder / "model.json"
    description = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps(description | changes), encoding="utf-8")


def test_a_missing_file_or_folder_is_named(rx_model: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no model\.json in it"):
        load_model(tmp_path / "nowhere")
    (rx_model / "weights.safetensors").unlink()
    with pytest.raises(InputError, match=r"no weights\.safetensors in it"):
        load_model(rx_model)


def test_another_format_version_is_refused(rx_model: Path) -> None:
    _edit(rx_model, format_version=99)
    with pytest.raises(InputError, match="has format version 99, this program reads version 1"):
        load_model(rx_model)


def test_damaged_weights_are_noticed(rx_model: Path) -> None:
    path = rx_model / "weights.safetensors"
    content = bytearray(path.read_bytes())
    content[-1] ^= 1  # one bit of one number
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"weights\.safetensors is damaged"):
        load_model(rx_model)


@pytest.mark.parametrize("text", ["{ not json", "[]", "{}"])
def test_damaged_descriptions_are_noticed(rx_model: Path, text: str) -> None:
    (rx_model / "model.json").write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=r"model\.json"):
        load_model(rx_model)


def test_a_model_of_an_unknown_detector_or_parameter_is_refused(rx_model: Path) -> None:
    _edit(rx_model, config={"seed": 0, "device": "auto", "colour": "red"})
    with pytest.raises(InputError, match=r"cannot be used here.*no parameter colour"):
        load_model(rx_model)
    _edit(rx_model, detector="oracle")
    with pytest.raises(InputError, match=r"cannot be used here.*no detector 'oracle'"):
        load_model(rx_model)


def test_a_description_that_does_not_fit_the_weights_is_refused(rx_model: Path) -> None:
    _edit(rx_model, detector="msfa-paper", config=SMALL["msfa-paper"])
    with pytest.raises(InputError, match=r"model\.json does not fit weights\.safetensors"):
        load_model(rx_model)
    _edit(rx_model, detector="msfa", config=SMALL["msfa"])
    with pytest.raises(InputError, match=r"model\.json does not fit weights\.safetensors"):
        load_model(rx_model)
    _edit(rx_model, detector="rx", config={}, meta={"elements": ["Fe"]})
    with pytest.raises(InputError, match=r"model\.json does not fit weights\.safetensors"):
        load_model(rx_model)


def test_a_folder_that_cannot_be_written_is_told_in_a_sentence(
    scan: ElementCube, tmp_path: Path
) -> None:
    blocker = tmp_path / "notes.txt"
    blocker.write_text("not a folder")
    with pytest.raises(InputError, match="Cannot make the output folder"):
        save_model(_fit("rx", scan), blocker / "model")
