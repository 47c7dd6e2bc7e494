"""Kill ``detect --overwrite`` at random moments; count what happens to the user's own files.

Each run replaces the results of the one before, in a folder that also holds notes of the user. It
is a copy of this process (fork), so that loading libraries takes none of its time, and is ended by
SIGKILL at a random moment: half of them anywhere in the run, half in its last quarter, where the
folder is replaced. After each kill, what the next run does first is done (`require_free_folder`).

Usage: python benchmarks/kill_detect.py [--kills 50] [--seed 0]
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from napari_mineral_anomaly.cli import main
from napari_mineral_anomaly.io.run_files import RUN_FILES
from napari_mineral_anomaly.io.writing.atomic import require_free_folder
from napari_mineral_anomaly.progress import Task
from napari_mineral_anomaly.simulate import simulate_section, write_section

MINE = {"notes.txt": "zircon at the rim?", "verdicts/mine.csv": "id,verdict\n1,grain\n"}


def detect(scan: Path, out: Path) -> int:
    """Run the command quietly; the exit code."""
    with open(os.devnull, "w") as nowhere:  # noqa: PTH123
        os.dup2(nowhere.fileno(), 1)
        os.dup2(nowhere.fileno(), 2)
        return main(["detect", str(scan), "-o", str(out), "--detector", "rx", "--overwrite"])


def load_libraries(scan: Path, out: Path) -> None:
    """Run the command once in this process, so that its copies have every library."""
    streams = [os.dup(1), os.dup(2)]
    try:
        if detect(scan, out) != 0:
            sys.exit("The command failed without a kill.")
    finally:
        for number, stream in enumerate(streams, start=1):
            os.dup2(stream, number)
            os.close(stream)


def start(scan: Path, out: Path) -> int:
    """Start the command in a copy of this process; its number."""
    child = os.fork()
    if child == 0:
        os._exit(detect(scan, out))
    return child


def timed(scan: Path, out: Path) -> float:
    """Seconds of a run that is not killed."""
    started = time.monotonic()
    _, status = os.waitpid(start(scan, out), 0)
    if status != 0:
        sys.exit("The command failed without a kill.")
    return time.monotonic() - started


def kill_detect(n_kills: int, seed: int, place: Path) -> Counter[str]:
    """Kill the command so often, and count what was found after each kill.

    Returns
    -------
    Counter
        killed, ended before the kill, complete results, all own files, hidden before and after
        putting back, and the sentences of the next run without the name of the folder.
    """
    scan, out = place / "scan", place / "results" / "out"
    write_section(simulate_section("easy", shape=(40, 48), seed=1), scan)
    load_libraries(scan, out)
    for name, text in MINE.items():
        (out / name).parent.mkdir(exist_ok=True)
        (out / name).write_text(text)
    seconds = max(timed(scan, out), 0.5)
    rng = random.Random(seed)
    counts: Counter[str] = Counter()
    while counts["killed"] < n_kills:
        is_late = counts["killed"] % 2
        child = start(scan, out)
        time.sleep(rng.uniform(0.75 if is_late else 0.0, 1.1 if is_late else 1.0) * seconds)
        os.kill(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
        counts["killed" if os.WIFSIGNALED(status) else "ended before the kill"] += 1
        if os.WIFSIGNALED(status):
            _look(out, counts)
            print(dict(counts), file=sys.stderr, flush=True)
    return counts


def _look(out: Path, counts: Counter[str]) -> None:
    hidden = [path for path in out.parent.iterdir() if path != out]
    counts["hidden folder after the kill"] += bool(hidden)
    counts["own files not in the folder after the kill"] += not _has_mine(out)
    told: list[str] = []
    require_free_folder(
        out,
        overwrite=True,
        ours=RUN_FILES,
        task=Task(lambda event: told.append(event.message.replace(str(out), "OUT"))),
    )
    for sentence in told:
        counts[f"told: {sentence}"] += 1
    counts["hidden folder after the next start"] += len(list(out.parent.iterdir())) != 1
    counts["own files there after the next start"] += _has_mine(out)
    there = {path.name for path in out.iterdir()} - {"notes.txt", "verdicts"}
    counts["complete results after the next start"] += there >= set(RUN_FILES)


def _has_mine(out: Path) -> bool:
    return all(
        (out / name).is_file() and (out / name).read_text() == text for name, text in MINE.items()
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        found = kill_detect(options.kills, options.seed, Path(scratch))
    for name, n in sorted(found.items()):
        print(f"{n:4d}  {name}")
