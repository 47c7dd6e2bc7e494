"""Places that cannot be read, names that are no text, lengths and sizes that cannot be meant."""

from __future__ import annotations

import gzip
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import tifffile

import napari_mineral_anomaly.io.formats.shared.disk.guards as guards
import napari_mineral_anomaly.io.reading.read as reading
from napari_mineral_anomaly import ElementCube, read_maps
from napari_mineral_anomaly.cli import main
from napari_mineral_anomaly.errors import InputError
from napari_mineral_anomaly.io.reading.sizes.pixel_size import checked_pixel_size, checked_spot_size
from napari_mineral_anomaly.printable import one_line, shown
from napari_mineral_anomaly.runs.record import input_hashes

NOBODY = 65534
posix = pytest.mark.skipif(not hasattr(os, "setuid"), reason="a system without POSIX rights")


def write_scan(folder: Path, suffix: str = ".tif") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(7)
    for name in ("Fe", "Ca", "Ti"):
        tifffile.imwrite(folder / f"{name}{suffix}", rng.poisson(40, (30, 34)).astype(np.uint16))
    return folder


AS_NOBODY = f"""
import json, os, sys
from napari_mineral_anomaly.io import read_maps
from napari_mineral_anomaly.errors import InputError

def report(path):
    try:
        return read_maps(path).report.model_dump(mode="json")
    except InputError as error:
        return {{"refused": str(error)}}

# What is imported late is imported first: the user may have no right to read the packages.
report(sys.argv[2]), report(os.path.dirname(sys.argv[2]))
if os.getuid() == 0:
    os.setgid({NOBODY}), os.setuid({NOBODY})
print(json.dumps(report(sys.argv[1])))
"""


def as_nobody(folder: Path, path: Path) -> dict[str, object]:
    """The report of ``path`` for a user without rights, from a process of its own."""
    warm = write_scan(folder / "warm" / "good")
    for place in (folder, *folder.parents):  # pytest makes its folders for one user
        if place.stat().st_uid == os.getuid() and place != Path("/"):
            place.chmod(place.stat().st_mode | 0o755)
        if place.name.startswith("pytest-of-"):
            break
    done = subprocess.run(
        [sys.executable, "-c", AS_NOBODY, path, warm], check=False, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    answer: dict[str, object] = json.loads(done.stdout)
    return answer


@pytest.fixture
def locked() -> object:
    """Takes all rights from files and folders, and gives them back at the end."""
    taken: list[Path] = []

    def lock(path: Path) -> None:
        path.chmod(0)
        taken.append(path)

    yield lock
    for path in taken:
        path.chmod(0o755)


@posix
def test_unreadable_subfolder_and_file_are_said_and_skipped(
    tmp_path: Path, locked: Callable[[Path], None]
) -> None:
    scan = write_scan(tmp_path / "scan")
    for name in ("lost+found", "System Volume Information", "old.zarr"):
        (scan / name).mkdir()
        locked(scan / name)
    locked(scan / "Ti.tif")
    report = as_nobody(tmp_path, scan)
    assert [used["element"] for used in report["used"]] == ["Ca", "Fe"]
    reasons = {one["file"]: one["reason"] for one in report["ignored"]}
    assert reasons["lost+found"] == "a folder; open it on its own"
    assert reasons["Ti.tif"].startswith("cannot be read: permission denied")
    assert any(
        w.startswith("Ti.tif cannot be read by this user") and "Ti is not in the scan" in w
        for w in report["warnings"]
    )


@posix
def test_unreadable_places_beside_scans_do_not_hide_them(
    tmp_path: Path, locked: Callable[[Path], None]
) -> None:
    write_scan(tmp_path / "all" / "one")
    write_scan(tmp_path / "all" / "two")
    (tmp_path / "all" / "lost+found").mkdir()
    locked(tmp_path / "all" / "lost+found")
    answer = as_nobody(tmp_path, tmp_path / "all")
    assert "its subfolders one and two do: open one of them" in str(answer["refused"])


@posix
def test_folder_of_unreadable_maps_is_refused_truly(
    tmp_path: Path, locked: Callable[[Path], None]
) -> None:
    scan = write_scan(tmp_path / "scan")
    for file in list(scan.iterdir()):
        locked(file)
    answer = as_nobody(tmp_path, scan)
    assert "no element map that can be read" in str(answer["refused"])
    assert "Ca.tif, Fe.tif and Ti.tif" in str(answer["refused"])


@posix
def test_pipes_and_circles_of_links_are_left_alone(tmp_path: Path) -> None:
    scan = write_scan(tmp_path / "scan")
    os.mkfifo(scan / "Si.tif")
    os.mkfifo(scan / "Fe.tfw")
    (scan / "K.tif").symlink_to(scan / "K.tif")
    (scan / "loop").symlink_to(scan, target_is_directory=True)
    (scan / "S.tif").symlink_to(tmp_path / "nowhere.tif")
    cube = read_maps(scan)
    assert cube.elements == ("Ca", "Fe", "Ti")
    assert cube.report is not None
    reasons = {one.file: one.reason for one in cube.report.ignored}
    assert reasons["Si.tif"] == "not an ordinary file"
    assert reasons["K.tif"] == reasons["S.tif"] == "a link that leads nowhere"
    with pytest.raises(InputError, match="but a pipe or a device"):
        read_maps(scan / "Si.tif")
    with pytest.raises(InputError, match="leads nowhere"):
        read_maps(scan / "K.tif")
    store = tmp_path / "scan.zarr"
    store.mkdir()
    os.mkfifo(store / "zarr.json")
    with pytest.raises(InputError, match=r"zarr\.json in it is no ordinary file"):
        read_maps(store)


ODD = ("plan\x1b[31m", "a\nb\tc", "\u202egnp", "q$x^$", "ü" * 60)


@posix
@pytest.mark.parametrize("name", [b"Fe \xb5m", *(odd.encode() for odd in ODD)])
def test_odd_names_do_not_lose_a_run(
    name: bytes, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = os.fsdecode(os.fsencode(tmp_path) + b"/" + name)
    scan = write_scan(Path(folder))
    odd_file = scan / os.fsdecode(b"note " + name + b".bin")
    odd_file.write_bytes(b"1")
    (scan / "Fe.tif").rename(scan / os.fsdecode(name + b" Fe.tif"))
    for element in ("Ca", "Ti"):
        (scan / f"{element}.tif").rename(scan / os.fsdecode(name + f" {element}.tif".encode()))
    out = tmp_path / os.fsdecode(name + b" out")
    assert main(["detect", str(scan), "-o", str(out), "--detector", "rx", "--json"]) == 0
    printed = capsys.readouterr()
    assert all(line.isprintable() for line in (printed.out + printed.err).split("\n"))
    assert json.loads(printed.out)["source"] == shown(scan.name)
    for file in ("ingest.json", "run.json", "report.html", "grains.csv"):
        (out / file).read_bytes().decode("utf-8")
    ingest = json.loads((out / "ingest.json").read_text("utf-8"))
    assert shown(odd_file.name) in [one["file"] for one in ingest["ignored"]]
    hashes = json.loads((out / "run.json").read_text("utf-8"))["input_hashes"]
    assert len(hashes) == 3
    assert None not in hashes.values()
    assert all(one.isprintable() for one in hashes)


def test_shown_names() -> None:
    assert shown("Fe µm Ω 铁 e\u0301.tif") == "Fe µm Ω 铁 e\u0301.tif"
    assert shown("a\nb\x1b[0m\u202ec\udcb5") == r"a\nb\x1b[0m\u202ec\xb5"
    assert one_line("a\nb\x9bc") == r"a b\x9bc"
    assert str(InputError("a\x1b[2J\nb is damaged.")) == r"a\x1b[2J b is damaged."


@pytest.mark.parametrize(
    ("typed", "says"),
    [
        (2e-5, r"is 0\.02 nm, too small .* did you mean 20 µm \(2e-05 m\)\? Type 20\.$"),
        (5e-4, r"did you mean 500 µm \(0\.0005 m\) or 0\.5 µm \(0\.0005 mm\)\? Type 500 or 0\.5"),
        (20000, r"is 20 mm, too large .* did you mean 20 µm \(20000 nm\)\? Type 20\.$"),
        (1e9, r"is 1 km, too large for a map of elements: give it in µm\.$"),
        (1e-13, "too small for a map of elements: give it in µm"),
        (float("nan"), "must be a positive number in µm"),
        (-20, "must be a positive number in µm"),
        (0, "must be a positive number in µm"),
    ],
)
def test_lengths_that_cannot_be_meant_are_refused(
    typed: float, says: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(InputError, match=says):
        checked_pixel_size(typed)
    with pytest.raises(InputError, match=says):
        checked_spot_size(typed)
    with pytest.raises(InputError):
        read_maps(tmp_path, pixel_size=(20, typed))
    with pytest.raises(InputError):
        ElementCube(np.ones((1, 2, 2)), ["Fe"], pixel_size=(typed, typed))
    out = tmp_path / "out"
    for option in ("--pixel-size", "--spot-size"):
        given = [f"{option}={typed:g}"]
        assert main(["detect", str(write_scan(tmp_path / "s")), "-o", str(out), *given]) == 2
        assert not out.exists()
        assert len(capsys.readouterr().err.strip().splitlines()) == 1


def test_ambiguous_length_is_used_with_a_word(tmp_path: Path) -> None:
    assert checked_pixel_size(0.001) == (0.001, 0.001)
    assert checked_pixel_size((2000, 0.5)) == (2000, 0.5)
    cube = read_maps(write_scan(tmp_path), pixel_size=0.02)
    assert cube.pixel_size == (0.02, 0.02)
    assert cube.report is not None
    assert any("if 0.02 mm was meant, type 20." in warning for warning in cube.report.warnings)


def test_hash_of_a_changed_or_vanished_file_is_not_recorded(tmp_path: Path) -> None:
    scan = write_scan(tmp_path)
    cube = read_maps(scan)
    assert None not in input_hashes(cube).values()
    (scan / "Fe.tif").unlink()
    tifffile.imwrite(scan / "Ti.tif", np.zeros((30, 34), np.uint16))
    os.utime(scan / "Ti.tif", ns=(1, 1))
    hashes = input_hashes(cube)
    assert (hashes["Fe.tif"], hashes["Ti.tif"]) == (None, None)
    assert hashes["Ca.tif"] is not None


def bomb_gz(folder: Path) -> Path:
    path = folder / "Fe.csv.gz"
    with gzip.open(path, "wb", compresslevel=9) as file:
        for _ in range(60):
            file.write(b"0,0,0,0\n" * 125_000)
    return path


def bomb_npz(folder: Path) -> Path:
    np.savez_compressed(folder / "scan.npz", Fe=np.zeros((5000, 5000)), Ca=np.zeros((5000, 5000)))
    return folder / "scan.npz"


def bomb_mat(folder: Path) -> Path:
    from scipy.io import savemat

    savemat(folder / "s.mat", {"data": np.zeros((2500, 2500, 4))}, do_compression=True)
    return folder / "s.mat"


def bomb_tiff(folder: Path) -> Path:
    tifffile.imwrite(folder / "Fe.tif", np.zeros((9000, 9000), np.uint16), compression="zlib")
    return folder / "Fe.tif"


@pytest.mark.parametrize("write", [bomb_gz, bomb_npz, bomb_mat, bomb_tiff])
def test_what_does_not_fit_into_memory_is_refused_with_its_size(
    write: Callable[[Path], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(tmp_path)
    monkeypatch.setattr(guards, "memory", lambda: 100_000_000)
    with pytest.raises(InputError, match=r"0\.\d+ GB.*0\.1 GB") as refusal:
        read_maps(path)
    assert "too large" in str(refusal.value)


def test_maps_beyond_the_memory_are_refused_before_it_is_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scan = write_scan(tmp_path)
    monkeypatch.setattr(reading, "memory", lambda: 5000)
    with pytest.raises(InputError, match=r"3 maps of 30x34 pixels need 6\.12e-06 GB of memory"):
        read_maps(scan)


def test_tiff_of_absurd_size_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "Fe.tif"
    tifffile.imwrite(path, np.zeros((64, 64), np.uint16), compression="zlib", rowsperstrip=64)
    with tifffile.TiffFile(path, mode="r+") as tif:
        for tag in ("ImageLength", "RowsPerStrip"):
            tif.pages[0].tags[tag].overwrite(4_000_000_000)
    with pytest.raises(InputError, match=r"Fe\.tif is damaged: its header declares 512 GB"):
        read_maps(path)


RUNS = {
    "ascii": {"PYTHONIOENCODING": "ascii"},
    "C": {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
    "cp437": {"PYTHONIOENCODING": "cp437"},
    "cp1252": {"PYTHONIOENCODING": "cp1252"},
}


def run(arguments: list[str], end: str = "", **environment: str) -> tuple[int, bytes, bytes]:
    """Exit code, stdout and stderr of the command line; ``end`` are redirections of a shell."""
    words = [sys.executable, "-m", "napari_mineral_anomaly", *arguments]
    if end:
        words = ["bash", "-c", f'"$@" {end}; exit ${{PIPESTATUS[0]}}', "bash", *words]
    done = subprocess.run(
        words, check=False, capture_output=True, env={**os.environ, **environment}
    )
    return done.returncode, done.stdout, done.stderr


@pytest.mark.parametrize("console", RUNS)
def test_any_console_shows_the_report(console: str, tmp_path: Path) -> None:
    scan = write_scan(tmp_path / "µ scan Ω")
    arguments = ["inspect", str(scan), "--pixel-size", "20"]
    code, out, err = run(arguments, **RUNS[console])
    assert (code, err) == (0, b"")
    unit = "µm".encode("cp437" if console == "cp437" else "cp1252")
    assert b"20 " + (unit if console.startswith("cp") else b"um") in out
    code, out, _ = run([*arguments, "--json"], **RUNS[console])
    assert code == 0
    assert json.loads(out.decode("utf-8"))["pixel_size_um"] == [20.0, 20.0]


@posix
@pytest.mark.parametrize(
    ("end", "code"),
    [
        ("| head -c 10", 0),
        ("2>&1 | head -c 1", 0),
        (">&-", 0),
        ("2>&-", 0),
        (">&- 2>&- <&-", 0),
        (">/dev/full", 2),
    ],
)
def test_a_reader_that_has_gone_does_not_lose_the_run(end: str, code: int, tmp_path: Path) -> None:
    if end.endswith("/dev/full") and not Path("/dev/full").exists():
        pytest.skip("a system without /dev/full")
    scan, out = write_scan(tmp_path / "scan"), tmp_path / "out"
    found, _, err = run(["detect", str(scan), "-o", str(out), "--detector", "rx"], end)
    assert found == code
    assert b"Traceback" not in err
    assert b"Exception ignored" not in err
    assert (out / "run.json").is_file()  # written before anything is printed of it
    names = {path.name for path in out.iterdir()}
    assert {"grains.csv", "report.html", "ingest.json"} <= names
