from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as nnf

from napari_mineral_anomaly.detectors.networks.msfa_paper.attention import OrthogonalAttention
from napari_mineral_anomaly.detectors.networks.msfa_paper.config import MsfaPaperConfig
from napari_mineral_anomaly.detectors.networks.msfa_paper.network import MsfaPaperNetwork
from napari_mineral_anomaly.detectors.networks.parts.filters import orthonormal_filters
from napari_mineral_anomaly.detectors.networks.parts.grid import FoldedPooling, PixelGrid

CPU = torch.device("cpu")


def _generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def _attention(
    features: int = 16, groups: int = 4, pool: int = 4, *, orthogonal: bool = True
) -> OrthogonalAttention:
    return OrthogonalAttention(features, groups, pool, "gaussian_qr", orthogonal, _generator())


def _grid(height: int, width: int) -> PixelGrid:
    return PixelGrid(np.ones((height, width), dtype=bool), CPU)


@pytest.mark.parametrize("init", ["gaussian_qr", "uniform_gs"])
@pytest.mark.parametrize(("count", "pool"), [(64, 16), (64, 8), (12, 4), (128, 16)])
def test_filters_are_orthonormal(init: Any, count: int, pool: int) -> None:
    filters = orthonormal_filters(count, pool, init, _generator()).flatten(1)
    assert torch.allclose(filters @ filters.T, torch.eye(count), atol=1e-5)


def test_more_filters_than_dimensions_come_in_orthonormal_sets() -> None:
    filters = orthonormal_filters(40, 4, "gaussian_qr", _generator()).flatten(1)
    for start in (0, 16, 32):
        part = filters[start : start + 16]
        assert torch.allclose(part @ part.T, torch.eye(len(part)), atol=1e-5)


def test_filters_are_reproducible_by_seed() -> None:
    first = orthonormal_filters(64, 16, "gaussian_qr", _generator(5))
    assert torch.equal(first, orthonormal_filters(64, 16, "gaussian_qr", _generator(5)))
    assert not torch.equal(first, orthonormal_filters(64, 16, "gaussian_qr", _generator(6)))


def test_gram_schmidt_of_uniform_noise_starts_close_to_a_plain_average() -> None:
    share = [
        orthonormal_filters(4, 16, init, _generator()).flatten(1).sum(1).abs() / 16
        for init in ("uniform_gs", "gaussian_qr")
    ]
    assert share[0][0] == pytest.approx(0.87, abs=0.02)
    assert share[1][0] < 0.3


def test_both_branches_have_filters_of_their_own_that_are_not_trained() -> None:
    attention = _attention()
    assert not torch.equal(attention.filters[0], attention.filters[1])
    assert "filters" in dict(attention.named_buffers())
    assert "filters" not in dict(attention.named_parameters())


@pytest.mark.parametrize("shape", [(16, 16), (50, 37), (189, 190), (4, 30), (5, 4)])
def test_folded_pooling_is_adaptive_average_pooling_for_any_shape(shape: tuple[int, int]) -> None:
    filters = orthonormal_filters(6, 16, "gaussian_qr", _generator())
    image = torch.rand(6, *shape, generator=_generator(1))
    folded = (FoldedPooling(filters, torch.ones(shape)).weights() * image).sum((1, 2))
    pooled = (nnf.adaptive_avg_pool2d(image, 16) * filters).sum((1, 2))
    assert torch.allclose(folded, pooled, atol=1e-5)


def test_means_and_pooling_see_valid_pixels_only() -> None:
    valid = np.ones((8, 6), dtype=bool)
    valid[2] = valid[:, 1] = valid[5, 3:] = False
    grid = PixelGrid(valid, CPU)
    values = torch.rand(3, int(valid.sum()), generator=_generator())
    image = grid.to_grid(values)
    assert torch.equal(grid.to_list(image), values)
    assert (image[:, ~torch.from_numpy(valid)] == 0).all()
    plain = np.where(valid, image.numpy(), np.nan)
    kept_rows, kept_columns = valid.any(axis=1), valid.any(axis=0)
    np.testing.assert_allclose(
        grid.row_means(image).numpy()[:, kept_rows],
        np.nanmean(plain[:, kept_rows], axis=2),
        rtol=1e-5,
    )
    np.testing.assert_allclose(
        grid.column_means(image).numpy()[:, kept_columns],
        np.nanmean(plain[:, :, kept_columns], axis=1),
        rtol=1e-5,
    )
    filters = orthonormal_filters(3, 2, "gaussian_qr", _generator())
    folded = FoldedPooling(filters, grid.valid)
    assert (folded.weights()[:, ~torch.from_numpy(valid)] == 0).all()
    # The mean of ones is one, however many pixels a bin holds.
    assert torch.allclose(folded.weights().sum((1, 2)), filters.sum((1, 2)), atol=1e-5)
    assert torch.allclose(folded.totals, filters.sum((1, 2)), atol=1e-5)
    assert torch.allclose(folded.weights(slice(3, 6)), folded.weights()[:, 3:6])


@pytest.mark.parametrize("orthogonal", [True, False])
def test_output_depends_on_where_the_pixels_lie(orthogonal: bool) -> None:
    attention, grid = _attention(orthogonal=orthogonal), _grid(12, 9)
    latent = torch.rand(16, 108, generator=_generator(1))
    order = torch.randperm(108, generator=_generator(2))
    straight = attention(latent, grid)
    shuffled = attention(latent[:, order], grid)
    assert straight.shape == latent.shape
    assert not torch.allclose(straight[:, order], shuffled, atol=1e-4)


def test_output_depends_on_the_3x3_branch_and_on_the_filters() -> None:
    attention, grid = _attention(), _grid(12, 9)
    latent = torch.rand(16, 108, generator=_generator(1))
    before = attention(latent, grid)
    with torch.no_grad():
        attention.area_weight[:, :, 0, 0] += 1.0  # an off-centre tap: neighbours matter
    after = attention(latent, grid)
    assert not torch.allclose(before, after, atol=1e-4)
    other = OrthogonalAttention(16, 4, 4, "gaussian_qr", True, _generator(9))
    other.load_state_dict({**attention.state_dict(), "filters": other.filters})
    assert not torch.allclose(other(latent, grid), after, atol=1e-5)


def test_orthogonal_filters_make_the_1x1_branch_depend_on_the_image() -> None:
    """The reason for the orthogonal part: a spatial mean after normalisation is a constant."""
    grid = _grid(12, 9)
    grouped = torch.rand(2, 4, 4, 108, generator=_generator(1))

    def shares(attention: OrthogonalAttention) -> list[torch.Tensor]:
        found = []
        for image in grouped:
            on_grid = grid.to_grid(image)
            gates = attention.gates(grid.row_means(on_grid), grid.column_means(on_grid))
            line = attention.line_norm(grid.to_list(attention.gated(on_grid, *gates)))
            found.append(attention.channel_shares(*attention._squeezed(line, line, grid))[0])
        return found

    first, second = shares(_attention(orthogonal=True))
    assert not torch.allclose(first, second, atol=1e-3)
    first, second = shares(_attention(orthogonal=False))
    assert torch.allclose(first, second, atol=1e-5)


def test_every_trained_weight_gets_a_gradient() -> None:
    network = MsfaPaperNetwork(6, MsfaPaperConfig(latent_dim=16, groups=4, pool_size=4))
    grid = _grid(9, 7)
    pixels = torch.rand(6, 63, generator=_generator())
    network(pixels, grid).output.square().mean().backward()
    for name, parameter in network.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.abs().max() > 0, name


def test_weights_come_from_the_seed_and_leave_the_global_random_state_alone() -> None:
    torch.manual_seed(123)
    state = torch.get_rng_state()
    first, again, other = (MsfaPaperNetwork(9, MsfaPaperConfig(seed=seed)) for seed in (4, 4, 5))
    assert torch.equal(torch.get_rng_state(), state)
    pairs = zip(first.parameters(), again.parameters(), strict=True)
    assert all(torch.equal(a, b) for a, b in pairs)
    assert not torch.equal(first.encoder1.weight, other.encoder1.weight)
