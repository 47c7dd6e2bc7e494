"""Which signals of a file are maps: arrays with named axes, as in HyperSpy and EMD files."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from napari_mineral_anomaly.errors import InputError
from napari_mineral_anomaly.io.formats.shared.axes import MOST_UNNAMED_CHANNELS
from napari_mineral_anomaly.io.formats.shared.containers import (
    Container,
    StoredArray,
    map_file,
    open_stack,
    single_plane,
)
from napari_mineral_anomaly.io.formats.shared.planes import Opened, SpectraInside
from napari_mineral_anomaly.words import listed


def maps_of_signals(
    container: Container,
    title: Callable[[StoredArray], str],
    names: Callable[[StoredArray], Sequence[str]],
    dataset: str | None = None,
) -> Opened:
    """The element maps among signals, or that they hold spectra.

    Parameters
    ----------
    container : Container
        Its arrays are the signals.
    title : callable
        The name of a map.
    names : callable
        The names of the planes of a stack; not used where they do not fit.
    dataset : str, optional
        The signal that the user named.

    Raises
    ------
    InputError
        When there are neither maps nor spectra, or several stacks of maps.
    """
    signals = [array for array in container.arrays if 0 not in array.shape]
    container = replace(container, arrays=signals)
    file = container.path.name
    if any(map(_holds_spectra, signals)):
        return SpectraInside(container.path, dataset)
    flat = [array for array in signals if len(array.shape) == 2]
    if flat:
        planes = [replace(single_plane(container, one, None), name=title(one)) for one in flat]
        if len(planes) > 1:
            planes = [replace(plane, page=i) for i, plane in enumerate(planes, start=1)]
        return map_file(container, tuple(planes), flat)
    stacks = [array for array in signals if len(array.shape) == 3]
    if len(stacks) == 1:
        own = tuple(names(stacks[0]))
        fit = len(own) == stacks[0].shape[0] and len(set(own)) == len(own)
        return open_stack(container, stacks[0], own if fit else ())
    if stacks:
        raise InputError(
            f"{file} holds {len(stacks)} stacks ({listed([stack.name for stack in stacks])}): name "
            f'the one to read, as "{file}::/{stacks[0].name}".'
        )
    raise InputError(
        f"{file} holds no maps and no spectra on a map: its signals are {container.contents()}."
    )


def of_stacked(i: int) -> str:
    """Where HyperSpy keeps the metadata of the signals that it made a stack of, below the stack."""
    return f"original_metadata/stack_elements/element{i}/metadata"


def is_signal(array: StoredArray) -> bool:
    """Whether an array is the numbers of a signal, by its place."""
    return array.basename == "data" and "/" in array.group and 0 not in array.shape


def _holds_spectra(array: StoredArray) -> bool:
    if array.order is None or len(array.shape) != 3:
        return False
    # The shape is in the order of the map by now.
    is_long = array.order.roles == "?yx" and array.shape[0] > MOST_UNNAMED_CHANNELS
    return array.order.roles == "yxe" or is_long
