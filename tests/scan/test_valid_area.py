"""The valid area: what is found off the sample, and what is never taken for it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from napari_mineral_anomaly import ElementCube
from napari_mineral_anomaly.io import read_maps
from napari_mineral_anomaly.scan.valid_area import (
    ValidArea,
    is_measured,
    locate_sample,
    without_glitches,
)
from napari_mineral_anomaly.simulate import simulate_section

ROCK = ("Si", "Al", "Fe", "Ca", "K")
# Expected counts of each mineral in the elements of ROCK.
MINERALS = {
    "quartz": (200, 1, 1, 1, 1),
    "feldspar": (120, 60, 1, 20, 40),
    "garnet": (80, 50, 150, 10, 1),
    "calcite": (1, 1, 2, 180, 1),
}
EPOXY = (3, 1, 2, 1, 1)


def located(cube: ElementCube) -> ValidArea:
    return locate_sample(cube.maps, cube.elements, cube.quantity)


def rock(shape: tuple[int, int] = (160, 200), seed: int = 0) -> NDArray[np.float64]:
    """Expected counts (5, H, W) of a rock with grains of 20 pixels."""
    rng = np.random.default_rng(seed)
    which = rng.integers(0, 4, (shape[0] // 20 + 1, shape[1] // 20 + 1))
    grains = np.kron(which, np.ones((20, 20), int))[: shape[0], : shape[1]]
    return np.moveaxis(np.array(list(MINERALS.values()), float)[grains], 2, 0)


def measured(expected: NDArray[np.float64], seed: int = 1) -> NDArray[np.uint16]:
    return np.random.default_rng(seed).poisson(expected).astype(np.uint16)


def iou(a: NDArray[np.bool_], b: NDArray[np.bool_]) -> float:
    return float((a & b).sum() / (a | b).sum())


def test_a_rock_without_mount_is_all_valid() -> None:
    area = located(ElementCube(measured(rock()), ROCK))
    assert area.mask.all()
    assert (area.n_missing, area.n_zero, area.n_off_sample, area.reason) == (0, 0, 0, "")


@pytest.mark.parametrize("dtype", [np.uint16, np.float32, np.int32])
def test_epoxy_along_an_edge_is_found(dtype: type) -> None:
    expected = rock()
    expected[:, :, 170:] = np.array(EPOXY)[:, None, None]
    cube = ElementCube(measured(expected).astype(dtype), ROCK)
    area = located(cube)
    assert not area.mask[:, 173:].any()
    assert area.mask[:, :170].all()
    assert area.n_off_sample + area.n_zero == np.count_nonzero(~area.mask)
    assert area.n_off_sample > 0.9 * 30 * 160


def test_corners_of_a_round_mount_and_their_counts() -> None:
    y, x = np.mgrid[:160, :160]
    outside = np.hypot(y - 79.5, x - 79.5) > 85
    expected = rock((160, 160))
    expected[:, outside] = np.array(EPOXY)[:, None]
    area = located(ElementCube(measured(expected), ROCK))
    assert iou(~area.mask, outside) > 0.85
    assert not (~area.mask & ~outside).any()


def test_a_small_sample_in_a_large_mount() -> None:
    expected = np.broadcast_to(np.array(EPOXY, float)[:, None, None], (5, 200, 200)).copy()
    expected[:, 80:130, 70:140] = rock((50, 70))
    inside = np.zeros((200, 200), bool)
    inside[80:130, 70:140] = True
    area = located(ElementCube(measured(expected), ROCK))
    assert area.mask[inside].all()
    assert iou(area.mask, inside) > 0.85


def test_missing_and_empty_pixels_are_counted_apart() -> None:
    maps = measured(rock()).astype(np.float32)
    maps[2, 3, 4:9] = np.nan
    maps[1, 9, 9] = np.finfo(np.float32).min
    maps[:, 100, :] = 0
    area = located(ElementCube(maps, ROCK))
    assert (area.n_missing, area.n_zero, area.n_off_sample) == (6, 200, 0)
    assert not area.mask[3, 4:9].any()
    assert not area.mask[100].any()
    assert np.count_nonzero(~area.mask) == 206


def test_dark_holes_and_cracks_inside_the_sample_stay() -> None:
    expected = rock()
    expected[:, 60:90, 60:90] = np.array(EPOXY)[:, None, None]
    expected[:, 20:22] = np.array(EPOXY)[:, None, None]  # a crack from edge to edge
    area = located(ElementCube(measured(expected), ROCK))
    assert area.mask.all()
    assert "a dark area inside the sample" in area.reason


def test_a_grain_of_an_element_that_is_not_mapped_stays_even_at_the_border() -> None:
    expected = rock()
    expected[:, :9, 50:59] = np.array(EPOXY)[:, None, None]
    assert located(ElementCube(measured(expected), ROCK)).mask.all()


def test_quartz_stays_where_no_map_of_silicon_tells_it_from_mount() -> None:
    cube = ElementCube(measured(rock())[1:], ROCK[1:])
    assert located(cube).n_off_sample == 0
    expected = rock()
    expected[:, :, 170:] = np.array(MINERALS["quartz"])[:, None, None]
    area = located(ElementCube(measured(expected)[1:], ROCK[1:]))
    assert area.n_off_sample == 0
    assert "and are kept" in area.reason or "are kept, because no map of Si" in area.reason


def test_chlorine_of_the_resin_does_not_save_it() -> None:
    expected = np.concatenate([rock(), np.full((1, 160, 200), 2.0)])
    expected[:, :, 170:] = np.array([*EPOXY, 90])[:, None, None]
    area = located(ElementCube(measured(expected), [*ROCK, "Cl"]))
    assert not area.mask[:, 173:].any()
    assert area.mask[:, :170].all()


def test_scattered_radiation_does_not_save_the_mount() -> None:
    expected = np.concatenate([rock(), np.full((1, 160, 200), 3.0)])
    expected[:, :, 170:] = np.array([*EPOXY, 6])[:, None, None]
    area = located(ElementCube(measured(expected), [*ROCK, "Zr"]))
    assert not area.mask[:, 173:].any()
    assert area.mask[:, :170].all()


def test_a_large_scan_is_judged_in_cells_of_pixels() -> None:
    expected = np.concatenate([rock((900, 1000))] * 1)
    expected[:, :, 940:] = np.array(EPOXY)[:, None, None]
    area = located(ElementCube(measured(expected), ROCK))
    assert not area.mask[:, 946:].any()
    assert area.mask[:, :938].all()


def test_reflectance_and_unnamed_bands_lose_only_what_is_missing() -> None:
    expected = rock()
    expected[:, :, 120:] = np.array(EPOXY)[:, None, None]
    maps = measured(expected)
    maps[:, 0, 0] = 0
    bands = ElementCube(maps, [f"band {i}" for i in range(5)])
    water = ElementCube(maps, ROCK, quantity="reflectance")
    for cube in (bands, water):
        assert np.array_equal(located(cube).mask, maps.any(axis=0))


def test_a_lazy_cube_is_read_in_blocks_of_rows() -> None:
    expected = rock()
    expected[:, :, 170:] = np.array(EPOXY)[:, None, None]
    maps = measured(expected)
    read: list[int] = []

    class Lazy:
        shape, dtype = maps.shape, maps.dtype

        def __getitem__(self, index: Any) -> NDArray[np.uint16]:
            part = maps[index]
            read.append(part.size)
            return part

    lazy = located(ElementCube(Lazy(), ROCK, quantity="counts"))
    assert np.array_equal(lazy.mask, located(ElementCube(maps, ROCK)).mask)
    assert sum(read) == maps.size


def test_a_cube_finds_its_own_area_and_keeps_a_given_one() -> None:
    expected = rock()
    expected[:, :, 170:] = np.array(EPOXY)[:, None, None]
    cube = ElementCube(measured(expected), ROCK)
    assert np.array_equal(cube.valid, located(cube).mask)
    assert cube.valid_area.origin == "found"
    assert cube.replace(source="elsewhere").valid_area.n_off_sample == cube.valid_area.n_off_sample
    given = np.ones((160, 200), bool)
    own = ElementCube(cube.maps, ROCK, valid=given)
    assert own.valid.all()
    assert own.valid_area.origin == "given"


def test_half_precision_and_markers_of_missing_values() -> None:
    half = np.array([1, np.nan, np.inf, 65504], np.float16)
    assert is_measured(half).tolist() == [True, False, False, True]
    single = np.array([1, -3.4e38, np.nan], np.float32)
    assert is_measured(single).tolist() == [True, False, False]


def test_half_precision_maps_with_a_glitch_are_filtered() -> None:
    plane = np.full((6, 7), 2, np.float16)
    plane[2, 3] = 60_000
    mended = without_glitches(plane)
    assert mended.dtype == np.float16
    assert np.array_equal(mended, np.full((6, 7), 2, np.float16))
    assert np.array_equal(without_glitches(-plane), -plane)


def test_epoxy_and_corner_of_the_simulated_section() -> None:
    section = simulate_section("artefacts", seed=0, shape=(240, 300))
    kinds = section.artefacts.set_index("kind").artefact_id
    off = np.isin(section.artefact_map, [kinds["epoxy"], kinds["off sample"]])
    bad_rows = np.isin(section.artefact_map, kinds[["dead row", "dim row"]].to_numpy())
    left_out = ~located(section.cube).mask
    assert iou(left_out & ~bad_rows, off & ~bad_rows) > 0.93
    sample = ~off & ~bad_rows
    assert (left_out & sample).sum() < 2e-4 * sample.sum()
    assert not (left_out & (section.truth == 1)).any()


@pytest.mark.parametrize("scene", ["easy", "hard", "barren"])
def test_nothing_of_a_clean_simulated_section_is_left_out(scene: str) -> None:
    assert located(simulate_section(scene, seed=0, shape=(160, 200)).cube).mask.all()


@pytest.mark.parametrize(
    "folder",
    [
        "metapelite_arac01b",
        "semarkona_obj1",
        "semarkona_standards",
        "pixl_castle_geyser",
        "chloritoid_epma",
        "xminlearn/AS14_1/tiff",
        "xminlearn/ME_17_1/tiff",
        "yellowstone_epma",
    ],
)
def test_nothing_of_a_real_sample_is_left_out(real_data: Path, folder: str) -> None:
    assert located(read_maps(real_data / "maps" / folder)).n_off_sample == 0


def test_the_corners_of_a_real_round_mount(real_data: Path) -> None:
    left_out = ~located(read_maps(real_data / "maps" / "ironstone_muxrf")).mask
    assert left_out[-1, -1]
    assert left_out[-1, 0]
    assert left_out[0, -1]
    assert not left_out[0, 0]
    assert 1000 < left_out.sum() < 2500
    # All of it lies in three corners, none in the dark pits of the rock.
    left_out[-60:, -60:] = left_out[-40:, :40] = left_out[:40, -40:] = False
    assert not left_out.any()


def test_absurdly_large_numbers_pass_without_overflow():
    maps = np.zeros((2, 3, 4))
    maps[1, 0, :2] = 1.8e19, 0.5
    valid = located(ElementCube(maps, ("Fe", "Si"))).mask
    assert valid.shape == (3, 4)
    assert valid[0, 0]
