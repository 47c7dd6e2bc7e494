"""Kill napari at random moments of a day's work, and count what is lost.

    xvfb-run -a -s "-screen 0 1600x1000x24 +extension GLX" \
        python benchmarks/project_kills.py --kills 50 --seed 1 --out kills.json

A child process opens a real window and works: it brushes masks and truth, moves thresholds, gives
verdicts with comments, hides layers, runs detectors and exports, an action every few tenths of a
second. Each action is noted in a journal outside the project, with the state that it left. The
parent kills the child (kill -9) at a random moment, reads the project, and compares: every part of
the state must be as it was at some time in the last five seconds before the kill. The next child
opens the project of the last one in its window, as a user would who is offered to go on, and the
state in that window must be the one in the files.

The script ends with 1 if anything older than five seconds was lost, or a project did not open.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

ALLOWED_LOSS_S = 5.0
# The child tells every part of the state, so that a journal line stands for all of it.
Fingerprint = dict[str, str]


def main() -> int:
    """Run the parent, or a child."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=2)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--size", type=int, nargs=2, default=(120, 160), metavar=("H", "W"))
    parser.add_argument("--longest", type=float, default=20.0, help="seconds of work at most")
    parser.add_argument("--out", type=Path, help="counts as JSON")
    parser.add_argument("--child", nargs=4, metavar=("SCAN", "PROJECT", "JOURNAL", "SEED"))
    arguments = parser.parse_args()
    if arguments.child:
        scan, project, journal, seed = arguments.child
        return work(Path(scan), Path(project) if project else None, Path(journal), int(seed))
    counts = kill_often(arguments)
    text = json.dumps(counts, indent=1)
    print(text)
    if arguments.out:
        arguments.out.write_text(text, encoding="utf-8")
    return 1 if counts["lost"] or counts["not_opened"] or counts["not_offered"] else 0


# The parent


def kill_often(arguments: argparse.Namespace) -> dict[str, Any]:
    """Kill many children; what was lost."""
    from napari_mineral_anomaly.simulate import simulate_section, write_section

    chance = random.Random(arguments.seed)
    counts: dict[str, Any] = {
        "kills": 0,
        "actions": 0,
        "by_action": {},
        "lost": [],
        "not_opened": [],
        "not_offered": 0,
        "window_differs": [],
        "oldest_s": 0.0,
    }
    with tempfile.TemporaryDirectory(prefix="project-kills-") as root:
        folder = Path(root)
        os.environ["MINERAL_ANOMALY_CONFIG"] = str(folder / "settings")
        scan = folder / "scan"
        write_section(simulate_section("easy", shape=tuple(arguments.size), seed=1), scan)
        project: Path | None = None
        for kill in range(arguments.kills):
            journal = folder / f"journal-{kill}.jsonl"
            killed_at = _one_child(scan, project, journal, chance, arguments.longest)
            entries = _read(journal)
            counts["kills"] += 1
            counts["actions"] += len(entries)
            for entry in entries:
                what = entry["what"]
                counts["by_action"][what] = counts["by_action"].get(what, 0) + 1
            found = _newest_project()
            if found is None:
                if any(entry["t"] < killed_at - ALLOWED_LOSS_S for entry in entries):
                    counts["lost"].append({"kill": kill, "part": "the whole project"})
                continue
            project = found
            try:
                saved = fingerprint_of_files(project)
            except Exception as error:  # any failure to open counts
                counts["not_opened"].append({"kill": kill, "why": str(error)})
                continue
            if not _is_offered(project):
                counts["not_offered"] += 1
            for part, age in _lost_parts(entries, saved, killed_at).items():
                counts["lost"].append({"kill": kill, "part": part, "age_s": round(age, 2)})
            oldest = _oldest(entries, saved, killed_at)
            counts["oldest_s"] = max(counts["oldest_s"], round(oldest, 2))
            first = next((e for e in entries if e["what"] == "opened"), None)
            if first is not None and first["state"] != first["files"]:
                differs = [k for k in first["files"] if first["state"].get(k) != first["files"][k]]
                counts["window_differs"].append({"kill": kill, "parts": differs})
            idle = killed_at - entries[-1]["t"]
            print(
                f"kill {kill + 1}: {len(entries)} actions, the last {idle:.2f} s before; oldest "
                f"missing change {oldest:.2f} s old",
                flush=True,
            )
            if arguments.out:  # what was counted stays if the time is up
                arguments.out.write_text(json.dumps(counts, indent=1), encoding="utf-8")
    return counts


def _one_child(
    scan: Path, project: Path | None, journal: Path, chance: random.Random, longest: float
) -> float:
    """Start a child, let it work for a random time, kill it; when it was killed."""
    argv = [str(scan), str(project or ""), str(journal), str(chance.randrange(1 << 30))]
    log = journal.with_suffix(".log").open("w")
    child = subprocess.Popen(
        [sys.executable, __file__, "--child", *argv], stdout=log, stderr=subprocess.STDOUT
    )
    deadline = time.time() + 240
    enough = chance.randrange(1, 6)
    while len(_read(journal)) < enough and time.time() < deadline and child.poll() is None:
        time.sleep(0.2)
    time.sleep(chance.uniform(0.0, longest))
    killed_at = time.time()
    child.send_signal(signal.SIGKILL)
    child.wait()
    log.close()
    if not _read(journal):
        print(journal.with_suffix(".log").read_text()[-3000:], file=sys.stderr)
        raise SystemExit("The child did no work.")
    return killed_at


def _read(journal: Path) -> list[dict[str, Any]]:
    try:
        lines = journal.read_text(encoding="utf-8").splitlines()
    except OSError:
        return []
    entries = []
    for line in lines:
        try:
            entries.append(json.loads(line))
        except ValueError:  # the line that the kill cut
            break
    return entries


def _newest_project() -> Path | None:
    from napari_mineral_anomaly.project.recent import recent_projects

    found = recent_projects()
    return found[0].folder if found else None


def _is_offered(project: Path) -> bool:
    from napari_mineral_anomaly.project.recent import killed_projects

    return project in [one.folder for one in killed_projects()]


def _lost_parts(
    entries: list[dict[str, Any]], saved: Fingerprint, killed_at: float
) -> dict[str, float]:
    """Parts that are older than allowed, with the age of the oldest change that is missing."""
    lost = {}
    for part in {part for entry in entries for part in entry["state"]}:
        age = _age(entries, part, saved.get(part, ""), killed_at)
        if age > ALLOWED_LOSS_S:
            lost[part] = age
    return lost


def _oldest(entries: list[dict[str, Any]], saved: Fingerprint, killed_at: float) -> float:
    parts = {part for entry in entries for part in entry["state"]}
    return max((_age(entries, part, saved.get(part, ""), killed_at) for part in parts), default=0.0)


def _age(entries: list[dict[str, Any]], part: str, saved: str, killed_at: float) -> float:
    """How long before the kill the first change was made that is not in the files; 0 for none."""
    states = [(entry["t"], entry["state"].get(part, "")) for entry in entries]
    same = [k for k, (_, value) in enumerate(states) if value == saved]
    if not same:
        return killed_at - states[0][0]
    after = [t for t, value in states[same[-1] + 1 :] if value != saved]
    return killed_at - after[0] if after else 0.0


# The state in short


def _hash(values: Any) -> str:
    array = np.ascontiguousarray(values)
    return hashlib.sha1(array.tobytes()).hexdigest()[:12]


def _verdicts(book: Any) -> str:
    lines = [f"{_hash(v.pixels)} {v.status} {v.comment}" for v in book.verdicts] if book else []
    return " | ".join(lines)


def fingerprint_of_files(project: Path) -> Fingerprint:
    """The state in the files of a project."""
    from napari_mineral_anomaly.project.load import load_project

    loaded = load_project(project)
    state = {"verdicts": _verdicts(loaded.verdicts.present if loaded.verdicts else None)}
    for name, one in loaded.results.items():
        state[f"threshold {name}"] = f"{one.note.threshold:.4f}"
        state[f"score {name}"] = _hash(one.run.result.score)
        state[f"mask {name}"] = _hash(one.mask.astype(bool))
    for number, _, image in loaded.truths:
        state[f"truth {number}"] = _hash(image.astype(np.uint8))
    hidden = sorted(k.key for k in loaded.file.layers if not k.visible and "element" in k.key)
    state["hidden"] = " ".join(hidden)
    return state


def fingerprint_of_window(viewer: Any) -> Fingerprint:
    """The state in the window."""
    from napari_mineral_anomaly.window.grains.board import board_of
    from napari_mineral_anomaly.window.layers.links import linked_layers
    from napari_mineral_anomaly.window.layers.make import threshold_of
    from napari_mineral_anomaly.window.layers.session import mask_of

    state: Fingerprint = {}
    scan_id = ""
    for layer, link in linked_layers(viewer, role="score"):
        scan_id = link.scan_id
        state[f"threshold {link.detector}"] = f"{threshold_of(layer):.4f}"
        state[f"score {link.detector}"] = _hash(layer.data)
        mask = mask_of(viewer, layer)
        if mask is not None:
            state[f"mask {link.detector}"] = _hash(np.asarray(mask.data) != 0)
    truths = [layer for layer, _ in linked_layers(viewer, role="truth")]
    for number, layer in enumerate(truths, start=1):
        state[f"truth {number}"] = _hash(np.asarray(layer.data).astype(np.uint8))
    state["verdicts"] = _verdicts(board_of(viewer).book(scan_id))
    elements = linked_layers(viewer, role="element")
    hidden = sorted(f"element {link.element}" for layer, link in elements if not layer.visible)
    state["hidden"] = " ".join(hidden)
    return state


# The child


def work(scan: Path, project: Path | None, journal: Path, seed: int) -> int:
    """Work in a real window until killed."""
    import napari

    from napari_mineral_anomaly.window.project.asking import DialogAsker
    from napari_mineral_anomaly.window.project.projects import projects_of

    class NoDialogs(DialogAsker):
        def resume(self, names: str) -> bool:
            return False

    viewer = napari.Viewer()
    projects = projects_of(viewer)
    projects.asker = NoDialogs()
    worker = Worker(viewer, projects, scan, project, journal, random.Random(seed))
    worker.start()
    napari.run()
    return 0


class Worker:
    """Does one random action after the other."""

    def __init__(
        self,
        viewer: Any,
        projects: Any,
        scan: Path,
        project: Path | None,
        journal: Path,
        chance: random.Random,
    ) -> None:
        from napari_mineral_anomaly.window.kit.opening import TRUTH, open_dock, open_step
        from napari_mineral_anomaly.window.state.model import DECIDE, FIND, HAND_OVER

        self.viewer, self.projects, self.chance = viewer, projects, chance
        self.scan, self.project = scan, project
        self.journal = journal.open("a", encoding="utf-8")
        self.truth = open_dock(viewer, TRUTH)
        workbench = open_step(viewer, DECIDE)
        self.detect, decide = workbench.step(FIND), workbench.step(DECIDE)
        self.threshold, self.grains = decide.threshold, decide.table
        self.export = workbench.step(HAND_OVER)

    def start(self) -> None:
        """Open the scan or the project, then act until killed."""
        from qtpy.QtCore import QTimer

        if self.project is not None:
            self.files = fingerprint_of_files(self.project)
            self.projects.open(self.project)
            self._when(lambda: bool(self.projects.keepers), self._opened)
        else:
            self.viewer.open(str(self.scan), plugin="napari-mineral-anomaly")
            self._first_run()
        self.timer = QTimer()
        self.timer.timeout.connect(self._act)
        self._when(lambda: self._has_mask() and not self.detect._running, self._begin)

    def _opened(self) -> None:
        state = fingerprint_of_window(self.viewer)
        self._note("opened", files=self.files, state=state)
        if not self._has_mask():  # the kill came before the first run was saved
            self._first_run()

    def _first_run(self) -> None:
        self.detect.choose_detector("rx")
        self.detect.run()
        self._when(self._has_mask, lambda: self._note("run"))

    def _begin(self) -> None:
        self.timer.start(self.chance.randrange(100, 500))

    def _when(self, ready: Any, then: Any) -> None:
        from qtpy.QtCore import QTimer

        if ready():
            then()
        else:
            QTimer.singleShot(100, lambda: self._when(ready, then))

    def _has_mask(self) -> bool:
        from napari_mineral_anomaly.window.layers.links import first_layer

        return first_layer(self.viewer, "mask") is not None and not self.projects._opening

    def _note(self, what: str, **more: Any) -> None:
        entry = {"t": time.time(), "what": what, "state": fingerprint_of_window(self.viewer)}
        self.journal.write(json.dumps(entry | more) + "\n")
        self.journal.flush()

    def _act(self) -> None:
        actions = [self._brush] * 4 + [self._threshold] * 3 + [self._verdict] * 4
        actions += [self._truth] * 3 + [self._hide] * 2 + [self._run, self._export]
        what = self.chance.choice(actions)()
        if what:
            self._note(what)
        self.timer.setInterval(self.chance.randrange(100, 500))

    def _layer(self, role: str) -> Any:
        from napari_mineral_anomaly.window.layers.links import linked_layers

        found = [layer for layer, _ in linked_layers(self.viewer, role=role)]
        return self.chance.choice(found) if found else None

    def _brush(self) -> str:
        mask = self._layer("mask")
        height, width = mask.data.shape
        mask.selected_label, mask.brush_size = self.chance.choice((0, 1)), 5
        mask.paint(
            (self.chance.randrange(height), self.chance.randrange(width)), mask.selected_label
        )
        return "brush"

    def _truth(self) -> str:
        truth = self._layer("truth")
        if truth is None:
            self.truth.make_truth()
            return "truth"
        height, width = truth.data.shape
        truth.brush_size = 3
        truth.paint(
            (self.chance.randrange(height), self.chance.randrange(width)),
            self.chance.choice((1, 2)),
        )
        return "truth"

    def _threshold(self) -> str:
        from napari_mineral_anomaly.window.layers.links import first_layer
        from napari_mineral_anomaly.window.layers.make import threshold_of

        if self.threshold.jobs.is_running("Making the mask"):
            return ""
        self.threshold.threshold.setValue(round(self.chance.uniform(2.0, 6.0), 2))
        wanted = self.threshold.threshold.value()
        score = self.threshold.score_combo.layer() or first_layer(self.viewer, "score")
        # The change is there when the mask is.
        self._when(
            lambda: (
                abs(threshold_of(score) - wanted) < 1e-9
                or abs(self.threshold.threshold.value() - wanted) > 1e-9
            ),
            lambda: self._note("threshold"),
        )
        return ""

    def _verdict(self) -> str:
        listing = self.grains.board.listing
        if listing is None or listing.table.empty:
            return ""
        if self.chance.random() < 0.15:
            self.grains.board.undo()
            return "undo"
        grain = int(self.chance.choice(listing.table["id"].tolist()))
        status = self.chance.choice(("accept", "reject", "SEM-true"))
        comment = f"seen {self.chance.randrange(1000)}"
        self.grains.board.decide([grain], status=status, comment=comment)
        return "verdict"

    def _hide(self) -> str:
        layer = self._layer("element")
        layer.visible = not layer.visible
        return "hide"

    def _run(self) -> str:
        if self.detect._running:
            return ""
        self.detect.choose_detector(self.chance.choice(("rx", "pca")))
        self.detect.run()
        self._when(lambda: not self.detect._running, lambda: self._note("run"))
        return ""

    def _export(self) -> str:
        target = self.scan.parent / f"export-{self.chance.randrange(1 << 30)}"
        self.export.choose_preset("more")
        self.export.folder.setText(str(target))
        self.export.export_button.click()
        return "export"


if __name__ == "__main__":
    sys.exit(main())
