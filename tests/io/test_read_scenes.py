"""Single images and scenes with ground truth."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tifffile
from skimage.io import imsave

from napari_mineral_anomaly.errors import InputError
from napari_mineral_anomaly.io import read_image, read_scene, read_truth
from napari_mineral_anomaly.io.writing.results import write_mask, write_score

VALUES = np.random.default_rng(8).integers(0, 250, (6, 7)).astype(np.uint8)


def test_a_score_and_a_mask_of_ours_come_back(tmp_path: Path) -> None:
    score = np.random.default_rng(9).normal(size=(6, 7)).astype(np.float32)
    score[0, 0] = np.nan
    write_score(tmp_path / "anomaly_score.ome.tif", score, (20.0, 20.0))
    np.testing.assert_array_equal(read_image(tmp_path / "anomaly_score.ome.tif"), score)
    write_mask(tmp_path / "anomaly_mask.tif", score > 0, (20.0, 20.0))
    np.testing.assert_array_equal(
        read_image(tmp_path / "anomaly_mask.tif"), np.where(score > 0, 255, 0)
    )


@pytest.mark.parametrize("name", ["a.tif", "a.png", "a.npy", "a.txt", "a.csv"])
@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
def test_images_keep_their_numbers(tmp_path: Path, name: str, dtype: str) -> None:
    path, values = tmp_path / name, VALUES.astype(dtype) * (1 if dtype == "uint8" else 200)
    if path.suffix == ".tif":
        tifffile.imwrite(path, values)
    elif path.suffix == ".png":
        imsave(path, values, check_contrast=False)
    elif path.suffix == ".npy":
        np.save(path, values)
    else:
        np.savetxt(path, values, fmt="%d", delimiter=",")
    read = read_image(path)
    np.testing.assert_array_equal(read, values)
    assert read.dtype == dtype


@pytest.mark.parametrize("suffix", ["png", "tif"])
def test_grey_saved_in_colour_is_one_channel(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"mask.{suffix}"
    grey = np.repeat(VALUES[:, :, None], 3, axis=2)
    imsave(path, grey, check_contrast=False)
    np.testing.assert_array_equal(read_image(path), VALUES)
    grey[2, 3, 0] += 1
    imsave(path, grey, check_contrast=False)
    with pytest.raises(InputError, match=rf"mask\.{suffix} is a colour picture"):
        read_image(path)


def test_what_is_no_single_image_is_refused(tmp_path: Path) -> None:
    tifffile.imwrite(
        tmp_path / "stack.tif", np.zeros((4, 6, 7), np.uint8), photometric="minisblack"
    )
    with pytest.raises(InputError, match=r"stack\.tif holds 4 planes; one image is needed"):
        read_image(tmp_path / "stack.tif")
    np.save(tmp_path / "cube.npy", np.zeros((3, 6, 7)))
    with pytest.raises(InputError, match=r"cube\.npy is not one image"):
        read_image(tmp_path / "cube.npy")
    np.save(tmp_path / "object.npy", np.array([[None]]), allow_pickle=True)
    with pytest.raises(InputError, match=r"object\.npy cannot be read"):
        read_image(tmp_path / "object.npy")
    (tmp_path / "a.png").write_bytes(b"not a picture")
    with pytest.raises(InputError, match=r"a\.png cannot be read as image"):
        read_image(tmp_path / "a.png")
    with pytest.raises(InputError, match="does not exist"):
        read_image(tmp_path / "missing.tif")
    with pytest.raises(InputError, match="is a folder"):
        read_image(tmp_path)
    (tmp_path / "a.doc").write_text("x")
    with pytest.raises(InputError, match=r"a\.doc is not an image"):
        read_image(tmp_path / "a.doc")


def write_scene(folder: Path, truth: np.ndarray | None) -> None:
    tifffile.imwrite(folder / "Fe.tif", VALUES)
    tifffile.imwrite(folder / "Si.tif", VALUES.T.reshape(6, 7))
    if truth is not None:
        tifffile.imwrite(folder / "truth.tif", truth)


def test_scene_in_a_folder(tmp_path: Path) -> None:
    truth = np.zeros((6, 7), np.uint8)
    truth[1, 2], truth[3, 3] = 1, 255
    write_scene(tmp_path, truth)
    cube, read = read_scene(tmp_path)
    assert cube.elements == ("Fe", "Si")
    np.testing.assert_array_equal(read, truth)
    assert read.dtype == np.uint8
    assert [item.file for item in cube.report.ignored] == ["truth.tif"]


@pytest.mark.parametrize(
    ("truth", "sentence"),
    [
        (None, r"has no truth\.tif"),
        (np.zeros((5, 7), np.uint8), r"truth\.tif has 5x7 pixels, the element maps have 6x7"),
        (np.full((6, 7), 3, np.uint8), r"truth\.tif is not a ground truth.*it holds 3\."),
        (np.eye(6, 7, dtype=np.uint8) * 255, r"holds 255 but no 1"),
    ],
)
def test_scenes_whose_truth_does_not_fit_are_refused(
    tmp_path: Path, truth: np.ndarray | None, sentence: str
) -> None:
    write_scene(tmp_path, truth)
    with pytest.raises(InputError, match=sentence):
        read_scene(tmp_path)


def test_a_barren_truth_is_a_truth(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "truth.tif", np.zeros((6, 7), np.uint8))
    assert not read_truth(tmp_path / "truth.tif").any()


@pytest.mark.parametrize("name", ["missing", "Fe.tif"])
def test_what_is_no_scene(tmp_path: Path, name: str) -> None:
    write_scene(tmp_path, None)
    with pytest.raises(InputError, match=r"a scene is a folder of element maps with truth\.tif"):
        read_scene(tmp_path / name)
