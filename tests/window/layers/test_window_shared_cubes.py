"""One cube for all who work on a scan, and maps on disk that are not read for it."""

from __future__ import annotations

from typing import Any

import dask
import dask.array as da
import numpy as np
from napari.components import ViewerModel
from napari.utils._dask_utils import _DASK_CACHE

from napari_mineral_anomaly.scan.cube import ElementCube
from napari_mineral_anomaly.window.layers.make import add, element_layers
from napari_mineral_anomaly.window.layers.scans import cube_from_layers


def test_users_of_a_scan_share_its_cube_while_one_holds_it() -> None:
    maps = np.random.default_rng(0).poisson(20, (3, 16, 20)).astype(np.uint16)
    viewer = ViewerModel()
    scan = ElementCube(maps, ["Fe", "Ca", "S"], pixel_size=5.0)
    for layer in element_layers(scan, scan="a", scan_id="s"):
        add(viewer, layer)
    first = cube_from_layers(viewer, "s")
    assert cube_from_layers(viewer, "s") is first
    for layer in viewer.layers:
        layer.scale = (7.0, 7.0)
    second = cube_from_layers(viewer, "s")
    assert second is not first
    assert second.pixel_size == (7.0, 7.0)
    viewer.layers[1].data = np.asarray(viewer.layers[1].data) + 1
    third = cube_from_layers(viewer, "s")
    assert third is not second
    assert (np.asarray(third.maps) != np.asarray(second.maps)).any()


def test_maps_on_disk_are_not_read_to_make_a_cube() -> None:
    viewer = ViewerModel()
    maps = da.from_array(np.ones((2, 64, 64), dtype=np.uint16), chunks=(1, 64, 64))
    cube = ElementCube(maps, ["Fe", "Ca"], valid=np.ones((64, 64), bool), quantity="counts")
    for layer in element_layers(cube, scan="a", scan_id="s"):
        add(viewer, layer)

    def refuse(*given: Any, **more: Any) -> Any:
        raise AssertionError("maps were read")

    with dask.config.set(scheduler=refuse):
        again = cube_from_layers(viewer, "s")
    assert again.is_lazy
    assert again.shape == (64, 64)
    assert np.asarray(again.stored(slice(0, 2))).sum() == 2 * 2 * 64


def test_maps_on_disk_are_not_kept_in_the_cache_of_napari() -> None:
    viewer = ViewerModel()
    maps = da.from_array(np.arange(2 * 64 * 64).reshape(2, 64, 64).astype(np.uint16), chunks=32)
    cube = ElementCube(maps, ["Fe", "Ca"], valid=np.ones((64, 64), bool), quantity="counts")
    before = len(_DASK_CACHE.cache.data)
    for layer in element_layers(cube, scan="a", scan_id="s", visible=2):
        add(viewer, layer)
    assert viewer.layers[1].get_value((40, 50)) == 64 * 64 + 40 * 64 + 50
    assert len(_DASK_CACHE.cache.data) == before
