"""Real spectrum images: Ripple from a micro-XRF breadboard, Bruker from an electron microscope."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from napari_mineral_anomaly.errors import InputError
from napari_mineral_anomaly.io import read_maps
from napari_mineral_anomaly.io.formats.lookup import open_spectra


@pytest.fixture(scope="module")
def chevkinite(real_data: Path) -> Path:
    pytest.importorskip("rsciio", reason="the extra bcf is not installed")
    return real_data / "cubes" / "chevkinite_30x30.bcf"


def test_ripple_spectra_stay_on_disk_and_are_those_of_the_file(real_data: Path) -> None:
    image = open_spectra(real_data / "cubes" / "LagunaSalinas.rpl")
    raw = np.fromfile(real_data / "cubes" / "LagunaSalinas.raw", "<u4").reshape(25, 25, 4096)
    assert not isinstance(image.counts, np.ndarray)
    assert image.pixel_size == (100.0, 100.0)
    assert image.energy is not None
    assert (image.energy.offset_kev, image.energy.gain_kev) == (0.0, 0.01)
    assert np.array_equal(image.sum_spectrum(), raw.sum(axis=(0, 1)))
    assert np.array_equal(image.spectrum_at(16, 8), raw[16, 8])


def test_elements_of_the_micro_xrf_scan(real_data: Path) -> None:
    cube = read_maps(real_data / "cubes" / "LagunaSalinas.rpl")
    assert {"Al", "Si", "S", "Cl", "K", "Ca", "Ti", "Mn", "Fe", "Sr"} <= set(cube.elements)
    # Escape peak of calcium, its sum peak, and the tube's rhodium are no elements of the rock.
    assert not {"P", "Zr", "Y", "Ni", "Rh", "Pd", "Mo", "Nb"} & set(cube.elements)
    report = cube.report
    assert report is not None
    assert report.spectrum is not None
    assert report.spectrum.beam_is_estimate
    assert report.spectrum.beam_kev == pytest.approx(27, abs=2)
    assert any("The peaks are off their lines" in note for note in report.warnings)


def test_bruker_counts_calibration_and_elements(chevkinite: Path) -> None:
    image = open_spectra(chevkinite)
    assert image.energy is not None
    assert image.sum_spectrum().sum() == 18_621_362
    assert image.beam_kev == 20.0
    assert image.energy.gain_kev == pytest.approx(0.009999)
    assert image.pixel_size == pytest.approx((1.667409, 1.667409), rel=1e-5)
    assert {"Ca", "Ce", "P", "Ti"} <= set(image.declared_elements)
    assert any("experimental" in note for note in image.notes)


def test_the_apatite_grain_stands_in_the_maps_of_phosphorus_and_calcium(chevkinite: Path) -> None:
    cube = read_maps(chevkinite)
    phosphorus, calcium = (cube.plane(cube.elements.index(name)) for name in ("P", "Ca"))
    grain = phosphorus > 0.5 * phosphorus.max()
    assert 20 <= np.count_nonzero(grain) <= 40
    assert abs(float(np.median(phosphorus[~grain]))) < 0.05 * float(phosphorus.max())
    assert float(np.median(calcium[grain])) > 4 * float(np.median(calcium[~grain]))
    # Listed in the file, but not in this part of the sample.
    assert not {"Ce", "Nd", "Sm", "Gd", "Th", "C"} & set(cube.elements)
    assert "Ce" in read_maps(chevkinite, elements=["Ce", "Ti"]).elements


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.9])
def test_a_bruker_file_cut_short_is_refused(chevkinite: Path, share: float, tmp_path: Path) -> None:
    path = tmp_path / "scan.bcf"
    shutil.copyfile(chevkinite, path)
    data = path.read_bytes()
    path.write_bytes(data[: int(share * len(data))])
    with pytest.raises(InputError, match=r"scan\.bcf"):
        read_maps(path)
