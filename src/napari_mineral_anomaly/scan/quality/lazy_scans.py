"""The ingest report of a scan that stays on disk, with statistics of a block in its middle."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from napari_mineral_anomaly.scan.cube import ElementCube
from napari_mineral_anomaly.scan.quality.checks import full_report
from napari_mineral_anomaly.scan.quality.facts import ReadFacts
from napari_mineral_anomaly.scan.report import IngestReport

# Enough pixels for percentages and contrast; usually within one chunk of every map.
_SIDE = 512


def middle_block(cube: ElementCube, side: int = _SIDE) -> ElementCube:
    """A block from the middle of a scan, at most ``side`` x ``side`` pixels, in memory.

    It starts where a chunk starts, so that few chunks are read.
    """
    chunks = getattr(cube.maps, "chunksize", (1, 1, 1))[1:]
    rows, columns = (
        slice(start, start + side)
        for start in (
            max(0, min(size // 2 // chunk * chunk, size - side))
            for size, chunk in zip(cube.shape, chunks, strict=True)
        )
    )
    return cube.replace(
        maps=np.asarray(cube.maps[:, rows, columns]), valid=None, report=None, context=()
    )


def report_of_middle(cube: ElementCube, facts: ReadFacts) -> IngestReport:
    """A report that reads only `middle_block` of the scan, and says so.

    Each `UsedMap` has the shape of the whole map, and in ``counted`` the number of pixels that were
    read. Dead lines, spikes and the valid area need the whole scan and are left out.
    """
    block = middle_block(cube)
    found = full_report(block, replace(facts, warnings=()))
    height, width = block.shape
    note = (
        f"The statistics are of {height} x {width} pixels in the middle; the rest of the "
        "scan was not read."
    )
    used = tuple(
        one.model_copy(
            update={
                "shape": cube.shape,
                "counted": height * width,
                "spikes": 0,
                "dead_rows": (),
                "dead_columns": (),
            }
        )
        for one in found.used
    )
    return found.model_copy(
        update={"used": used, "warnings": (*facts.warnings, note), "valid_area": None}
    )
