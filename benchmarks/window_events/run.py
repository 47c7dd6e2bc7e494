"""How long our code blocks napari's event loop on a scan of 2.4 Mpx and 20 elements.

    xvfb-run -a -s "-screen 0 1600x1000x24 +extension GLX" python benchmarks/window_events/run.py

Drives a real window through every feature and times each of our slots and handlers (see
`event_meter.py`). Writes docs/measured/window_events.md.

`--only docks rx` runs these steps and the steps that they need, and writes nothing. `--explain 30`
also prints what took long in events with 30 ms or more of our code.

`--scan FOLDER` drives the window through a scan of the user instead, from its maps to verdicts on
its grains (`SCAN_STEPS`), with the memory of the process; `--page FILE` says where the table goes.
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import napari
import numpy as np
from qtpy.QtCore import QSettings, QTimer
from qtpy.QtWidgets import QApplication

from driver import Driver
from event_meter import Watcher
from napari_mineral_anomaly.simulate import simulate_section, write_section
from napari_mineral_anomaly.window.layers.links import linked_layers
from steps import STEPS, USUAL, with_needs

PAGE = Path(__file__).parents[2] / "docs" / "measured" / "window_events.md"
# The steps for a scan of the user, about which nothing is known before.
SCAN_STEPS = ("elements", "found", "look_through", "decide_some")
BAR_MS = 50.0
SHAPE, SEED = (1500, 1600), 1


def references(driver: Driver) -> tuple[float, float]:
    """Milliseconds of one np.copyto of the mask and of napari's own ``layer.data = mask``."""
    if next(linked_layers(driver.viewer, role="mask"), None) is None:
        return float("nan"), float("nan")
    layer = driver.layer("mask")
    data = np.asarray(layer.data)
    target = np.empty_like(data)
    copies, sets = [], []
    for _ in range(15):
        started = time.thread_time()
        np.copyto(target, data)
        copies.append(time.thread_time() - started)
        fresh = data.copy()
        started = time.thread_time()
        layer.data = fresh
        sets.append(time.thread_time() - started)
        driver.turn()
    return 1e3 * float(np.median(copies)), 1e3 * float(np.median(sets))


def first_import() -> float:
    """Seconds of processor time for importing the first dock into napari."""
    code = (
        "import time, napari\n"
        "viewer = napari.Viewer(show=False)\n"
        "started = time.thread_time()\n"
        "import napari_mineral_anomaly.window.workbench.frame.dock\n"
        "print(time.thread_time() - started)\n"
        "viewer.close()"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return float(done.stdout.split()[-1])


def peak_gb() -> float:
    """The most memory that this process held, in GB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9


def end_as_a_user_does(viewer: napari.Viewer) -> None:
    """Close the window and let the program quit: then workers are cancelled and waited for."""
    viewer.close()
    app = QApplication.instance()
    QTimer.singleShot(0, app.quit)
    app.exec()


def taught(driver: Driver) -> list[str]:
    """How long the list takes to follow a stroke of the teaching brush."""
    if driver.teaching is None:
        return []
    clock, working = driver.teaching
    return [
        f"From a stroke of the teaching brush to the list without that grain: {clock:.1f} s by the "
        f"clock, {working:.1f} s of processor time, the wait of 0.3 s after the last change of the "
        "brush included.",
        "",
    ]


def page(driver: Driver, copy_ms: float, set_ms: float) -> str:
    """The table, in Markdown."""
    watcher, listing = driver.watcher, driver.listing
    maps = driver.elements
    if driver.section is not None:
        maps = maps[: driver.section.cube.n_elements]  # the last steps open a second section
    rows = []
    worst_of_all, over = 0.0, []
    for feature, events in watcher.events.items():
        held = np.array([1e3 * event.seconds["ours"] for event in events])
        ours = np.array([1e3 * event.working["ours"] for event in events])
        worst = events[int(ours.argmax())]
        worst_of_all = max(worst_of_all, float(ours.max()))
        if ours.max() > BAR_MS:
            over.append(feature)
        rows.append(
            f"| {feature} | {len(events)} | {np.percentile(ours, 50):.2f} "
            f"| {np.percentile(ours, 99):.1f} | {ours.max():.1f} | `{worst.name}` "
            f"| {ours.max() / set_ms:.1f} | {held.max():.0f} "
            f"| {1e3 * watcher.stalls.get(feature, 0.0):.0f} |"
        )
    passes = [1e3 * e.working["collector"] for all_ in watcher.events.values() for e in all_]
    passes = [pass_ for pass_ in passes if pass_ > 0]
    verdict = "met" if not over else f"missed in: {'; '.join(over)}"
    return "\n".join(
        [
            f"Scan of {' × '.join(map(str, maps[0].data.shape[-2:]))} pixels and {len(maps)} "
            "elements. Time of our own code per event, in milliseconds of the main thread's "
            "processor time; napari's share is left out. *Worst wait included* is by the clock: "
            "with the wait for a processor and for Python's lock, while workers compute. *Longest "
            "turn* is that of the whole event loop with napari's drawing (a software renderer, and "
            "other work on the same two processors).",
            "",
            "| feature | events | p50 | p99 | worst | in | worst ÷ `layer.data =` | worst wait "
            "included | longest turn |",
            "|---|---|---|---|---|---|---|---|---|",
            *rows,
            "",
            f"References of the same run: `np.copyto` of the mask {copy_ms:.3f} ms; napari's own "
            f"`layer.data = mask`, nothing drawn yet, {set_ms:.1f} ms. Our bar, at most "
            f"{BAR_MS:.0f} ms of our own code per event, was {verdict}. The worst was "
            f"{worst_of_all:.1f} ms.",
            "",
            f"Not counted above: {len(passes)} full passes of Python's garbage collector, which "
            "walks all objects of the process, those of napari and its libraries included, "
            "whenever enough new ones have come, in whatever code is at work then; the longest "
            f"took {max(passes, default=0.0):.0f} ms. Nor is the first dock of a session, whose "
            "modules and the libraries under them take "
            f"{first_import():.1f} s of processor time to import; most of what later docks need is "
            "then imported by a worker.",
            "",
            f"The grain table listed {listing[0]:,} grains, element maps and flags "
            f"included, in {listing[1]:.1f} s by the clock, {listing[2]:.1f} s of "
            "processor time with napari's drawing and the evidence that is prepared meanwhile.",
            "",
            *taught(driver),
            f"The process needed {peak_gb():.1f} GB at most.",
            "",
        ]
    )


def main() -> None:
    """Measure and write the page."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", nargs="+", choices=STEPS, metavar="STEP", help=", ".join(STEPS))
    parser.add_argument("--explain", type=float, metavar="MS")
    parser.add_argument(
        "--shape", nargs=2, type=int, default=SHAPE, metavar=("H", "W"), help="of the scan"
    )
    parser.add_argument("--scan", type=Path, metavar="FOLDER", help="a scan of the user")
    parser.add_argument("--page", type=Path, metavar="FILE", help="of the table for --scan")
    args = parser.parse_args()
    watcher = Watcher(explain_ms=args.explain)
    watcher.watch_our_code()
    watcher.watch_napari()
    watcher.watch_collector()
    section = None
    if args.scan is None:
        section = simulate_section("easy", shape=tuple(args.shape), seed=SEED)
    with tempfile.TemporaryDirectory() as scratch:
        QSettings.setPath(QSettings.Format.IniFormat, QSettings.Scope.UserScope, scratch)
        os.environ["MINERAL_ANOMALY_CONFIG"] = scratch  # where the project is saved meanwhile
        folder = args.scan or Path(scratch) / "section"
        if section is not None:
            write_section(section, folder)
        viewer = napari.Viewer(show=True)
        viewer.window._qt_window.resize(1600, 1000)
        driver = Driver(watcher, viewer, section, folder, Path(scratch))
        if args.scan is not None:
            driver.patience = 3600
        driver.wait(1.0)
        wanted = args.only or (USUAL if args.scan is None else list(SCAN_STEPS))
        for name in with_needs(wanted):
            STEPS[name][0](driver)
        watcher.feature = "references"
        copy_ms, set_ms = references(driver)
        watcher.events.pop("references", None)
        text = page(driver, copy_ms, set_ms)
        end_as_a_user_does(viewer)
    print(text)
    # The page shows only complete runs of the usual scan, without profiling.
    complete = args.only is None and args.explain is None
    if complete and args.scan is None and tuple(args.shape) == SHAPE:
        PAGE.parent.mkdir(exist_ok=True)
        PAGE.write_text(text, encoding="utf-8")
    if args.scan is not None and args.page is not None:
        args.page.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
