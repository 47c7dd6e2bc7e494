"""Spectrum images, integration, and the automatic list of elements."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from napari_mineral_anomaly.errors import InputError
from napari_mineral_anomaly.progress import CancelledError, CancelToken, ProgressEvent, Task
from napari_mineral_anomaly.scan.element_maps import element_maps
from napari_mineral_anomaly.scan.spectra import EnergyAxis, SpectrumImage
from napari_mineral_anomaly.scan.spectra import image as image_module
from napari_mineral_anomaly.scan.spectra.background import continuum
from napari_mineral_anomaly.scan.spectra.excitation import beam_from_spectrum
from napari_mineral_anomaly.scan.spectra.suggest import (
    analyse_sum,
    suggest_elements,
)
from napari_mineral_anomaly.scan.spectra.windows import element_windows

Spectrum = Callable[..., NDArray[np.float64]]
Cube = Callable[..., NDArray[np.uint16]]
AXIS = EnergyAxis(0.0, 0.01, 2048)


class CountingRows:
    """Counts that remember what was read of them."""

    def __init__(self, counts: NDArray[np.uint16]) -> None:
        self._counts = counts
        self.shape, self.dtype = counts.shape, counts.dtype
        self.largest = 0

    def __getitem__(self, index: tuple[slice, slice]) -> NDArray[np.uint16]:
        block = self._counts[index]
        self.largest = max(self.largest, block.size)
        return block


def test_sums_are_exact_and_read_in_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    counts = np.random.default_rng(0).integers(0, 9, (13, 7, 2048), dtype=np.uint16)
    rows = CountingRows(counts)
    monkeypatch.setattr(image_module, "BLOCK_COUNTS", 3 * 7 * 2048)
    image = SpectrumImage(rows, AXIS)
    events: list[ProgressEvent] = []
    total = image.sum_spectrum(Task(events.append))
    assert np.array_equal(total, counts.sum(axis=(0, 1), dtype=np.float64))
    assert rows.largest == 3 * 7 * 2048
    assert [event.step for event in events] == [3, 6, 9, 12, 13]
    rows.largest = 0
    assert image.sum_spectrum() is total  # remembered, not read again
    assert rows.largest == 0
    with pytest.raises(ValueError, match="read-only"):
        total[0] = 1


def test_spectra_of_a_pixel_and_of_a_mask() -> None:
    counts = np.random.default_rng(1).integers(0, 9, (6, 5, 2048), dtype=np.uint16)
    rows = CountingRows(counts)
    image = SpectrumImage(rows, AXIS)
    assert np.array_equal(image.spectrum_at(2, 4), counts[2, 4])
    mask = np.zeros((6, 5), dtype=bool)
    mask[1, 2] = mask[3, 3] = True
    rows.largest = 0
    assert np.array_equal(image.spectrum_of(mask), (counts[1, 2] + counts[3, 3]).astype(float))
    assert rows.largest == 3 * 2 * 2048  # the rows and columns that the mask touches
    assert not image.spectrum_of(np.zeros((6, 5), dtype=bool)).any()
    with pytest.raises(IndexError, match="outside"):
        image.spectrum_at(6, 0)
    with pytest.raises(InputError, match="5x5"):
        image.spectrum_of(np.ones((5, 5), dtype=bool))


def test_a_missing_number_in_one_pixel_does_not_void_the_sum() -> None:
    counts = np.ones((3, 3, 2048), dtype=np.float32)
    counts[1, 1, 5] = np.nan
    assert SpectrumImage(counts, AXIS).sum_spectrum()[5] == 8


def test_a_cancelled_sum_stops_and_is_not_kept() -> None:
    image = SpectrumImage(np.ones((4, 4, 2048), dtype=np.uint16), AXIS)
    token = CancelToken()
    token.cancel()
    with pytest.raises(CancelledError):
        image.sum_spectrum(task=Task(token=token))
    assert image.sum_spectrum()[0] == 16
    with pytest.raises(CancelledError):
        element_maps(image, element_windows(["Fe"], AXIS), task=Task(token=token))


@pytest.mark.parametrize(
    ("counts", "energy", "words"),
    [
        (np.zeros((4, 4)), None, "rows, columns and channels"),
        (np.zeros((0, 4, 8)), None, "the shape"),
        (np.zeros((4, 4, 8), dtype=complex), None, "real numbers"),
        (np.zeros((4, 4, 8)), AXIS, "2048 channels"),
    ],
)
def test_what_is_no_spectrum_image_is_refused(
    counts: NDArray[np.float64], energy: EnergyAxis | None, words: str
) -> None:
    with pytest.raises(InputError, match=words):
        SpectrumImage(counts, energy)


def test_without_a_calibration_the_sentence_says_how_to_give_one() -> None:
    image = SpectrumImage(np.zeros((4, 4, 8)))
    with pytest.raises(InputError, match=r"--energy 0 0\.01"):
        image.require_energy()
    assert image.with_energy(0, 0.01).require_energy().gain_kev == 0.01


def test_a_linear_continuum_leaves_no_net_counts_and_a_peak_all_of_its_own() -> None:
    [window] = element_windows(["Fe"], AXIS)
    slope = 300.0 - 10.0 * AXIS.kev
    peak = slope.copy()
    peak[AXIS.channel_range(6.398, 6.408)] += 1000.0
    cube = element_maps(SpectrumImage(np.stack([[slope, peak]]), AXIS), [window])
    assert cube.plane(0).tolist() == [pytest.approx([0.0, 1000.0], abs=1e-3)]


def test_maps_are_net_counts_and_negative_ones_are_kept(
    cube_of: Cube, expected_spectrum: Spectrum
) -> None:
    grain = (slice(4, 7), slice(5, 9))
    matrix, inside = {"Si": 3000.0, "Fe": 500.0}, {"P": 2000.0, "Ca": 4000.0}
    counts = cube_of((12, 14), matrix, grain, inside, continuum=3.0)
    image = SpectrumImage(counts, AXIS, pixel_size=(10.0, 20.0), beam_kev=20.0)
    windows = element_windows(["P", "Ca", "Fe"], AXIS, 20.0)
    cube = element_maps(image, windows)
    assert cube.elements == ("P", "Ca", "Fe")
    assert cube.maps.dtype == np.float32
    assert (cube.quantity, cube.pixel_size, cube.spectra) == ("counts", (10.0, 20.0), image)
    outside = np.ones((12, 14), dtype=bool)
    outside[grain] = False
    for element, where in (("P", grain), ("Ca", grain), ("Fe", outside)):
        c = cube.elements.index(element)
        made_of = inside if element in inside else matrix
        only = expected_spectrum({element: made_of[element]}, continuum=0.0)
        alone = element_maps(SpectrumImage(only[None, None], AXIS), [windows[c]])
        wanted = float(alone.plane(0)[0, 0])
        assert float(cube.plane(c)[where].mean()) == pytest.approx(wanted, rel=0.03)
    calcium = cube.plane(1)[outside]
    assert (calcium < 0).any()
    assert abs(calcium.mean()) < 4 * calcium.std() / np.sqrt(calcium.size)


def test_counts_of_the_window_can_be_kept_whole(cube_of: Cube) -> None:
    counts = cube_of((5, 6), {"Fe": 300.0})
    windows = element_windows(["Fe"], AXIS)
    cube = element_maps(SpectrumImage(counts, AXIS), windows, background="none")
    inside = AXIS.channel_range(windows[0].low_kev, windows[0].high_kev)
    assert cube.maps.dtype == np.uint32
    assert np.array_equal(cube.plane(0), counts[:, :, inside].sum(axis=2))


def test_blocks_do_not_change_a_count(cube_of: Cube, monkeypatch: pytest.MonkeyPatch) -> None:
    counts = cube_of((11, 5), {"Si": 500.0, "Fe": 300.0})
    windows = element_windows(["Si", "Fe"], AXIS)
    whole = element_maps(SpectrumImage(counts, AXIS), windows).maps
    monkeypatch.setattr(image_module, "BLOCK_COUNTS", 2 * 5 * 2048)
    assert np.array_equal(element_maps(SpectrumImage(counts, AXIS), windows).maps, whole)


def test_a_window_between_two_channels_is_refused() -> None:
    image = SpectrumImage(np.ones((2, 2, 64)), EnergyAxis(0.0, 0.3, 64))
    windows = element_windows(["Fe"], EnergyAxis(0.0, 0.01, 2048))
    with pytest.raises(InputError, match="holds no channel"):
        element_maps(image, windows)


def test_the_continuum_passes_under_the_peaks(expected_spectrum: Spectrum) -> None:
    bare = expected_spectrum({}, continuum=2000.0)
    full = expected_spectrum({"Si": 1e6, "Fe": 1e6}, continuum=2000.0)
    flat = slice(200, 1500)  # clear of the detector threshold at 0.3 keV
    assert continuum(full, AXIS)[flat] == pytest.approx(bare[flat], rel=0.08)


MIXTURES = [
    {"Si": 4e5, "Ca": 1e6, "Fe": 8e5},
    {"Al": 2e5, "Si": 6e5, "K": 2e5, "Ca": 3e5, "Ti": 5e4, "Mn": 3e4, "Fe": 9e5},
    {"S": 3e5, "Fe": 6e5, "Cu": 2e5, "Zn": 1e5},
]


@pytest.mark.parametrize("counts", MIXTURES, ids=lambda counts: "-".join(counts))
def test_the_elements_of_a_mixture_are_found_and_no_others(
    counts: dict[str, float], expected_spectrum: Spectrum
) -> None:
    spectrum = np.random.default_rng(0).poisson(expected_spectrum(counts, continuum=3000.0))
    found = suggest_elements(spectrum.astype(float), AXIS, beam=20.0)
    # Below 0.9 keV the bend of the continuum can pass for oxygen: a limit that the docs name.
    assert {one.element for one in found} - {"O"} == set(counts)
    assert all(one.significance > 6 for one in found)


def test_k_beta_of_iron_is_not_cobalt_but_cobalt_is(expected_spectrum: Spectrum) -> None:
    rng = np.random.default_rng(1)
    iron = rng.poisson(expected_spectrum({"Fe": 3e6, "Ca": 5e5}, continuum=3000.0)).astype(float)
    both = iron + rng.poisson(expected_spectrum({"Co": 3e5}, continuum=0.0))
    assert "Co" not in {one.element for one in suggest_elements(iron, AXIS, beam=20.0)}
    assert "Co" in {one.element for one in suggest_elements(both, AXIS, beam=20.0)}


def test_barium_is_told_from_titanium_by_its_other_lines(expected_spectrum: Spectrum) -> None:
    rng = np.random.default_rng(2)
    for element, other in (("Ba", "Ti"), ("Ti", "Ba")):
        mixture = {element: 5e5, "Si": 5e5, "Fe": 5e5}
        spectrum = rng.poisson(expected_spectrum(mixture, continuum=3000.0, beam_kev=20.0))
        found = {one.element for one in suggest_elements(spectrum.astype(float), AXIS, (), 20.0)}
        assert element in found
        assert other not in found


def test_declared_elements_are_listed_whether_they_show_or_not(expected_spectrum: Spectrum) -> None:
    spectrum = np.random.default_rng(3).poisson(expected_spectrum({"Si": 1e5, "Fe": 1e5}))
    found = {
        one.element: one
        for one in suggest_elements(spectrum.astype(float), AXIS, ("Fe", "Zn", "C"), 20.0)
    }
    assert set(found) == {"Si", "Fe", "Zn"}  # carbon lies below what the detector counts well
    assert (found["Fe"].declared, found["Si"].declared) == (True, False)
    assert found["Zn"].significance < 3


def test_peaks_beside_their_lines_are_still_found_and_the_shift_is_told(
    expected_spectrum: Spectrum,
) -> None:
    mixture = {"Si": 5e5, "Ca": 8e5, "Fe": 8e5, "Zn": 3e5}
    spectrum = np.random.default_rng(4).poisson(
        expected_spectrum(mixture, continuum=2000.0, stretch=0.994)
    )
    analysis = analyse_sum(spectrum.astype(float), AXIS, (), 20.0)
    assert {one.element for one in analysis.suggestions} == set(mixture)
    zinc = float(AXIS.channels_to_kev(analysis.fit.energy.kev_to_channels(8.63)))
    assert zinc - 8.63 == pytest.approx(-0.006 * 8.63, abs=0.008)


def test_an_empty_spectrum_shows_nothing() -> None:
    assert suggest_elements(np.zeros(2048), AXIS) == []


def test_the_beam_is_read_off_the_end_of_the_continuum(expected_spectrum: Spectrum) -> None:
    rng = np.random.default_rng(5)
    for beam in (10.0, 18.0):
        spectrum = rng.poisson(expected_spectrum({"Fe": 1e5}, continuum=1e4, beam_kev=beam))
        assert beam_from_spectrum(spectrum.astype(float), AXIS) == pytest.approx(beam, abs=1.0)
