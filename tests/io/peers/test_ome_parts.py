"""OME-TIFF in a file per channel, as Bio-Formats writes it with %c or %w in the name."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tifffile

from napari_mineral_anomaly.errors import InputError
from napari_mineral_anomaly.io import read_maps

NAMES = ("Fe", "Ca", "Ti")
MAPS = np.random.default_rng(6).integers(0, 900, (3, 6, 9)).astype(np.uint16)


def write(folder: Path, files: tuple[str, ...]) -> Path:
    """Each file has the whole description and its own UUID (OME schema 2016-06)."""
    blocks = "".join(
        f'<TiffData FirstC="{c}" FirstT="0" FirstZ="0" IFD="0" PlaneCount="1">'
        f'<UUID FileName="{file}">urn:uuid:{c}</UUID></TiffData>'
        for c, file in enumerate(files)
    )
    channels = "".join(
        f'<Channel ID="Channel:0:{c}" Name="{name}" SamplesPerPixel="1"/>'
        for c, name in enumerate(NAMES)
    )
    for c, (file, plane) in enumerate(zip(files, MAPS, strict=True)):
        text = (
            '<?xml version="1.0"?><OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06" '
            f'UUID="urn:uuid:{c}"><Image ID="Image:0" Name="scan"><Pixels ID="Pixels:0" '
            'Type="uint16" DimensionOrder="XYCZT" SizeX="9" SizeY="6" SizeC="3" SizeZ="1" '
            'SizeT="1" PhysicalSizeX="12.5" PhysicalSizeY="25" PhysicalSizeXUnit="µm" '
            f'PhysicalSizeYUnit="µm">{channels}{blocks}</Pixels></Image></OME>'
        )
        tifffile.imwrite(folder / file, plane, description=text.encode(), metadata=None)
    return folder


@pytest.mark.parametrize(
    "files",
    [
        ("scan_0.ome.tif", "scan_1.ome.tif", "scan_2.ome.tif"),
        ("scan_C0.ome.tif", "scan_C1.ome.tif", "scan_C2.ome.tif"),
        ("scan_Fe.ome.tif", "scan_Ca.ome.tif", "scan_Ti.ome.tif"),
    ],
)
def test_the_folder_is_the_scan(tmp_path: Path, files: tuple[str, ...]) -> None:
    cube = read_maps(write(tmp_path, files))
    assert sorted(cube.elements) == sorted(NAMES)
    for name, plane in zip(NAMES, MAPS, strict=True):
        np.testing.assert_array_equal(cube.maps[cube.elements.index(name)], plane)
    assert cube.maps.dtype == np.uint16
    assert cube.pixel_size == (25.0, 12.5)


def test_one_part_says_that_there_are_others(tmp_path: Path) -> None:
    write(tmp_path, ("part1.ome.tif", "part2.ome.tif", "part3.ome.tif"))
    cube = read_maps(tmp_path / "part2.ome.tif")
    assert cube.elements == ("Ca",)
    np.testing.assert_array_equal(cube.maps[0], MAPS[1])
    assert (
        "part2.ome.tif is one of the 3 files of a scan, the others are not read: open their "
        "folder, or all files together." in cube.report.warnings
    )


def test_renamed_parts_are_known_by_their_uuid(tmp_path: Path) -> None:
    write(tmp_path, ("part1.ome.tif", "part2.ome.tif", "part3.ome.tif"))
    (tmp_path / "part2.ome.tif").rename(tmp_path / "other.ome.tif")
    (tmp_path / "part1.ome.tif").rename(tmp_path / "part2.ome.tif")
    assert read_maps(tmp_path / "part2.ome.tif").elements == ("Fe",)
    assert read_maps(tmp_path / "other.ome.tif").elements == ("Ca",)


def test_a_part_whose_description_names_other_files_is_refused(tmp_path: Path) -> None:
    write(tmp_path, ("part1.ome.tif", "part2.ome.tif", "part3.ome.tif"))
    text = tifffile.TiffFile(tmp_path / "part2.ome.tif").ome_metadata.replace(
        'UUID="urn:uuid:1"', 'UUID="urn:uuid:9"'
    )
    tifffile.imwrite(tmp_path / "x.ome.tif", MAPS[1], description=text.encode(), metadata=None)
    with pytest.raises(InputError, match=r"one of the 3 files.*names no plane in it"):
        read_maps(tmp_path / "x.ome.tif")


@pytest.mark.parametrize("n_bytes", [0, 100, 300])
def test_a_damaged_part_is_refused(tmp_path: Path, n_bytes: int) -> None:
    write(tmp_path, ("part1.ome.tif", "part2.ome.tif", "part3.ome.tif"))
    part = tmp_path / "part2.ome.tif"
    part.write_bytes(part.read_bytes()[:n_bytes])
    with pytest.raises(InputError, match=r"part2\.ome\.tif is .*move it out of the folder"):
        read_maps(tmp_path)


def test_a_missing_part_is_told(tmp_path: Path) -> None:
    write(tmp_path, ("part1.ome.tif", "part2.ome.tif", "part3.ome.tif"))
    (tmp_path / "part1.ome.tif").rename(tmp_path / "other.ome.tif")
    assert read_maps(tmp_path).n_elements == 3
    assert not any("spread over" in text for text in read_maps(tmp_path).report.warnings)
    (tmp_path / "part2.ome.tif").unlink()
    cube = read_maps(tmp_path)
    assert sorted(cube.elements) == ["Fe", "Ti"]
    # Of the three names two are missing, and one other file is there.
    assert any("spread over 3 files" in text for text in cube.report.warnings)
    (tmp_path / "other.ome.tif").rename(tmp_path / "part1.ome.tif")
    said = read_maps(tmp_path).report.warnings
    assert (
        "The scan is spread over 3 files, and part2.ome.tif is not here: what it holds is not in "
        "the scan." in said
    )


def test_a_damaged_file_among_maps_with_titles_is_told(tmp_path: Path) -> None:
    for i, name in enumerate(NAMES):
        metadata = {"axes": "YX", "Image": {"Name": name}, "Channel": {"Name": name}}
        tifffile.imwrite(tmp_path / f"map{i}.ome.tif", MAPS[i], metadata=metadata)
    assert sorted(read_maps(tmp_path).elements) == sorted(NAMES)
    (tmp_path / "map1.ome.tif").write_bytes(b"II*\0")
    cube = read_maps(tmp_path)
    assert sorted(cube.elements) == ["Fe", "Ti"]
    [said] = [text for text in cube.report.warnings if "map1" in text]
    assert said.endswith("if it is a map, its element is not in the scan.")
