"""Map files of xraylarch and GSECARS (XRM): windows at element lines, for each detector and summed.

The layout is that of larch.xrmmap.xrm_mapfile (xraylarch 2026.3). Version 1 and 2.1 keep stacks
(rows, columns, windows) ROOT/roimap/sum_cor with names in sum_name; version 2 keeps
ROOT/roimap/DETECTOR/NAME/cor. "cor" is corrected for dead time, "raw" is as counted.
ROOT/positions/pos (rows, columns, positioners) has the places, in mm at the stages of GSECARS.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_mineral_anomaly.io.formats.shared.containers import Container, StoredArray
from napari_mineral_anomaly.io.formats.shared.lengths import (
    is_length,
    length_in_um,
    no_scan_has,
    size_words,
)
from napari_mineral_anomaly.io.formats.shared.named_axes import step_of
from napari_mineral_anomaly.io.formats.shared.planes import FilePixelSize

_ROOTS = ("xrmmap", "xrfmap")
_WINDOW = re.compile(r"(?P<detector>[^/]+)/(?P<name>[^/]+)/(?P<kind>cor|raw)")
# As larch shows them: summed and corrected for dead time first.
_STACKS = ("sum_cor", "sum_raw", "det_cor", "det_raw")


def arranged(container: Container) -> Container:
    """The container with a map for each window, named by it; unchanged in other files."""
    arrays = {array.name: array for array in container.arrays}
    for root in _ROOTS:
        places = arrays.get(f"{root}/positions/pos")
        shape = None if places is None or len(places.shape) != 3 else places.shape[:2]
        maps = [
            one
            for kind in ("cor", "raw")
            for one in (
                *_of_stacks(container, arrays, f"{root}/roimap", kind),
                *_of_groups(arrays, f"{root}/roimap", kind),
            )
            # The windows of a detector that larch has not asked for yet have a single row.
            if shape is None or one.shape == shape
        ]
        if not maps:
            continue
        size, note = (None, "") if places is None else _pixel_size(container, places, root)
        words = (
            "windows at the element lines as the beamline set them: their background and "
            "overlapping lines are part of the counts; those called cor are corrected for dead "
            "time, those called raw are as counted",
        )
        return replace(
            container,
            arrays=[*maps, *container.arrays],
            pixel_size=size or container.pixel_size,
            size_note=note or container.size_note,
            words=(*container.words, *words),
        )
    return container


def _of_stacks(
    container: Container, arrays: Mapping[str, StoredArray], group: str, kind: str
) -> Iterator[StoredArray]:
    for name in (f"{group}/{stack}" for stack in _STACKS if stack.endswith(kind)):
        stack = arrays.get(name)
        names = container.texts.get(f"{name.rpartition('_')[0]}_name", ())
        if stack is None or len(stack.shape) != 3 or len(names) != stack.shape[2]:
            continue
        for i, window in enumerate(names):
            yield replace(
                stack,
                name=f"{name}/{window.replace('/', ' ')}",
                shape=stack.shape[:2],
                read=partial(_window, stack.read, i),
                order=None,
            )


def _of_groups(arrays: Mapping[str, StoredArray], group: str, kind: str) -> Iterator[StoredArray]:
    for name, array in arrays.items():
        if not name.startswith(f"{group}/") or len(array.shape) != 2:
            continue
        match = _WINDOW.fullmatch(name.removeprefix(f"{group}/"))
        if match and match["kind"] == kind:
            yield replace(array, name=f"{group}/{match['detector']}/{kind}/{match['name']}")


def _window(read: Callable[[], NDArray[Any]], index: int) -> NDArray[Any]:
    return np.ascontiguousarray(read()[:, :, index])


def _pixel_size(
    container: Container, places: StoredArray, root: str
) -> tuple[FilePixelSize | None, str]:
    """The steps of the positioners called x and y, else of the first two."""
    names = [name.lower() for name in container.texts.get(f"{root}/positions/name", ())]
    chosen = []
    for place, letter in enumerate("xy"):
        named = [i for i, name in enumerate(names) if re.search(rf"(^|[\s_]){letter}$", name)]
        chosen.append(named[0] if named else place)
    if max(chosen) >= places.shape[2]:
        return None, ""
    units = container.texts.get(f"{root}/positions/units", ())
    unit = units[0] if units and is_length(units[0]) else "mm"
    values = np.asarray(places.read(), dtype=float)
    across = step_of(np.median(values[:, :, chosen[0]], axis=0))
    down = step_of(np.median(values[:, :, chosen[1]], axis=1))
    if across is None or down is None:
        return None, ""
    steps = _certain(down, values[:, :, chosen[1]]), _certain(across, values[:, :, chosen[0]])
    size = length_in_um(steps, unit, "positions of the stage")
    return size, "" if size else no_scan_has(f"{size_words(steps)} {unit}", "its positions say")


def _certain(step: float, places: NDArray[np.float64]) -> float:
    """The size of a step by the digits that places of single precision make certain."""
    largest = min(np.abs(places[np.isfinite(places)]).max(), np.finfo(np.float32).max)
    precision = float(np.spacing(np.float32(largest)))
    digits = max(2, int(np.log10(abs(step) / precision)))
    return float(f"{abs(step):.{min(digits, 6)}g}")
