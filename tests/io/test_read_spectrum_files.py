"""Readers of spectrum images: what they read, and what they refuse."""

from __future__ import annotations

import json
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from numpy.typing import NDArray

from napari_mineral_anomaly.cli import main
from napari_mineral_anomaly.errors import InputError
from napari_mineral_anomaly.io import can_read, read_maps
from napari_mineral_anomaly.io.formats.lookup import is_spectrum_image, open_spectra

H, W, E = 6, 5, 512
COUNTS = np.random.default_rng(0).integers(0, 50, (H, W, E), dtype=np.uint16)


def write_ripple(folder: Path, counts: NDArray[Any] = COUNTS, **changes: str) -> Path:
    by_image = changes.get("record-by") == "image"
    dtype = np.dtype(counts.dtype)
    header = {
        "key": "value",
        "width": str(counts.shape[1]),
        "height": str(counts.shape[0]),
        "depth": str(counts.shape[2]),
        "offset": "0",
        "data-length": str(dtype.itemsize),
        "data-type": {"u": "unsigned", "i": "signed", "f": "float"}[dtype.kind],
        "byte-order": "big-endian" if dtype.byteorder == ">" else "little-endian",
        "record-by": "vector",
        "depth-scale": "0.02",
        "depth-origin": "-0.1",
        "depth-units": "keV",
        "width-scale": "0.1",
        "width-units": "mm",
        "height-scale": "0.05",
        "height-units": "mm",
    } | changes
    path = folder / "scan.rpl"
    path.write_text("".join(f"{k}\t{v}\r\n" for k, v in header.items() if v), encoding="ascii")
    stored = counts.transpose(2, 0, 1) if by_image else counts
    (folder / "scan.raw").write_bytes(b"\0" * int(header["offset"]) + stored.tobytes())
    return path


def write_envi(folder: Path, interleave: str, order: int, **changes: str) -> Path:
    turned = {"bsq": (2, 0, 1), "bil": (0, 2, 1), "bip": (0, 1, 2)}[interleave]
    dtype = ">u2" if order else "<u2"
    header = {
        "samples": str(W),
        "lines": str(H),
        "bands": str(E),
        "header offset": "0",
        "data type": "12",
        "interleave": interleave,
        "byte order": str(order),
        "wavelength units": "keV",
        "wavelength": "{" + ", ".join(f"{0.1 + 0.02 * i:.4f}" for i in range(E)) + "}",
    } | changes
    path = folder / "scan.hdr"
    path.write_text("ENVI\n" + "".join(f"{k} = {v}\n" for k, v in header.items() if v), "ascii")
    (folder / "scan.dat").write_bytes(COUNTS.transpose(turned).astype(dtype).tobytes())
    return path


def write_spd(folder: Path) -> Path:
    head = struct.pack("<16s7I", b"MAPSPECTRA_DATA", 1, H * W, W, H, E, 2, 2048)
    path = folder / "scan.spd"
    path.write_bytes(head.ljust(2048, b"\0") + COUNTS.astype("<u2").tobytes())
    return path


def write_h5(folder: Path, layout: str) -> Path:
    path = folder / "scan.h5"
    with h5py.File(path, "w") as file:
        if layout == "maps":
            file["MAPS/mca_arr"] = COUNTS.transpose(2, 0, 1)
            file["MAPS/energy"] = 0.02 * np.arange(E)
            file["MAPS/x_axis"] = 0.01 * np.arange(W)
            file["MAPS/y_axis"] = 0.02 * np.arange(H)
        elif layout == "xrf-maps":
            file["MAPS/Spectra/mca_arr"] = COUNTS.transpose(2, 0, 1).astype(np.float32)
            file["MAPS/Spectra/Energy"] = 0.02 * np.arange(E)
        elif layout == "pyxrf":
            file["xrfmap/detsum/counts"] = COUNTS
        elif layout == "nexus":
            group = file.create_group("entry/data")
            group.attrs["NX_class"], group.attrs["signal"] = "NXdata", "counts"
            group["counts"] = COUNTS
            group["energy"] = 20.0 * np.arange(E)
            group["energy"].attrs["units"] = "eV"
        elif layout == "pymca":
            group = file.create_group("entry/detector")
            group.attrs["NX_class"], group.attrs["signal"] = "NXdata", "data"
            group["data"] = COUNTS
            group["calibration"] = [0.0, 0.02, 0.0]
        elif layout == "hyperspy":
            group = file.create_group("Experiments/scan")
            group["data"] = COUNTS
            for i, (scale, units) in enumerate(((2.0, "µm"), (3.0, "µm"), (0.02, "keV"))):
                axis = group.create_group(f"axis-{i}")
                axis.attrs["scale"], axis.attrs["offset"], axis.attrs["units"] = scale, 0.0, units
            sample = group.create_group("metadata/Sample")
            sample.attrs["_list_elements"] = np.array(["Fe", "Si"], dtype="S")
    return path


def write_npy(folder: Path) -> Path:
    np.save(folder / "scan.npy", COUNTS)
    return folder / "scan.npy"


def write_npz(folder: Path) -> Path:
    np.savez_compressed(folder / "scan.npz", counts=COUNTS, energy=0.02 * np.arange(E))
    return folder / "scan.npz"


WRITERS: dict[str, Callable[[Path], Path]] = {
    "ripple": write_ripple,
    "ripple by image": lambda folder: write_ripple(folder, **{"record-by": "image"}),
    "ripple big-endian": lambda folder: write_ripple(folder, COUNTS.astype(">u4")),
    "ripple with offset": lambda folder: write_ripple(folder, offset="77"),
    "ripple float": lambda folder: write_ripple(folder, COUNTS.astype("<f4")),
    "envi bsq": lambda folder: write_envi(folder, "bsq", 0),
    "envi bil": lambda folder: write_envi(folder, "bil", 1),
    "envi bip": lambda folder: write_envi(folder, "bip", 0),
    "maps": lambda folder: write_h5(folder, "maps"),
    "xrf-maps": lambda folder: write_h5(folder, "xrf-maps"),
    "pyxrf": lambda folder: write_h5(folder, "pyxrf"),
    "nexus": lambda folder: write_h5(folder, "nexus"),
    "pymca": lambda folder: write_h5(folder, "pymca"),
    "hyperspy": lambda folder: write_h5(folder, "hyperspy"),
    "npy": write_npy,
    "npz": write_npz,
    "edax": write_spd,
}
WITHOUT_CALIBRATION = ("pyxrf", "npy", "edax")


def opened(name: str, folder: Path) -> Any:
    if name == "edax":
        pytest.importorskip("rsciio", reason="the extra bcf is not installed")
    return open_spectra(WRITERS[name](folder))


@pytest.mark.parametrize("name", WRITERS)
def test_every_count_is_read_where_it_was_written(name: str, tmp_path: Path) -> None:
    image = opened(name, tmp_path)
    assert (image.shape, image.n_channels) == ((H, W), E)
    assert np.array_equal(image.block(slice(0, H)), COUNTS)
    assert np.array_equal(image.block(slice(2, 4), slice(1, 3)), COUNTS[2:4, 1:3])
    assert np.array_equal(image.spectrum_at(5, 4), COUNTS[5, 4])
    assert np.array_equal(image.sum_spectrum(), COUNTS.sum(axis=(0, 1)))
    if name in WITHOUT_CALIBRATION:
        assert image.energy is None
    else:
        assert image.energy.gain_kev == pytest.approx(0.02)


@pytest.mark.parametrize("name", ["ripple", "envi bil", "nexus", "npy"])
def test_spectra_stay_in_their_file(name: str, tmp_path: Path) -> None:
    # Not mapped into memory either: a mapped file that is cut short ends the process.
    assert not isinstance(opened(name, tmp_path).counts, np.ndarray)


def test_ripple_tells_calibration_and_pixel_size(tmp_path: Path) -> None:
    image = open_spectra(write_ripple(tmp_path))
    assert (image.energy.offset_kev, image.energy.gain_kev) == (-0.1, 0.02)
    assert image.pixel_size == (50.0, 100.0)
    assert image.files == ("scan.raw", "scan.rpl")


@pytest.mark.parametrize("units", [("mm", "um"), ("", "")])
def test_ripple_sizes_in_two_units_or_none_are_not_used(
    tmp_path: Path, units: tuple[str, str]
) -> None:
    across, down = units
    path = write_ripple(tmp_path, **{"width-units": across, "height-units": down})
    assert open_spectra(path).pixel_size is None


def test_ev_per_channel_is_understood_and_a_wrong_unit_is_told(tmp_path: Path) -> None:
    changes = {"depth-scale": "", "depth-origin": "", "depth-units": "", "ev-per-chan": "10"}
    assert open_spectra(write_ripple(tmp_path, **changes)).energy.gain_kev == 0.01
    image = open_spectra(write_ripple(tmp_path, **{"depth-scale": "10"}))
    assert image.energy is None
    assert "10 keV cannot be right" in image.notes[0]


def test_other_layouts_tell_what_they_hold(tmp_path: Path) -> None:
    maps = open_spectra(write_h5(tmp_path, "maps"))
    assert maps.pixel_size == pytest.approx((20.0, 10.0))
    hyperspy = open_spectra(write_h5(tmp_path, "hyperspy"))
    assert hyperspy.pixel_size == (2.0, 3.0)
    assert hyperspy.declared_elements == ("Fe", "Si")


def test_a_dataset_can_be_named(tmp_path: Path) -> None:
    path = tmp_path / "odd.h5"
    with h5py.File(path, "w") as file:
        file["a/first"] = COUNTS
        file["b/second"] = COUNTS.transpose(2, 0, 1)
    with pytest.raises(InputError, match=r"a/first \(6x5x512\).*open one as odd.h5::/a/first"):
        open_spectra(path)
    for place in ("a/first", "b/second"):
        image = open_spectra(path, f"/{place}")
        assert np.array_equal(image.block(slice(0, H)), COUNTS)
        assert "is taken for the channels" in [*image.notes, *image.steps][0]
    with pytest.raises(InputError, match="no dataset c/third"):
        open_spectra(path, "/c/third")


def test_a_typed_calibration_overrules_the_file(tmp_path: Path) -> None:
    image = open_spectra(write_ripple(tmp_path), energy=(0.0, 0.01))
    assert (image.energy.offset_kev, image.energy.gain_kev) == (0.0, 0.01)


def test_maps_are_no_spectrum_images(tmp_path: Path) -> None:
    np.save(tmp_path / "maps.npy", COUNTS[:, :, :20])
    (tmp_path / "text.txt").write_text("1 2\n3 4\n")
    for name in ("maps.npy", "text.txt", "nothing.rpl"):
        assert not is_spectrum_image(tmp_path / name)
    write_envi(tmp_path, "bsq", 0, **{"wavelength units": "nm"})
    assert not is_spectrum_image(tmp_path / "scan.hdr")


def test_a_missing_calibration_is_asked_for(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no energy calibration.*--energy 0 0\.01"):
        read_maps(write_h5(tmp_path, "pyxrf"))


def test_options_for_spectra_are_refused_for_maps(tmp_path: Path) -> None:
    for name in ("Fe", "Si"):
        np.savetxt(tmp_path / f"{name}.txt", np.arange(20).reshape(4, 5))
    with pytest.raises(InputError, match="are for spectrum images"):
        read_maps(tmp_path, energy=(0.0, 0.01))


def peaks(height: int = 8, width: int = 9) -> NDArray[np.uint16]:
    """Silicon and iron everywhere, 20 eV per channel."""
    kev = 0.02 * np.arange(E)
    mean = 20.0 * np.exp(-kev / 5)
    for line, total in ((1.740, 4000.0), (6.400, 3000.0), (7.058, 400.0)):
        sigma = np.sqrt(0.060**2 + 5.545 * 0.115 * 0.00365 * line) / 2.3548
        mean += total * np.exp(-0.5 * ((kev - line) / sigma) ** 2) * 0.02 / (sigma * 2.5066)
    rng = np.random.default_rng(0)
    return rng.poisson(mean, (height, width, E)).astype(np.uint16)


def test_read_maps_makes_element_maps_and_says_how(tmp_path: Path) -> None:
    path = write_ripple(tmp_path, peaks(), **{"depth-origin": "0"})
    cube = read_maps(path)
    assert cube.elements == ("Si", "Fe")
    assert cube.spectra is not None
    assert cube.pixel_size == (50.0, 100.0)
    assert float(cube.plane(1).mean()) == pytest.approx(0.84 * 3000, rel=0.05)
    report = cube.report
    assert report is not None
    assert report.spectrum is not None
    assert [line.line for line in report.spectrum.elements] == ["Ka", "Ka"]
    assert report.spectrum.gain_kev == 0.02
    assert report.used[0].file == "scan.raw"
    assert can_read(path)
    chosen = read_maps(path, elements=["Fe", "Ca"], pixel_size=7.0, energy=(0.0, 0.02))
    assert chosen.elements == ("Fe", "Ca")
    assert chosen.pixel_size == (7.0, 7.0)
    assert chosen.report is not None
    assert chosen.report.spectrum is not None
    assert chosen.report.spectrum.calibration_source == "typed by the user"


def test_a_folder_with_one_spectrum_image_is_that_image(tmp_path: Path) -> None:
    write_ripple(tmp_path, peaks(), **{"depth-origin": "0"})
    assert can_read(tmp_path)
    assert read_maps(tmp_path).elements == ("Si", "Fe")


def cut(path: Path, share: float) -> None:
    data = path.read_bytes()
    path.write_bytes(data[: int(share * len(data))])


DATA_FILE = {"ripple": "scan.raw", "envi bip": "scan.dat"}
ONE_PER_READER = ("ripple", "envi bip", "maps", "pyxrf", "npy", "npz", "edax")


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.9])
@pytest.mark.parametrize("name", ONE_PER_READER)
def test_a_file_cut_short_is_refused(name: str, share: float, tmp_path: Path) -> None:
    if name == "edax":
        pytest.importorskip("rsciio", reason="the extra bcf is not installed")
    path = WRITERS[name](tmp_path)
    cut(tmp_path / DATA_FILE.get(name, path.name), share)
    with pytest.raises(InputError, match=r"scan\."):
        open_spectra(path).block(slice(0, H))


@pytest.mark.parametrize("name", [*ONE_PER_READER, "bruker", "jeol"])
def test_something_else_under_the_name_is_refused(name: str, tmp_path: Path) -> None:
    if name in ("edax", "bruker", "jeol"):
        pytest.importorskip("rsciio", reason="the extra bcf is not installed")
    names = {"bruker": "scan.bcf", "jeol": "scan.pts"}
    path = tmp_path / names[name] if name in names else WRITERS[name](tmp_path)
    for text in (b"this is a letter, not a measurement\n" * 200, bytes(range(256)) * 40):
        path.write_bytes(text)
        with pytest.raises(InputError, match=r"scan\."):
            open_spectra(path).block(slice(0, H))


ABSURD = "4000000000"


@pytest.mark.parametrize("key", ["width", "height", "depth", "offset"])
def test_absurd_ripple_headers_are_refused_before_anything_is_allocated(
    key: str, tmp_path: Path
) -> None:
    path = write_ripple(tmp_path)
    text = path.read_text()
    lines = [
        f"{key}\t{ABSURD}" if line.startswith(f"{key}\t") else line for line in text.split("\n")
    ]
    path.write_text("\n".join(lines))
    with pytest.raises(
        InputError, match=r"scan\.raw is cut short or the header is wrong.*the file has"
    ):
        open_spectra(path)


@pytest.mark.parametrize("key", ["samples", "lines", "bands", "header offset"])
def test_absurd_envi_headers_are_refused(key: str, tmp_path: Path) -> None:
    path = write_envi(tmp_path, "bip", 0, **{key: ABSURD})
    with pytest.raises(InputError, match=r"scan\.(dat|hdr)"):
        open_spectra(path)


def test_absurd_binary_headers_are_refused(tmp_path: Path) -> None:
    npy = tmp_path / "scan.npy"
    with npy.open("wb") as file:
        np.lib.format.write_array_header_1_0(
            file, {"descr": "<u2", "fortran_order": False, "shape": (10**6, 10**6, 4096)}
        )
        file.write(b"\0" * 1000)
    with h5py.File(tmp_path / "scan.h5", "w") as file:
        file.create_dataset(
            "xrfmap/detsum/counts", (10**6, 10**6, 4096), "u2", chunks=(1, 64, 4096)
        )[0, 0] = 1
    with h5py.File(tmp_path / "empty.h5", "w") as file:
        file.create_dataset("xrfmap/detsum/counts", (10, 10, 4096), "u2")
    for name, words in (("scan.npy", "bytes"), ("scan.h5", "damaged"), ("empty.h5", "no numbers")):
        with pytest.raises(InputError, match=words):
            open_spectra(tmp_path / name)
    pytest.importorskip("rsciio", reason="the extra bcf is not installed")
    path = write_spd(tmp_path)
    data = bytearray(path.read_bytes())
    data[24:32] = struct.pack("<2I", 2**31, 2**31)
    path.write_bytes(data)
    with pytest.raises(InputError, match="cut short"):
        open_spectra(path)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"width": "-5"}, "width -5"),
        ({"width": "x"}, "width x"),
        ({"data-length": "3"}, "data-length 3"),
        ({"data-type": "complex"}, "data-type complex"),
        ({"byte-order": "middle"}, "byte-order middle"),
        ({"record-by": "dont-care"}, "how the numbers are ordered"),
        ({"record-by": "row"}, "record-by row"),
        ({"depth": ""}, "lacks the line depth"),
        ({"width": "", "height": "", "depth": ""}, "no width, height and depth"),
    ],
)
def test_ripple_headers_that_make_no_sense(
    changes: dict[str, str], words: str, tmp_path: Path
) -> None:
    with pytest.raises(InputError, match=words):
        open_spectra(write_ripple(tmp_path, **changes))


def test_half_a_pair_and_too_few_channels(tmp_path: Path) -> None:
    path = write_ripple(tmp_path)
    (tmp_path / "scan.raw").unlink()
    with pytest.raises(InputError, match=r"needs scan\.raw beside it"):
        open_spectra(path)
    with pytest.raises(InputError, match="20 channels"):
        open_spectra(write_envi(tmp_path, "bip", 0, bands="20"))
    (tmp_path / "scan.dat").unlink()
    with pytest.raises(InputError, match="numbers beside it"):
        open_spectra(tmp_path / "scan.hdr")
    assert (tmp_path / "longer").mkdir() is None
    longer = write_ripple(tmp_path / "longer")
    with (tmp_path / "longer" / "scan.raw").open("ab") as file:
        file.write(b"\0" * 10)
    assert "10 bytes more" in open_spectra(longer).notes[0]


def test_what_the_library_says_is_a_note_and_not_in_the_json(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("rsciio", reason="the extra bcf is not installed")
    path = write_spd(tmp_path)
    assert main(["inspect", str(path), "--energy", "0", "0.02", "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    said = "\n".join(report["warnings"])
    assert "RosettaSciIO: Could not find .spc file named scan.spc" in said
    assert str(tmp_path) not in said


def test_without_the_library_the_sentence_names_it_and_its_licence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import sys

    for name in [name for name in sys.modules if name.split(".")[0] == "rsciio"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "rsciio", None)
    path = tmp_path / "scan.bcf"
    path.write_bytes(b"AAMVHFSS" + bytes(1000))
    with pytest.raises(InputError, match=r"RosettaSciIO \(GPL-3\).*napari-mineral-anomaly\[bcf\]"):
        open_spectra(path)


def test_the_command_line_takes_calibration_and_elements(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "scan.npy"
    np.save(path, peaks())
    assert main(["inspect", str(path), "--elements", "Fe,Si"]) == 2
    assert "--energy 0 0.01" in capsys.readouterr().err
    options = ["--energy", "0", "0.02", "--elements", "Fe,Si", "--json"]
    assert main(["inspect", str(path), *options]) == 0
    report = json.loads(capsys.readouterr().out)
    assert [used["element"] for used in report["used"]] == ["Fe", "Si"]
    assert report["spectrum"]["calibration_source"] == "typed by the user"
    assert report["spectrum"]["elements"][0]["line_kev"] == pytest.approx(6.40, abs=0.01)
