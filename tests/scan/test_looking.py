"""What *Look* computes: a profile along a line, a scatter of two elements, a registration."""

from __future__ import annotations

import numpy as np
import pytest

from napari_mineral_anomaly.errors import InputError
from napari_mineral_anomaly.scan.looking.profile import profile_along
from napari_mineral_anomaly.scan.looking.registration import register
from napari_mineral_anomaly.scan.looking.scatter_plot import element_scatter

ROWS, COLUMNS = np.indices((30, 40))
MAP = (100 * ROWS + COLUMNS).astype(np.uint16)


def test_a_profile_holds_the_counts_of_the_pixels_and_their_errors() -> None:
    table = profile_along(
        [MAP, MAP * 4], ["Fe", "Ca"], [(5, 3), (5, 9)], pixel_size=(10.0, 20.0), is_counts=True
    )
    assert list(table) == [
        *("distance_um", "row", "column", "Fe", "Fe_sigma", "Ca", "Ca_sigma"),
    ]
    assert table["distance_um"].tolist() == [10.0 * k for k in range(13)], "6 columns of 20 µm"
    assert table["Fe"].iloc[[0, 2, 12]].tolist() == [503.0, 504.0, 509.0]
    beside = profile_along([MAP], ["Fe"], [(5.45, 3.45), (5.45, 9.45)])
    assert beside["Fe"].tolist() == [503.0 + k for k in range(7)], "the nearest pixel"
    assert table["Ca_sigma"].iloc[0] == pytest.approx(np.sqrt(2012))


def test_a_bent_line_is_as_long_as_its_parts_and_ends_outside() -> None:
    table = profile_along([MAP], ["Fe"], [(0, 36), (3, 36), (3, 42)])
    assert "Fe_sigma" not in table
    assert table["distance_px"].iloc[-1] == 9.0
    assert table["Fe"].iloc[:7].tolist() == [36, 136, 236, 336, 337, 338, 339]
    assert table["Fe"].iloc[7:].isna().all()
    with pytest.raises(InputError, match="no length"):
        profile_along([MAP], ["Fe"], [(3, 3), (3, 3)])


def test_the_mean_across_a_wide_line_has_a_smaller_error() -> None:
    flat = np.full((30, 40), 100.0)
    table = profile_along([flat, MAP], ["K", "Fe"], [(10, 2), (10, 8)], is_counts=True, width=3)
    assert table["K"].tolist() == [100.0] * 7
    assert table["K_sigma"].to_numpy() == pytest.approx(10.0 / np.sqrt(3))
    assert table["Fe"].iloc[0] == np.mean([902, 1002, 1102])
    edge = profile_along([flat], ["K"], [(0, 2), (0, 8)], is_counts=True, width=3)
    assert edge["K_sigma"].to_numpy() == pytest.approx(10.0 / np.sqrt(2)), "two rows are there"


def test_a_lasso_finds_the_pixels_of_its_cluster() -> None:
    rng = np.random.default_rng(0)
    rich = np.zeros((40, 50), dtype=bool)
    rich[5:15, 10:30] = True
    one = rng.poisson(np.where(rich, 400, 25)).astype(np.uint16)
    two = rng.poisson(np.where(rich, 225, 100)).astype(np.uint16)
    one[0, 0] = 60_000  # a hot pixel at the end of the axis
    scatter = element_scatter(one, two, is_counts=True)
    assert scatter.density.sum() == one.size
    assert scatter.x_range[1] < 30
    box = [(12, 10), (40, 10), (40, 30), (12, 30)]
    found = scatter.inside(box)
    assert np.count_nonzero(found & rich) == 200
    outside = found & ~rich
    outside[0, 0] = False
    assert not outside.any()
    assert scatter.counted(rich).sum() == 200
    assert not scatter.inside([(0, 0), (9, 9)]).any()


def test_missing_pixels_are_in_no_bin_and_in_no_lasso() -> None:
    one = np.array([[1.0, np.nan, 3.0]])
    scatter = element_scatter(one, np.array([[1.0, 2.0, -4.0]]), is_counts=False)
    assert scatter.density.sum() == 2
    assert scatter.inside([(-9, -9), (9, -9), (9, 9), (-9, 9)]).tolist() == [[True, False, True]]


def turned(points: np.ndarray) -> np.ndarray:
    """Another grid: mirrored, stretched, turned by 30 degrees, 2.5 times finer, moved."""
    angle = np.deg2rad(30.0)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    return 2.5 * (points * [1.0, -1.3]) @ turn.T + [40.0, 300.0]


def test_a_mirrored_turned_and_scaled_image_is_laid_on_the_map() -> None:
    on_map = np.array([(2.0, 3.0), (28.0, 5.0), (15.0, 35.0), (4.0, 30.0)])
    found = register(turned(on_map), on_map, (10.0, 20.0))
    assert found.residuals == pytest.approx(np.zeros(4), abs=1e-8)
    other = np.array([(11.0, 17.0)])
    laid = found.matrix @ np.array([*turned(other)[0], 1.0])
    assert laid[:2] == pytest.approx(other[0])


def test_residuals_are_micrometres_on_the_section() -> None:
    on_map = np.array([(0.0, 0.0), (0.0, 20.0), (20.0, 20.0), (20.0, 0.0)])
    off = on_map.copy()
    off[0, 1] += 4.0  # four columns of 20 µm: an affine fit takes a quarter at each corner
    found = register(on_map, off, (10.0, 20.0))
    assert found.residuals == pytest.approx([20.0] * 4)
    assert found.rms == pytest.approx(20.0)
    assert register(on_map, off).rms == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("image", "maps", "words"),
    [
        ([(0, 0), (5, 5)], [(0, 0), (5, 5)], "too few"),
        ([(0, 0), (5, 5), (10, 10)], [(0, 0), (5, 0), (0, 5)], "image lie on one line"),
        ([(0, 0), (5, 0), (0, 5)], [(0, 0), (5, 5), (9, 9)], "map lie on one line"),
        ([(0, 0), (5, 0), (0, 5)], [(0, 0), (5, 5)], "mark each place on both"),
    ],
)
def test_pairs_that_fix_no_transform_are_refused(image: list, maps: list, words: str) -> None:
    with pytest.raises(InputError, match=words):
        register(image, maps)
