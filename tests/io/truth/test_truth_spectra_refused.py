"""Spectra that are refused with true sentences: no maps, broken decoders, wrong calibrations."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_mineral_anomaly.cli import main
from napari_mineral_anomaly.errors import InputError
from napari_mineral_anomaly.io import read_maps
from napari_mineral_anomaly.io.formats import vendors
from napari_mineral_anomaly.io.formats.lookup import open_spectra
from napari_mineral_anomaly.io.formats.shared.spectra import axis_from_energies, axis_or_note
from napari_mineral_anomaly.scan.spectra import EnergyAxis

COUNTS = np.random.default_rng(0).integers(0, 50, (4, 6, 512), dtype=np.uint16)


@pytest.mark.parametrize(
    ("ending", "words"),
    [
        (".msa", "a spectrum without a map (EMSA/MAS): open the file with a spectrum for every"),
        (".spx", "a spectrum without a map (Bruker)"),
        (".spc", "a spectrum without a map (EDAX)"),
        (".mca", "a spectrum without a map (MCA)"),
        (".dm4", "a Gatan file, which is not read"),
    ],
)
def test_what_holds_no_map_is_called_what_it_is(
    ending: str, words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / f"scan{ending}"
    path.write_text("#FORMAT : something\n", encoding="ascii")
    assert main(["inspect", str(path)]) == 2
    assert words in capsys.readouterr().err
    assert main(["inspect", str(tmp_path)]) == 2
    assert words in capsys.readouterr().err


def test_a_zspy_without_signals_is_refused(tmp_path: Path) -> None:
    (tmp_path / "scan.zspy").mkdir()
    (tmp_path / "scan.zspy" / ".zgroup").write_text('{"zarr_format": 2}', encoding="ascii")
    with pytest.raises(InputError, match=r"scan\.zspy holds no maps and no spectra on a map"):
        read_maps(tmp_path / "scan.zspy")


# Makers' files: what the decoder does, done by functions that run in its place


DECODERS = """
import os, time
import numpy as np
from napari_mineral_anomaly.rosettasciio import DecodedCube

def crash(*args, **options):
    os.abort()

def hang(*args, **options):
    time.sleep(100)

def fail(*args, **options):
    raise KeyError("ClassInstance")

def cube(*args, **options):
    axes = [
        {"name": "y", "size": 4, "offset": 0, "scale": 2.0, "units": "um"},
        {"name": "x", "size": 6, "offset": 0, "scale": 2.0, "units": "um"},
        {"name": "Energy", "size": 512, "offset": -100.0, "scale": 20.0, "units": "eV"},
    ]
    detector = {"Detector": {"EDS": {"live_time": 12.0, "real_time": 15.0}}, "beam_energy": 15.0}
    described = {
        "Acquisition_instrument": {"SEM": detector},
        "Sample": {"elements": ["Fe", "Unobtainium"]},
    }
    counts = np.random.default_rng(0).integers(0, 50, (4, 6, 512), dtype=np.uint16)
    return DecodedCube(counts, 1, axes, described, [])
"""


@pytest.fixture
def bruker(tmp_path: Path) -> Path:
    pytest.importorskip("rsciio", reason="the extra bcf is not installed")
    path = tmp_path / "scan.bcf"
    path.write_bytes(b"AAMVHFSS" + bytes(1000))
    return path


@pytest.fixture
def decode_with(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], None]]:
    """Put one of `DECODERS` in the place of RosettaSciIO."""
    (tmp_path / "odd_decoders.py").write_text(DECODERS, encoding="ascii")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(vendors, "_LEAST_TIME_S", 8.0)

    def put(name: str) -> None:
        monkeypatch.setattr(vendors, "decode", getattr(import_module("odd_decoders"), name))

    yield put
    sys.modules.pop("odd_decoders", None)


@pytest.mark.parametrize(
    ("decoder", "words"),
    [
        ("crash", "RosettaSciIO ended without a result (exit code"),
        ("hang", "RosettaSciIO ended without a result (no answer in 8 s)"),
        ("fail", "cannot be read as Bruker spectrum image"),
    ],
)
def test_a_decoder_that_crashes_hangs_or_fails_is_one_sentence(
    decoder: str,
    words: str,
    bruker: Path,
    decode_with: Callable[[str], None],
    capsys: pytest.CaptureFixture[str],
) -> None:
    decode_with(decoder)
    assert main(["inspect", str(bruker)]) == 2
    said = capsys.readouterr().err
    assert words in said
    assert "scan.bcf" in said
    assert "Traceback" not in said


def test_beam_live_time_and_elements_of_makers_files(
    bruker: Path, decode_with: Callable[[str], None]
) -> None:
    decode_with("cube")
    image = open_spectra(bruker)
    assert np.array_equal(image.block(slice(0, 4)), COUNTS)
    assert (image.beam_kev, image.is_monochromatic) == (15.0, False)
    assert image.declared_elements == ("Fe",)
    assert image.live_time is not None
    assert float(image.live_time.seconds) == pytest.approx(12.0 / 24)
    assert "12 s) / 24 pixels" in image.live_time.source
    assert image.energy is not None
    assert image.energy.offset_kev == pytest.approx(-0.1)
    assert image.energy.gain_kev == pytest.approx(0.02)


# Energies


@settings(max_examples=25, deadline=None)
@given(st.floats(-1, 10), st.floats(1e-3, 0.1), st.integers(16, 4096), st.sampled_from((1.0, 1e-3)))
def test_linear_energies_are_the_calibration_in_any_unit(
    offset: float, gain: float, n: int, factor: float
) -> None:
    stored = (offset + gain * np.arange(n)) / factor
    axis, notes = axis_from_energies(stored * factor)
    assert axis is not None
    assert notes == []
    assert axis.offset_kev == pytest.approx(offset, abs=1e-9)
    assert axis.gain_kev == pytest.approx(gain, rel=1e-9)


@pytest.mark.parametrize(
    ("energies", "words"),
    [
        (20 - 0.01 * np.arange(2000), "fall from channel to channel"),
        (10.0 * np.arange(2000), "if 10 eV is meant, 0.01"),
        (0.1 * 1.002 ** np.arange(2000), "more than a peak is wide"),
        (np.full(2000, 3.0), "cannot be right"),
        (np.full(2000, np.nan), "not finite"),
    ],
)
def test_energies_that_calibrate_nothing_are_not_used(energies: Any, words: str) -> None:
    axis, notes = axis_from_energies(energies)
    assert axis is None
    assert words in " ".join(notes)


def test_a_slightly_curved_calibration_is_a_line_and_a_note() -> None:
    channels = np.arange(2000)
    axis, [note] = axis_from_energies(0.01 * channels + 6e-8 * channels**2)
    assert axis is not None
    assert "curved" in note


def test_the_quadratic_term_of_pymca_is_not_left_out_silently(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "scan.h5", "w") as file:
        group = file.create_group("entry/detector")
        group.attrs["NX_class"], group.attrs["signal"] = "NXdata", "data"
        group["data"] = COUNTS
        group["calibration"] = [0.0, 0.02, 1e-6]
    image = open_spectra(tmp_path / "scan.h5")
    assert image.energy is not None
    assert image.energy.gain_kev == pytest.approx(0.02 + 1e-6 * 511, rel=1e-6)
    assert "curved" in " ".join(image.notes)


@pytest.mark.parametrize(
    ("offset", "gain"), [(-472.0, 0.01), (0.0, 10.0), (0.0, 0.0), (0.0, -0.01), (np.nan, 0.01)]
)
def test_absurd_calibrations_are_refused_when_typed_and_noted_when_stored(
    offset: float, gain: float
) -> None:
    with pytest.raises(InputError, match="cannot be right"):
        EnergyAxis(offset, gain, 2048)
    axis, [note] = axis_or_note(offset, gain, 2048)
    assert axis is None
    assert note.startswith("the energy calibration in the file is not used")


def test_the_report_holds_the_beam_for_programs(
    bruker: Path, decode_with: Callable[[str], None], capsys: pytest.CaptureFixture[str]
) -> None:
    decode_with("cube")
    assert main(["inspect", str(bruker), "--elements", "Fe", "--per-second", "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert (report["spectrum"]["beam_kev"], report["spectrum"]["beam_source"]) == (15.0, "file")
    assert report["steps"] == [
        "values = counts / live time (0.5 s), from the live time of the map (12 s) / 24 pixels"
    ]
