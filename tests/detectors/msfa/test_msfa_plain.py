"""Our network against a plain one of convolutions, and our optimiser against that of torch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as nnf
from numpy.typing import NDArray
from torch import Tensor

from napari_mineral_anomaly.detectors.networks.msfa.config import MsfaConfig
from napari_mineral_anomaly.detectors.networks.msfa.features import fit_features
from napari_mineral_anomaly.detectors.networks.msfa.network.attention import (
    FILTER_SIDE,
    ScanAttention,
)
from napari_mineral_anomaly.detectors.networks.msfa.network.masked import Block, MaskedNetwork
from napari_mineral_anomaly.detectors.networks.msfa.optimiser import OneCycleAdamW
from napari_mineral_anomaly.detectors.networks.msfa.predicting import hidden_blocks, predict_scan
from napari_mineral_anomaly.detectors.networks.msfa.view import ScanView
from napari_mineral_anomaly.scan.cube import ElementCube

SWITCHES: list[dict[str, Any]] = [
    {},
    {"no_attention": True},
    {"no_groups": True},
    {"no_orthogonal": True},
    {"no_context": True},
    {"no_linear_path": True},
    {"blocks": 1},
    {"blocks": 3},
    {"mask_blocks": 3},
]


def plain_block(block: Block, images: Tensor) -> Tensor:
    """(B, W, h, w) to the same."""
    inside = block.norm(block.neighbours(images))
    return images + block.narrow(nnf.gelu(block.wide(inside)))


def plain_attention(attention: ScanAttention, images: Tensor) -> Tensor:
    """(B, W, h, w) to the same; strips by torch's average pooling."""
    batch, _, height, width = images.shape
    grouped = images.reshape(batch * attention.groups, -1, height, width)
    if attention.context:
        strips = [
            nnf.avg_pool2d(grouped, side, 1, tuple(s // 2 for s in side), count_include_pad=False)
            for side in ((1, 9), (9, 1))
        ]
    else:
        strips = [grouped]
    gate = torch.ones_like(grouped)
    for strip in strips:
        gate = gate * torch.sigmoid(attention.line(strip))
    line = attention.line_norm(grouped * gate)
    area = attention.area_norm(attention.area(grouped))
    squeezed = attention.squeezed
    if attention.training:
        squeezed = torch.stack(
            [
                plain_squeeze(attention, branch, filters).view(batch, attention.groups, -1).mean(0)
                for branch, filters in zip((line, area), attention.filters, strict=True)
            ]
        )
    shares = torch.softmax(squeezed, dim=-1)[:, None, :, :, None, None]
    by_group = (batch, attention.groups, -1, height, width)
    weights = (shares[0] * area.view(by_group) + shares[1] * line.view(by_group)).sum(2, True)
    gain = 1 + attention.strength * (2 * torch.sigmoid(weights) - 1)
    return (images.view(by_group) * gain).view_as(images)


def plain_squeeze(attention: ScanAttention, branch: Tensor, filters: Tensor) -> Tensor:
    if not attention.orthogonal:
        return branch.mean((-2, -1))
    assert min(branch.shape[-2:]) >= FILTER_SIDE
    seen = nnf.conv2d(branch, filters, groups=branch.shape[1], stride=3)
    return seen.square().mean((-2, -1)).add(1e-12).sqrt()


def plain_forward(network: MaskedNetwork, inputs: Tensor) -> tuple[Tensor, Tensor]:
    """Output (B, F, h, w) and bottleneck (B, D, h, w) of images (B, 2 F, h, w)."""
    hidden = network.entry(inputs)
    for block in network.blocks:
        hidden = plain_block(block, hidden)
    if network.attention is not None:
        hidden = plain_attention(network.attention, hidden)
    latent = network.bottleneck(hidden)
    if network.line_in is not None:
        latent = latent + network.line_in(inputs[:, : network.line_in.in_channels])
    output = network.exit(nnf.gelu(network.widen(latent)))
    if network.line_out is not None:
        output = output + network.line_out(latent)
    return output, latent


@torch.no_grad()
def plain_scan(
    network: MaskedNetwork, values: NDArray[np.float32], blocks: list[NDArray[np.intp]]
) -> NDArray[np.float32]:
    """Prediction (F, H, W) of a whole scan at once: shown and hidden, pass by pass."""
    images = torch.from_numpy(values)[None]
    mask = torch.zeros_like(images)
    out, _ = plain_forward(network, torch.cat([images, mask], 1))
    hidden = out.clone()
    for block in blocks:
        mask.zero_()
        mask[:, block] = 1
        found, _ = plain_forward(network, torch.cat([images * (1 - mask), mask], 1))
        hidden[:, block] = found[:, block]
    return (0.5 * (out + hidden))[0].numpy()


def _with_random_state(network: MaskedNetwork, seed: int = 0) -> MaskedNetwork:
    """A network in which every parameter and every statistic matters."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, tensor in network.state_dict().items():
            if name.endswith("running_var"):
                tensor.uniform_(0.5, 2, generator=generator)
            elif tensor.is_floating_point() and (tensor.ndim == 1 or "running" in name):
                tensor.normal_(0, 0.5, generator=generator)
        if network.attention is not None:
            network.attention.strength.normal_(generator=generator)
            network.attention.squeezed.normal_(generator=generator)
    return network


def _network_and_view(
    cube: ElementCube, switch: dict[str, Any]
) -> tuple[MaskedNetwork, ScanView, MsfaConfig]:
    config = MsfaConfig(**({"width": 8, "groups": 2} | switch))
    features, axes = fit_features(cube, config.transform, config.components)
    network = MaskedNetwork(features.n, 2 * features.n, config, local=False)
    network.start_at(axes, features.unit, 1.0)
    return _with_random_state(network), ScanView(cube, features), config


@pytest.mark.parametrize("switch", SWITCHES, ids=str)
def test_a_scan_is_predicted_as_by_the_plain_network(
    masked_scan: ElementCube, switch: dict[str, Any]
) -> None:
    network, view, config = _network_and_view(masked_scan, switch)
    network.eval()
    blocks = hidden_blocks(view.features.n, config.mask_blocks, 0)
    wanted = plain_scan(network, view.values(slice(None)), blocks)
    for tile in (118, 9):
        found = predict_scan(network, view, blocks, torch.device("cpu"), tile=tile)
        # In the unit of the noise, in which residuals are judged: far below 1e-3 sigma.
        unit = view.features.unit[:, None, None]
        assert np.abs((found - wanted) * unit).max() < 1e-4
    assert wanted.std() > 0.1


@pytest.mark.parametrize("switch", SWITCHES[:5], ids=str)
def test_a_training_step_has_the_gradients_of_the_plain_network(
    make_scan: Callable[..., ElementCube], switch: dict[str, Any]
) -> None:
    network, view, _ = _network_and_view(make_scan(), switch)
    network.train()
    values = torch.from_numpy(view.values(slice(None)))
    tiles = torch.stack([values[:, :12, :14], values[:, 5:17, 3:17], values[:, 12:, 6:]])
    inputs = torch.cat([tiles, torch.zeros_like(tiles)], 1)
    gradients = []
    for output in (
        plain_forward(network, inputs)[0],
        network(inputs.transpose(0, 1)).output.transpose(0, 1),
    ):
        network.zero_grad()
        (output - tiles).square().mean().backward()
        gradients.append(
            torch.cat([p.grad.flatten() for p in network.parameters() if p.grad is not None])
        )
    assert gradients[0].abs().max() > 1e-2
    assert torch.allclose(gradients[0], gradients[1], rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize("steps", [3, 40])
def test_our_optimiser_takes_the_steps_of_torch(steps: int) -> None:
    paths = []
    for ours in (True, False):
        layer = torch.nn.Linear(3, 2)
        with torch.no_grad():
            layer.weight.copy_(torch.arange(6.0).view(2, 3) / 6)
            layer.bias.zero_()
        values = torch.linspace(-1, 1, 30).view(10, 3)
        target = 40 * values[:, :2].square() - 1  # the first gradients are long and are cut
        if ours:
            mine = OneCycleAdamW(layer, 0.1, steps)
        else:
            torchs = torch.optim.AdamW(layer.parameters(), 0.1, weight_decay=1e-4)
            cycle = torch.optim.lr_scheduler.OneCycleLR(
                torchs, 0.1, total_steps=steps, pct_start=0.15
            )
        path = []
        for _ in range(steps):
            loss = (layer(values) - target).square().mean()
            if ours:
                mine.follow(loss)
            else:
                torchs.zero_grad()
                loss.backward()
                torch.nn.utils.clip_grad_norm_(layer.parameters(), 1.0)
                torchs.step()
                cycle.step()
            path.append(torch.cat([layer.weight.flatten(), layer.bias]).detach().clone())
        paths.append(torch.stack(path))
    assert (paths[0][-1] - paths[0][0]).abs().max() > 0.02
    assert torch.allclose(paths[0], paths[1], rtol=1e-4, atol=1e-6)
