"""Run several detectors on several scenes with truth, under one protocol.

Every run has a process of its own: time and peak memory are those of one detector on one scene, and
no run is affected by what an earlier one left in memory.
"""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from napari_mineral_anomaly.detectors.pipeline import run_detection
from napari_mineral_anomaly.detectors.registry import detector_entry, detector_names, make_config
from napari_mineral_anomaly.errors import InputError
from napari_mineral_anomaly.evaluation.metrics import evaluate
from napari_mineral_anomaly.io import read_scene
from napari_mineral_anomaly.process import ProcessDiedError, call_in_own_process, peak_memory_mb
from napari_mineral_anomaly.scan.cube import ElementCube
from napari_mineral_anomaly.simulate import SCENES, simulate_section
from napari_mineral_anomaly.simulate.scene_names import SCENES_WITH_GRAINS
from napari_mineral_anomaly.simulate.write import GRAINS_FILE, SCENE_FILE

ALL_FAMILIES = "all"
SIMULATED, AIRBORNE, MINERALS = "simulated", "airborne", "minerals"


@dataclass(frozen=True, eq=False)
class LoadedScene:
    """A scene in memory.

    Attributes
    ----------
    cube : ElementCube
    truth : (H, W) uint8
        0, 1 and 255 (leave out).
    family : str
        "simulated", "airborne" (reflectance) or "minerals" (all other files). Means are taken over
        families, so that a kind with many scenes does not outweigh the others.
    grains : DataFrame or None
        Grains of a simulated section, as `simulate.SimulatedSection.grains`.
    """

    cube: ElementCube
    truth: NDArray[np.uint8]
    family: str
    grains: pd.DataFrame | None = None


@dataclass(frozen=True)
class SceneSource:
    """Where a scene with truth comes from.

    Attributes
    ----------
    text : str
        As the user typed it: a path, or ``SCENE:SEED`` of the simulator (``hard:3``).
    name : str
        Short name for tables.
    simulated : (str, int) or None
        Scene and seed of the simulator; None for files.
    """

    text: str
    name: str
    simulated: tuple[str, int] | None = None

    def load(self) -> LoadedScene:
        """Read or simulate the scene.

        Raises
        ------
        InputError
            As `io.read_scene`.
        """
        if self.simulated is not None:
            section = simulate_section(self.simulated[0], seed=self.simulated[1])
            # The same truth as in the files that `sample` writes.
            return LoadedScene(section.cube, section.truth_with_rim, SIMULATED, section.grains)
        cube, truth = read_scene(self.text)
        folder = Path(self.text)
        if _is_simulated(folder):
            return LoadedScene(cube, truth, SIMULATED, pd.read_csv(folder / GRAINS_FILE))
        return LoadedScene(cube, truth, AIRBORNE if cube.quantity == "reflectance" else MINERALS)


class PlannedRun(NamedTuple):
    """One detector on one scene with one seed, not yet run."""

    scene: SceneSource
    detector: str
    seed: int


@dataclass(frozen=True, eq=False)
class BenchmarkRun:
    """One detector on one scene with one seed: a row of the table, and its maps.

    Attributes
    ----------
    row : dict
        scene, family, detector, seed, seconds (fit and score), peak_mb (10^6 bytes, of the whole
        process), n_flagged, and the keys of `metrics.evaluate`.
    score : (H, W) float32
    threshold : float
        Background sigmas.
    truth : (H, W) uint8
    grains : DataFrame or None
        As in `LoadedScene`.
    """

    row: dict[str, Any]
    score: NDArray[np.float32]
    threshold: float
    truth: NDArray[np.uint8]
    grains: pd.DataFrame | None


def parse_scenes(texts: Sequence[str]) -> list[SceneSource]:
    """The scenes that were typed on the command line, each with a different name.

    Raises
    ------
    InputError
        As `parse_scene`, and for scenes given twice.
    """
    scenes = [parse_scene(text) for text in texts]
    alike = {name for name, n in Counter(scene.name for scene in scenes).items() if n > 1}
    scenes = [
        replace(scene, name=f"{Path(scene.text).resolve().parent.name}_{scene.name}")
        if scene.name in alike and scene.simulated is None
        else scene
        for scene in scenes
    ]
    for name, n in Counter(scene.name for scene in scenes).items():
        if n > 1:
            raise InputError(f"Two scenes are named {name}: give each scene once.")
    return scenes


def parse_scene(text: str) -> SceneSource:
    """The scene of one text: a path, or ``SCENE:SEED`` of the simulator.

    Raises
    ------
    InputError
        For a path that does not exist and is not ``SCENE:SEED`` either.
    """
    path = Path(text)
    if path.exists():
        full = path.resolve()
        return SceneSource(text, full.name if path.is_dir() else full.stem)
    kind, colon, seed = text.partition(":")
    if kind not in SCENES:
        raise InputError(
            f"{text} does not exist; a scene is a folder with truth.tif, a .mat file with data and "
            f"map, or one of {', '.join(SCENES_WITH_GRAINS)} with a seed, such as hard:3."
        )
    if kind not in SCENES_WITH_GRAINS:
        raise InputError(
            f"The simulated scene {kind} holds no anomaly, so detectors cannot be compared on it; "
            f"take {', '.join(SCENES_WITH_GRAINS)}."
        )
    if colon and not (seed.isascii() and seed.isdigit()):
        raise InputError(f"{text} is not a simulated scene: write {kind}:0, {kind}:1 ...")
    number = int(seed or 0)
    return SceneSource(text, f"{kind}-{number}", (kind, number))


def choose_detectors(names: Sequence[str]) -> list[str]:
    """Detectors by name, each once; "all" means every detector.

    Raises
    ------
    InputError
        For an unknown name.
    """
    if "all" in names:
        return detector_names()
    return list(dict.fromkeys(detector_entry(name).name for name in names))


def run_one(
    scene: SceneSource, detector: str, seed: int, parameters: dict[str, Any] | None = None
) -> BenchmarkRun:
    """Fit and score one detector on one scene and compare it with the truth.

    Raises
    ------
    InputError
        When the scene cannot be read, scored or compared.
    """
    loaded = scene.load()
    config = make_config(detector, seed=seed, **(parameters or {}))
    started = time.perf_counter()
    result = run_detection(loaded.cube, detector, config).result
    seconds = time.perf_counter() - started
    row: dict[str, Any] = {
        "scene": scene.name,
        "family": loaded.family,
        "detector": detector,
        "seed": seed,
        "seconds": seconds,
        "peak_mb": peak_memory_mb(),
        "n_flagged": int(np.count_nonzero(result.mask)),
        **evaluate(result.score, loaded.truth, threshold=result.threshold),
    }
    return BenchmarkRun(row, result.score, result.threshold, loaded.truth, loaded.grains)


def plan_runs(
    scenes: Sequence[SceneSource], detectors: Sequence[str], n_seeds: int
) -> list[PlannedRun]:
    """All runs of the scenes and detectors.

    Seeds are 0 ... ``n_seeds`` - 1; a detector without randomness runs with seed 0 only.
    """
    return [
        PlannedRun(scene, name, seed)
        for scene in scenes
        for name in detectors
        for seed in range(n_seeds if detector_entry(name).random else 1)
    ]


def run_benchmark(runs: Iterable[PlannedRun]) -> Iterator[BenchmarkRun]:
    """Do the runs of `plan_runs` one after another, each in a process of its own.

    Yields
    ------
    BenchmarkRun
        Each run as soon as it is done, so that the caller decides what to keep.

    Raises
    ------
    InputError
        As `run_one`, and when the system ended a run.
    """
    for scene, detector, seed in runs:
        try:
            yield call_in_own_process(run_one, scene, detector, seed)
        except ProcessDiedError as error:
            raise InputError(
                f"The system ended {detector} on {scene.name} ({error}), most often for lack of "
                "memory: leave that detector or scene out."
            ) from error


def summarise(rows: Sequence[dict[str, Any]]) -> pd.DataFrame:
    """Mean and spread per detector and family, and over the families.

    The mean is taken over the seeds of a scene, then over the scenes of a family, then over the
    families, so that neither many seeds nor many scenes outweigh the rest.

    Returns
    -------
    DataFrame
        Columns detector, family ("all" for the mean of the families), n_scenes, auc, ap, pauc_1e3,
        auc_sd and ap_sd (mean over scenes of the standard deviation over seeds, n - 1; NaN with
        one seed), seconds; best AP first within a family, "all" last. Only detectors that ran on
        every scene have an "all", because means over different scenes cannot be compared.
    """
    table = pd.DataFrame(rows)
    of_seeds = table.groupby(["detector", "family", "scene"])
    means = of_seeds[["auc", "ap", "pauc_1e3", "seconds"]].mean()
    spread = of_seeds[["auc", "ap"]].std().add_suffix("_sd")
    scenes = means.join(spread).reset_index()
    numbers = ["auc", "ap", "pauc_1e3", "auc_sd", "ap_sd", "seconds"]
    of_scenes = scenes.groupby(["detector", "family"])
    families = of_scenes[numbers].mean()
    families.insert(0, "n_scenes", of_scenes.size())
    families = families.reset_index()
    of_families = families.groupby("detector")
    overall = of_families[numbers].mean()
    overall.insert(0, "n_scenes", of_families["n_scenes"].sum())
    overall = overall[overall["n_scenes"] == table["scene"].nunique()].reset_index()
    ranked = [
        part.sort_values(["family", "ap", "detector"], ascending=[True, False, True])
        for part in (families, overall.assign(family=ALL_FAMILIES))
    ]
    columns = ["detector", "family", "n_scenes", *numbers]
    return pd.concat(ranked, ignore_index=True)[columns]


def _is_simulated(folder: Path) -> bool:
    """Whether `simulate.write_section` made the folder."""
    if not (folder / GRAINS_FILE).is_file():
        return False
    try:
        described = json.loads((folder / SCENE_FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return isinstance(described, dict) and described.get("simulated") is True
