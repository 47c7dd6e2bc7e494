"""A writer that is killed: its successor loses nothing of the user and leaves nothing behind."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from napari_mineral_anomaly.errors import InputError
from napari_mineral_anomaly.io.writing.atomic import (
    atomic_path,
    require_free_folder,
    staged_folder,
)
from napari_mineral_anomaly.progress import Task

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="uses signals of POSIX")

# Makes copies of itself by fork, each of which replaces a result folder and kills itself at the
# n-th change of the disk. In a process of its own: pytest has threads, which do not survive a fork.
REPLACE = """
import os, signal, sys
from pathlib import Path
from napari_mineral_anomaly.io.writing.atomic import staged_folder
CHANGES = ("os.rename", "os.mkdir", "os.rmdir", "os.remove", "shutil.rmtree")
def replace(out, left):
    def count(event, arguments):
        nonlocal left
        left -= event in CHANGES
        if left == 0 and event in CHANGES:
            os.kill(os.getpid(), signal.SIGKILL)
    with staged_folder(out, overwrite=True, ours=("run.json", "model")) as folder:
        sys.addaudithook(count)
        (folder / "run.json").write_text("new")
        (folder / "model").mkdir()
        (folder / "model" / "weights").write_text("new")
for line in sys.stdin:
    out, moment = line.rstrip().rsplit(" ", 1)
    child = os.fork()
    if child == 0:
        replace(Path(out), int(moment))
        os._exit(0)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""

# Holds the folder open until it is told to end.
WAIT = """
import sys
from napari_mineral_anomaly.io.writing.atomic import staged_folder
with staged_folder(sys.argv[1]) as folder:
    (folder / "run.json").write_text("slow")
    print("writing", flush=True)
    sys.stdin.read()
"""


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def content(folder: Path) -> dict[str, str]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_text() for path in files}


def earlier_result(out: Path) -> dict[str, str]:
    (out / "model").mkdir(parents=True)
    (out / "run.json").write_text("old")
    (out / "model" / "weights").write_text("old")
    (out / "notes.txt").write_text("mine")
    (out / "pictures").mkdir()
    (out / "pictures" / "a.png").write_text("mine, too")
    return content(out)


@pytest.fixture
def killed_at():
    """Replaces a folder with a kill at a moment; gives the exit code."""
    with subprocess.Popen(
        [sys.executable, "-c", REPLACE], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as replacer:

        def run(out: Path, moment: int) -> int:
            replacer.stdin.write(f"{out} {moment}\n")
            replacer.stdin.flush()
            return int(replacer.stdout.readline())

        yield run
        replacer.stdin.close()


def test_after_a_kill_at_any_step_everything_is_put_back(tmp_path, killed_at):
    mine = {"notes.txt": "mine", "pictures/a.png": "mine, too"}
    new = mine | {"run.json": "new", "model/weights": "new"}
    outcomes = []
    for moment in range(1, 40):
        place = tmp_path / str(moment)
        out = place / "out"
        old = earlier_result(out)
        code = killed_at(out, moment)
        told: list[str] = []
        require_free_folder(
            out, overwrite=True, task=Task(lambda event, told=told: told.append(event.message))
        )
        assert content(out) in (old, new), moment
        assert names(place) == ["out"], moment
        outcomes.append((content(out) == new, len(told)))
        if code == 0:
            assert content(out) == new
            assert told == []
            break
        assert code == -signal.SIGKILL
        with staged_folder(out, overwrite=True, ours=("run.json", "model")) as folder:
            (folder / "run.json").write_text("newer")
        assert content(out) == mine | {"run.json": "newer"}
    else:
        pytest.fail("the writer was never let through")
    assert [n for _, n in outcomes[:-1]] == [1] * (len(outcomes) - 1)
    # Before and after the folder was replaced, several moments each.
    is_new = [new for new, _ in outcomes]
    assert is_new == sorted(is_new)
    assert is_new.count(False) >= 5
    assert is_new.count(True) >= 5


def test_a_writer_that_lives_is_left_alone(tmp_path):
    out = tmp_path / "out"
    with subprocess.Popen(
        [sys.executable, "-c", WAIT, str(out)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as writer:
        assert writer.stdout.readline() == "writing\n"
        before = names(tmp_path)
        require_free_folder(out)
        assert names(tmp_path) == before
        assert before[0].startswith(".out.unfinished-")
        writer.stdin.close()
        assert writer.wait() == 0
    assert content(out) == {"run.json": "slow"}
    assert names(tmp_path) == ["out"]


def test_a_writer_that_has_only_just_begun_is_left_alone(tmp_path):
    begun = tmp_path / ".out.unfinished-abc"
    begun.mkdir()
    require_free_folder(tmp_path / "out")
    assert begun.is_dir()
    long_ago = time.time() - 3600
    os.utime(begun, (long_ago, long_ago))
    require_free_folder(tmp_path / "out")
    assert not begun.exists()


def test_a_file_of_the_user_is_never_replaced_when_another_is_put_back(tmp_path):
    out = tmp_path / "out"
    earlier_result(out)
    moved = tmp_path / ".out.unfinished-abc"
    (moved / "kept").mkdir(parents=True)
    (moved / "lock").touch()
    (moved / "kept" / "notes.txt").write_text("of the interrupted run")
    require_free_folder(out, overwrite=True)
    assert (out / "notes.txt").read_text() == "mine"
    assert (out / "notes (2).txt").read_text() == "of the interrupted run"
    assert names(tmp_path) == ["out"]


def test_a_temporary_file_of_a_killed_process_is_removed_by_the_next(tmp_path):
    write = (
        "import os, signal, sys\n"
        "from pathlib import Path\n"
        "from napari_mineral_anomaly.io.writing.atomic import atomic_path\n"
        "with atomic_path(Path(sys.argv[1])) as temporary:\n"
        "    temporary.write_text('half')\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    command = [sys.executable, "-c", write, str(tmp_path / "a.ome.tif")]
    assert subprocess.run(command, check=False).returncode == -signal.SIGKILL
    [left] = names(tmp_path)
    alive = left.replace(left.split("-")[1], str(os.getpid()))
    elsewhere = ".00000000" + left[9:]
    for name in (alive, elsewhere, ".mine-1-2.tif"):
        (tmp_path / name).write_text("another's")
    with atomic_path(tmp_path / "b.txt") as temporary:
        temporary.write_text("whole")
    assert names(tmp_path) == sorted([alive, elsewhere, ".mine-1-2.tif", "b.txt"])


@pytest.mark.parametrize("protected", ["run.json", "model/weights", "notes.txt"])
def test_an_immutable_file_is_told_before_anything_is_changed(tmp_path, protected):
    out = tmp_path / "out"
    old = earlier_result(out)
    if (
        shutil.which("chattr") is None
        or subprocess.run(
            ["chattr", "+i", out / protected], capture_output=True, check=False
        ).returncode
    ):
        pytest.skip("files cannot be made immutable here")
    try:
        with pytest.raises(InputError, match=f"{protected} is protected against changes"):
            require_free_folder(out, overwrite=True, ours=("run.json", "model"))
        assert content(out) == old
        assert names(tmp_path) == ["out"]
    finally:
        subprocess.run(["chattr", "-i", out / protected], check=True)
