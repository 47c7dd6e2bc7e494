"""The fast parts of the score against plain computations of the same numbers."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import numpy as np
import pytest
import torch

from napari_mineral_anomaly.detectors.heads.likeness import NEIGHBOURS, squared_mean_distance
from napari_mineral_anomaly.detectors.heads.ring import INNER, MARGIN, OUTER, ring_distance
from napari_mineral_anomaly.detectors.networks.parts.torch_threads import in_torch_threads
from napari_mineral_anomaly.detectors.smallest import smallest
from napari_mineral_anomaly.detectors.statistical.elimination import distance_and_log_determinant
from napari_mineral_anomaly.detectors.statistical.ring import ring_offsets
from napari_mineral_anomaly.detectors.statistical.square_sums import SquareSums
from napari_mineral_anomaly.detectors.threads import in_threads, usable_threads
from napari_mineral_anomaly.progress import SILENT, CancelledError, CancelToken, Task


@pytest.mark.parametrize(("margin", "sides"), [(6, (5, 13)), (8, (3, 5, 9, 13, 17)), (2, (1, 3))])
def test_square_sums_are_plain_sums(margin: int, sides: tuple[int, ...]) -> None:
    rng = np.random.default_rng(0)
    images = rng.normal(size=(2, 7 + 2 * margin, 11 + 2 * margin))
    squares = SquareSums(3, (7, 11), margin, sides)
    # What an earlier call left behind must not matter.
    squares.padded(3)[:] = 1e9
    squares.sums(3)
    squares.padded(2)[:] = images
    for side, found in zip(sides, squares.sums(2), strict=True):
        inset = margin - side // 2
        expected = [
            [
                images[:, inset + y : inset + y + side, inset + x : inset + x + side].sum((1, 2))
                for x in range(11)
            ]
            for y in range(7)
        ]
        np.testing.assert_allclose(found, np.moveaxis(np.array(expected), -1, 0), rtol=1e-10)


@pytest.mark.parametrize("pixels", [1, 300, 2500])
def test_elimination_is_a_solution_of_each_matrix(pixels: int) -> None:
    rng = np.random.default_rng(1)
    root = rng.normal(size=(pixels, 6, 6))
    matrices = root @ root.transpose(0, 2, 1) + 0.5 * np.eye(6)
    centres = rng.normal(size=(pixels, 6))
    upper = np.where(np.triu(np.ones((6, 6), dtype=bool)), matrices, np.nan)
    distance, log_determinant = distance_and_log_determinant(
        upper.transpose(1, 2, 0), np.ascontiguousarray(centres.T)
    )
    solved = np.linalg.solve(matrices, centres[..., None])[..., 0]
    np.testing.assert_allclose(distance, (centres * solved).sum(axis=1), rtol=1e-9)
    np.testing.assert_allclose(log_determinant, np.linalg.slogdet(matrices)[1], rtol=1e-9)


def test_ring_distance_is_that_to_the_valid_pixels_of_the_ring() -> None:
    rng = np.random.default_rng(2)
    shape = (9 + 2 * MARGIN, 14 + 2 * MARGIN)
    # Far from zero, where sums of squares cancel.
    values = (rng.normal(size=(5, *shape)) * 3 + 200).astype(np.float32)
    valid = rng.random(shape) > 0.2
    values[:, ~valid] = 0
    found = ring_distance(values, valid)
    for y in range(9):
        for x in range(14):
            ring = np.array(
                [
                    values[:, y + MARGIN + dy, x + MARGIN + dx]
                    for dy, dx in ring_offsets(INNER, OUTER)
                    if valid[y + MARGIN + dy, x + MARGIN + dx]
                ],
                dtype=np.float64,
            )
            away = values[:, y + MARGIN, x + MARGIN] - ring.mean(axis=0)
            covariance = np.cov(ring.T, bias=True) + np.eye(5)
            expected = away @ np.linalg.solve(covariance, away)
            assert found[y, x] == pytest.approx(expected, rel=1e-4)


def test_without_a_ring_nothing_is_odd() -> None:
    shape = (1 + 2 * MARGIN, 1 + 2 * MARGIN)
    values = np.full((3, *shape), 9.0, dtype=np.float32)
    alone = np.zeros(shape, dtype=bool)
    alone[MARGIN, MARGIN] = True
    assert ring_distance(values, alone)[0, 0] == 0


@pytest.mark.parametrize("n_sample", [1, 10, 199, 203, 1000])
def test_likeness_orders_every_distance(n_sample: int) -> None:
    rng = np.random.default_rng(3)
    sample = rng.normal(size=(n_sample, 6)).astype(np.float32)
    pixels = np.concatenate([rng.normal(size=(300, 6)), sample[:5], [[50.0] * 6]])
    pixels = pixels.astype(np.float32)
    away = np.linalg.norm(pixels[:, None].astype(float) - sample[None], axis=2)
    nearest = np.sort(away, axis=1)[:, :NEIGHBOURS]
    np.testing.assert_allclose(
        squared_mean_distance(pixels, sample), nearest.mean(axis=1) ** 2, rtol=1e-4, atol=1e-4
    )


def test_parts_come_in_their_order_from_several_threads(monkeypatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    assert usable_threads() == 3
    # No part ends before another one has begun: this needs two threads at the same time.
    both = threading.Barrier(2, timeout=20)

    def work(number: int) -> int:
        both.wait()
        return number * number

    assert list(in_threads(work, range(6), SILENT)) == [0, 1, 4, 9, 16, 25]


@pytest.mark.parametrize("threads", ["1", "2"])
def test_a_cancel_drops_the_parts_that_have_not_begun(monkeypatch, threads: str) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", threads)
    token, begun = CancelToken(), []

    def work(number: int) -> int:
        begun.append(number)
        return number

    found = in_threads(work, range(1000), Task(token=token))
    assert [next(found) for _ in range(3)] == [0, 1, 2]
    token.cancel()
    with pytest.raises(CancelledError):
        list(found)
    assert len(begun) < 20


@pytest.mark.parametrize("threads", ["1", "2"])
def test_what_goes_wrong_in_a_part_is_raised(monkeypatch, threads: str) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", threads)
    with pytest.raises(ZeroDivisionError):
        list(in_threads(lambda number: 1 // number, [2, 1, 0, 1], SILENT))


@pytest.mark.parametrize(("n", "k"), [(900, 25), (4000, 25), (4007, 1), (30, 30), (1700, 40)])
def test_the_smallest_are_those_of_a_full_order(n: int, k: int) -> None:
    rng = np.random.default_rng(n)
    # Many equal numbers.
    values = np.concatenate([rng.normal(size=(20, n)), rng.integers(0, 9, (20, n))])
    values = values.astype(np.float32)
    found = np.sort(smallest(values, k), axis=1)
    np.testing.assert_array_equal(found, np.sort(values, axis=1)[:, :k])


@pytest.fixture
def two_threads() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


@pytest.mark.usefixtures("two_threads")
def test_torch_computes_each_part_in_one_thread_and_gets_its_threads_back() -> None:
    def threads_of(part: int) -> int:
        return torch.get_num_threads()

    tiles = in_torch_threads(threads_of, range(8), SILENT)
    assert next(tiles) == 1
    tiles.close()
    assert torch.get_num_threads() == 2
    assert set(in_torch_threads(threads_of, range(8), SILENT)) == {1}
    assert torch.get_num_threads() == 2
