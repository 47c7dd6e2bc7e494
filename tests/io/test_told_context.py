"""A file that the user sets beside the maps: shown, never analysed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tifffile

from napari_mineral_anomaly.errors import InputError
from napari_mineral_anomaly.io import read_maps

MAPS = np.random.default_rng(4).poisson(80, (3, 20, 23)).astype(np.uint16)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, plane in zip(("Ca", "Fe", "Hg"), MAPS, strict=True):
        tifffile.imwrite(tmp_path / f"{name}.tif", plane)
    return tmp_path


def test_a_map_told_as_context_is_an_image_beside_the_others(folder: Path) -> None:
    cube = read_maps(folder, names={"Hg.tif": "context"})
    assert cube.elements == ("Ca", "Fe")
    [image] = cube.context
    assert np.array_equal(image.image, MAPS[2])
    assert cube.report is not None
    [entry] = cube.report.context
    assert (entry.file, entry.kind, entry.offered) == ("Hg.tif", "other", True)
    assert read_maps(folder).elements == ("Ca", "Fe", "Hg")


def test_an_array_and_a_text_can_be_context_too(folder: Path) -> None:
    np.save(folder / "Zr.npy", MAPS[0] + 1)
    np.savetxt(folder / "Ti.txt", MAPS[1] + 2, fmt="%d")
    cube = read_maps(folder, names={"Zr.npy": "context", "Ti.txt": "context"})
    assert cube.elements == ("Ca", "Fe", "Hg")
    images = {image.name: image.image for image in cube.context}
    assert np.array_equal(images["Zr"], MAPS[0] + 1)
    assert np.array_equal(images["Ti"], MAPS[1] + 2)


def test_a_plane_of_a_stack_cannot_be_context(folder: Path, tmp_path: Path) -> None:
    np.save(tmp_path / "scan.npy", MAPS)
    with pytest.raises(InputError, match="cannot be shown beside the maps"):
        read_maps(tmp_path / "scan.npy", names={"scan.npy#2": "context"})
