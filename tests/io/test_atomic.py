"""Folders appear complete or not at all, and nobody's files are lost."""

from __future__ import annotations

import pytest

from napari_mineral_anomaly.errors import InputError
from napari_mineral_anomaly.io.writing.atomic import atomic_path, require_free_folder, staged_folder


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def write_and_raise(error, out, **options):
    with staged_folder(out, **options) as folder:
        (folder / "run.json").write_text("new")
        raise error


def test_a_file_appears_only_when_the_block_ends_well(tmp_path):
    target = tmp_path / "a.txt"
    with atomic_path(target) as temporary:
        temporary.write_text("half")
        assert not target.exists()
        assert temporary.parent == tmp_path
    assert target.read_text() == "half"

    def fail_while_writing():
        with atomic_path(target) as temporary:
            temporary.write_text("new")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail_while_writing()
    assert target.read_text() == "half"
    assert names(tmp_path) == ["a.txt"]


def test_a_folder_appears_only_when_the_block_ends_well(tmp_path):
    out = tmp_path / "new" / "deep" / "out"
    with staged_folder(out) as folder:
        (folder / "run.json").write_text("{}")
        assert not out.exists()
    assert names(out) == ["run.json"]
    assert names(out.parent) == ["out"]


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
def test_a_failure_leaves_nothing_not_even_new_parents(tmp_path, error):
    out = tmp_path / "new" / "deep" / "out"
    with pytest.raises(error):
        write_and_raise(error, out)
    assert names(tmp_path) == []


def test_a_write_error_inside_names_the_output_folder_not_the_temporary_one(tmp_path):
    out = tmp_path / "out"
    with (
        pytest.raises(InputError, match=r"Cannot write the output folder .*/out: no such file"),
        staged_folder(out) as folder,
        atomic_path(folder / "missing" / "a.tif") as temporary,
    ):
        temporary.write_text("x")
    assert names(tmp_path) == []


def test_an_empty_folder_is_filled(tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    with staged_folder(out) as folder:
        (folder / "a").write_text("1")
    assert names(out) == ["a"]


def test_a_folder_that_is_not_empty_is_refused(tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(InputError, match="exists and is not empty"):
        require_free_folder(tmp_path)
    with pytest.raises(InputError, match="exists and is not empty"), staged_folder(tmp_path):
        pass
    assert names(tmp_path) == ["notes.txt"]


def test_overwriting_replaces_ours_and_keeps_what_belongs_to_others(tmp_path):
    out = tmp_path / "out"
    (out / "model").mkdir(parents=True)
    (out / "model" / "old.bin").write_text("old")
    (out / "run.json").write_text("old")
    (out / "notes.txt").write_text("mine")
    with staged_folder(out, overwrite=True, ours=("run.json", "model")) as folder:
        (folder / "run.json").write_text("new")
        assert (out / "run.json").read_text() == "old"
    assert names(out) == ["notes.txt", "run.json"]
    assert (out / "run.json").read_text() == "new"
    assert (out / "notes.txt").read_text() == "mine"
    assert names(tmp_path) == ["out"]


def test_a_failed_overwrite_keeps_the_old_folder(tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    (out / "run.json").write_text("old")
    with pytest.raises(RuntimeError):
        write_and_raise(RuntimeError, out, overwrite=True, ours=("run.json",))
    assert (out / "run.json").read_text() == "old"
    assert names(tmp_path) == ["out"]


@pytest.mark.parametrize("inside", ["scan", "."])
def test_a_folder_that_holds_an_input_is_never_replaced(tmp_path, inside):
    out = tmp_path / "out"
    scan = out / inside
    scan.mkdir(parents=True, exist_ok=True)
    (scan / "Fe.tif").write_text("counts")
    with pytest.raises(InputError, match="holds the input"):
        require_free_folder(out, overwrite=True, inputs=[scan])


def test_files_in_the_way_are_told(tmp_path):
    file = tmp_path / "file"
    file.write_text("x")
    with pytest.raises(InputError, match="is a file: give a folder"):
        require_free_folder(file)
    with pytest.raises(InputError, match="Cannot make the output folder"):
        require_free_folder(file / "deep" / "out")
