"""Whole grains: discs and veins of another phase in a rock of two or three phases, counted."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import ndimage

from napari_mineral_anomaly import ElementCube, detect
from napari_mineral_anomaly.grains.pixels.extent import SignaturePlanes
from napari_mineral_anomaly.grains.pixels.growing import GrownGrains, grow_grains
from napari_mineral_anomaly.grains.table import find_grains
from napari_mineral_anomaly.simulate.rendering import blur_beam

ELEMENTS = ("Mg", "Al", "Si", "K", "Ca", "Ti", "Fe", "Zr")
PHASES = np.array(
    [
        [5, 20, 200, 3, 2, 1, 4, 1],
        [8, 120, 150, 60, 20, 1, 10, 1],
        [60, 50, 120, 30, 10, 8, 90, 1],
    ],
    dtype=np.float32,
)
PARTS = 5  # each pixel is sampled at 5 x 5 points


class Body(NamedTuple):
    """Share of each pixel that a grain fills, and its counts."""

    share: NDArray[np.float32]
    rates: NDArray[np.float32]

    @property
    def area(self) -> float:
        return float(self.share.sum())

    @property
    def centre(self) -> tuple[float, float]:
        y, x = np.indices(self.share.shape)
        return tuple(float((self.share * axis).sum() / self.area) for axis in (y, x))


def body(shape: tuple[int, int], inside: str, rates: NDArray[np.float32], **at: float) -> Body:
    y, x = ((np.indices(np.multiply(shape, PARTS)) + 0.5) / PARTS - 0.5).astype(np.float32)
    if inside == "disc":
        found = (y - at["y"]) ** 2 + (x - at["x"]) ** 2 <= at["r"] ** 2
    else:  # a vein along the diagonal
        along, across = (y + x) / np.sqrt(2), (y - x) / np.sqrt(2)
        found = (np.abs(along - at["middle"]) <= at["half"]) & (np.abs(across) <= at["r"])
    return Body(found.reshape(shape[0], PARTS, shape[1], PARTS).mean((1, 3)), rates)


def odd(counts: float, element: str = "Zr") -> NDArray[np.float32]:
    """Half of the first phase, and a new element."""
    rates = PHASES[0] * np.float32(0.5)
    rates[ELEMENTS.index(element)] = counts
    return rates


def scan(
    bodies: list[Body],
    shape: tuple[int, int] = (110, 120),
    *,
    phases: int = 2,
    seed: int = 0,
    valid: NDArray[np.bool_] | None = None,
) -> ElementCube:
    rng = np.random.default_rng(seed)
    field = ndimage.gaussian_filter(rng.normal(size=(phases, *shape)), (0, 3.5, 3.5))
    counts = np.moveaxis(PHASES[field.argmax(0)], -1, 0)
    for share, rates in bodies:
        counts = counts * (1 - share) + share * rates[:, None, None]
    valid = np.ones(shape, dtype=bool) if valid is None else valid
    maps = rng.poisson(blur_beam(counts.astype(np.float32), 1.0) * valid).astype(np.uint16)
    return ElementCube(maps, ELEMENTS, valid=valid, quantity="counts")


def grow(cube: ElementCube, n_rows: int = 20) -> GrownGrains:
    result = detect(cube, "rx", seed=0)
    planes = SignaturePlanes(cube.maps, None)
    return grow_grains(planes, result.score, result.mask, result.valid, n_rows=n_rows)


def grain_of(grown: GrownGrains, share: NDArray[np.float32]) -> int:
    """Number of the grain that holds most of a body."""
    return int(np.bincount(grown.labels[share > 0.5])[1:].argmax()) + 1


def check(grown: GrownGrains, one: Body, area: float = 0.2, away: float = 0.5) -> None:
    """Area within 20 % and centroid within half a pixel."""
    found = grown.labels == grain_of(grown, one.share)
    assert np.count_nonzero(found) == pytest.approx(one.area, rel=area)
    y, x = (axis.mean() for axis in np.nonzero(found))
    assert np.hypot(y - one.centre[0], x - one.centre[1]) <= away


@pytest.mark.parametrize("counts", [20, 100, 500])
@pytest.mark.parametrize("phases", [2, 3])
def test_discs_of_two_to_ten_pixels_are_whole(counts: int, phases: int) -> None:
    shape = (150, 160)
    places = [
        (20.2, 25.4, 2),
        (20.7, 70.1, 3),
        (30.0, 125.5, 5),
        (90.3, 45.8, 7),
        (95.1, 115.2, 10),
    ]
    discs = [body(shape, "disc", odd(counts), y=y, x=x, r=r) for y, x, r in places]
    grown = grow(scan(discs, shape, phases=phases, seed=phases))
    for one in discs:
        check(grown, one)


def test_a_disc_of_fifteen_pixels_is_one_grain_in_a_large_scan() -> None:
    shape = (200, 210)
    disc = body(shape, "disc", odd(50), y=90.3, x=110.6, r=15)
    check(grow(scan([disc], shape, phases=3)), disc)


def test_touching_discs_of_different_signature_stay_apart() -> None:
    shape = (110, 120)
    left = body(shape, "disc", odd(100, "Zr"), y=50, x=45, r=6)
    right = body(shape, "disc", odd(300, "Ti"), y=50, x=57.3, r=6)
    grown = grow(scan([left, right], shape))
    assert grain_of(grown, left.share) != grain_of(grown, right.share)
    for one in (left, right):
        check(grown, one)


def test_a_disc_at_the_border_of_the_scan_or_of_the_valid_area_is_what_is_inside() -> None:
    shape = (110, 120)
    valid = np.ones(shape, dtype=bool)
    valid[:, 100:] = False
    rates = odd(200)
    border = body(shape, "disc", rates, y=1.0, x=40.0, r=6)
    edge = body(shape, "disc", rates, y=60.0, x=99.0, r=6)
    edge = Body(edge.share * valid, rates)
    grown = grow(scan([border, edge], shape, valid=valid))
    for one in (border, edge):
        check(grown, one)
    assert not grown.labels[~valid].any()


def test_a_vein_is_one_grain() -> None:
    shape = (110, 120)
    vein = body(shape, "vein", odd(200), middle=80.0, half=35.0, r=2.0)
    check(grow(scan([vein], shape)), vein)


def test_a_ring_includes_its_middle_but_no_pixel_without_data() -> None:
    shape = (110, 120)
    outer, inner = (body(shape, "disc", odd(200), y=50, x=50, r=r) for r in (7, 2))
    ring = Body(outer.share - inner.share, outer.rates)
    check(grow(scan([ring], shape)), outer)
    valid = inner.share < 0.5
    grown = grow(scan([ring], shape, valid=valid))
    assert not grown.labels[~valid].any()


def test_a_rock_phase_is_not_taken_for_a_grain() -> None:
    # The peak lies in noise on a quarter of the scan that is a phase of its own.
    shape = (110, 120)
    cube = scan([], shape)
    maps = cube.maps.copy()
    maps[7, :55, :60] += np.random.default_rng(1).poisson(100, (55, 60)).astype(np.uint16)
    score = np.random.default_rng(2).normal(size=shape).astype(np.float32)
    score[20, 20] = 6.0
    grown = grow_grains(SignaturePlanes(maps, None), score, score > 5, cube.valid)
    assert grown.n_grains == 1
    assert np.count_nonzero(grown.labels) == 1


def test_labels_and_table_agree_and_grains_never_overlap() -> None:
    shape = (110, 120)
    places = [(20, 25, 3), (20, 60, 4), (60, 25, 5), (80, 90, 6)]
    discs = [body(shape, "disc", odd(100), y=y, x=x, r=r) for y, x, r in places]
    cube = scan(discs, shape)
    result = detect(cube, "rx", seed=0)
    table = find_grains(result, cube=cube)
    grains = table[table["kind"] == "grain"].set_index("id")
    grown = grow(cube)
    sizes = np.bincount(grown.labels.reshape(-1), minlength=grown.n_grains + 1)[1:]
    assert grains["area_px"].sort_index().tolist() == sizes.tolist()
    assert sizes.sum() == np.count_nonzero(grown.labels)
    assert (sizes > 0).all()
    for number in range(1, grown.n_grains + 1):
        y, x = (axis.mean() for axis in np.nonzero(grown.labels == number))
        assert grains.loc[number, "centroid_y_px"] == pytest.approx(y)
        assert grains.loc[number, "centroid_x_px"] == pytest.approx(x)
        # Each grain is one connected area.
        assert ndimage.label(grown.labels == number, np.ones((3, 3)))[1] == 1
