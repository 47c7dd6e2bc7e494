"""HDF5 files that take their numbers from elsewhere, or that cannot be unpacked here."""

from __future__ import annotations

import re
import subprocess
import sys
import zlib
from pathlib import Path

import h5py
import numpy as np
import pytest

from napari_mineral_anomaly.errors import InputError
from napari_mineral_anomaly.io import read_maps
from napari_mineral_anomaly.io.formats.lookup import open_spectra

NAMES = np.array([b"Ca", b"Fe", b"Si", b"Ti"])
MAPS = np.random.default_rng(3).integers(1, 900, (4, 24, 37)).astype(np.uint16)


def write_virtual(path: Path, source: str, dataset: str = "maps", covered: int = 4) -> Path:
    layout = h5py.VirtualLayout(MAPS.shape, MAPS.dtype)
    for i in range(covered):
        layout[i] = h5py.VirtualSource(source, dataset, MAPS.shape)[i]
    with h5py.File(path, "w") as file:
        file.create_virtual_dataset("maps", layout)
        file["elements"] = NAMES
    return path


def write_source(path: Path) -> Path:
    path.parent.mkdir(exist_ok=True)
    with h5py.File(path, "w") as file:
        file["maps"], file["elements"] = MAPS, NAMES
        file.create_dataset("unwritten", MAPS.shape, MAPS.dtype, chunks=True)
        file["spectra"] = np.ones((12, 14, 600), np.uint16)
    return path


def test_virtual_datasets_are_read_within_their_folder(tmp_path: Path) -> None:
    write_source(tmp_path / "scan" / "source.h5")
    path = write_virtual(tmp_path / "scan" / "master.h5", "source.h5")
    np.testing.assert_array_equal(read_maps(path).maps, MAPS)


@pytest.mark.parametrize(
    ("source", "dataset", "covered", "sentence"),
    [
        ("../other/source.h5", "maps", 4, r"outside its own folder"),
        ("/etc/hostname", "maps", 4, r"outside its own folder"),
        ("gone.h5", "maps", 4, r"gone\.h5, which is not there, so they would read as zeros"),
        ("source.h5", "gone", 4, r"where there is no such dataset"),
        ("source.h5", "unwritten", 4, r"source\.h5 holds no numbers in unwritten"),
        ("source.h5", "maps", 3, r"888 of the 3552 numbers of maps have no source"),
        ("master.h5", "maps", 4, r"where there is no such dataset"),
    ],
)
def test_virtual_datasets_that_would_read_as_zeros_or_elsewhere(
    tmp_path: Path, source: str, dataset: str, covered: int, sentence: str
) -> None:
    write_source(tmp_path / "other" / "source.h5")
    write_source(tmp_path / "scan" / "source.h5")
    path = write_virtual(tmp_path / "scan" / "master.h5", source, dataset, covered)
    with pytest.raises(InputError, match=sentence):
        read_maps(path)


def test_a_damaged_virtual_dataset_does_not_end_the_process(tmp_path: Path) -> None:
    """The byte tells how many dimensions a selection has; libhdf5 2.0 trusts it."""
    write_source(tmp_path / "source.h5")
    path = write_virtual(tmp_path / "master.h5", "source.h5")
    content = bytearray(path.read_bytes())
    content[content.index(b"source.h5") + 32] = 255
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"^master\.h5 (is damaged|cannot be read)"):
        read_maps(path)
    with pytest.raises(InputError, match=r"^master\.h5 (is damaged|cannot be read)"):
        open_spectra(path)


def test_a_link_to_a_folder_outside_is_outside(tmp_path: Path) -> None:
    write_source(tmp_path / "other" / "source.h5")
    (tmp_path / "scan").mkdir()
    (tmp_path / "scan" / "inside").symlink_to(tmp_path / "other")
    path = write_virtual(tmp_path / "scan" / "master.h5", "inside/source.h5")
    with pytest.raises(InputError, match="outside its own folder"):
        read_maps(path)


def test_numbers_in_a_raw_file_are_not_opened(tmp_path: Path) -> None:
    MAPS.tofile(tmp_path / "numbers.bin")
    with h5py.File(tmp_path / "scan.h5", "w") as file:
        place = [(str(tmp_path / "numbers.bin"), 0, MAPS.nbytes)]
        file.create_dataset("maps", MAPS.shape, MAPS.dtype, external=place)
        file["elements"] = NAMES
    with pytest.raises(InputError, match=r"scan\.h5: the numbers of maps lie in another file"):
        read_maps(tmp_path / "scan.h5")


@pytest.mark.parametrize("dataset", ["", "::/maps", "::/deeper/maps"])
def test_links_to_other_files_are_named_not_followed(tmp_path: Path, dataset: str) -> None:
    write_source(tmp_path / "source.h5")
    path = tmp_path / "scan.h5"
    with h5py.File(path, "w") as file:
        file["maps"] = h5py.ExternalLink("source.h5", "/maps")
        file["deeper/maps"] = h5py.SoftLink("/maps")
    with pytest.raises(
        InputError, match=r"scan\.h5.*(source\.h5, which is not followed|no dataset)"
    ):
        read_maps(f"{path}{dataset}")


def test_spectra_behind_a_link_are_not_followed(tmp_path: Path) -> None:
    write_source(tmp_path / "source.h5")
    path = tmp_path / "scan.h5"
    with h5py.File(path, "w") as file:
        file["MAPS/mca_arr"] = h5py.ExternalLink("source.h5", "/spectra")
    with pytest.raises(InputError, match="holds no spectra"):
        open_spectra(path)
    with pytest.raises(InputError, match="has no dataset"):
        open_spectra(path, "MAPS/mca_arr")


def test_links_inside_a_file_are_followed(tmp_path: Path) -> None:
    path = write_source(tmp_path / "scan.h5")
    with h5py.File(path, "a") as file:
        file["one"], file["two"] = h5py.SoftLink("/two"), h5py.SoftLink("/maps")
        file["loop"] = h5py.SoftLink("/loop")
    np.testing.assert_array_equal(read_maps(f"{path}::/one").maps, MAPS)
    with pytest.raises(InputError, match="has no dataset /loop"):
        read_maps(f"{path}::/loop")


def test_a_block_larger_than_the_file_can_hold_is_refused_before_it_is_unpacked(
    tmp_path: Path,
) -> None:
    path = tmp_path / "scan.h5"
    with h5py.File(path, "w") as file:
        data = file.create_dataset(
            "maps",
            MAPS.shape,
            MAPS.dtype,
            maxshape=(None, None, None),
            chunks=(4, 20_000, 20_000),
            compression="gzip",
        )
        data.id.write_direct_chunk((0, 0, 0), zlib.compress(bytes(1000)))
        file["elements"] = NAMES
    with pytest.raises(InputError, match=r"declares 3\.2 GB of numbers, the file holds \d+ bytes"):
        read_maps(path)


def write_filtered(path: Path, code: int) -> Path:
    """A dataset whose settings name a filter; its blocks are written without it."""
    with h5py.File(path, "w") as file:
        settings = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        settings.set_chunk((1, 24, 37))
        # Optional, so that a library without the filter can make the dataset.
        settings.set_filter(code, h5py.h5z.FLAG_OPTIONAL, (0,))
        space, kind = h5py.h5s.create_simple(MAPS.shape), h5py.h5t.py_create(MAPS.dtype)
        made = h5py.h5d.create(file.id, b"maps", kind, space, settings)
        for i, plane in enumerate(MAPS):
            made.write_direct_chunk((i, 0, 0), plane.tobytes())
        file["elements"] = NAMES
    return path


WITHOUT_THE_PACKAGE = """
import sys

sys.modules["hdf5plugin"] = None  # importing it fails, as where it is not installed
from napari_mineral_anomaly import read_maps
from napari_mineral_anomaly.errors import InputError

try:
    read_maps(sys.argv[1])
except InputError as error:
    print(error)
"""


@pytest.mark.parametrize(("code", "name"), [(32008, "bitshuffle"), (32004, "LZ4"), (32015, "Zst")])
def test_a_missing_filter_names_the_package(tmp_path: Path, code: int, name: str) -> None:
    """In a process of its own: the package stays known to HDF5 once something has imported it."""
    path = write_filtered(tmp_path / "scan.h5", code)
    told = subprocess.run(
        [sys.executable, "-c", WITHOUT_THE_PACKAGE, str(path)],
        capture_output=True,
        text=True,
        check=True,
    )
    assert re.search(rf"HDF5 filter {name}.*pip install hdf5plugin", told.stdout)


def test_a_filter_that_nobody_has_is_named_without_a_package(tmp_path: Path) -> None:
    path = write_filtered(tmp_path / "scan.h5", 33333)
    with pytest.raises(InputError, match=r"HDF5 filter 33333.*save the file with gzip") as error:
        read_maps(path)
    assert "hdf5plugin" not in str(error.value)
