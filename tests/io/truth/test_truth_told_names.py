"""Maps whose element the user tells: asked first, kept for the folder, overruled by the option."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest
import tifffile
from numpy.typing import NDArray

from napari_mineral_anomaly.cli.app import main
from napari_mineral_anomaly.errors import InputError
from napari_mineral_anomaly.io import can_read, read_maps
from napari_mineral_anomaly.io.remembered import (
    remember_names,
    remember_pixel_size,
    remembered_names,
    remembered_pixel_size,
    settings_file,
)
from napari_mineral_anomaly.scan.cube import ElementCube
from napari_mineral_anomaly.scan.names.typed import typed_name

SHAPE = (20, 23)
MAPS = np.random.default_rng(4).poisson(80, (5, *SHAPE)).astype(np.uint16)


@pytest.fixture
def scan(tmp_path: Path) -> Path:
    """Three named maps, two without an element, an odd image, notes."""
    folder = tmp_path / "scan"
    folder.mkdir()
    for name, plane in zip(("Ca", "Fe", "Si", "map_4", "map_5"), MAPS, strict=True):
        tifffile.imwrite(folder / f"{name}.tif", plane)
    tifffile.imwrite(folder / "odd.tif", MAPS[0][:5])
    (folder / "notes.txt").write_text("measured on a Tuesday")
    return folder


@pytest.fixture
def stack(tmp_path: Path) -> Path:
    labels = ["Fe", "Ca", "chan 3", "Si", "chan 5"]
    path = tmp_path / "stack.tif"
    tifffile.imwrite(path, MAPS, imagej=True, metadata={"Labels": labels})
    return path


def plane_of(cube: ElementCube, element: str) -> NDArray[np.generic]:
    return np.asarray(cube.maps[cube.elements.index(element)])


def test_what_has_the_shape_of_the_maps_is_to_decide(scan: Path) -> None:
    report = read_maps(scan).report
    assert [one.file for one in report.to_decide] == ["map_4.tif", "map_5.tif"]
    first = report.to_decide[0]
    assert (first.shape, first.dtype, first.why) == (SHAPE, "uint16", "no element in its name")
    assert first.answer == '--name "map_4.tif=Element"'
    ignored = {one.file: one.reason for one in report.ignored}
    assert set(ignored) == {"notes.txt", "odd.tif"}
    assert "it has 5x23 pixels, the maps have 20x23" in ignored["odd.tif"]
    assert next(iter(report.model_dump(mode="json"))) == "schema_version"
    assert list(report.model_dump(mode="json"))[1] == "to_decide"


def test_the_report_begins_with_it(scan: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["inspect", str(scan)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("To decide: which element is it?")
    assert lines[1] == "  map_4.tif: 20x23 pixels, uint16; no element in its name"
    assert '--name "map_4.tif=Element"' in lines[3]


def test_a_told_name_is_used_kept_said_and_overruled(
    scan: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    told = ["--name", "map_4.tif=Zr La", "--name", "map_5.tif=-"]
    assert main(["inspect", str(scan), "--json", *told]) == 0
    report = json.loads(capsys.readouterr().out)
    assert {one["element"]: one["file"] for one in report["used"]}["Zr La"] == "map_4.tif"
    assert "the element, Zr La, is named by the user (map_4.tif)" in report["steps"]
    assert {"file": "map_5.tif", "reason": "left out by the user"} in report["ignored"]
    assert report["to_decide"] == []

    assert main(["inspect", str(scan), "--json"]) == 0
    again = json.loads(capsys.readouterr().out)
    assert again["used"] == report["used"]
    assert "the element, Zr La, is typed earlier for this folder (map_4.tif)" in again["steps"]
    assert any("map_4.tif is Zr La, typed earlier for this folder" in s for s in again["warnings"])

    assert main(["inspect", str(scan), "--json", "--name", "map_4.tif=Ti"]) == 0
    other = json.loads(capsys.readouterr().out)
    assert [one["element"] for one in other["used"]] == ["Ca", "Fe", "Ti", "Si"]
    assert main(["inspect", str(scan), "--json", "--name", "map_4.tif=auto"]) == 0
    back = json.loads(capsys.readouterr().out)
    assert [one["file"] for one in back["to_decide"]] == ["map_4.tif"]
    assert remembered_names(scan) == {"map_5.tif": "-"}
    assert read_maps(scan).report.to_decide[1].file == "map_5.tif"  # Python is not asked to recall


def test_it_overrules_a_wrong_name(scan: Path) -> None:
    cube = read_maps(scan, names={"Fe.tif": "Mn", "map_4.tif": "iron"})
    assert cube.elements == ("Ca", "Mn", "Fe", "Si")
    assert np.array_equal(plane_of(cube, "Mn"), MAPS[1])
    assert np.array_equal(plane_of(cube, "Fe"), MAPS[3])


@pytest.mark.parametrize(
    ("names", "sentence"),
    [
        (
            {"map_6.tif": "Zr"},
            r'"map_6\.tif=Zr": there is no such file in .*; its files are Ca\.tif',
        ),
        ({"map_4.tif": "Zirkon"}, r"'Zirkon', typed for map_4\.tif, is no element"),
        (
            {"map_4.tif": "Fe"},
            r"Fe\.tif and map_4\.tif would both be Fe: give another name to map_4",
        ),
        (
            {"map_4.tif": "Zr", "map_5.tif": "Zr"},
            r"map_4\.tif and map_5\.tif would both be Zr",
        ),
        ({"map_4.tif#2": "Zr"}, r"map_4\.tif#2=Zr\" fits no map that is read here"),
        ({"notes.txt": "Zr"}, r"notes\.txt"),
        ({"odd.tif": "Zr"}, r"differ in shape .*5x23 \(odd\.tif\)"),
    ],
)
def test_wrong_answers_are_one_sentence(scan: Path, names: dict[str, str], sentence: str) -> None:
    with pytest.raises(InputError, match=sentence) as caught:
        read_maps(scan, names=names)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("option", ["map_4.tif", "=Fe", "map_4.tif="])
def test_an_option_without_file_or_element_is_refused(
    scan: Path, option: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["inspect", str(scan), "--name", option]) == 2
    assert "must be a file and its element, such as PK.tif=P" in capsys.readouterr().err
    two = ["--name", "map_4.tif=Zr", "--name", "map_4.tif=Hf"]
    assert main(["inspect", str(scan), *two]) == 2
    assert "--name gives map_4.tif two elements, Zr and Hf" in capsys.readouterr().err
    assert remembered_names(scan) == {}


def test_planes_and_columns_have_their_number_or_name(stack: Path, tmp_path: Path) -> None:
    report = read_maps(stack).report
    assert [one.file for one in report.to_decide] == ["stack.tif#3", "stack.tif#5"]
    assert report.to_decide[0].why == "no element in its name (chan 3)"
    cube = read_maps(stack, names={"stack.tif#3": "Zr", "stack.tif#chan 5": "Ti Ka"})
    assert cube.elements == ("Fe", "Ca", "Zr", "Si", "Ti Ka")
    assert np.array_equal(cube.maps, MAPS)
    with pytest.raises(InputError, match=r"stack\.tif#1 and stack\.tif#2 would both be Ca"):
        read_maps(stack, names={"stack.tif#1": "Ca"})

    rows = [f"{i // 5},{i % 5},{i * 7 % 11},{i * 3 % 8},{i * 5 % 13}" for i in range(20)]
    (tmp_path / "table.csv").write_text("\n".join(["row,column,Fe,Iron ore,Si", *rows]))
    cube = read_maps(tmp_path / "table.csv", names={"table.csv#Iron ore": "Zn"})
    assert cube.elements == ("Fe", "Si", "Zn")
    assert plane_of(cube, "Zn").ravel().tolist() == [i * 3 % 8 for i in range(20)]


def test_stacks_and_folders_without_any_name(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "raw.tif", MAPS, imagej=True)
    cube = read_maps(tmp_path / "raw.tif", names={"raw.tif#2": "Fe"})
    assert cube.elements == ("page 1", "Fe", "page 3", "page 4", "page 5")
    folder = tmp_path / "maps"
    folder.mkdir()
    for i, plane in enumerate(MAPS[:3], start=1):
        tifffile.imwrite(folder / f"map_{i}.tif", plane)
    with pytest.raises(InputError, match=r'no element map: .* --name "map_1\.tif=Fe"'):
        read_maps(folder)
    assert not can_read(folder)
    remember_names(folder, {"map_3.tif": "Zr"})
    assert can_read(folder)
    cube = read_maps(folder, names={"map_2.tif": "Fe"})
    assert cube.elements == ("Fe",)
    assert np.array_equal(cube.maps[0], MAPS[1])
    assert [one.file for one in cube.report.to_decide] == ["map_1.tif", "map_3.tif"]
    with pytest.raises(InputError, match=r'map_3\.tif names no element.* --name "map_3\.tif=Fe"'):
        read_maps(folder / "map_3.tif")
    assert read_maps(folder / "map_3.tif", names={"map_3.tif": "Zr"}).elements == ("Zr",)


@pytest.mark.parametrize(
    ("typed", "label"),
    [
        *(("Fe", "Fe"), ("fe ka", "Fe Ka"), (" Fe  Kα1 ", "Fe Ka1"), ("iron", "Fe")),
        *(("Dy163", "Dy163"), ("Fe2+", "Fe2+"), ("Fe (II)", "Fe (II)"), ("No", "No"), ("P", "P")),
        ("SiO2", "SiO2"),
        *(("Fee", None), ("", None), ("x", None), ("no element", None), ("Fe/Ti", None)),
        ("s(Fe)", None),
    ],
)
def test_what_may_be_typed(typed: str, label: str | None) -> None:
    found = typed_name(typed)
    assert (found and found.label) == label


def test_a_kept_name_that_fits_nothing_is_no_error(scan: Path) -> None:
    remember_names(scan, {"gone.tif": "Fe", "map_4.tif": "no element", "map_5.tif": "Zr"})
    cube = read_maps(scan, remembered=True)
    assert cube.elements == ("Ca", "Fe", "Zr", "Si")
    assert [one.file for one in cube.report.to_decide] == ["map_4.tif"]


def test_the_whole_job_runs_with_a_told_name(scan: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    told = ["--name", f"{scan / 'map_4.tif'}=Zr"]
    assert main(["detect", str(scan), "-o", str(out), "--detector", "rx", *told]) == 0
    ingest = json.loads((out / "ingest.json").read_text("utf-8"))
    assert [one["element"] for one in ingest["used"]] == ["Ca", "Fe", "Zr", "Si"]
    assert [one["file"] for one in ingest["to_decide"]] == ["map_5.tif"]
    assert json.loads((out / "run.json").read_text("utf-8"))["elements"] == ["Ca", "Fe", "Zr", "Si"]
    assert remembered_names(scan) == {"map_4.tif": "Zr"}


def test_sizes_of_an_earlier_version_are_still_known(scan: Path) -> None:
    older = settings_file().with_name("pixel_sizes.json")
    older.parent.mkdir(parents=True, exist_ok=True)
    older.write_text(json.dumps({os.fspath(scan.resolve()): [20.0, 25.0]}))
    assert remembered_pixel_size(scan) == (20, 25)
    remember_names(scan, {"map_4.tif": "Zr"})
    assert remembered_pixel_size(scan) == (20, 25)
    remember_pixel_size(scan, (5, 5))
    assert (remembered_pixel_size(scan), remembered_names(scan)) == ((5, 5), {"map_4.tif": "Zr"})


@pytest.mark.parametrize("size", [2e-5, -20.0, 0.0, float("nan"), float("inf"), 1e7])
def test_a_kept_size_that_makes_no_sense_is_not_used_again(scan: Path, size: float) -> None:
    remember_pixel_size(scan, (size, size))
    assert remembered_pixel_size(scan) is None
    cube = read_maps(scan, remembered=True)
    assert (cube.pixel_size, cube.report.pixel_size_source) == (None, "unknown")
