"""Damage files of every format at random and check how the readers react.

    python benchmarks/fuzz_readers.py --files 20000 --out fuzz.json --page

These must never happen, and count as failures:

crash
    Any exception other than InputError, or the end of the process.
hang
    More than 5 s of processor time for one file of a few kilobytes.
memory
    More than 10 times the memory that the good file needs; what the libraries always need is added
    to this limit.
silent
    A damage that can be detected was read without a message. These must be refused: a file that
    declares its size and is cut short, an address of pixels in a TIFF set to zero, an emptied chunk
    of a Zarr store. In a cut text every number but the last must be right. A table that is cut
    after the last pixel of a row of the map is a complete, smaller map.

Any other damaged file may be refused (InputError) or read: a changed pixel in an uncompressed map
is only another value. Each damage follows from (seed, case, number); `--reproduce CASE NUMBER`
repeats one. A child process does the work and is replaced when it dies. The JSON file holds how far
each case has come, and the next run with the same seed continues there. `--page` writes
docs/measured/fuzz.md.
"""

from __future__ import annotations

import argparse
import importlib
import json
import math
import multiprocessing
import os
import resource
import signal
import sys
import tempfile
import time
import tracemalloc
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np

import fuzz_damage
import fuzz_files
from fuzz_files import Case
from fuzz_peer_files import PEER_CASES

CASES = {**fuzz_files.CASES, **PEER_CASES}

CPU_SECONDS = 5.0
WALL_SECONDS = 120.0
MEMORY_FACTOR = 10
# Memory for late imports, tables of decoders and the report: measured on good files and doubled.
MEMORY_ALLOWANCE = 24_000_000
ADDRESS_SPACE = 1_500_000_000
TRACED = 0.1
FAILURES = ("crash", "hang", "memory", "silent")
# The reader's warning where the last name may have been cut.
_MAY_BE_CUT = "ends without a line break"
PAGE = Path(__file__).parents[1] / "docs" / "measured" / "fuzz.md"

Outcome = tuple[str, str, str, float]  # outcome, damage, detail, seconds of processor time


def main() -> int:
    """Run the command line; 1 when something failed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--files", type=int, default=20_000, help="damaged files in all")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--cases", nargs="*", default=list(CASES), choices=list(CASES))
    parser.add_argument("--out", type=Path, help="JSON file with the results, read to go on")
    parser.add_argument("--page", action="store_true", help="write docs/measured/fuzz.md")
    parser.add_argument("--reproduce", nargs=2, metavar=("CASE", "NUMBER"))
    options = parser.parse_args()
    if options.reproduce:
        case, number = options.reproduce
        outcome = next(iter(run(case, options.seed, range(int(number), int(number) + 1))))
        print(*outcome[1], sep="\n")
        return int(outcome[1][0] in FAILURES)
    done = fuzz(options.cases, options.files, options.seed, options.out)
    print(table(done))
    if options.page:
        PAGE.write_text(page(done), encoding="utf-8")
    return int(any(entry["failures"] for entry in done["cases"].values()))


def fuzz(cases: list[str], n_files: int, seed: int, out: Path | None = None) -> dict[str, Any]:
    """Damage ``n_files`` files, spread over the cases by their shares."""
    state: dict[str, Any] = {"seed": seed, "seconds": 0.0, "cases": {}}
    if out is not None and out.exists():
        earlier = json.loads(out.read_text())
        state = earlier if earlier["seed"] == seed else state
    each = n_files / sum(CASES[name].share for name in cases)
    for name in cases:
        fresh = {"reader": CASES[name].reader, "done": 0, "counts": {}, "failures": []}
        fresh |= {"slowest": 0.0}
        entry = state["cases"].setdefault(name, fresh)
        counts = Counter(entry["counts"])
        started = time.perf_counter()
        last = math.ceil(each * CASES[name].share)
        for number, (outcome, damage, detail, cpu_s) in run(name, seed, range(entry["done"], last)):
            counts[outcome] += 1
            entry["done"] = number + 1
            entry["slowest"] = round(max(entry["slowest"], cpu_s), 3)
            if outcome in FAILURES:
                failure = {"number": number, "outcome": outcome, "damage": damage, "why": detail}
                entry["failures"].append(failure)
            if entry["done"] % 200 == 0 or entry["done"] == last:
                entry["counts"] = dict(counts)
                state["seconds"] += time.perf_counter() - started
                started = time.perf_counter()
                _save(out, state)
        entry["counts"] = dict(counts)
        if counts.get("skipped"):
            entry["done"] = 0
    _save(out, state)
    return state


def run(name: str, seed: int, numbers: range) -> Iterator[tuple[int, Outcome]]:
    """Outcome of each damage of one case, from a child process that is replaced when it dies."""
    context = multiprocessing.get_context("spawn")
    start = numbers.start
    while start < numbers.stop:
        ours, theirs = context.Pipe(duplex=False)
        child = context.Process(target=_work, args=(theirs, name, seed, start, numbers.stop))
        child.start()
        theirs.close()
        cannot_make = False
        with suppress(EOFError):
            # The first answer waits for the imports.
            while start < numbers.stop and (ours.poll(WALL_SECONDS) or _waits_for_cpu(child.pid)):
                if not ours.poll():
                    continue
                answer = ours.recv()
                if answer is None:
                    cannot_make = True
                    break
                yield start, answer
                start += 1
        if start < numbers.stop and not cannot_make:
            # If it is still alive, it waits for something that does not come.
            child.join(timeout=1.0)
            stuck = child.exitcode is None
            child.kill()
            child.join()
            if child.exitcode == 1 and start == numbers.start:
                raise RuntimeError(f"The good file of {name} cannot be read: see above.")
            hung = stuck or child.exitcode == -signal.SIGPROF
            damage = fuzz_damage.named(name, seed, start, CASES[name].damage)
            outcome = "hang" if hung else "crash"
            yield start, (outcome, damage, f"exit code {child.exitcode}", math.nan)
            start += 1
        child.join()
        if cannot_make:
            return


def _work(answers: Connection, name: str, seed: int, start: int, stop: int) -> None:
    """Damage and read file after file; the only answer is None when the case cannot be made."""
    os.environ["OMP_NUM_THREADS"] = "1"
    from napari_mineral_anomaly.io import read_maps

    # A report imports xraydb when maps agree; import it here, so that its memory is not counted for
    # a damaged file.
    importlib.import_module("xraydb")
    case = CASES[name]
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place, "scan")
        folder.mkdir()
        try:
            source = case.make(folder)
        except (KeyError, FileNotFoundError):  # a real file that is not on this machine
            answers.send(None)
            return
        is_traced = case.share >= TRACED
        good_files = {file: (folder / file).read_bytes() for file in case.damage}
        if is_traced:
            tracemalloc.start()
        cube = read_maps(source, energy=case.energy)
        good = (np.asarray(cube.maps).copy(), cube.elements)
        allowed = tracemalloc.get_traced_memory()[1] * MEMORY_FACTOR + MEMORY_ALLOWANCE
        resource.setrlimit(resource.RLIMIT_AS, (_address_space(), resource.RLIM_INFINITY))
        # The system itself ends the process when its time is over, also inside a library.
        signal.signal(signal.SIGPROF, signal.SIG_DFL)
        for number in range(start, stop):
            rng = fuzz_damage.generator(name, seed, number)
            file, kind, data = fuzz_damage.damaged(rng, good_files)
            (folder / file).write_bytes(data)
            if is_traced:
                tracemalloc.reset_peak()
            before = tracemalloc.get_traced_memory()[0]
            signal.setitimer(signal.ITIMER_PROF, CPU_SECONDS)
            started = time.process_time()
            outcome, detail = _read(source, good, case, file, kind)
            seconds = time.process_time() - started
            signal.setitimer(signal.ITIMER_PROF, 0)
            used = tracemalloc.get_traced_memory()[1] - before
            if outcome not in FAILURES and used > allowed:
                outcome, detail = "memory", f"{used / 1e6:.0f} MB for {len(data)} bytes"
            (folder / file).write_bytes(good_files[file])
            answers.send((outcome, f"{kind} of {file}", detail, seconds))


def _read(
    source: Path, good: tuple[np.ndarray, tuple[str, ...]], case: Case, file: str, kind: str
) -> tuple[str, str]:
    from napari_mineral_anomaly.errors import InputError
    from napari_mineral_anomaly.io import read_maps

    try:
        cube = read_maps(source, energy=case.energy)
        values, elements = np.asarray(cube.maps), cube.elements
    except InputError as error:
        sentence = str(error)
        if "GB of memory" in sentence:
            return "memory", sentence
        return "refused", sentence
    except MemoryError as error:
        return "memory", repr(error)
    except Exception as error:  # any other exception is a failure
        return "crash", repr(error)[:300]
    if elements == good[1] and np.array_equal(values, good[0], equal_nan=values.dtype.kind == "f"):
        return "same", ""
    if cube.report is not None and any(_MAY_BE_CUT in note for note in cube.report.warnings):
        return "read", ""
    must_refuse = kind in ("cut", "zeroed address", "emptied") and file in case.must_refuse_cut
    if not must_refuse or _is_text_but_for_the_end(case, kind, values, good[0]):
        return "read", ""
    return "silent", f"{cube!r} instead of {good[0].shape} {good[0].dtype}"


def _is_text_but_for_the_end(case: Case, kind: str, values: np.ndarray, good: np.ndarray) -> bool:
    """Whether a cut text was read right except for its last number, which cannot be checked."""
    if case.reader not in ("text matrix", "long table") or kind != "cut":
        return False
    if values.shape[0] != good.shape[0] or values.shape[2] != good.shape[2]:
        return False
    # A table cut after the last pixel of a row of the map is a complete, smaller map.
    return int(np.count_nonzero(values != good[:, : values.shape[1]])) <= 1


def _waits_for_cpu(pid: int | None) -> bool:
    """Whether a child that does not answer only waits for a processor on a busy machine."""
    with suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "R"
    return False


def _address_space() -> int:
    """The present address space of the process plus `ADDRESS_SPACE`, in bytes."""
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    return pages * resource.getpagesize() + ADDRESS_SPACE


def table(state: dict[str, Any]) -> str:
    """The results as a Markdown table, a line per case."""
    columns = ("refused", "same", "read", *FAILURES)
    lines = [
        "| reader | case | files | " + " | ".join(columns) + " | slowest, s |",
        "|---|---|" + "---:|" * (len(columns) + 2),
    ]
    total: Counter[str] = Counter()
    for name in sorted(state["cases"], key=list(CASES).index):
        entry = state["cases"][name]
        counts = Counter(entry["counts"])
        total += counts
        cells = " | ".join(str(counts[column]) for column in columns)
        slowest = f"{entry['slowest']:.2f}"
        lines.append(f"| {entry['reader']} | {name} | {entry['done']} | {cells} | {slowest} |")
    cells = " | ".join(str(total[column]) for column in columns)
    slowest = f"{max(entry['slowest'] for entry in state['cases'].values()):.2f}"
    lines.append(f"| **all** | | {sum(total.values())} | {cells} | {slowest} |")
    return "\n".join(lines)


def page(state: dict[str, Any]) -> str:
    """The text of the page: the table and an explanation of its columns."""
    return (
        f"Made by `benchmarks/fuzz_readers.py`, seed {state['seed']}. *Refused*: with a sentence. "
        "*Same*: read, and every number of the good file came back. *Read*: other numbers came "
        "back, as where the damage hit a pixel. The four columns behind are failures and must be "
        "0. *Slowest*: processor time of the slowest file, with memory traced.\n\n"
        f"{table(state)}\n"
    )


def _save(out: Path | None, state: dict[str, Any]) -> None:
    if out is not None:
        temporary = out.with_suffix(".part")
        temporary.write_text(json.dumps(state, indent=1))
        temporary.replace(out)


if __name__ == "__main__":
    sys.exit(main())
