"""Line energies, the choice of lines, windows and overlaps."""

from __future__ import annotations

import numpy as np
import pytest

from napari_mineral_anomaly.errors import InputError
from napari_mineral_anomaly.scan.spectra.energy import EnergyAxis, typed_energy
from napari_mineral_anomaly.scan.spectra.lines import element_lines, fwhm_kev, mapped_line
from napari_mineral_anomaly.scan.spectra.overlaps import overlapping_lines, window_overlaps
from napari_mineral_anomaly.scan.spectra.windows import element_windows, peak_share

AXIS = EnergyAxis(0.0, 0.01, 4096)


# Energies in keV as the X-ray Data Booklet prints them (Ka1, La1, Ma1).
@pytest.mark.parametrize(
    ("symbol", "name", "kev"),
    [
        ("Si", "Ka1", 1.73998),
        ("Ca", "Ka1", 3.69168),
        ("Fe", "Ka1", 6.40384),
        ("Fe", "Kb1", 7.05798),
        ("Ba", "La1", 4.46626),
        ("Pb", "La1", 10.5515),
        ("Pb", "Ma", 2.3455),
        ("Au", "La1", 9.7133),
    ],
)
def test_line_energies_are_those_of_the_tables(symbol: str, name: str, kev: float) -> None:
    found = {line.name: line.kev for line in element_lines(symbol)}
    assert found[name] == pytest.approx(kev, abs=0.004)


def test_intensities_are_relative_to_the_strongest_line_of_a_shell() -> None:
    iron = {line.name: line.intensity for line in element_lines("Fe")}
    assert iron["Ka1"] == 1.0
    assert iron["Ka2"] == pytest.approx(0.51, abs=0.02)
    assert 0.15 < iron["Kb1"] + iron.get("Kb3", 0.0) < 0.30
    lead = {line.name: line.intensity for line in element_lines("Pb") if line.shell == "L"}
    assert max(lead, key=lambda name: lead[name]) == "La1"
    assert 0.5 < lead["Lb1"] < 1.0


def test_a_beam_excites_only_shells_whose_edge_lies_below_it() -> None:
    shells = {line.shell for line in element_lines("Pb", 12.0)}  # L3 edge 13.04 keV
    assert shells == {"M"}


@pytest.mark.parametrize(
    ("symbol", "beam", "line"),
    [
        ("Fe", 50.0, "Ka"),
        ("Sr", 50.0, "Ka"),
        ("Zr", 50.0, "Ka"),
        ("Zr", 20.0, "La"),  # the K edge, 18.0 keV, is too close to the beam
        ("Ba", 50.0, "La"),
        ("Pb", 50.0, "La"),
        ("Pb", 15.0, "Ma"),
        ("Sn", 200.0, "La"),
    ],
)
def test_the_line_depends_on_what_the_beam_excites(symbol: str, beam: float, line: str) -> None:
    found = mapped_line(symbol, beam=beam)
    assert found is not None
    assert found.name == line


def test_an_element_without_a_line_in_the_spectrum_has_none() -> None:
    assert mapped_line("H") is None
    assert mapped_line("Na", EnergyAxis(1.5, 0.01, 1024)) is None


def test_the_detector_resolves_132_ev_at_manganese() -> None:
    assert fwhm_kev(5.895) == pytest.approx(0.132, abs=0.002)
    assert float(fwhm_kev(0.0)) == pytest.approx(0.060)  # electronic noise alone


def test_energies_and_channels_are_inverse() -> None:
    axis = EnergyAxis(-0.47, 0.01, 2048)
    channels = np.array([0.0, 3.5, 2047.0])
    assert axis.kev_to_channels(axis.channels_to_kev(channels)) == pytest.approx(channels)
    assert axis.channel_range(-0.47, -0.44) == slice(0, 3)
    assert axis.channel_range(100.0, 200.0) == slice(2048, 2048)
    assert axis.range_kev == (0.0, pytest.approx(20.0))


@pytest.mark.parametrize("gain", [0.0, -0.01, 10.0, float("nan"), float("inf")])
def test_a_gain_that_cannot_be_right_is_refused(gain: float) -> None:
    with pytest.raises(InputError, match="keV per channel"):
        EnergyAxis(0.0, gain, 1024)


@pytest.mark.parametrize("typed", [(0.0,), (0.0, 0.01, 0.0), ("a", "b")])
def test_a_typed_calibration_is_two_numbers(typed: tuple[float, ...]) -> None:
    with pytest.raises(InputError, match="two numbers"):
        typed_energy(typed)


def test_a_window_is_centred_on_its_line_and_holds_84_per_cent_of_the_peak() -> None:
    [window] = element_windows(["Fe"], AXIS)
    assert window.line == "Ka"
    assert (window.low_kev + window.high_kev) / 2 == pytest.approx(6.398, abs=0.004)
    assert window.high_kev - window.low_kev == pytest.approx(1.2 * float(fwhm_kev(6.4)), rel=0.01)
    assert peak_share(window.line_kev, (window.low_kev, window.high_kev)) == pytest.approx(
        0.842, abs=0.002
    )


def test_background_regions_avoid_the_lines_of_other_elements() -> None:
    [alone] = element_windows(["Mn"], AXIS)
    assert alone.right is not None
    near = element_windows(["Mn", "Fe"], AXIS)[0]
    assert near.right is not None
    iron_alone = sum(peak_share(kev, alone.right) for kev in (6.404, 6.391))
    iron_near = sum(peak_share(kev, near.right) for kev in (6.404, 6.391))
    assert iron_alone < 0.2
    assert iron_near < 0.02 + 0.5 * iron_alone


def test_a_region_beyond_the_spectrum_is_left_out() -> None:
    [window] = element_windows(["Si"], EnergyAxis(1.65, 0.01, 1024))
    assert window.left is None
    assert window.right is not None


@pytest.mark.parametrize(
    ("names", "words"),
    [
        ([], "No element is given"),
        (["Xx"], "'Xx' is not a chemical element"),
        (["SiO2"], "'SiO2' is not a chemical element"),
        (["Fe", "Fe"], "given twice: Fe Ka"),
        (["H"], "no line that this spectrum can show"),
        (["Pb K"], "no line that this spectrum can show"),
    ],
)
def test_bad_lists_of_elements_are_refused(names: list[str], words: str) -> None:
    with pytest.raises(InputError, match=words):
        element_windows(names, AXIS)


def test_a_line_can_be_chosen() -> None:
    [by_default, by_name] = element_windows(["Pb", "Pb M"], AXIS)
    assert (by_default.line, by_name.line) == ("La", "Ma")
    assert by_name.line_kev == pytest.approx(2.342, abs=0.005)


PAIRS = [
    ("Ba", "Ti", "La", "Ka"),
    ("Ti", "Ba", "Ka", "La"),
    ("S", "Pb", "Ka", "Ma"),
    ("S", "Mo", "Ka", "La"),
    ("As", "Pb", "Ka", "La"),
    ("Pb", "As", "La", "Ka"),
    ("Co", "Fe", "Ka", "Kb"),
    ("Au", "Zn", "La", "Kb"),
    ("P", "Zr", "Ka", "La"),
    ("V", "Ti", "Ka", "Kb"),
    ("Mn", "Cr", "Ka", "Kb"),
]


@pytest.mark.parametrize(("victim", "partner", "victim_line", "partner_line"), PAIRS)
def test_the_overlaps_that_every_analyst_knows_come_out(
    victim: str, partner: str, victim_line: str, partner_line: str
) -> None:
    pairs = [pair[:4] for pair in overlapping_lines([victim, partner])]
    assert (victim, partner, victim_line, partner_line) in pairs


def test_lines_that_are_apart_do_not_overlap() -> None:
    assert overlapping_lines(["Si", "Ca", "Fe", "Sr"]) == [] or all(
        {pair.victim, pair.partner} == {"Si", "Sr"}  # Sr La, 66 eV from Si Ka
        for pair in overlapping_lines(["Si", "Ca", "Fe", "Sr"])
    )
    assert overlapping_lines(["Al", "Ca", "Fe"]) == []


def test_overlaps_keep_the_names_of_the_maps() -> None:
    [first, *_] = overlapping_lines(["BaO", "TiO2", "a picture"])
    assert {first.victim, first.partner} == {"BaO", "TiO2"}
    assert abs(first.distance_ev) == pytest.approx(45, abs=6)
    assert overlapping_lines(["Pb La", "Pb Ma"]) == []


def test_the_share_of_an_overlap_is_that_of_the_gaussians() -> None:
    windows = element_windows(["Co", "Fe"], AXIS)
    [overlap] = [o for o in window_overlaps(windows) if o.victim == "Co"]
    energies = np.arange(6.0, 8.0, 0.001)

    def counts(low: float, high: float) -> float:
        total = np.zeros_like(energies)
        for line in element_lines("Fe"):
            if line.shell == "K":
                sigma = float(fwhm_kev(line.kev)) / 2.354820045
                total += (
                    line.intensity / sigma * np.exp(-0.5 * ((energies - line.kev) / sigma) ** 2)
                )
        return float(total[(energies >= low) & (energies < high)].sum())

    cobalt, iron = windows
    expected = counts(cobalt.low_kev, cobalt.high_kev) / counts(iron.low_kev, iron.high_kev)
    assert overlap.share == pytest.approx(expected, rel=0.05)
    assert overlap.partner_line == "Kb"
