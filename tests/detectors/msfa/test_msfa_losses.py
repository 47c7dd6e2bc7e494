from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from napari_mineral_anomaly.detectors.networks.parts.losses import (
    centre_cosines,
    cohesion,
    common_point,
    separation,
    weighted_reconstruction,
)

MARGIN = 0.2


def _latent(pixels: int = 12, features: int = 5) -> tuple[Tensor, Tensor, Tensor]:
    generator = torch.Generator().manual_seed(0)
    latent = torch.rand(features, pixels, generator=generator, dtype=torch.float64)
    centres = torch.rand(3, features, generator=generator, dtype=torch.float64)
    own = torch.arange(pixels) % 3
    return latent.requires_grad_(), own, centres


def _l_bc(latent: Tensor, own: Tensor, centres: Tensor) -> Tensor:
    return cohesion(centre_cosines(latent, centres), own)


def _l_cd(latent: Tensor, own: Tensor, centres: Tensor) -> Tensor:
    return separation(centre_cosines(latent, centres), own, MARGIN)


def _l_ci(latent: Tensor, own: Tensor, centres: Tensor) -> Tensor:
    return common_point(latent, own)


@pytest.mark.parametrize("loss", [_l_bc, _l_cd, _l_ci])
def test_gradients_on_the_latent_features_are_real_and_correct(
    loss: Callable[[Tensor, Tensor, Tensor], Tensor],
) -> None:
    latent, own, centres = _latent()
    loss(latent, own, centres).backward()
    assert latent.grad is not None
    assert latent.grad.abs().max() > 1e-4
    assert torch.autograd.gradcheck(lambda z: loss(z, own, centres), (latent,))


def test_values_are_those_of_the_definitions_pixel_by_pixel() -> None:
    latent, own, centres = _latent()
    bc = cd = 0.0
    for i in range(12):
        z = latent[:, i].detach()
        cosines = [float(z @ c / (z.norm() * c.norm())) for c in centres]
        mine = cosines.pop(int(own[i]))
        bc += (1 - mine) / 12
        cd += max(0.0, MARGIN - (mine - max(cosines))) / 12
    assert _l_bc(latent, own, centres).item() == pytest.approx(bc)
    assert _l_cd(latent, own, centres).item() == pytest.approx(cd)


def test_the_separation_stops_pulling_beyond_its_margin() -> None:
    centres = torch.eye(3, dtype=torch.float64)
    own = torch.tensor([0, 1, 2])
    assert separation(centre_cosines(centres.T, centres), own, MARGIN).item() == 0
    swapped = torch.tensor([1, 2, 0])
    assert separation(centre_cosines(centres.T, centres), swapped, MARGIN).item() > 1


def test_a_single_centre_has_nothing_to_be_separated_from() -> None:
    latent, own, centres = _latent()
    assert _l_cd(latent, own * 0, centres[:1]).item() == 0
    assert _l_ci(latent, own * 0, centres[:1]).item() == 0


def test_descending_the_losses_tightens_and_separates_the_clusters() -> None:
    latent, own, centres = _latent()
    before_bc, before_cd = (f(latent, own, centres).item() for f in (_l_bc, _l_cd))
    optimiser = torch.optim.SGD([latent], lr=0.5)
    for _ in range(50):
        optimiser.zero_grad()
        (_l_bc(latent, own, centres) + _l_cd(latent, own, centres)).backward()
        optimiser.step()
    assert _l_bc(latent, own, centres).item() < before_bc
    assert _l_cd(latent, own, centres).item() < before_cd


def test_a_pixel_without_any_feature_gives_no_nan() -> None:
    latent, own, centres = _latent()
    with torch.no_grad():
        latent[:, 0] = 0
    loss = _l_bc(latent, own, centres) + _l_cd(latent, own, centres)
    loss.backward()
    assert torch.isfinite(loss)
    assert latent.grad is not None
    assert torch.isfinite(latent.grad).all()


def test_reconstruction_is_a_weighted_mean_over_elements_and_pixels() -> None:
    output = torch.tensor([[1.0, 2.0, 0.0], [0.0, 2.0, 5.0]])
    target = torch.zeros(2, 3)
    weights = torch.tensor([1.0, 3.0, 0.0])
    # pixels: (1 + 0) / 2, (4 + 4) / 2, and one that is left out
    expected = (1 * 0.5 + 3 * 4.0) / 4
    assert weighted_reconstruction(output, target, weights).item() == pytest.approx(expected)
    assert weighted_reconstruction(output, target, torch.zeros(3)).item() == 0
