"""Several detectors on several scenes with truth, under one protocol, as a table.

Every run is a process of its own, so that time and peak memory are those of one detector on one
scene and a crash takes nothing else with it.
"""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from napari_mineral_anomaly.cube import ElementCube
from napari_mineral_anomaly.detectors.registry import detector_entry, detector_names, make_config
from napari_mineral_anomaly.errors import InputError
from napari_mineral_anomaly.evaluation import evaluate
from napari_mineral_anomaly.io import read_scene
from napari_mineral_anomaly.pipeline import run_detection
from napari_mineral_anomaly.run_record import peak_memory_mb
from napari_mineral_anomaly.simulate import SCENES, simulate_section

METRICS = ("auc", "ap", "pauc_1e3", "auc_df", "auc_dtau", "auc_ftau", "td", "bs", "odp")


@dataclass(frozen=True)
class Scene:
    """Where a scene with truth comes from.

    Attributes
    ----------
    text : str
        As the user gave it: a path, or ``SCENE:SEED`` of the simulator (``hard:3``).
    name : str
        Short name for tables.
    simulated : (str, int) or None
        Scene and seed of the simulator; None for files.
    """

    text: str
    name: str
    simulated: tuple[str, int] | None = None

    def load(self) -> tuple[ElementCube, NDArray[np.uint8], str]:
        """Element maps, truth (0, 1, 255) and family: simulated, airborne or minerals.

        Reflectance scenes are "airborne", all other files "minerals": means over families keep
        scenes of one kind from outvoting the others.
        """
        if self.simulated is not None:
            section = simulate_section(self.simulated[0], seed=self.simulated[1])
            return section.cube, section.truth, "simulated"
        cube, truth = read_scene(self.text)
        return cube, truth, "airborne" if cube.quantity == "reflectance" else "minerals"


@dataclass(frozen=True, eq=False)
class BenchmarkRun:
    """One detector on one scene with one seed: a row of the table, and the maps behind it."""

    row: dict[str, Any]
    score: NDArray[np.float32]
    truth: NDArray[np.uint8]


def parse_scene(text: str) -> Scene:
    """Understand a scene as given on the command line.

    Raises
    ------
    InputError
        For a path that does not exist and is not ``SCENE:SEED`` either.
    """
    kind, colon, seed = text.partition(":")
    if kind in SCENES and not Path(text).exists():
        if colon and not seed.isdigit():
            raise InputError(f"{text} is not a simulated scene: write {kind}:0, {kind}:1 ...")
        number = int(seed or 0)
        return Scene(text, f"{kind}-{number}", (kind, number))
    path = Path(text)
    if not path.exists():
        raise InputError(
            f"{text} does not exist; a scene is a folder with truth.tif, a .mat file with data and "
            f"map, or one of {', '.join(SCENES)} with a seed, such as hard:3."
        )
    return Scene(text, path.resolve().stem)


def choose_detectors(names: Sequence[str]) -> list[str]:
    """Detectors by name; "all" means every one there is.

    Raises
    ------
    InputError
        For an unknown name.
    """
    if list(names) == ["all"]:
        return detector_names()
    return [detector_entry(name).name for name in names]


def run_one(
    scene: Scene, detector: str, seed: int, parameters: dict[str, Any] | None = None
) -> BenchmarkRun:
    """Fit and score one detector on one scene and compare it with the truth."""
    cube, truth, family = scene.load()
    config = make_config(detector, seed=seed, **(parameters or {}))
    started = time.perf_counter()
    result = run_detection(cube, detector, config).result
    seconds = time.perf_counter() - started
    row: dict[str, Any] = {
        "scene": scene.name,
        "family": family,
        "detector": detector,
        "seed": seed,
        "seconds": seconds,
        "peak_mb": peak_memory_mb(),
        "n_flagged": int(np.count_nonzero(result.mask)),
        **evaluate(result.score, truth, threshold=result.threshold),
    }
    return BenchmarkRun(row, result.score, truth)


def run_benchmark(
    scenes: Sequence[Scene],
    detectors: Sequence[str],
    seeds: Sequence[int],
    on_run: Callable[[BenchmarkRun], None] | None = None,
) -> list[BenchmarkRun]:
    """Every detector on every scene; detectors without randomness run with the first seed only."""
    runs: list[BenchmarkRun] = []
    jobs = [
        (scene, name, seed)
        for scene in scenes
        for name in detectors
        for seed in (seeds if detector_entry(name).random else seeds[:1])
    ]
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=context, max_tasks_per_child=1) as pool:
        for job in jobs:
            run = pool.submit(run_one, *job).result()
            runs.append(run)
            if on_run is not None:
                on_run(run)
    return runs


def summarise(rows: Sequence[dict[str, Any]]) -> pd.DataFrame:
    """Mean and spread per detector and family, and over the families.

    Seeds of a scene are averaged first, then scenes of a family, then families, so that neither
    many seeds nor many scenes outweigh the rest.

    Returns
    -------
    DataFrame
        Columns detector, family ("all" for the mean of the families), n_scenes, auc, ap and
        auc_sd, ap_sd (mean over scenes of the standard deviation over seeds), seconds; best AP
        first within a family.
    """
    table = pd.DataFrame(rows)
    keys = ["detector", "family", "scene"]
    grouped = table.groupby(keys)[["auc", "ap", "seconds"]]
    scenes = grouped.mean()
    spread = grouped.std(ddof=0)[["auc", "ap"]].add_suffix("_sd")
    per_scene = scenes.join(spread).reset_index()
    numbers = ["auc", "ap", "auc_sd", "ap_sd", "seconds"]
    families = per_scene.groupby(["detector", "family"])[numbers].mean()
    families["n_scenes"] = per_scene.groupby(["detector", "family"]).size()
    families = families.reset_index()
    overall = families.groupby("detector")[numbers].mean()
    overall["n_scenes"] = families.groupby("detector")["n_scenes"].sum()
    overall = overall.reset_index().assign(family="all")
    out = pd.concat([families, overall], ignore_index=True)
    order = ["family", "detector", "n_scenes", *numbers]
    return out[order].sort_values(["family", "ap"], ascending=[True, False], ignore_index=True)
