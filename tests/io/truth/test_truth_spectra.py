"""What files of spectra say of their measurement: elements, beam and live time reach the maps."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from napari_mineral_anomaly.cli import main
from napari_mineral_anomaly.errors import InputError
from napari_mineral_anomaly.io import read_maps
from napari_mineral_anomaly.io.formats.lookup import open_spectra

H, W, E = 4, 6, 1024
LIVE = np.linspace(0.02, 0.06, H * W).reshape(H, W)


def spectra(live: NDArray[np.float64] | float = 1.0) -> NDArray[np.uint16]:
    """Silicon and iron everywhere at 20 eV per channel; counts follow the live time."""
    kev = 0.02 * np.arange(E)
    mean = 20.0 * np.exp(-kev / 5) * (kev < 15)
    for line, total in ((1.740, 4000.0), (6.400, 3000.0), (7.058, 400.0)):
        sigma = np.sqrt(0.060**2 + 5.545 * 0.115 * 0.00365 * line) / 2.3548
        mean += total * np.exp(-0.5 * ((kev - line) / sigma) ** 2) * 0.02 / (sigma * 2.5066)
    time = np.broadcast_to(np.asarray(live, dtype=float), (H, W)) / np.mean(live)
    return np.random.default_rng(0).poisson(time[..., None] * mean).astype(np.uint16)


COUNTS = spectra()


def metadata(live: float = 0.05) -> dict[str, Any]:
    detector = {"EDS": {"live_time": live, "real_time": 0.07, "elevation_angle": 35.0}}
    return {
        "General": {"title": "thin section"},
        "Sample": {"elements": ["Ca", "Fe", "Si"], "xray_lines": ["Ca_Ka", "Fe_Ka", "Si_Ka"]},
        "Acquisition_instrument": {"SEM": {"beam_energy": 15.0, "Detector": detector}},
        "Signal": {"signal_type": "EDS_SEM"},
    }


def axes(counts: NDArray[Any]) -> list[dict[str, Any]]:
    steps = ((2.0, "µm", "y", True), (2.0, "µm", "x", True), (0.02, "keV", "Energy", False))
    return [
        {
            "_type": "UniformDataAxis",
            "name": name,
            "units": units,
            "navigate": navigate,
            "size": size,
            "scale": scale,
            "offset": 0.0,
            "is_binned": False,
        }
        for size, (scale, units, name, navigate) in zip(counts.shape, steps, strict=True)
    ]


def write_group(group: h5py.Group, values: dict[str, Any]) -> None:
    """Texts and numbers as attributes, lists of texts as datasets ``_list_NAME``: as HyperSpy."""
    for key, value in values.items():
        if isinstance(value, dict):
            write_group(group.create_group(key), value)
        elif isinstance(value, list):
            kind = h5py.string_dtype("utf-8")
            group.create_dataset(f"_list_{key}", data=np.array(value, dtype=object), dtype=kind)
        else:
            group.attrs[key] = value


def write_hspy(path: Path, counts: NDArray[Any] = COUNTS) -> Path:
    with h5py.File(path, "w") as file:
        file.attrs["file_format"], file.attrs["file_format_version"] = "HyperSpy", "3.3"
        signal = file.create_group("Experiments/thin section")
        signal["data"] = counts
        for i, axis in enumerate(axes(counts)):
            write_group(signal.create_group(f"axis-{i}"), axis)
        write_group(signal.create_group("metadata"), metadata())
        for name in ("original_metadata", "learning_results", "attributes"):
            signal.create_group(name)
    return path


def write_hspy_with_its_own_library(path: Path) -> Path:
    hspy = pytest.importorskip("rsciio.hspy", reason="the extra bcf is not installed")
    described = {"package": "hyperspy", "package_version": "2.3.0"}
    names = ("attributes", "learning_results", "models", "tmp_parameters")
    empty: dict[str, Any] = {key: {} for key in names}
    empty["attributes"] = {"_lazy": False, "ragged": False}
    signal = {
        "data": COUNTS,
        "axes": axes(COUNTS),
        "metadata": metadata(),
        "original_metadata": {},
        "package_info": described,
        **empty,
    }
    hspy.file_writer(str(path), signal)
    return path


@pytest.mark.parametrize("write", [write_hspy, write_hspy_with_its_own_library])
def test_a_real_hspy_tells_its_elements_beam_and_live_time(
    write: Callable[[Path], Path], tmp_path: Path
) -> None:
    path = write(tmp_path / "scan.hspy")
    image = open_spectra(path)
    assert image.declared_elements == ("Ca", "Fe", "Si")
    assert image.beam_kev == 15.0
    assert image.live_time is not None
    assert float(image.live_time.seconds) == 0.05
    cube = read_maps(path)
    assert cube.report is not None
    assert cube.report.spectrum is not None
    assert cube.report.spectrum.beam_kev == 15.0
    assert cube.report.spectrum.beam_source == "file"
    assert {"Si", "Fe"} <= set(cube.elements)


def test_our_hspy_is_what_the_library_of_hyperspy_reads(tmp_path: Path) -> None:
    hspy = pytest.importorskip("rsciio.hspy", reason="the extra bcf is not installed")
    [signal] = hspy.file_reader(str(write_hspy(tmp_path / "scan.hspy")))
    image = open_spectra(tmp_path / "scan.hspy")
    assert signal["metadata"]["Sample"]["elements"] == list(image.declared_elements)
    instrument = signal["metadata"]["Acquisition_instrument"]["SEM"]
    assert instrument["beam_energy"] == image.beam_kev
    assert np.array_equal(signal["data"], image.block(slice(0, H)))


def test_elements_of_older_versions_and_of_their_lines_alone(tmp_path: Path) -> None:
    for number, (key, value) in enumerate(
        [("_list_elements", ["Fe"]), ("_tuple_elements", ["Fe"]), ("_list_xray_lines", ["Fe_Ka"])]
    ):
        path = write_hspy(tmp_path / f"{number}.hspy")
        with h5py.File(path, "a") as file:
            sample = file["Experiments/thin section/metadata/Sample"]
            del sample["_list_elements"], sample["_list_xray_lines"]
            sample.attrs[key] = np.array(value, dtype="S")
        assert open_spectra(path).declared_elements == ("Fe",)


def write_maps(path: Path, live: NDArray[np.float64] = LIVE) -> Path:
    with h5py.File(path, "w") as file:
        group = file.create_group("MAPS/Spectra")
        group["mca_arr"] = spectra(live).transpose(2, 0, 1).astype(np.float32)
        group["Energy"] = 0.02 * np.arange(E)
        group["Elapsed_Livetime"] = live
        values = file.create_group("MAPS/Scan/Extra_PVs")
        for name, texts in (
            ("Names", ["2idd:m1.VAL", "2idd:BraggERdbkAO"]),
            ("Values", ["3.5", "10.5"]),
            ("Unit", ["mm", "keV"]),
        ):
            values[name] = np.array(texts, dtype="S")
    return path


def write_nexus(path: Path, **changes: Any) -> Path:
    """NXxrf-like: a cube in NXdata, linked from the detector, and a monochromator."""
    given = {"energy": 10.5, "units": "keV", "source": "Synchrotron X-ray Source"} | changes
    with h5py.File(path, "w") as file:
        entry = file.create_group("entry")
        entry.attrs["NX_class"] = "NXentry"
        for place, kind in (
            ("instrument", "NXinstrument"),
            ("instrument/source", "NXsource"),
            ("instrument/monochromator", "NXmonochromator"),
            ("instrument/fluorescence", "NXdetector"),
            ("instrument/other", "NXdetector"),
            ("data", "NXdata"),
        ):
            entry.create_group(place).attrs["NX_class"] = kind
        if given["energy"] is not None:
            entry["instrument/monochromator/energy"] = given["energy"]
            if given["units"]:
                entry["instrument/monochromator/energy"].attrs["units"] = given["units"]
        entry["instrument/source/type"] = given["source"]
        detector = entry["instrument/fluorescence"]
        detector["data"] = spectra(LIVE)
        detector["live_time"] = 1000 * LIVE
        detector["live_time"].attrs["units"] = "ms"
        entry["instrument/other/live_time"] = 77.0
        entry["data/data"] = h5py.SoftLink("/entry/instrument/fluorescence/data")
        entry["data"].attrs["signal"] = "data"
        entry["data/energy"] = 0.02 * np.arange(E)
        entry["data/energy"].attrs["units"] = "keV"
    return path


@pytest.mark.parametrize("write", [write_maps, write_nexus])
def test_beam_and_live_time_of_a_beamline(write: Callable[[Path], Path], tmp_path: Path) -> None:
    image = open_spectra(write(tmp_path / "scan.h5"))
    assert image.beam_kev == 10.5
    assert image.is_monochromatic is True
    assert image.live_time is not None
    assert np.allclose(image.live_time.plane((H, W)), LIVE)


@pytest.mark.parametrize(
    ("changes", "kev", "is_mono", "note"),
    [
        ({"energy": 10500.0, "units": "eV"}, 10.5, True, ""),
        ({"energy": 10.5e3 * 1.602176634e-19, "units": "J"}, 10.5, True, ""),
        ({"energy": 10500.0, "units": ""}, 10.5, True, "is taken for eV"),
        ({"energy": np.full(24, 10.5)}, 10.5, True, ""),
        ({"energy": np.linspace(9.0, 11.0, 24)}, None, True, "changes during the scan"),
        ({"energy": 0.0}, None, True, "not used"),
        ({"energy": None, "source": "Fixed Tube X-ray"}, None, False, ""),
    ],
)
def test_units_of_the_beam_energy_in_nexus(
    changes: dict[str, Any], kev: float | None, is_mono: bool, note: str, tmp_path: Path
) -> None:
    image = open_spectra(write_nexus(tmp_path / "scan.h5", **changes))
    assert image.beam_kev == (None if kev is None else pytest.approx(kev))
    assert image.is_monochromatic is is_mono
    assert note in " ".join(image.notes)


def test_pyxrf_keeps_the_energy_of_its_monochromator(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "scan.h5", "w") as file:
        file["xrfmap/detsum/counts"] = COUNTS
        described = file.create_group("xrfmap/scan_metadata")
        described.attrs["instrument_mono_incident_energy"] = 12.0
    image = open_spectra(tmp_path / "scan.h5")
    assert (image.beam_kev, image.is_monochromatic) == (12.0, True)


def write_ripple(folder: Path, **changes: str) -> Path:
    header = {
        "width": str(W),
        "height": str(H),
        "depth": str(E),
        "offset": "0",
        "data-length": "2",
        "data-type": "unsigned",
        "byte-order": "little-endian",
        "record-by": "vector",
        "depth-scale": "0.02",
        "depth-origin": "0",
        "depth-units": "keV",
    } | changes
    path = folder / "scan.rpl"
    lines = ["key\tvalue", *(f"{key}\t{value}" for key, value in header.items())]
    path.write_text("\n".join(lines) + "\n", encoding="ascii")
    (folder / "scan.raw").write_bytes(COUNTS.tobytes())
    return path


def test_a_ripple_header_tells_beam_and_live_time(tmp_path: Path) -> None:
    image = open_spectra(write_ripple(tmp_path, **{"beam-energy": "15", "live-time": "0.05"}))
    assert image.beam_kev == 15.0
    assert image.live_time is not None
    assert float(image.live_time.seconds) == 0.05
    wrong = open_spectra(write_ripple(tmp_path, **{"beam-energy": "15000", "live-time": "-1"}))
    assert (wrong.beam_kev, wrong.live_time) == (None, None)
    assert any("beam-energy 15000" in note for note in wrong.notes)
    assert any("live time" in note for note in wrong.notes)


def test_a_typed_beam_overrules_the_file_and_is_reported(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write_ripple(tmp_path, **{"beam-energy": "15"})
    assert main(["inspect", str(path), "--beam-energy", "9.5", "--json"]) == 0
    report = json.loads(capsys.readouterr().out)["spectrum"]
    assert (report["beam_kev"], report["beam_source"]) == (9.5, "typed")
    assert main(["inspect", str(path), "--beam-energy", "9.5"]) == 0
    assert "excited with 9.5 kV (typed by the user)" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--beam-energy", "12700"], "if 12700 eV is meant, give 12.7"),
        (["--beam-energy", "0"], "cannot be right"),
        (["--beam-energy", "-20"], "cannot be right"),
        (["--energy", "0", "10"], "if 10 eV is meant, 0.01"),
        (["--energy", "-472", "0.01"], "-0.472 if -472 eV is meant"),
        (["--energy", "20", "-0.01"], "energies that fall from channel to channel are not read"),
        (["--per-second"], "holds no live time that is read"),
    ],
)
def test_what_is_typed_in_a_wrong_unit_is_refused_with_the_likely_value(
    options: list[str], words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["inspect", str(write_ripple(tmp_path)), *options]) == 2
    said = capsys.readouterr().err
    assert words in said
    assert "Traceback" not in said


def test_options_of_spectra_are_refused_for_maps(tmp_path: Path) -> None:
    np.savetxt(tmp_path / "Fe.txt", np.arange(20).reshape(4, 5))
    np.savetxt(tmp_path / "Si.txt", np.arange(20).reshape(4, 5))
    for options in ({"beam_energy": 20.0}, {"monochromatic": True}, {"per_second": True}):
        with pytest.raises(InputError, match="are for spectrum images"):
            read_maps(tmp_path, **options)


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 2**31), st.floats(1e-3, 10.0))
def test_counts_per_second_are_counts_over_live_time(
    tmp_path_factory: pytest.TempPathFactory, seed: int, longest: float
) -> None:
    live = np.random.default_rng(seed).uniform(0.3, 1.0, (H, W)) * longest
    path = write_maps(tmp_path_factory.mktemp("maps") / "scan.h5", live)
    counts = read_maps(path, elements=["Si", "Fe"])
    rates = read_maps(path, elements=["Si", "Fe"], per_second=True)
    assert np.allclose(rates.maps, counts.maps / live, rtol=1e-6)
    assert (counts.quantity, rates.quantity) == ("counts", "unknown")
    assert rates.report is not None
    assert any(
        step.startswith("values = counts / live time") and "Elapsed_Livetime" in step
        for step in rates.report.steps
    )


def test_counts_that_follow_the_live_time_are_told(tmp_path: Path) -> None:
    report = read_maps(write_maps(tmp_path / "a.h5")).report
    assert report is not None
    assert any("The live time differs between pixels" in note for note in report.warnings)
    steady = read_maps(write_maps(tmp_path / "b.h5", np.full((H, W), 0.05))).report
    assert steady is not None
    assert not any("live time" in note for note in steady.warnings)


def test_a_pixel_without_live_time_is_missing_in_counts_per_second(tmp_path: Path) -> None:
    live = LIVE.copy()
    live[1, 2] = 0.0
    cube = read_maps(write_maps(tmp_path / "scan.h5", live), per_second=True)
    assert np.argwhere(~np.isfinite(cube.plane(0))).tolist() == [[1, 2]]
    assert not cube.valid[1, 2]
