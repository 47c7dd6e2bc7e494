"""``apply`` goes on after a kill; a full disk spoils no earlier result."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

from napari_mineral_anomaly.cli import main
from napari_mineral_anomaly.io.run_files import MODEL_FOLDER

# Fills the disk, then replaces results on it; both commands run in a file system of their own.
ON_A_SMALL_DISK = """
import sys
from pathlib import Path
from napari_mineral_anomaly.cli import main
place, scan = Path(sys.argv[1]), sys.argv[2]
argv = ["detect", scan, "-o", str(place / "out"), "--detector", "rx"]
assert main(argv) == 0
(place / "out" / "notes.txt").write_text("mine")
def content():
    return {str(p): p.read_bytes() for p in sorted(place.rglob("*")) if p.is_file()}
before = content()
filler = place / "filler"
with filler.open("wb", buffering=0) as stream:
    try:
        while True:
            stream.write(bytes(4096))
    except OSError:
        pass
print("code", main([*argv, "--overwrite"]), flush=True)
filler.unlink(missing_ok=True)
print("same", content() == before, flush=True)
print("code", main([*argv, "--overwrite"]), flush=True)
print("mine", (place / "out" / "notes.txt").read_text(), [p.name for p in place.iterdir()])
"""


def test_apply_goes_on_where_it_was_killed(scan, other_scan, rx_run, tmp_path, capsys):
    argv = ["apply", rx_run, scan, other_scan, "-o", tmp_path / "out", "--resume"]
    argv = [str(word) for word in argv]
    done = tmp_path / "out" / "scan_a" / "run.json"
    command = [sys.executable, "-m", "napari_mineral_anomaly", *argv]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        deadline = time.monotonic() + 200
        while not done.exists():
            assert time.monotonic() < deadline
            time.sleep(0.01)
        process.kill()
    stamp = done.stat().st_mtime_ns
    assert main([word for word in argv if word != "--resume"]) == 2
    assert main(argv) == 0
    told = capsys.readouterr()
    assert "scan_a has its results already" in told.err
    assert told.out.count("Results in") == 2
    assert done.stat().st_mtime_ns == stamp
    assert (tmp_path / "out" / "scan_b" / "run.json").is_file()
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["scan_a", "scan_b"]
    assert main([*argv, "--threshold", "9"]) == 2
    assert "scan_a holds results with another threshold" in capsys.readouterr().err


def test_apply_does_not_take_results_of_another_model_for_its_own(scan, rx_run, tmp_path, capsys):
    other = tmp_path / "model"
    assert main(["train", str(scan), "-o", str(other), "--detector", "pca"]) == 0
    argv = ["apply", str(rx_run / MODEL_FOLDER), str(scan), "-o", str(tmp_path / "out")]
    assert main(argv) == 0
    assert main(["apply", str(other), *argv[2:], "--resume"]) == 2
    assert "holds results of another model" in capsys.readouterr().err


def test_a_full_disk_while_replacing_keeps_the_earlier_results(scan: Path, tmp_path: Path) -> None:
    mount = f"mount -t tmpfs -o size=12m tmpfs '{tmp_path}'"
    can = ["unshare", "--mount", "sh", "-c", mount]
    try:
        is_allowed = subprocess.run(can, capture_output=True, check=False).returncode == 0
    except OSError:
        is_allowed = False
    if not is_allowed:
        pytest.skip("mounting a small file system is not permitted here")
    inside = [sys.executable, "-c", ON_A_SMALL_DISK, str(tmp_path), str(scan)]
    command = ["unshare", "--mount", "sh", "-c", f'{mount} && exec "$@"', "sh", *inside]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    lines = [line for line in done.stdout.splitlines() if line[:4] in ("code", "same", "mine")]
    assert lines == ["code 2", "same True", "code 0", "mine mine ['out']"]
    told = [line for line in done.stderr.splitlines() if "Cannot write the output folder" in line]
    assert len(told) == 1
    assert "no space left on device" in told[0]
