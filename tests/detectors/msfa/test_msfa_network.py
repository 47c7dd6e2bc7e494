"""What our network sees, hides and makes of a scan, and that tiles do not show in its numbers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from napari_mineral_anomaly.detectors.networks.msfa.config import MsfaConfig
from napari_mineral_anomaly.detectors.networks.msfa.features import Features, fit_features
from napari_mineral_anomaly.detectors.networks.msfa.network.attention import ScanAttention
from napari_mineral_anomaly.detectors.networks.msfa.network.masked import (
    MaskedNetwork,
    latent_width,
)
from napari_mineral_anomaly.detectors.networks.msfa.predicting import (
    hidden_blocks,
    masked_input,
    plain_surroundings,
    predict_scan,
    predict_with_residual,
    smooth,
)
from napari_mineral_anomaly.detectors.networks.msfa.view import MARGIN, RINGS, ScanView
from napari_mineral_anomaly.detectors.registry import make_config
from napari_mineral_anomaly.errors import InputError
from napari_mineral_anomaly.scan.cube import ElementCube

CPU = torch.device("cpu")
MakeScan = Callable[..., ElementCube]


def _config(**changes: Any) -> MsfaConfig:
    return MsfaConfig(**({"width": 8, "groups": 2} | changes))


def _features(cube: ElementCube, **changes: Any) -> Features:
    config = _config(**changes)
    return fit_features(cube, config.transform, config.components)[0]


def _awake(network: MaskedNetwork, seed: int = 0) -> MaskedNetwork:
    """In evaluation mode, with an attention that does something and statistics of its own."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        if network.attention is not None:
            network.attention.strength.fill_(0.8)
            network.attention.squeezed.normal_(generator=generator)
        for module in network.modules():
            if isinstance(module, torch.nn.BatchNorm2d):
                module.running_mean.normal_(0, 0.2, generator=generator)
                module.running_var.uniform_(0.5, 2, generator=generator)
    return network.eval()


def _network(features: Features, **changes: Any) -> MaskedNetwork:
    n_inputs = (3 if features.local else 2) * features.n
    return _awake(MaskedNetwork(features.n, n_inputs, _config(**changes), features.local))


def _reflectance(shape: tuple[int, int] = (30, 26), bands: int = 5) -> ElementCube:
    rng = np.random.default_rng(4)
    maps = rng.normal(0.3, 0.05, (bands, *shape)).astype(np.float32)
    return ElementCube(maps, [f"B{k}" for k in range(bands)], quantity="reflectance")


# --- parameters -----------------------------------------------------------------------------


def test_every_parameter_of_our_network_has_bounds_and_a_description() -> None:
    for name, field in MsfaConfig.model_fields.items():
        assert field.description, name
        if field.annotation in (int, float) and name != "seed":
            kinds = {type(bound).__name__ for bound in field.metadata}
            assert {"Ge", "Le"} <= kinds, name


def test_groups_that_do_not_divide_the_width_are_refused_in_a_sentence() -> None:
    with pytest.raises(InputError, match="32 features cannot be split into 7 equal groups"):
        make_config("msfa", groups=7)
    with pytest.raises(InputError, match="10 features cannot be split into 4 equal groups"):
        make_config("msfa", width=10)


@pytest.mark.parametrize(("n", "wanted"), [(2, 3), (10, 3), (15, 4), (20, 6), (40, 12)])
def test_the_bottleneck_takes_three_tenths_of_the_elements(n: int, wanted: int) -> None:
    assert latent_width(n, MsfaConfig()) == wanted
    assert latent_width(n, MsfaConfig(latent_dim=5)) == 5


# --- features -------------------------------------------------------------------------------


def test_features_of_counts_are_standardised_and_their_unit_is_the_counting_noise(
    masked_scan: ElementCube,
) -> None:
    features = _features(masked_scan)
    values = features.block(masked_scan, slice(0, 24))
    valid = masked_scan.valid
    np.testing.assert_allclose(values[:, valid].mean(1), 0, atol=1e-5)
    np.testing.assert_allclose(values[:, valid].std(1), 1, atol=2e-3)
    assert (values[:, ~valid] == 0).all()
    # K of the first mineral has 3 counts on average: its Anscombe values have unit noise, so that
    # a feature times its unit is a difference in counting sigmas.
    raw = np.asarray(masked_scan.maps[:, valid], dtype=np.float64)
    raw = raw[features.preprocessing.positions(masked_scan)]  # by name
    stable = 2 * np.sqrt(raw + 0.375)
    np.testing.assert_allclose(features.unit, stable.std(1, ddof=1), rtol=1e-5)
    np.testing.assert_allclose(features.transformed(values)[:, valid], stable, rtol=1e-4, atol=1e-3)


def test_many_bands_become_uncorrelated_components_and_come_back() -> None:
    rng = np.random.default_rng(1)
    sources = rng.normal(size=(4, 20, 25))
    mixing = rng.normal(size=(60, 4))
    maps = (0.5 + 0.02 * np.einsum("ks,shw->khw", mixing, sources)).astype(np.float32)
    cube = ElementCube(maps, [f"B{k}" for k in range(60)], quantity="reflectance")
    features = _features(cube, components=4)
    assert (features.n, features.reduced, features.local) == (4, True, True)
    values = features.block(cube, slice(0, 20)).reshape(4, -1)
    np.testing.assert_allclose(np.cov(values), np.eye(4), atol=5e-3)
    back = features.transformed(values.reshape(4, 20, 25))
    maps = maps[features.preprocessing.positions(cube)]  # by name
    np.testing.assert_allclose(back, maps, atol=1e-4)  # four sources: four components are all


# --- what is hidden -------------------------------------------------------------------------


def test_the_input_of_a_hidden_element_is_blank_and_says_so() -> None:
    values = torch.arange(1.0, 13.0).view(3, 1, 2, 2)
    mask = torch.zeros_like(values)
    mask[1] = 1
    inputs = masked_input(values, mask)
    assert inputs.shape == (6, 1, 2, 2)
    assert (inputs[1] == 0).all()
    assert torch.equal(inputs[[0, 2]], values[[0, 2]])
    assert inputs[3:].flatten(1).unique(dim=1).flatten().tolist() == [0, 1, 0]


@pytest.mark.parametrize(("n", "n_blocks", "wanted"), [(12, 5, 5), (3, 10, 3), (2, 5, 2)])
def test_each_element_is_hidden_once(n: int, n_blocks: int, wanted: int) -> None:
    blocks = hidden_blocks(n, n_blocks, seed=3)
    assert len(blocks) == wanted
    assert sorted(np.concatenate(blocks).tolist()) == list(range(n))
    sizes = [len(block) for block in blocks]
    assert max(sizes) - min(sizes) <= 1
    again = hidden_blocks(n, n_blocks, seed=3)
    assert all(np.array_equal(a, b) for a, b in zip(blocks, again, strict=True))


def test_a_hidden_element_cannot_give_itself_away(make_scan: MakeScan) -> None:
    scan = make_scan()
    features = _features(scan)
    network = _network(features)
    blocks = hidden_blocks(features.n, 3, seed=0)
    spoilt_element = features.preprocessing.positions(scan)[int(blocks[1][0])]
    maps = np.array(scan.maps)
    maps[spoilt_element] = 500 - np.minimum(maps[spoilt_element], 500)
    views = [ScanView(cube, features) for cube in (scan, scan.replace(maps=maps))]
    # Two looks averaged, less half of the open one: half of the hidden one.
    hidden = [
        2 * predict_scan(network, view, blocks, CPU) - predict_scan(network, view, [], CPU)
        for view in views
    ]
    same = [k for k in range(features.n) if k in blocks[1]]
    others = [k for k in range(features.n) if k not in blocks[1]]
    np.testing.assert_allclose(hidden[1][same], hidden[0][same], atol=1e-5)
    changed = np.abs(hidden[1][others] - hidden[0][others]).max(axis=(1, 2))
    assert (changed > 1e-2).all()


def test_one_open_look_sees_the_element_itself(make_scan: MakeScan) -> None:
    scan = make_scan()
    features = _features(scan)
    network = _network(features)
    maps = np.array(scan.maps)
    maps[0, 5, 5] += 500
    plain, other = (
        predict_scan(network, ScanView(cube, features), [], CPU)
        for cube in (scan, scan.replace(maps=maps))
    )
    changed = np.abs(other - plain).max(0)
    assert changed[5, 5] > 1e-2
    far = np.hypot(*np.mgrid[-5:19, -5:15]) > np.hypot(network.reach, network.reach)
    assert changed[far].max() == 0


def test_reflectance_is_predicted_without_the_pixel_itself() -> None:
    cube = _reflectance()
    features = _features(cube)
    network = _network(features)
    maps = np.array(cube.maps)
    maps[:, 12, 12] += 1
    plain, other = (
        predict_scan(network, ScanView(scene, features), [], CPU)
        for scene in (cube, cube.replace(maps=maps))
    )
    changed = np.abs(other - plain).max(0)
    assert changed[11:14, 11:14].max() < 1e-6  # inside the inner square of every ring
    assert changed[12, 12 + 3] > 1e-3


def test_the_rings_are_means_of_their_valid_pixels() -> None:
    cube = _reflectance((24, 20))
    valid = np.random.default_rng(0).random(cube.shape) > 0.3
    cube = cube.replace(valid=valid)
    features = _features(cube)
    view = ScanView(cube, features)
    around = view.surroundings(slice(9, 15), slice(0, 20)).reshape(3, features.n, 6, 20)
    values = view.values(slice(0, 24))
    for number, (inner, outer) in enumerate(RINGS):
        y, x = 12, 10
        ring = np.zeros(cube.shape, dtype=bool)
        ring[y - outer // 2 : y + outer // 2 + 1, x - outer // 2 : x + outer // 2 + 1] = True
        ring[y - inner // 2 : y + inner // 2 + 1, x - inner // 2 : x + inner // 2 + 1] = False
        wanted = values[:, ring & valid].mean(1)
        np.testing.assert_allclose(around[number, :, y - 9, x], wanted, atol=1e-5)
    plain = plain_surroundings(torch.from_numpy(around.reshape(-1, 1, 6, 20)))
    np.testing.assert_allclose(plain[:, 0].numpy(), around.mean(0), atol=1e-6)


def test_views_with_and_without_the_features_kept_agree(
    masked_scan: ElementCube, monkeypatch: pytest.MonkeyPatch
) -> None:
    features = _features(masked_scan)
    kept = ScanView(masked_scan, features)
    monkeypatch.setattr("napari_mineral_anomaly.detectors.networks.msfa.view.CACHED_BYTES", 0)
    read = ScanView(masked_scan, features)
    cut = (slice(3, 11), slice(2, 17))
    np.testing.assert_array_equal(kept.values(*cut), read.values(*cut))
    for a, b in zip(kept.padded(*cut), read.padded(*cut), strict=True):
        assert a.shape[-2:] == (8 + 2 * MARGIN, 15 + 2 * MARGIN)
        np.testing.assert_array_equal(a, b)


# --- attention ------------------------------------------------------------------------------


def _attention(**changes: Any) -> ScanAttention:
    arguments: dict[str, Any] = {
        "features": 12,
        "groups": 3,
        "orthogonal": True,
        "context": True,
        "generator": torch.Generator().manual_seed(0),
    }
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return ScanAttention(**(arguments | changes))


def test_the_filters_of_the_attention_are_orthonormal() -> None:
    for filters in _attention().filters:
        flat = filters.flatten(1)
        assert flat.shape == (4, 25)
        assert torch.allclose(flat @ flat.T, torch.eye(4), atol=1e-5)


def test_attention_starts_as_the_identity_and_then_gains_at_most_its_strength() -> None:
    attention = _attention().eval()
    features = torch.randn(12, 2, 9, 11, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        assert torch.equal(attention(features), features)
        attention.strength.fill_(0.5)
        gain = attention(features) / features
    assert gain.std() > 1e-3
    assert gain.min() >= 0.5 - 1e-4
    assert gain.max() <= 1.5 + 1e-4
    # one weight per pixel and group
    by_group = gain.view(3, 4, 2, 9, 11)
    assert torch.allclose(by_group, by_group[:, :1].expand_as(by_group), atol=1e-3)


@pytest.mark.parametrize("orthogonal", [True, False])
def test_the_squeeze_is_the_average_over_the_measured_tiles(orthogonal: bool) -> None:
    attention = _attention(orthogonal=orthogonal).train()
    generator = torch.Generator().manual_seed(2)
    batches = [torch.randn(12, 3, 16, 16, generator=generator) * (k + 1) for k in range(3)]
    singles = []
    with torch.no_grad():
        for batch in batches:
            attention.reset()
            attention(batch)
            singles.append(attention.squeezed.clone())
        attention.reset()
        for batch in batches:
            attention(batch)
    mean = torch.stack(singles).mean(0)
    assert (singles[0] - singles[2]).abs().max() > 1e-5
    assert torch.allclose(attention.squeezed, mean, atol=1e-5)


def test_measuring_sets_the_statistics_to_those_of_the_tiles_evenly(make_scan: MakeScan) -> None:
    network = _network(_features(make_scan()))
    generator = torch.Generator().manual_seed(5)
    batches = [torch.randn(12, 2, 14, 14, generator=generator) + k for k in range(4)]
    network.start_measuring()
    with torch.no_grad():
        for batch in batches:
            network(batch)
    network.stop_measuring()
    assert not network.training
    norm = network.blocks[0].norm
    with torch.no_grad():
        seen = [
            network.blocks[0].neighbours(network.entry(batch.transpose(0, 1))) for batch in batches
        ]
    wanted = torch.stack([part.mean((0, 2, 3)) for part in seen]).mean(0)
    assert torch.allclose(norm.running_mean, wanted, atol=1e-5)
    spread = torch.stack([part.var((0, 2, 3)) for part in seen]).mean(0)
    assert torch.allclose(norm.running_var, spread, rtol=1e-4)
    squeezed = network.attention.squeezed.clone()
    with torch.no_grad():
        first, second = network(batches[0]).output, network(batches[0]).output
    assert torch.equal(first, second)  # frozen: looking changes nothing
    assert torch.equal(network.attention.squeezed, squeezed)


@pytest.mark.parametrize(
    "switch",
    [
        {},
        {"no_attention": True},
        {"no_groups": True},
        {"no_orthogonal": True},
        {"no_context": True},
    ],
    ids=str,
)
@pytest.mark.parametrize("tile", [1, 7, 13])
def test_tiles_give_the_numbers_of_the_whole_scan(
    masked_scan: ElementCube, switch: dict[str, bool], tile: int
) -> None:
    features = _features(masked_scan)
    network = _network(features, **switch)
    view = ScanView(masked_scan, features)
    blocks = hidden_blocks(features.n, 3, seed=0)
    whole = predict_scan(network, view, blocks, CPU)
    tiles = predict_scan(network, view, blocks, CPU, tile=tile)
    np.testing.assert_allclose(tiles, whole, atol=1e-4)
    config = MsfaConfig(mask_blocks=3, smoothing_px=0)
    at_once = predict_with_residual(network, view, config, CPU)
    of_tiles = predict_with_residual(network, view, config, CPU, tile=tile)
    latent = at_once.latent
    np.testing.assert_allclose(of_tiles.latent, latent, atol=1e-4)
    unit = features.unit[:, None, None]
    wanted = (view.values(slice(None)) - whole) * unit * masked_scan.valid
    np.testing.assert_allclose(at_once.residual, wanted, atol=1e-4)
    np.testing.assert_allclose(of_tiles.residual, wanted, atol=1e-4 * unit.max())
    assert np.isfinite(latent).all()
    assert whole.std() > 0.01


def test_a_window_gets_the_numbers_of_the_whole_scan(masked_scan: ElementCube) -> None:
    features = _features(masked_scan)
    network, view = _network(features), ScanView(masked_scan, features, kept=False)
    blocks = hidden_blocks(features.n, 3, seed=0)
    whole = predict_scan(network, view, blocks, CPU, tile=7)
    cut = (slice(5, 9), slice(3, 16))
    part = predict_scan(network, view, blocks, CPU, tile=7, window=cut)
    np.testing.assert_array_equal(part, whole[:, *cut])


@pytest.mark.parametrize("tile", [1, 11])
def test_tiles_of_reflectance_give_the_numbers_of_the_whole_scene(tile: int) -> None:
    cube = _reflectance()
    valid = np.ones(cube.shape, dtype=bool)
    valid[:4] = valid[10:14, 5:9] = False
    cube = cube.replace(valid=valid)
    features = _features(cube)
    network, view = _network(features), ScanView(cube, features)
    whole = predict_scan(network, view, [], CPU)
    tiles = predict_scan(network, view, [], CPU, tile=tile)
    np.testing.assert_allclose(tiles, whole, atol=1e-4)


@pytest.mark.parametrize("switch", [{}, {"no_attention": True}, {"no_context": True}], ids=str)
def test_a_pixel_hears_of_others_no_further_than_the_reach(
    make_scan: MakeScan, switch: dict[str, bool]
) -> None:
    network = _network(_features(make_scan()), **switch)
    assert network.reach == {"{}": 5, "{'no_attention': True}": 1}.get(str(switch), 0)
    inputs = torch.zeros(12, 1, 21, 21)
    touched = inputs.clone()
    touched[:6, 0, 10, 10] = 3
    with torch.no_grad():
        changed = (network(touched).output - network(inputs).output).abs().amax(0)[0] > 0
    rows, columns = torch.nonzero(changed, as_tuple=True)
    spread = max(int((rows - 10).abs().max()), int((columns - 10).abs().max()))
    assert spread == network.reach


def test_weights_come_from_the_seed_and_leave_the_global_state_alone(make_scan: MakeScan) -> None:
    torch.manual_seed(7)
    before = torch.random.get_rng_state()
    first = MaskedNetwork(6, 12, _config(), local=False)
    assert torch.equal(torch.random.get_rng_state(), before)
    torch.manual_seed(8)
    again, other = (MaskedNetwork(6, 12, _config(seed=seed), local=False) for seed in (0, 1))
    weights = [torch.cat([p.flatten() for p in n.parameters()]) for n in (first, again, other)]
    assert torch.equal(weights[0], weights[1])
    assert not torch.equal(weights[0], weights[2])
    assert not torch.equal(first.attention.filters, other.attention.filters)


@pytest.mark.parametrize("latent_dim", [2, 9])
def test_without_blocks_the_start_is_the_projection_on_the_longest_principal_axes(
    make_scan: MakeScan, latent_dim: int
) -> None:
    cube = make_scan((40, 30))
    config = _config(latent_dim=latent_dim)
    features, axes = fit_features(cube, config.transform, config.components)
    network = MaskedNetwork(features.n, 2 * features.n, config, local=False)
    network.start_at(axes, features.unit, 0.0)
    values = features.block(cube, slice(None))
    shown = torch.from_numpy(values)[:, None]
    with torch.no_grad():
        output = network.eval()(masked_input(shown, torch.zeros_like(shown))).output[:, 0].numpy()
    noise_units = (values * features.unit[:, None, None].astype(np.float32)).reshape(features.n, -1)
    vectors = np.linalg.svd(np.cov(noise_units))[0][:, :latent_dim]
    expected = vectors @ (vectors.T @ noise_units)
    found = output.reshape(features.n, -1) * features.unit[:, None]
    np.testing.assert_allclose(found, expected, atol=1e-2 * np.abs(expected).max())


def test_without_the_linear_path_the_start_is_that_of_chance(make_scan: MakeScan) -> None:
    cube = make_scan((40, 30))
    config = _config(no_linear_path=True)
    features, axes = fit_features(cube, config.transform, config.components)
    network = MaskedNetwork(features.n, 2 * features.n, config, local=False)
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    network.start_at(axes, features.unit, 0.0)
    after = network.state_dict()
    assert not any(name.startswith("line_") for name in after)
    assert all(torch.equal(after[name], tensor) for name, tensor in before.items())
    whole = MaskedNetwork(features.n, 2 * features.n, _config(), local=False)
    assert torch.equal(whole.exit.weight, network.exit.weight)
    path = 2 * features.n * network.bottleneck.out_channels
    assert whole.multiply_adds() - network.multiply_adds() == path


def test_the_cost_is_the_multiplications_of_the_layers() -> None:
    plain = MaskedNetwork(6, 12, _config(no_attention=True, blocks=1), local=False)
    # entry, 3x3 depthwise, wide, narrow, bottleneck (3), widen, exit, linear path
    blocks = 12 * 8 + 9 * 8 + 2 * (8 * 16) + 8 * 3 + 3 * 8 + 8 * 6
    assert plain.multiply_adds() == blocks + 2 * (6 * 3)
    full = MaskedNetwork(6, 12, _config(blocks=1), local=False)
    per_group = 2 * 4 * 4 + 9 * 4 * 4
    assert full.multiply_adds() - plain.multiply_adds() == 2 * per_group


# --- smoothing ------------------------------------------------------------------------------


def test_smoothing_averages_valid_pixels_only() -> None:
    rng = np.random.default_rng(0)
    valid = rng.random((30, 30)) > 0.3
    residual = np.where(valid, 2.0, 1e6).astype(np.float32)[None]
    out = residual.copy()
    smooth(out, valid, 0.8)
    np.testing.assert_allclose(out[0][valid], 2.0, rtol=1e-5)
    assert (out[0][~valid] == 0).all()
    noise = rng.normal(size=(1, 200, 200)).astype(np.float32)
    everywhere = np.ones((200, 200), dtype=bool)
    # White noise averaged by a Gaussian of sigma s keeps about 1 / (2 sqrt(pi) s) of its spread.
    wide, none = noise.copy(), noise.copy()
    smooth(wide, everywhere, 2.0)
    assert wide.std() == pytest.approx(1 / (4 * np.pi**0.5), rel=0.1)
    smooth(none, everywhere, 0.0)
    np.testing.assert_array_equal(none, noise)
