"""Writing when it goes wrong: full disks, read-only folders, inputs in the way, odd names."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from napari_mineral_anomaly.errors import InputError
from napari_mineral_anomaly.io.writing.atomic import (
    atomic_folder,
    atomic_path,
    require_not_an_input,
)
from napari_mineral_anomaly.io.writing.file_names import (
    path_problem,
    safe_file_name,
    safe_file_names,
)
from napari_mineral_anomaly.io.writing.world import world_file_of, write_world_file
from napari_mineral_anomaly.runs.export import Product, plan_files, write_files

FORMATS = ("ome", "imagej", "folder", "png", "csv", "zarr")

# Writes noise (nothing compresses it) in every format, each to a folder of its own; prints a line
# of what it was told and of what is left.
WRITE_NOISE = """
import os, shutil, sys
from pathlib import Path
import numpy as np
from napari_mineral_anomaly.errors import InputError
from napari_mineral_anomaly.runs.export import Product, plan_files, write_files
place, limit = Path(sys.argv[1]), int(sys.argv[2])
noise = np.random.default_rng(0).random((2, 300, 300)).astype(np.float32)
maps = Product("maps", "", noise, ("Fe", "Si"), (20.0, 25.0), is_stack=True)
if limit:
    import resource
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
# As if the disk were filled by somebody else between the look at it and the writing.
shutil.disk_usage = lambda path: shutil._ntuple_diskusage(10**12, 0, 10**12)
for form in sys.argv[3].split(","):
    try:
        told = f"wrote {write_files(plan_files([(maps, form)]), place / form)}"
    except InputError as error:
        told = f"InputError: {error}"
    print(form, "|", told, "|", sorted(os.listdir(place)))
"""


def told(place: Path, limit: int = 0, mount: str = "") -> dict[str, tuple[str, str]]:
    """What `WRITE_NOISE` was told and what it left, by format.

    ``mount`` gives the child a file system of its own that is gone when it ends.
    """
    command = [sys.executable, "-c", WRITE_NOISE, str(place), str(limit), ",".join(FORMATS)]
    if mount:
        command = ["unshare", "--mount", "sh", "-c", f'{mount} && exec "$@"', "sh", *command]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    lines = [line.split(" | ") for line in done.stdout.splitlines()]
    return {form: (sentence, left) for form, sentence, left in lines}


def may_mount(folder: Path) -> bool:
    mount = ["unshare", "--mount", "mount", "-t", "tmpfs", "tmpfs", str(folder)]
    try:
        return subprocess.run(mount, capture_output=True, check=False).returncode == 0
    except OSError:
        return False


@pytest.mark.skipif(sys.platform == "win32", reason="file-size limits are POSIX")
def test_a_write_error_half_way_leaves_nothing(tmp_path):
    """A real error of the system: the process may not write files above 8 KiB."""
    answers = told(tmp_path, limit=8192)
    assert set(answers) == set(FORMATS)
    for form, (sentence, left) in answers.items():
        assert sentence.startswith("InputError: Cannot write "), (form, sentence)
        assert left == "[]", (form, left)


def test_a_full_disk_is_told_in_a_sentence_and_leaves_nothing(tmp_path):
    """A real full disk: a file system of 64 KiB."""
    if not may_mount(tmp_path):
        pytest.skip("mounting a small file system is not permitted here")
    answers = told(tmp_path, mount=f"mount -t tmpfs -o size=64k tmpfs '{tmp_path}'")
    assert set(answers) == set(FORMATS)
    for form, (sentence, left) in answers.items():
        assert sentence.startswith("InputError: Cannot write "), (form, sentence)
        assert "no space left on device" in sentence, (form, sentence)
        assert left == "[]", (form, left)


def test_a_read_only_folder_is_told_in_a_sentence(tmp_path):
    if not may_mount(tmp_path):
        pytest.skip("mounting a read-only file system is not permitted here")
    answers = told(tmp_path, mount=f"mount -t tmpfs -o ro tmpfs '{tmp_path}'")
    assert set(answers) == set(FORMATS)
    for form, (sentence, left) in answers.items():
        assert sentence.startswith("InputError: Cannot make the folder"), (form, sentence)
        assert "ead-only file system" in sentence, (form, sentence)
        assert left == "[]", (form, left)


def test_a_plan_larger_than_the_disk_is_refused_before_anything_is_written(tmp_path):
    class Huge:
        shape, dtype = (1, 10**8, 10**8), np.dtype(np.float32)

    files = plan_files([(Product("maps", "", Huge(), ("Fe",), None), "ome")])
    with pytest.raises(InputError, match="need about 40,000,000,000 MB"):
        write_files(files, tmp_path / "new" / "out")
    assert list(tmp_path.iterdir()) == []


def test_a_failure_leaves_no_new_folder(tmp_path):
    maps = np.full((1, 2, 2), 2**40)
    files = plan_files([(Product("maps", "", maps, ("Fe",), None), "ome")])
    with pytest.raises(InputError, match="beyond 32 bits"):
        write_files(files, tmp_path / "new" / "out")
    assert list(tmp_path.iterdir()) == []


def test_an_input_is_never_written_over(tmp_path):
    scan = tmp_path / "scan"
    scan.mkdir()
    original = scan / "Fe.tif"
    original.write_bytes(b"counts")
    link, hard = tmp_path / "link.tif", tmp_path / "hard.tif"
    link.symlink_to(original)
    os.link(original, hard)
    spellings = [original, link, hard, scan / ".." / "scan" / "Fe.tif"]
    for target in spellings:
        with (
            pytest.raises(InputError, match="never writes over what was read"),
            atomic_path(target, inputs=[original]) as temporary,
        ):
            temporary.write_bytes(b"new")
    with pytest.raises(InputError, match="lies in the folder of the scan"):
        require_not_an_input(original, [scan])
    with (
        pytest.raises(InputError, match="holds the input"),
        atomic_folder(scan, overwrite=True, inputs=[original]),
    ):
        pass
    require_not_an_input(scan / "new.tif", [scan, original])
    assert original.read_bytes() == b"counts"


def test_folders_of_a_format_replace_each_other_as_a_whole(tmp_path):
    target = tmp_path / "maps.ome.zarr"
    for text in ("one", "two"):
        with atomic_folder(target, overwrite=True) as folder:
            (folder / text).write_text(text)
    assert [path.name for path in target.iterdir()] == ["two"]
    with pytest.raises(InputError, match="already there"), atomic_folder(target):
        pass
    assert [path.name for path in tmp_path.iterdir()] == ["maps.ome.zarr"]


@pytest.mark.parametrize("name", ["Öre – 片岩 µ.ome.tif", "a" * 250 + ".tif", "no ending"])
def test_any_name_that_the_system_takes_can_be_written(tmp_path, name):
    with atomic_path(tmp_path / name) as temporary:
        temporary.write_bytes(b"x")
    assert [path.name for path in tmp_path.iterdir()] == [name]


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Fe Ka", "Fe Ka"),
        ("Öre 片岩", "Öre 片岩"),
        ("Fe/Ca: 1?", "Fe_Ca_ 1_"),
        ("a\nb\x00", "a_b_"),
        ("CON", "CON_"),
        ("aux.tif", "aux_.tif"),
        ("com1", "com1_"),
        ("Co", "Co"),
        ("trailing. ", "trailing"),
        ("..", "_"),
        ("", "_"),
        (".hidden", "hidden"),
    ],
)
def test_names_that_some_system_forbids_are_made_safe(text, name):
    assert safe_file_name(text) == name


def test_long_names_are_cut_between_characters():
    assert len(safe_file_name("片" * 200).encode()) == 99
    assert safe_file_name("é" * 200) == "é" * 50


def test_safe_names_stay_different_where_capitals_make_no_difference():
    assert safe_file_names(["Co", "CO", "a/b", "a:b"]) == ["Co", "CO (2)", "a_b", "a_b (2)"]


def test_paths_too_long_for_windows_are_told():
    path = "C:\\" + "x" * 260
    assert "263 characters, Windows takes 259" in path_problem(path, windows=True)
    assert path_problem("\\\\?\\" + path, windows=True) == ""
    assert path_problem("C:\\scan\\Fe.tif", windows=True) == ""
    assert path_problem(path, windows=False) == ""


def test_a_world_file_has_the_six_lines_of_the_convention(tmp_path):
    tiff = tmp_path / "score.ome.tif"
    assert world_file_of(tiff).name == "score.ome.tfw"
    path, _ = write_world_file(tiff, (20.0, 25.5))
    a, d, b, e, c, f = (float(line) for line in path.read_text().splitlines())
    # GDAL: x = A column + B row + C, y = D column + E row + F, of a pixel's centre.
    row, column = 3, 2
    assert (a * column + b * row + c, d * column + e * row + f) == (51.0, -60.0)


def test_grains_lie_where_the_world_file_puts_the_map(tmp_path):
    from napari_mineral_anomaly.io.writing.tables import write_grains

    grains = pd.DataFrame({"id": [1], "centroid_y_um": [60.0], "centroid_x_um": [51.0]})
    path = write_grains(tmp_path / "grains.csv", grains)
    assert (
        path.read_text()
        == "id,centroid_y_um,centroid_x_um,map_x_um,map_y_um\n1,60.0,51.0,51.0,-60.0\n"
    )
