"""Images beside the maps: offered in register, refused with the numbers, never an element."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

from napari_mineral_anomaly import ElementCube
from napari_mineral_anomaly.errors import InputError
from napari_mineral_anomaly.io import read_maps
from napari_mineral_anomaly.io.reading.companions import read_phase_text
from napari_mineral_anomaly.scan.report_text import report_lines

SHAPE = (20, 30)
RNG = np.random.default_rng(0)


@pytest.fixture
def scan(tmp_path: Path) -> Path:
    folder = tmp_path / "scan" / "tiff"
    folder.mkdir(parents=True)
    for name in ("Fe", "Si", "Ca"):
        tifffile.imwrite(folder / f"{name}.tif", RNG.poisson(50, SHAPE).astype(np.uint16))
    return folder


def offered(cube: ElementCube) -> dict[str, str]:
    return {image.file.name: image.kind for image in cube.context}


def test_each_kind_is_offered_and_none_is_an_element(scan: Path) -> None:
    bse = RNG.integers(0, 255, SHAPE).astype(np.uint8)
    tifffile.imwrite(scan / "S1_BSE.tif", bse)
    tifffile.imwrite(scan / "mask.tif", bse > 100)
    np.savetxt(scan / "phases.txt", RNG.integers(0, 5, SHAPE), fmt="%d")
    np.savetxt(scan / "Compton.csv", RNG.integers(0, 99, SHAPE), fmt="%d", delimiter=",")
    photo = RNG.integers(0, 255, (*SHAPE, 3)).astype(np.uint8)
    tifffile.imwrite(scan / "overview.tif", photo, photometric="rgb")
    Image.fromarray(photo).save(scan / "ppl.png")
    cube = read_maps(scan)
    assert cube.elements == ("Ca", "Fe", "Si")
    assert offered(cube) == {
        "S1_BSE.tif": "bse",
        "mask.tif": "mask",
        "phases.txt": "phase",
        "Compton.csv": "other",
        "overview.tif": "optical",
        "ppl.png": "optical",
    }
    images = {image.file.name: image.image for image in cube.context}
    assert np.array_equal(images["S1_BSE.tif"], bse)
    assert np.array_equal(images["overview.tif"], photo)
    assert np.array_equal(images["ppl.png"], photo)
    assert all(one.offered for one in cube.report.context)


def test_a_mask_of_another_shape_is_refused_with_the_numbers(scan: Path) -> None:
    tifffile.imwrite(scan / "mask.tif", np.zeros((23, 30), np.uint8))
    cube = read_maps(scan)
    assert cube.context == ()
    [mask] = cube.report.context
    assert (mask.offered, mask.shape) == (False, (23, 30))
    assert any(
        line.startswith("mask.tif is not used as a mask of these maps: it has 23x30 pixels, the")
        and "20x30" in line
        for line in cube.report.warnings
    )


def test_a_phase_map_in_words_has_labels_and_names(scan: Path) -> None:
    words = np.array(["Qtz", "Grt", "Ap"])[RNG.integers(0, 3, SHAPE)]
    (scan / "minerals.txt").write_text("\n".join(" ".join(row) for row in words))
    [phase] = read_maps(scan).context
    assert phase.kind == "phase"
    assert phase.names == {1: "Ap", 2: "Grt", 3: "Qtz"}
    named = np.array(["", *phase.names.values()])[phase.image]
    assert np.array_equal(named, words)
    assert phase.image.dtype == np.uint8


def test_a_list_of_points_is_no_phase_map(scan: Path) -> None:
    (scan / "Classification.txt").write_text("Quartz 3 4\nGarnet 9 9\nZoisite 1 12\n")
    cube = read_maps(scan)
    assert cube.context == ()
    [ignored] = [one for one in cube.report.ignored if one.file == "Classification.txt"]
    assert ignored.reason == "a list of 3 points or classes, not a map"


def test_ragged_words_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "minerals.txt"
    path.write_text("a b c\na b\n")
    with pytest.raises(InputError, match="lines hold 2 to 3 entries"):
        read_phase_text(path)


def test_images_in_the_folder_above_count_only_in_register(scan: Path) -> None:
    words = np.full(SHAPE, "Qtz")
    (scan.parent / "minerals.txt").write_text("\n".join(" ".join(row) for row in words))
    tifffile.imwrite(scan.parent / "BSE.tif", np.zeros((5, 5), np.uint8))
    tifffile.imwrite(scan.parent / "photo.tif", np.zeros((*SHAPE, 3), np.uint8), photometric="rgb")
    cube = read_maps(scan)
    assert offered(cube) == {"minerals.txt": "phase"}
    assert [one.file for one in cube.report.context] == ["../minerals.txt"]
    tifffile.imwrite(scan.parent / "Fe.tif", np.zeros(SHAPE, np.uint8))
    assert read_maps(scan).context == ()


def test_truth_and_damaged_images_are_not_offered(scan: Path) -> None:
    tifffile.imwrite(scan / "truth.tif", np.zeros(SHAPE, np.uint8))
    (scan / "BSE.tif").write_bytes(b"")
    cube = read_maps(scan)
    assert cube.context == ()
    assert "empty" in next(o.reason for o in cube.report.ignored if o.file == "BSE.tif")


def test_images_are_read_when_looked_at_and_kept(scan: Path) -> None:
    tifffile.imwrite(scan / "BSE.tif", np.full(SHAPE, 7, np.uint8))
    cube = read_maps(scan)
    [bse] = cube.replace(source="renamed").context
    tifffile.imwrite(scan / "BSE.tif", np.full(SHAPE, 9, np.uint8))
    assert bse.image.max() == 9
    assert bse.image is bse.image
    (scan / "BSE.tif").unlink()
    assert bse.image.max() == 9


def test_an_image_that_changed_its_shape_meanwhile(scan: Path) -> None:
    tifffile.imwrite(scan / "BSE.tif", np.full(SHAPE, 7, np.uint8))
    [bse] = read_maps(scan).context
    tifffile.imwrite(scan / "BSE.tif", np.full((5, 6), 7, np.uint8))
    with pytest.raises(InputError, match=r"BSE\.tif has 5x6 pixels now"):
        _ = bse.image


def test_a_cube_refuses_context_of_another_shape(scan: Path) -> None:
    tifffile.imwrite(scan / "BSE.tif", np.full(SHAPE, 7, np.uint8))
    context = read_maps(scan).context
    with pytest.raises(InputError, match="The image BSE has 20x30 pixels, the element maps 4x4"):
        ElementCube(np.ones((1, 4, 4)), ["Fe"], context=context)


def test_the_report_lists_them(scan: Path) -> None:
    tifffile.imwrite(scan / "BSE.tif", np.zeros(SHAPE, np.uint8))
    lines = report_lines(read_maps(scan).report)
    where = lines.index("In register beside the maps, offered as context:")
    assert lines[where + 1] == "  BSE.tif: electron image"


@pytest.mark.parametrize(
    ("folder", "kinds"),
    [
        ("ironstone_muxrf", {"Phase_map.tiff": "optical", "Sample_image.tiff": "optical"}),
        ("semarkona_obj1", {"obj1_8bt_BSE.tif": "bse"}),
        ("chloritoid_epma", {"Cp.txt": "bse"}),
        ("xminlearn/AS14_1/tiff", {"BSE.tif": "bse", "minerals.txt": "phase"}),
        ("xminlearn/ME_17_1/text", {"BSE.gz": "bse", "minerals.txt": "phase"}),
        ("metapelite_arac01b", {}),
    ],
)
def test_companions_of_real_scans(real_data: Path, folder: str, kinds: dict[str, str]) -> None:
    cube = read_maps(real_data / "maps" / folder)
    assert offered(cube) == kinds
    for image in cube.context:
        assert image.image.shape[:2] == cube.shape


def test_minerals_of_a_real_phase_map(real_data: Path) -> None:
    context = read_maps(real_data / "maps" / "xminlearn" / "AS14_1" / "tiff").context
    phase = next(image for image in context if image.kind == "phase")
    counts = {phase.names[i]: int(np.count_nonzero(phase.image == i)) for i in phase.names}
    assert counts["Ap"] == 181
    assert counts["Grt"] == 74619
    assert sum(counts.values()) == 400 * 512
