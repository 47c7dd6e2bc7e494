"""Folders as people keep them: what is used, what is ignored and why, what is refused."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import numpy as np
import pytest
import tifffile
from skimage.io import imsave

from napari_mineral_anomaly import detect
from napari_mineral_anomaly.errors import InputError
from napari_mineral_anomaly.grains.table import find_grains
from napari_mineral_anomaly.io import can_read, read_maps
from napari_mineral_anomaly.io.writing.tables import write_grains
from napari_mineral_anomaly.progress import CancelledError, CancelToken, ProgressEvent, Task
from napari_mineral_anomaly.simulate import simulate_section, write_section

RNG = np.random.default_rng(3)


def write(path: Path, shape: tuple[int, ...] = (6, 7), **options: object) -> np.ndarray:
    values = RNG.integers(1, 200, shape).astype(np.uint16)
    path.parent.mkdir(parents=True, exist_ok=True)
    tifffile.imwrite(path, values, **options)
    return values


def write_text(path: Path) -> np.ndarray:
    values = RNG.integers(1, 200, (6, 7))
    np.savetxt(path, values, fmt="%d", delimiter=";")
    return values


def reasons(folder: Path) -> dict[str, str]:
    return {item.file: item.reason for item in read_maps(folder).report.ignored}


def test_what_lies_beside_the_maps_is_listed_with_reasons(tmp_path: Path) -> None:
    for name in ("Fe", "Si", "truth", "obj1_mask", "BSE", "s(Fe-K)"):
        write(tmp_path / f"{name}.tif", (8, 7) if name == "obj1_mask" else (6, 7))
    tifffile.imwrite(tmp_path / "Sample_image.tif", np.zeros((6, 7, 3), np.uint8))
    imsave(tmp_path / "photo.png", np.zeros((6, 7, 3), np.uint8), check_contrast=False)
    (tmp_path / "Standards.txt").write_text("# not a matrix\n")
    (tmp_path / "scene.json").write_text("{}")
    (tmp_path / ".DS_Store").write_bytes(b"\0")
    (tmp_path / "cube.bcf").write_bytes(b"\0")
    (tmp_path / "export").mkdir()
    assert read_maps(tmp_path).elements == ("Fe", "Si")
    assert reasons(tmp_path) == {
        "truth.tif": "ground truth",
        "obj1_mask.tif": "a mask; it has 8x7 pixels, the maps have 6x7",
        "BSE.tif": "an electron image",
        "s(Fe-K).tif": "an uncertainty map",
        "Sample_image.tif": "a picture (a colour picture, not counts)",
        "photo.png": "a picture, not counts",
        "Standards.txt": "data of standards",
        "scene.json": "not a file of maps",
        ".DS_Store": "a hidden file of the system",
        "cube.bcf": "a spectrum image (Bruker)",
        "export": "a folder; open it on its own",
    }


def test_a_colour_picture_named_like_an_element_is_missed_aloud(tmp_path: Path) -> None:
    write(tmp_path / "Si.tif")
    tifffile.imwrite(tmp_path / "Fe.tif", np.zeros((6, 7, 3), np.uint8))
    report = read_maps(tmp_path).report
    assert "Fe.tif is a colour picture, not counts: Fe is not in the scan." in report.warnings


def test_duplicates_keep_the_first_and_say_so(tmp_path: Path) -> None:
    first = write(tmp_path / "Al-K.tif")
    write(tmp_path / "Al-K (1).tif")
    fe = write(tmp_path / "Fe-K.tif")
    write_text(tmp_path / "Fe-K.txt")
    cube = read_maps(tmp_path)
    assert cube.elements == ("Al K", "Fe K")
    np.testing.assert_array_equal(cube.maps, [first, fe])
    assert reasons(tmp_path) == {
        "Al-K (1).tif": "a second map of Al K; Al-K.tif is used",
        "Fe-K.txt": "a second map of Fe K; Fe-K.tif is used",
    }
    assert "Al-K (1).tif is a second map of Al K; Al-K.tif is used." in cube.report.warnings


def test_tiff_and_text_maps_may_lie_together(tmp_path: Path) -> None:
    fe, si = write(tmp_path / "Fe.tif"), write_text(tmp_path / "Si.txt")
    np.testing.assert_array_equal(read_maps(tmp_path).maps, [fe, si])


def test_two_samples_in_one_folder_ask_which(tmp_path: Path) -> None:
    planes = {
        (sample, element): write(tmp_path / f"Sample_{sample}_{element}.tif")
        for sample in ("01", "02")
        for element in ("Fe", "Si")
    }
    with pytest.raises(InputError, match=r"2 samples \(Sample_01 and Sample_02\).*--sample"):
        read_maps(tmp_path)
    for wanted in ("Sample_02", "sample_02", "02"):
        cube = read_maps(tmp_path, sample=wanted)
        assert cube.elements == ("Fe", "Si")
        np.testing.assert_array_equal(cube.maps, [planes["02", "Fe"], planes["02", "Si"]])
    assert "Sample_01_Fe.tif" in [item.file for item in cube.report.ignored]
    with pytest.raises(InputError, match=r"no sample '03'; .* Sample_01 and Sample_02"):
        read_maps(tmp_path, sample="03")


def test_shapes_that_differ_are_listed_the_commonest_first(tmp_path: Path) -> None:
    for name in ("Al", "Ca", "Fe", "Si", "Zr"):
        write(tmp_path / f"{name}.tif", {"Fe": (7, 6), "Zr": (9, 9)}.get(name, (6, 7)))
    with pytest.raises(InputError) as error:
        read_maps(tmp_path)
    assert str(error.value).startswith(
        "The element maps differ in shape (rows x columns): 6x7 (Al.tif, Ca.tif and Si.tif), "
        "7x6 (Fe.tif), 9x9 (Zr.tif) (rows and columns swapped?);"
    )


def test_a_list_of_files_is_read_like_a_folder(tmp_path: Path) -> None:
    fe, si = write(tmp_path / "a" / "Fe.tif"), write(tmp_path / "b" / "Si.tif")
    write(tmp_path / "a" / "Ca.tif")
    cube = read_maps([tmp_path / "b" / "Si.tif", str(tmp_path / "a" / "Fe.tif")])
    assert cube.elements == ("Fe", "Si")
    np.testing.assert_array_equal(cube.maps, [fe, si])
    assert [used.file for used in cube.report.used] == ["a/Fe.tif", "b/Si.tif"]
    with pytest.raises(InputError, match=r"missing\.tif does not exist"):
        read_maps([tmp_path / "a" / "Fe.tif", tmp_path / "missing.tif"])
    with pytest.raises(InputError, match="is a folder among 2 inputs"):
        read_maps([tmp_path / "a", tmp_path / "b"])
    with pytest.raises(InputError, match="No folder or file"):
        read_maps([])


def test_a_single_map_is_a_scan_of_one_element(tmp_path: Path) -> None:
    values = write(tmp_path / "S1_thin_Fe.tif")
    cube = read_maps(tmp_path / "S1_thin_Fe.tif")
    assert cube.elements == ("Fe",)
    np.testing.assert_array_equal(cube.plane(0), values)
    write(tmp_path / "scan.tif")
    with pytest.raises(InputError, match=r"scan\.tif names no element"):
        read_maps(tmp_path / "scan.tif")
    write(tmp_path / "truth.tif")
    with pytest.raises(InputError, match=r"truth\.tif is ground truth by its name"):
        read_maps(tmp_path / "truth.tif")


def test_a_stack_among_single_maps_is_refused(tmp_path: Path) -> None:
    write(tmp_path / "Fe.tif", (3, 6, 7), photometric="minisblack")
    write(tmp_path / "Si.tif")
    with pytest.raises(InputError, match=r"Fe\.tif holds 3 planes.*move it out"):
        read_maps(tmp_path)


@pytest.mark.parametrize(
    ("files", "sentence"),
    [
        ([], r"scan is empty; give the folder"),
        (["a.gif", "Fe.svg", "b.pdf"], r"only pictures \(a\.gif, b\.pdf and Fe\.svg\)"),
        (["maps.xls", "maps.zip"], r"maps\.xls \(an old Excel sheet.*maps\.zip \(an archive"),
        (["x.bin", "y.bak"], r"the format of x\.bin and y\.bak is not known here"),
        (["map1.txt", "map2.txt"], r"no element in the names of map1\.txt and map2\.txt"),
    ],
)
def test_folders_without_maps_say_what_is_there(
    tmp_path: Path, files: list[str], sentence: str
) -> None:
    folder = tmp_path / "scan"
    folder.mkdir()
    for name in files:
        (folder / name).write_text("1 2\n3 4\n")
    with pytest.raises(InputError, match=sentence):
        read_maps(folder)
    assert not can_read(folder)


def test_a_folder_of_colour_tiffs_has_no_maps(tmp_path: Path) -> None:
    for name in ("Fe", "Si"):
        tifffile.imwrite(tmp_path / f"{name}.tif", np.zeros((6, 7, 3), np.uint8))
    with pytest.raises(InputError, match=r"only pictures \(Fe\.tif and Si\.tif\)"):
        read_maps(tmp_path)


def test_a_parent_folder_names_its_subfolders_with_maps(tmp_path: Path) -> None:
    write(tmp_path / "tiff" / "Fe.tif")
    (tmp_path / "text").mkdir()
    write_text(tmp_path / "text" / "Fe.txt")
    (tmp_path / "papers").mkdir()
    (tmp_path / "minerals.txt").write_text("Grt Qtz\n")
    with pytest.raises(InputError, match=r"its subfolders text and tiff do: open one of them"):
        read_maps(tmp_path)


@pytest.mark.parametrize("name", ["missing", "missing.tif"])
def test_missing_paths(tmp_path: Path, name: str) -> None:
    with pytest.raises(InputError, match=f"{name} does not exist"):
        read_maps(tmp_path / name)


def test_unknown_kinds_of_file_are_refused_by_kind(tmp_path: Path) -> None:
    for name, words in (("a.rtx", "a Bruker report"), ("b.gif", "a picture"), ("c.doc", "not a")):
        (tmp_path / name).write_bytes(b"x")
        with pytest.raises(InputError, match=f"{name} is {words}.*this version reads"):
            read_maps(tmp_path / name)


def test_tables_of_grains_are_called_so(tmp_path: Path) -> None:
    section = simulate_section("easy", shape=(40, 44), seed=1)
    scan = write_section(section, tmp_path / "scan")
    grains = find_grains(detect(section.cube, detector="rx"), cube=section.cube)
    write_grains(scan / "grains.csv", grains)
    shutil.copy(scan / "grains.csv", scan / "my list.csv")
    cube = read_maps(scan)
    assert cube.n_elements == section.cube.n_elements
    reasons = {item.file: item.reason for item in cube.report.ignored}
    for name in ("grains_truth.csv", "grains.csv", "my list.csv"):
        assert reasons[name] == "a table of grains, one row per grain, not of pixels"
        with pytest.raises(InputError, match=r"a table of grains, .*: open the scan"):
            read_maps(scan / name)


def test_a_table_of_grains_beside_one_stack_is_no_second_scan(tmp_path: Path) -> None:
    maps = np.random.default_rng(0).poisson(30, (2, 9, 8)).astype(np.uint16)
    np.savez(tmp_path / "scan.npz", Fe=maps[0], Si=maps[1])
    (tmp_path / "grains.csv").write_text("id,rank,peak_score,area_px\n1,1,5.2,3\n")
    cube = read_maps(tmp_path)
    assert cube.elements == ("Fe", "Si")
    assert [item.file for item in cube.report.ignored] == ["grains.csv"]


def test_a_folder_of_results_is_told_from_a_scan(tmp_path: Path) -> None:
    (tmp_path / "run.json").write_text("{}")
    (tmp_path / "grains.csv").write_text("id,rank,peak_score,area_px\n1,1,5.2,3\n")
    with pytest.raises(InputError, match=r"results of a run .*: give the scan"):
        read_maps(tmp_path)


@pytest.mark.skipif(os.name == "nt", reason="links need rights on Windows")
def test_links_in_circles_do_not_hang(tmp_path: Path) -> None:
    write(tmp_path / "Fe.tif")
    (tmp_path / "up").symlink_to(tmp_path, target_is_directory=True)
    (tmp_path / "Si.tif").symlink_to(tmp_path / "Si.tif")
    (tmp_path / "Ca.tif").symlink_to(tmp_path / "gone.tif")
    os.mkfifo(tmp_path / "K.tif")
    assert read_maps(tmp_path).elements == ("Fe",)
    assert reasons(tmp_path) == {
        "up": "a folder; open it on its own",
        "Si.tif": "a link that leads nowhere",
        "Ca.tif": "a link that leads nowhere",
        "K.tif": "not an ordinary file",
    }
    (tmp_path / "Fe.tif").unlink()
    with pytest.raises(InputError, match="no element map"):
        read_maps(tmp_path)
    with pytest.raises(InputError, match="leads nowhere"):
        read_maps(tmp_path / "Si.tif")


def test_valid_area_and_quantity_are_taken_as_given(tmp_path: Path) -> None:
    write(tmp_path / "maps" / "Fe.tif")
    mask = np.zeros((6, 7), np.uint8)
    mask[1:4, 2:5] = 255
    tifffile.imwrite(tmp_path / "area.tif", mask)
    for valid in (mask, tmp_path / "area.tif", str(tmp_path / "area.tif")):
        cube = read_maps(tmp_path / "maps", valid=valid, quantity="unknown", pixel_size=(5, 7))
        np.testing.assert_array_equal(cube.valid, mask > 0)
        assert (cube.quantity, cube.pixel_size) == ("unknown", (5.0, 7.0))
    tifffile.imwrite(tmp_path / "area.tif", mask[:5])
    with pytest.raises(InputError, match=r"area\.tif has 5x7 pixels, the element maps have 6x7"):
        read_maps(tmp_path / "maps", valid=tmp_path / "area.tif")
    with pytest.raises(InputError, match="pixel size must be"):
        read_maps(tmp_path / "maps", pixel_size=0)


def test_progress_counts_every_map_and_cancel_stops(tmp_path: Path) -> None:
    for name in ("Fe", "Si", "Ca"):
        write(tmp_path / f"{name}.tif")
    events: list[ProgressEvent] = []
    read_maps(tmp_path, task=Task(events.append))
    assert [(e.step, e.total, e.message) for e in events if e.phase == "reading"] == [
        (1, 3, "Ca.tif"),
        (2, 3, "Fe.tif"),
        (3, 3, "Si.tif"),
    ]
    assert [e.step for e in events if e.phase == "opening"] == [1, 2, 3]
    cancel = CancelToken()

    def stop_at_second(event: ProgressEvent) -> None:
        if event.phase == "reading" and event.step == 2:
            cancel.cancel()

    with pytest.raises(CancelledError):
        read_maps(tmp_path, task=Task(stop_at_second, cancel))


def test_can_read_looks_for_elements(tmp_path: Path) -> None:
    write(tmp_path / "maps" / "Fe.tif")
    write(tmp_path / "other" / "scan.tif")
    write(tmp_path / "stack" / "scan.tif", (3, 6, 7), photometric="minisblack")
    assert can_read(tmp_path / "maps")
    assert can_read(str(tmp_path / "maps" / "Fe.tif"))
    assert can_read([tmp_path / "maps" / "Fe.tif"])
    assert can_read(tmp_path / "stack")
    assert can_read(tmp_path / "stack" / "scan.tif")
    assert not can_read(tmp_path / "other")
    assert not can_read(tmp_path / "other" / "scan.tif")
    assert not can_read(tmp_path)
