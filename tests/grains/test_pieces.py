"""One grain is one row: pieces of it join it, its fringe is no grain, its neighbours stay apart."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from napari_mineral_anomaly.grains.pixels.extent import SignaturePlanes
from napari_mineral_anomaly.grains.pixels.pieces import FRINGE, PART, role_beside

SHAPE = (30, 30)
WINDOW = (slice(0, 30), slice(0, 30))
ROCK = np.array([100.0, 40.0, 5.0, 5.0])
MINERAL, OTHER = np.array([60.0, 40.0, 400.0, 5.0]), np.array([60.0, 40.0, 5.0, 400.0])


def role(
    second: NDArray[np.float64], share: float, *, gap: int = 0, columns: int = 2
) -> str | None:
    """The role of a piece that holds a share of a mineral, beside 3 x 3 pixels of `MINERAL`."""
    counts = np.broadcast_to(ROCK[:, None, None], (4, *SHAPE)).copy()
    grain, piece = np.zeros(SHAPE, dtype=bool), np.zeros(SHAPE, dtype=bool)
    grain[12:15, 12:15] = True
    piece[12:15, 15 + gap : 15 + gap + columns] = True
    counts[:, grain] = MINERAL[:, None]
    counts[:, piece] = (share * second + (1 - share) * ROCK)[:, None]
    maps = np.random.default_rng(0).poisson(counts)
    return role_beside(SignaturePlanes(maps, None), ~grain & ~piece, WINDOW, grain, piece)


def test_a_touching_piece_with_most_of_the_signature_is_a_part() -> None:
    assert role(MINERAL, 0.8) == PART


def test_a_piece_with_less_than_half_of_the_signature_is_a_fringe_also_beside_a_gap() -> None:
    assert role(MINERAL, 0.3) == FRINGE
    assert role(MINERAL, 0.3, gap=1) == FRINGE


def test_a_body_that_goes_on_beyond_the_beam_is_a_part_however_pale() -> None:
    assert role(MINERAL, 0.3, columns=8) == PART


def test_a_full_piece_beside_a_gap_is_a_grain_of_its_own() -> None:
    assert role(MINERAL, 0.8, gap=1) is None


def test_another_mineral_is_a_grain_of_its_own() -> None:
    assert role(OTHER, 0.8) is None
    assert role(OTHER, 0.3) is None


def test_without_surroundings_nothing_is_joined() -> None:
    maps = np.ones((4, 6, 6))
    grain = np.zeros((6, 6), dtype=bool)
    grain[:3] = True
    planes = SignaturePlanes(maps, None)
    assert role_beside(planes, np.zeros((6, 6), bool), (slice(6), slice(6)), grain, ~grain) is None
