"""One file, one scan: HDF5, Zarr, numpy, MATLAB and ENVI, and what each does damaged.

Every form is written by the library that writes it in the field, or by the few bytes of its
description.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest
import tifffile
import zarr
from scipy.io import savemat

from napari_mineral_anomaly.errors import InputError
from napari_mineral_anomaly.io import can_read, read_maps

SHAPE = (30, 40)
MAPS = np.random.default_rng(1).integers(0, 900, (4, *SHAPE)).astype(np.uint16)
NAMES = ["Fe Ka", "Si Ka", "Ca Ka", "BSE"]
SPECTRA = np.ones((12, 14, 600), np.uint16)
PIXEL = (5.0, 5.0)


def words(names: list[str]) -> np.ndarray:
    return np.array([name.encode() for name in names], dtype="S20")


def write_xrf_maps(path: Path) -> None:
    with h5py.File(path, "w") as file:
        for fit, offset in (("NNLS", 0), ("Fitted", 1)):
            group = file.create_group(f"MAPS/XRF_Analyzed/{fit}")
            group["Counts_Per_Sec"] = (MAPS + offset).astype("f4")
            group["Channel_Names"] = words(["Fe", "Si", "Ca_K", "COMPTON_AMPLITUDE"])
        file["MAPS/Scan/x_axis"] = np.arange(SHAPE[1]) * 0.005
        file["MAPS/Scan/y_axis"] = np.arange(SHAPE[0]) * 0.005
        file["MAPS/Scalers/Values"] = np.ones((6, *SHAPE))
        file["MAPS/Scalers/Names"] = words(["I0", "Fe_mon", "a", "b", "c", "d"])
        file["MAPS/Spectra/mca_arr"] = np.zeros((300, *SHAPE), "u1")


def write_pyxrf(path: Path) -> None:
    y, x = np.mgrid[: SHAPE[0], : SHAPE[1]] * 0.005
    with h5py.File(path, "w") as file:
        file["xrfmap/detsum/xrf_fit"] = MAPS.astype("f8")
        file["xrfmap/detsum/xrf_fit_name"] = words(["Fe_K", "Si_K", "Ca_K", "compton"])
        file["xrfmap/detsum/counts"] = np.zeros((*SHAPE, 300), "u1")
        file["xrfmap/positions/pos"] = np.stack([x, y])
        file["xrfmap/positions/name"] = words(["x_pos", "y_pos"])


def write_pymca(path: Path) -> None:
    with h5py.File(path, "w") as file:
        file.attrs["pixel_size_um"] = 5.0
        for name, values in zip(("Ca_K", "Fe_K", "Si_K"), MAPS[[2, 0, 1]], strict=True):
            file[f"entry/fit/results/parameters/{name}"] = values
            file[f"entry/fit/results/uncertainties/{name}"] = values * 0.1
        file["entry/fit/results/parameters/chisq"] = MAPS[3]


def write_npz(path: Path) -> None:
    np.savez(path, maps=MAPS, elements=NAMES, pixel_size_um=5.0)


def write_npz_by_key(path: Path) -> None:
    np.savez_compressed(path, **dict(zip(("Fe", "Si", "Ca", "BSE"), MAPS, strict=True)))


def write_npy(path: Path) -> None:
    np.save(path, MAPS)
    content = {"elements": NAMES, "pixel_size_um": 5.0}
    path.with_suffix(".json").write_text(json.dumps(content))


def write_npy_channels_last(path: Path) -> None:
    np.save(path, np.moveaxis(MAPS, 0, 2))
    path.with_suffix(".txt").write_text("\n".join(NAMES))


def write_mat(path: Path) -> None:
    maps = dict(zip(("Fe", "Si", "Ca", "BSE"), MAPS, strict=True))
    savemat(path, {**maps, "note": "microprobe"})


def write_mat73(path: Path) -> None:
    with h5py.File(path, "w") as file:
        file["data"] = MAPS.transpose(0, 2, 1)
        cells = file.create_dataset("elements", (4, 1), dtype=h5py.ref_dtype)
        for i, name in enumerate(NAMES):
            file[f"#refs#/{i}"] = np.array([[ord(letter)] for letter in name], np.uint16)
            cells[i, 0] = file[f"#refs#/{i}"].ref


def write_envi(path: Path) -> None:
    path.write_text(
        f"ENVI\nsamples = {SHAPE[1]}\nlines = {SHAPE[0]}\nbands = 4\ndata type = 12\n"
        f"interleave = bil\nbyte order = 1\nband names = {{{', '.join(NAMES)}}}\n"
        "pixel size = {5, 5, units=micrometers}\n"
    )
    np.moveaxis(MAPS, 0, 1).astype(">u2").tofile(path.with_suffix(".img"))


def write_zarr(path: Path, version: int = 3) -> None:
    store = zarr.create_array(
        str(path), shape=MAPS.shape, chunks=(1, 16, 16), dtype="u2", zarr_format=version
    )
    store[:] = MAPS
    store.attrs.update({"elements": NAMES, "pixel_size_um": 5.0})


def write_ome_zarr(path: Path, version: int = 3) -> None:
    group = zarr.open_group(str(path), mode="w", zarr_format=version)
    shape = (1, 4, 1, *SHAPE)
    level = group.create_array("0", shape=shape, chunks=(1, 1, 1, 16, 16), dtype="u2")
    level[:] = MAPS[None, :, None]
    axes = [{"name": name} | ({"unit": "micrometer"} if name in "zyx" else {}) for name in "tczyx"]
    scale = [{"type": "scale", "scale": [1, 1, 1, 5, 5]}]
    described = {
        "multiscales": [
            {"axes": axes, "datasets": [{"path": "0", "coordinateTransformations": scale}]}
        ],
        "omero": {"channels": [{"label": name} for name in NAMES]},
    }
    group.attrs.update({"ome": described} if version == 3 else described)


FORMS: dict[str, tuple[str, Callable[[Path], None], bool]] = {
    "XRF-Maps": ("scan.h5", write_xrf_maps, True),
    "PyXRF": ("scan.hdf5", write_pyxrf, True),
    "PyMca": ("scan.nxs", write_pymca, True),
    "npz": ("scan.npz", write_npz, True),
    "npz by key": ("scan.npz", write_npz_by_key, False),
    "npy": ("scan.npy", write_npy, True),
    "npy channels last": ("scan.npy", write_npy_channels_last, False),
    "MATLAB 5": ("scan.mat", write_mat, False),
    "MATLAB 7.3": ("scan.mat", write_mat73, False),
    "ENVI": ("scan.hdr", write_envi, True),
    "Zarr 3": ("scan.zarr", write_zarr, True),
    "Zarr 2": ("scan.zarr", lambda path: write_zarr(path, 2), True),
    "OME-Zarr 0.5": ("scan.zarr", write_ome_zarr, True),
    "OME-Zarr 0.4": ("scan.zarr", lambda path: write_ome_zarr(path, 2), True),
}


@pytest.mark.parametrize("form", FORMS)
def test_every_form_gives_the_maps(tmp_path: Path, form: str) -> None:
    name, write, has_pixel_size = FORMS[form]
    write(tmp_path / name)
    for source in (tmp_path / name, tmp_path) if not name.endswith("zarr") else (tmp_path / name,):
        assert can_read(source)
        cube = read_maps(source)
        found = {label.split()[0]: cube.plane(c) for c, label in enumerate(cube.elements)}
        assert set(found) == {"Fe", "Si", "Ca"}
        for element, plane in zip(("Fe", "Si", "Ca"), MAPS, strict=False):
            np.testing.assert_array_equal(found[element], plane)
        assert cube.pixel_size == (pytest.approx(PIXEL) if has_pixel_size else None)
        assert len(cube.report.ignored) >= 1  # BSE, Compton or chi square


def test_a_dataset_may_be_named(tmp_path: Path) -> None:
    write_xrf_maps(tmp_path / "scan.h5")
    named = f"{tmp_path / 'scan.h5'}::/MAPS/XRF_Analyzed/Fitted/Counts_Per_Sec"
    np.testing.assert_array_equal(read_maps(named).plane(0), MAPS[0] + 1)
    assert can_read(named)
    with pytest.raises(InputError, match=r"has no dataset /MAPS/nothing; its arrays are MAPS/Scal"):
        read_maps(f"{tmp_path / 'scan.h5'}::/MAPS/nothing")


def test_several_stacks_ask_which(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "scan.h5", "w") as file:
        file["a/maps"], file["b/maps"] = MAPS, MAPS
    with pytest.raises(InputError, match=r'several stacks .*as "scan\.h5::/a/maps"'):
        read_maps(tmp_path / "scan.h5")
    assert read_maps(f"{tmp_path / 'scan.h5'}::/a").n_elements == 4


@pytest.mark.parametrize("shape", [(12, 14, 600), (70, 80, 70), (20, 20, 300)])
def test_many_unnamed_channels_are_spectra_not_maps(tmp_path: Path, shape: tuple[int, ...]) -> None:
    np.save(tmp_path / "scan.npy", np.ones(shape, np.uint16))
    with pytest.raises(InputError, match=r"(no energy calibration|spectra)"):
        read_maps(tmp_path / "scan.npy")


def test_maps_in_npy_files_named_by_element(tmp_path: Path) -> None:
    for name, values in zip(("Fe", "Si"), MAPS, strict=False):
        np.save(tmp_path / f"{name}.npy", values)
    cube = read_maps(tmp_path)
    assert cube.elements == ("Fe", "Si")
    np.testing.assert_array_equal(cube.plane(1), MAPS[1])


def test_scans_beside_each_other_ask_which(tmp_path: Path) -> None:
    write_npz(tmp_path / "a.npz")
    write_xrf_maps(tmp_path / "b.h5")
    with pytest.raises(InputError, match=r"holds 2 scans \(a\.npz and b\.h5\): open one of them"):
        read_maps(tmp_path)


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.9])
@pytest.mark.parametrize("form", [form for form in FORMS if "Zarr" not in form])
def test_cut_files_are_refused(tmp_path: Path, form: str, share: float) -> None:
    name, write, _ = FORMS[form]
    write(tmp_path / name)
    path = tmp_path / name if form != "ENVI" else tmp_path / "scan.img"
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * share)])
    with pytest.raises(InputError, match=r"^scan\.") as error:
        read_maps(tmp_path / name)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("content", [b"only words\n", b"\x00" * 300, b"II*\x00\x08\x00\x00\x00"])
@pytest.mark.parametrize("name", sorted({name for name, _, _ in FORMS.values()} - {"scan.zarr"}))
def test_wrong_contents_are_refused(tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=r"^scan\."):
        read_maps(tmp_path / name)
    can_read(tmp_path / name)  # never raises


@pytest.mark.parametrize("name", sorted({name for name, _, _ in FORMS.values()} - {"scan.zarr"}))
def test_a_folder_in_place_of_a_file_is_told(tmp_path: Path, name: str) -> None:
    (tmp_path / name).mkdir()
    with pytest.raises(InputError, match=r"is empty"):
        read_maps(tmp_path / name)


@pytest.mark.parametrize("form", ["Zarr 3", "Zarr 2", "OME-Zarr 0.5"])
@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.9])
def test_cut_chunks_are_refused(tmp_path: Path, form: str, share: float) -> None:
    FORMS[form][1](tmp_path / "scan.zarr")
    metadata = {"zarr.json", ".zarray", ".zattrs", ".zgroup"}
    chunks = [p for p in (tmp_path / "scan.zarr").rglob("*") if p.is_file()]
    chunk = max((p for p in chunks if p.name not in metadata), key=lambda p: p.stat().st_size)
    content = chunk.read_bytes()
    chunk.write_bytes(content[: int(len(content) * share)])
    with pytest.raises(InputError, match=r"^scan\.zarr (is damaged|cannot be read)"):
        read_maps(tmp_path / "scan.zarr")


@pytest.mark.parametrize("kind", ["empty", "no chunks", "broken metadata", "absurd"])
def test_stores_without_numbers_are_refused(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "scan.zarr"
    if kind == "empty":
        path.mkdir()
    elif kind == "absurd":
        store = zarr.create_array(
            str(path), shape=(3, 10**6, 10**6), chunks=(1, 100, 100), dtype="u2"
        )
        store[0, :100, :100] = 7
    else:
        write_zarr(path)
        if kind == "no chunks":
            for chunk in (path / "c").rglob("*"):
                if chunk.is_file():
                    chunk.unlink()
        else:
            (path / "zarr.json").write_text("{")
    with pytest.raises(InputError, match=r"^scan\.zarr "):
        read_maps(path)


def test_absent_chunks_are_told(tmp_path: Path) -> None:
    write_zarr(tmp_path / "scan.zarr")
    (tmp_path / "scan.zarr" / "c" / "0" / "0" / "0").unlink()
    report = read_maps(tmp_path / "scan.zarr").report
    assert "1 of its 24 chunks are not stored and read as 0" in report.warnings[0]


def write_unwritten(path: Path) -> None:
    with h5py.File(path, "w") as file:
        file.create_dataset("Fe", shape=(10**6, 10**6), dtype="f8", chunks=(100, 100))


def write_half_written(path: Path) -> None:
    with h5py.File(path, "w") as file:
        part = file.create_dataset("Fe", shape=(40, 40), dtype="f8", chunks=(20, 20))
        part[:20, :20] = 1.0


def write_large_header(path: Path) -> None:
    np.save(path, MAPS)
    content = path.read_bytes()
    path.write_bytes(content.replace(b"(4, 30, 40)", b"(4, 9999999, 9999999)"))


def write_large_envi(path: Path) -> None:
    write_envi(path)
    path.write_text(path.read_text().replace("lines = 30", "lines = 99999999"))


@pytest.mark.parametrize(
    ("name", "write", "sentence"),
    [
        ("scan.h5", write_unwritten, r"declares 8e\+03 GB of numbers, the file holds \d+ bytes"),
        ("scan.h5", write_half_written, r"3 of the 4 blocks of Fe were never written"),
        ("scan.npy", write_large_header, r"cut short: its header promises \d{15} bytes|damaged"),
        ("scan.hdr", write_large_envi, r"cut short or the header is wrong"),
    ],
)
def test_sizes_are_checked_before_room_is_made(
    tmp_path: Path, name: str, write: Callable[[Path], None], sentence: str
) -> None:
    write(tmp_path / name)
    with pytest.raises(InputError, match=sentence):
        read_maps(tmp_path / name)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (("bands = 4", "bands = 3"), r"declares 3 bands but names 4"),
        (("data type = 12", "data type = 6"), r"data type 6"),
        (("samples = 40", "samples = many"), r"samples"),
    ],
)
def test_envi_headers_that_disagree(tmp_path: Path, change: tuple[str, str], sentence: str) -> None:
    write_envi(tmp_path / "scan.hdr")
    text = (tmp_path / "scan.hdr").read_text()
    (tmp_path / "scan.hdr").write_text(text.replace(*change))
    with pytest.raises(InputError, match=sentence):
        read_maps(tmp_path / "scan.hdr")


def test_names_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    write_npy(tmp_path / "scan.npy")
    (tmp_path / "scan.json").write_text(json.dumps(NAMES[:3]))
    with pytest.raises(InputError, match=r"list of elements beside scan\.npy has 3 names"):
        read_maps(tmp_path / "scan.npy")


def test_duplicate_names_in_a_file_keep_the_first(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "scan.h5", "w") as file:
        file["xrfmap/detsum/xrf_fit"] = MAPS
        file["xrfmap/detsum/xrf_fit_name"] = words(["Fe_K", "Si_K", "Fe_K", "Num_Iter"])
    cube = read_maps(tmp_path / "scan.h5")
    assert cube.elements == ("Fe K", "Si K")
    assert "plane 3 (Fe_K) is a second map of Fe K; plane 1 is used" in cube.report.warnings[0]


@pytest.mark.parametrize("form", ["npz", "Zarr 3", "XRF-Maps"])
def test_odd_numbers_are_counted_not_hidden(tmp_path: Path, form: str) -> None:
    values = MAPS.astype("f8")
    values[0, 0, :4] = np.nan, np.inf, -5, 1e35
    if form == "npz":
        np.savez(tmp_path / "scan.npz", maps=values, elements=NAMES)
        path = tmp_path / "scan.npz"
    elif form == "Zarr 3":
        path = tmp_path / "scan.zarr"
        zarr.create_array(str(path), data=values).attrs["elements"] = NAMES
    else:
        path = tmp_path / "scan.h5"
        with h5py.File(path, "w") as file:
            file["MAPS/XRF_fits"], file["MAPS/channel_names"] = values, words(NAMES)
    cube = read_maps(path)
    np.testing.assert_array_equal(cube.plane(0)[0, :4], [np.nan, np.inf, -5, 1e35])
    used = cube.report.used[0]
    assert (used.nan, used.negative) == (2, 1)
    assert "beyond 1e+30" in " ".join(cube.report.warnings)


def test_links_in_hdf5_files_that_lead_in_circles(tmp_path: Path) -> None:
    write_pymca(tmp_path / "scan.h5")
    with h5py.File(tmp_path / "scan.h5", "a") as file:
        file["entry/self"] = h5py.SoftLink("/entry")
        file["entry/lost"] = h5py.ExternalLink("missing.h5", "/")
        file["entry/hard"] = file["entry"]
    assert read_maps(tmp_path / "scan.h5").n_elements == 3


def stack_of(path: Path, *names: str) -> list[str]:
    maps = np.random.default_rng(0).poisson(40, (len(names), 9, 8)).astype(np.uint16)
    if path.suffix == ".tif":
        tifffile.imwrite(path, maps, imagej=True, metadata={"axes": "CYX", "Labels": list(names)})
    elif path.suffix == ".zarr":
        zarr.create_array(str(path), data=maps).attrs["elements"] = list(names)
    else:
        with h5py.File(path, "w") as file:
            file["maps"], file["elements"] = maps, list(names)
    cube = read_maps(path)
    return [*cube.elements, *(line for line in cube.report.warnings if "left out of" in line)]


@pytest.mark.parametrize("kind", [".tif", ".zarr", ".h5"])
def test_channels_without_an_element_are_left_out_and_told(tmp_path: Path, kind: str) -> None:
    name = f"scan{kind}"
    assert stack_of(tmp_path / name, "Fe Ka", "Si Ka", "chan 3") == [
        *("Fe Ka", "Si Ka"),
        f"1 plane is left out of {name} because no element is in the name (chan 3): "
        "call each map by its element, for example Fe, to have it read.",
    ]
    assert stack_of(tmp_path / f"odd{kind}", "map A", "map C", "map D", "map E") == [
        "C",
        f"3 planes are left out of odd{kind} because no element is in the name (map A, map D and "
        "map E): call each map by its element, for example Fe, to have it read; if C is no element "
        "here, rename it, too, and all planes are read as they are.",
    ]
    assert stack_of(tmp_path / f"bse{kind}", "Fe", "Si", "BSE") == ["Fe", "Si"]
