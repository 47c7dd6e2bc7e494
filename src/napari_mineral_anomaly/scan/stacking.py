"""Several scans in one cube, so that one detector can be fitted on all of them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from napari_mineral_anomaly.errors import InputError
from napari_mineral_anomaly.scan.cube import ElementCube

# More rows than any detector uses around a pixel (rings: eight; MSFA-Net: five, and three for its
# smoothing), so that the scans do not influence each other.
SEPARATOR_ROWS = 16


def stack_sections(cubes: Sequence[ElementCube]) -> ElementCube:
    """Put scans one below the other into one cube, with rows that are not valid between them.

    A detector that is fitted on it learns the background of all scans: ``mineral-anomaly train``
    does this with several inputs.

    Parameters
    ----------
    cubes : sequence of ElementCube
        At least one. The first gives the order of the elements; narrower scans are padded on the
        right with pixels that are not valid.

    Returns
    -------
    ElementCube
        The cube itself when there is only one; otherwise a copy in the smallest dtype that holds
        the numbers of all scans. Its pixel size is that of the scans if they agree, else None.

    Raises
    ------
    InputError
        When the scans do not have the same elements or not the same kind of numbers.
    """
    if not cubes:
        raise InputError("There is no scan to train on.")
    if len(cubes) == 1:
        return cubes[0]
    first = cubes[0]
    for cube in cubes[1:]:
        _require_alike(first, cube)
    heights = [cube.shape[0] for cube in cubes]
    width = max(cube.shape[1] for cube in cubes)
    height = sum(heights) + SEPARATOR_ROWS * (len(cubes) - 1)
    dtype = np.result_type(*(cube.maps.dtype for cube in cubes))
    maps = np.zeros((first.n_elements, height, width), dtype=dtype)
    valid = np.zeros((height, width), dtype=bool)
    top = 0
    for cube in cubes:
        rows, columns = slice(top, top + cube.shape[0]), slice(cube.shape[1])
        for c, element in enumerate(first.elements):
            maps[c, rows, columns] = cube.plane(cube.elements.index(element))
        valid[rows, columns] = cube.valid
        top = rows.stop + SEPARATOR_ROWS
    sizes = {cube.pixel_size for cube in cubes}
    return ElementCube(
        maps,
        first.elements,
        pixel_size=sizes.pop() if len(sizes) == 1 else None,
        valid=valid,
        quantity=first.quantity,
        source=f"{len(cubes)} scans",
    )


def _require_alike(first: ElementCube, other: ElementCube) -> None:
    missing = [element for element in first.elements if element not in other.elements]
    extra = [element for element in other.elements if element not in first.elements]
    if missing or extra:
        differences = [f"{other.source} lacks {', '.join(missing)}"] if missing else []
        differences += [f"{first.source} lacks {', '.join(extra)}"] if extra else []
        raise InputError(
            "One model needs the same elements in every scan, but "
            + " and ".join(differences)
            + "."
        )
    if first.quantity != other.quantity:
        raise InputError(
            f"One model needs the same kind of numbers in every scan, but {first.source} holds "
            f"{first.quantity} and {other.source} {other.quantity}."
        )
