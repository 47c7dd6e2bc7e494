"""The spectrum of a region as EMSA/MAS text: read back by hand and by RosettaSciIO."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_mineral_anomaly.errors import InputError
from napari_mineral_anomaly.io.writing.msa import SavedSpectrum, region_to_save, write_msa
from napari_mineral_anomaly.scan.looking.region import region_spectrum
from napari_mineral_anomaly.scan.spectra import EnergyAxis, SpectrumImage
from napari_mineral_anomaly.scan.spectra.beam import Beam
from napari_mineral_anomaly.scan.spectra.live_time import live_time

AXIS = EnergyAxis(-0.1, 0.02, 300)
COUNTS = np.random.default_rng(0).integers(0, 50, (6, 5, 300), dtype=np.uint16)
SECONDS = 0.1 * np.arange(1, 31).reshape(6, 5)
REGION = np.zeros((6, 5), dtype=bool)
REGION[1:3, 2:5] = True


def image() -> SpectrumImage:
    live, _ = live_time(SECONDS, (6, 5), "the file")
    return SpectrumImage(
        COUNTS, AXIS, pixel_size=(2.0, 3.0), live_time=live, source="/data/scan \u00e9: 1.rpl"
    )


def keywords(path: Path) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for line in path.read_text("ascii").splitlines():
        if line.startswith("#"):
            key, _, value = line[1:].partition(":")
            found.setdefault(key.split("-")[0].strip(), []).append(value.strip())
    return found


def save(path: Path, beam: Beam | None) -> Path:
    counts = region_spectrum(image(), REGION).counts
    return write_msa(path, region_to_save(image(), REGION, counts, beam))


def test_the_file_says_all_that_is_known(tmp_path: Path) -> None:
    path = save(tmp_path / "grain.msa", Beam(20.0))
    said = keywords(path)
    assert said["FORMAT"] == ["EMSA/MAS Spectral Data File"]
    assert [float(said[key][0]) for key in ("NPOINTS", "XPERCHAN", "OFFSET", "NCOLUMNS")] == [
        300,
        0.02,
        -0.1,
        1,
    ]
    assert (said["XUNITS"], said["SIGNALTYPE"], said["DATATYPE"]) == (["keV"], ["EDS"], ["XY"])
    assert float(said["BEAMKV"][0]) == 20.0
    assert float(said["LIVETIME"][0]) == pytest.approx(SECONDS[REGION].sum())
    assert said["COMMENT"][:3] == [
        "sum of 6 pixels, rows 1 to 2, columns 2 to 4",
        "centre at row 1.50, column 3.00, counted from 0",
        "centre 9 um right, 3 um down of the first pixel",
    ]
    rows = [line.split(",") for line in path.read_text("ascii").splitlines() if line[0] != "#"]
    assert np.allclose([float(x) for x, _ in rows], AXIS.kev)
    assert np.array_equal([float(y) for _, y in rows], COUNTS[REGION].sum(axis=0))


def test_the_library_of_hyperspy_reads_it(tmp_path: Path) -> None:
    msa = pytest.importorskip("rsciio.msa", reason="the extra bcf is not installed")
    [signal] = msa.file_reader(str(save(tmp_path / "grain.msa", Beam(20.0))))
    [axis] = signal["axes"]
    assert (axis["size"], axis["scale"], axis["offset"], axis["units"]) == (300, 0.02, -0.1, "keV")
    assert np.array_equal(signal["data"], COUNTS[REGION].sum(axis=0))
    instrument = signal["metadata"]["Acquisition_instrument"]["TEM"]
    assert instrument["beam_energy"] == 20.0
    assert instrument["Detector"]["EDS"]["live_time"] == pytest.approx(SECONDS[REGION].sum())


def test_an_estimated_beam_is_a_comment_and_one_energy_is_fluorescence(tmp_path: Path) -> None:
    said = keywords(save(tmp_path / "a.msa", Beam(26.0, False, "spectrum")))
    assert "BEAMKV" not in said
    assert any("about 26 keV, estimated" in comment for comment in said["COMMENT"])
    assert keywords(save(tmp_path / "b.msa", Beam(12.7, True)))["SIGNALTYPE"] == ["XRF"]
    assert "BEAMKV" not in keywords(save(tmp_path / "c.msa", None))


def test_one_pixel_and_a_pixel_without_live_time(tmp_path: Path) -> None:
    live, _ = live_time(np.where(SECONDS[2, 3] == SECONDS, 0, SECONDS), (6, 5), "the file")
    scan = SpectrumImage(COUNTS, AXIS, live_time=live)
    counts = region_spectrum(scan, (2, 3)).counts
    said = keywords(write_msa(tmp_path / "p.msa", region_to_save(scan, (2, 3), counts)))
    assert said["COMMENT"][0] == "1 pixel, rows 2 to 2, columns 3 to 3"
    assert "LIVETIME" not in said


def test_what_cannot_be_written_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="Cannot write"):
        save(tmp_path / "no folder" / "a.msa", None)
    uncalibrated = SpectrumImage(COUNTS)
    with pytest.raises(InputError, match="no energy calibration"):
        region_to_save(uncalibrated, (0, 0), COUNTS[0, 0].astype(float))


@settings(max_examples=25, deadline=None)
@given(
    st.lists(st.floats(0, 1e12), min_size=2, max_size=40),
    st.floats(-1, 1),
    st.floats(1e-3, 0.1),
    st.text(max_size=40),
)
def test_any_spectrum_and_title_come_back(
    tmp_path_factory: pytest.TempPathFactory,
    values: list[float],
    offset: float,
    gain: float,
    title: str,
) -> None:
    msa = pytest.importorskip("rsciio.msa", reason="the extra bcf is not installed")
    path = tmp_path_factory.mktemp("msa") / "a.msa"
    axis = EnergyAxis(offset, gain, len(values))
    write_msa(path, SavedSpectrum(np.array(values), axis, title=title, comments=[title]))
    [signal] = msa.file_reader(str(path))
    assert np.allclose(signal["data"], values, rtol=1e-8)
    assert signal["axes"][0]["scale"] == pytest.approx(gain, rel=1e-8)
    assert signal["axes"][0]["offset"] == pytest.approx(offset, rel=1e-8, abs=1e-12)
