"""The table of formats: what comes from it, and that nothing is declared beside it."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from npe2 import PluginManifest

import napari_mineral_anomaly
from napari_mineral_anomaly.io.formats.lookup import (
    file_patterns,
    format_of,
    is_spectrum_image,
    kind_of,
    maps_format,
    open_maps,
    what_is_read,
)
from napari_mineral_anomaly.io.formats.registry import FORMATS, TEXT, TIFF
from napari_mineral_anomaly.io.formats.shared.axes import channel_axis, energy_axis
from napari_mineral_anomaly.io.formats.shared.planes import MapFile, SpectraInside

TOP = Path(__file__).parents[2]
MANIFEST = Path(napari_mineral_anomaly.__file__).with_name("napari.yaml")


def test_the_manifest_lists_the_endings_of_the_registry() -> None:
    [reader] = PluginManifest.from_file(MANIFEST).contributions.readers
    wanted = ", ".join(f'"{pattern}"' for pattern in file_patterns())
    assert sorted(reader.filename_patterns) == sorted(file_patterns()), (
        f"write into napari.yaml, under readers: filename_patterns: [{wanted}]"
    )


def test_the_tables_in_the_documentation_are_those_of_the_registry() -> None:
    script = TOP / "docs" / "write_formats.py"
    done = subprocess.run(
        [sys.executable, str(script), "--check"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_no_ending_stands_in_two_rows() -> None:
    endings = Counter(ending for one in FORMATS for ending in one.endings)
    assert [ending for ending, count in endings.items() if count > 1] == []
    assert all(ending == ending.lower() and ending[0] == "." for ending in endings)


def test_every_row_is_read_or_says_what_it_is() -> None:
    for one in FORMATS:
        assert one.open_maps is not None or one.kind, one.name
        assert bool(one.maps_in_docs) == (one.open_maps is not None), one.name
        reads_spectra = one.open_spectra is not None and not one.advice
        assert bool(one.spectra_in_docs) == reads_spectra, one.name


def test_importing_the_registry_loads_no_heavy_library() -> None:
    heavy = ("h5py", "zarr", "dask", "matplotlib", "torch", "rsciio", "xraydb")
    code = (
        "import sys, napari_mineral_anomaly.io.formats.lookup; "
        f"print([name for name in {heavy} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("name", ["Fe.tif", "Fe.TIFF", "Fe.ome.tif", "a.b.OME.TIF"])
def test_capitals_and_endings_of_two_parts_make_no_difference(name: str) -> None:
    assert format_of(Path(name)) is TIFF
    assert format_of(Path("Fe.csv.GZ")) is TEXT


def test_a_hidden_file_has_no_ending() -> None:
    assert format_of(Path(".tif")) is None
    assert kind_of(Path(".tif")) == "not a file of maps"


def test_refusals_say_what_to_do() -> None:
    assert kind_of(Path("maps.XLS")).startswith("an old Excel sheet: open it in Excel")
    assert kind_of(Path("a.gif")) == "a picture, not counts"
    assert kind_of(Path("scan.raw")) == (
        "plain numbers that belong to a header: open the .rpl or .hdr beside it"
    )
    assert maps_format(Path("maps.xls")) is None


def test_the_phrase_of_what_is_read_names_every_format_of_maps() -> None:
    phrase = what_is_read()
    folders, files = phrase.split("a TIFF stack, a long table")
    for one in FORMATS:
        if one.open_maps is not None:
            assert one.name in (files if one.holds_scan else folders)
    assert phrase.startswith("a folder of maps named by element (TIFF, text")
    assert phrase.endswith(" files, and spectrum images")


def test_the_numbers_of_a_ripple_pair_are_no_spectrum_image_by_themselves(tmp_path: Path) -> None:
    (tmp_path / "scan.raw").write_bytes(bytes(10))
    (tmp_path / "scan.rpl").write_text("width 1")
    assert not is_spectrum_image(tmp_path / "scan.raw")
    assert is_spectrum_image(tmp_path / "scan.rpl")


def test_a_file_answers_whether_it_holds_maps_or_spectra(tmp_path: Path) -> None:
    np.save(tmp_path / "maps.npy", np.zeros((3, 20, 20)))
    np.save(tmp_path / "spectra.npy", np.zeros((3, 4, 512)))
    maps = open_maps(tmp_path / "maps.npy")
    assert isinstance(maps, MapFile)
    assert len(maps.planes) == 3
    assert isinstance(open_maps(tmp_path / "spectra.npy"), SpectraInside)
    assert open_maps(tmp_path / "scan.bcf") is None


# Which axis counts the channels


@pytest.mark.parametrize(
    ("shape", "names", "index", "is_energy"),
    [
        ((12, 300, 400), 0, 0, False),
        ((300, 400, 12), 0, 2, False),
        ((300, 400, 12), 12, 2, False),
        ((12, 300, 12), 12, 0, False),
        ((100, 300, 400), 100, 0, False),
        ((25, 25, 4096), 0, 2, True),
        ((4096, 25, 25), 0, 0, True),
        ((300, 400, 1000), 0, 2, True),
        ((1024, 300, 400), 0, 0, True),
        ((300, 400, 1024), 0, 2, True),
        # A map 256 pixels wide: 4096 channels stand out, 256 do not.
        ((4096, 50, 256), 0, 0, True),
        ((512, 50, 256), 0, 2, True),
    ],
)
def test_the_axis_of_the_channels(
    shape: tuple[int, int, int], names: int, index: int, is_energy: bool
) -> None:
    found = channel_axis(shape, names)
    assert found is not None
    assert (found.index, found.is_energy) == (index, is_energy)


def test_arrays_without_an_axis_of_channels() -> None:
    assert channel_axis((300, 400)) is None
    assert channel_axis((300, 400, 12), 11) is None
    assert energy_axis((64, 400, 64)) is None
    assert energy_axis((10, 400, 100)) == 2
