"""Tables with a row for each value: the place, the element in words, and one number."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from napari_mineral_anomaly.errors import InputError


def by_element(
    file: str,
    elements: Sequence[str],
    places: Sequence[NDArray[np.float64]],
    values: NDArray[np.float64],
) -> tuple[list[NDArray[np.float64]], dict[str, NDArray[np.float64]]]:
    """A table with one row for each pixel from one with a row for each value.

    Parameters
    ----------
    file : str
        Its name, for the sentence.
    elements : sequence of str
        The element of each row.
    places : sequence of array (n,)
        The coordinates of each row.
    values : array (n,)

    Returns
    -------
    places : list of array (m,)
        Of the pixels, in the order of the first element.
    values : dict of str to array (m,)
        In the order in which the elements occur.

    Raises
    ------
    InputError
        When the elements have not the same pixels.
    """
    names = np.asarray(elements)
    where = np.column_stack(places)
    found: dict[str, NDArray[np.float64]] = {}
    first: NDArray[np.float64] | None = None
    order: NDArray[np.intp] = np.empty(0, np.intp)
    for name in dict.fromkeys(elements):
        rows = np.flatnonzero(names == name)
        sorting = np.lexsort(where[rows].T)
        if first is None:
            first, order = where[rows], np.argsort(sorting, kind="stable")
        same = first[np.argsort(order, kind="stable")] if first.shape[0] == rows.size else None
        if same is None or not np.array_equal(where[rows][sorting], same):
            raise InputError(
                f"{file} has other pixels for {name or 'rows without an element'} than for "
                f"{next(iter(dict.fromkeys(elements)))}; export all elements of one scan."
            )
        found[name] = values[rows][sorting][order]
    return list((first if first is not None else where).T), found
