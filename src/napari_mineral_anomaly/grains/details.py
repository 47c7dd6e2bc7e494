"""What the element maps show of every grain of a mask: signals, minerals that fit, flags."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from napari_mineral_anomaly.grains.artefacts.flags import FLAG_SEPARATOR, Edges, flag_artefacts
from napari_mineral_anomaly.grains.minerals.hints import HintTable, hint_minerals
from napari_mineral_anomaly.grains.pixels.regions import GrainRegions, PixelSets
from napari_mineral_anomaly.grains.signals import GrainSignals, element_symbols, measure_grains
from napari_mineral_anomaly.progress import SILENT, Task
from napari_mineral_anomaly.scan.cube import ElementCube
from napari_mineral_anomaly.scan.spectra.leaks import line_leaks

STEPS = ("grains", "drivers", "surroundings", "elements", "minerals", "flags")


@dataclass(frozen=True, eq=False)
class GrainDetails:
    """What the element maps show of n grains, in the order of their regions.

    Attributes
    ----------
    ring : PixelSets
        The local ring of each grain.
    signals : GrainSignals
    hints : HintTable
    flags : tuple of tuple of str
        The artefact flags of each grain.
    """

    ring: PixelSets
    signals: GrainSignals
    hints: HintTable
    flags: tuple[tuple[str, ...], ...]


def examine_grains(
    cube: ElementCube,
    regions: GrainRegions,
    contributions: NDArray[np.float64],
    pseudo_labels: NDArray[np.unsignedinteger],
    edges: Edges,
    *,
    task: Task = SILENT,
) -> GrainDetails:
    """Measure all grains in the maps; look for minerals that fit and for artefacts.

    Parameters
    ----------
    cube : ElementCube
    regions : GrainRegions
    contributions, pseudo_labels, edges
        As in `artefacts.flags.flag_artefacts`.
    task : Task, optional
    """
    report_step("elements", task)
    ring = regions.ring(task=task)
    signals = measure_grains(cube, regions, ring, task=task)
    report_step("minerals", task)
    leaks = line_leaks(element_symbols(cube.elements))
    hints = hint_minerals(signals, leaks)
    report_step("flags", task)
    flags = flag_artefacts(
        cube, regions, ring, signals, contributions, pseudo_labels, leaks, edges, task=task
    )
    return GrainDetails(ring, signals, hints, tuple(flags))


def report_step(step: str, task: Task) -> None:
    """Report one of the `STEPS` of a grain list as it begins (phase "grains")."""
    task.step("grains", STEPS.index(step), len(STEPS), step)


def with_details(
    table: pd.DataFrame, grains: NDArray[np.intp], details: GrainDetails
) -> pd.DataFrame:
    """The grain table with its `DETAIL_COLUMNS` filled in.

    Parameters
    ----------
    table : DataFrame
    grains : (n,)
        Which grain of ``details`` each row is.
    details : GrainDetails
    """
    names, distances, others = details.hints.texts()
    return table.assign(
        mineral_hint=[names[grain] for grain in grains],
        mineral_distance=distances[grains],
        mineral_others=[others[grain] for grain in grains],
        flags=[FLAG_SEPARATOR.join(details.flags[grain]) for grain in grains],
    )
