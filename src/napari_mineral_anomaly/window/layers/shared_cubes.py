"""One cube for all who work on a scan at the same time.

A cube locates its valid area once, which takes a second or more for millions of pixels. As long as
somebody holds the cube of a scan, the others get the same one.
"""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import Any
from weakref import WeakKeyDictionary, WeakValueDictionary

from napari_mineral_anomaly.scan.cube import ElementCube
from napari_mineral_anomaly.window.layers.links import unwrapped

# The last cube of each scan, and what each was made of, which lives as long as the cube.
_cubes: WeakKeyDictionary[Any, WeakValueDictionary[str, ElementCube]] = WeakKeyDictionary()
_made_of: WeakKeyDictionary[ElementCube, tuple[Sequence[Any], tuple[Any, ...]]] = (
    WeakKeyDictionary()
)


def shared(
    viewer: Any,
    scan_id: str,
    cube: ElementCube,
    arrays: Sequence[Any],
    description: tuple[Any, ...],
) -> ElementCube:
    """The cube that was made before of the same arrays, if somebody still holds it; else ``cube``.

    Parameters
    ----------
    viewer, scan_id
    cube : ElementCube
        Made of the layers as they are now.
    arrays : sequence
        What it was made of; compared by identity.
    description : tuple
        What else it says; compared by value.
    """
    cubes = _cubes.setdefault(unwrapped(viewer), WeakValueDictionary())
    earlier = cubes.get(scan_id)
    if earlier is not None:
        before, said = _made_of[earlier]
        same = len(before) == len(arrays) and all(map(operator.is_, before, arrays))
        if same and said == description:
            return earlier
    cubes[scan_id] = cube
    _made_of[cube] = (tuple(arrays), description)
    return cube
