"""Axes that a file names: which of them are rows, columns, elements or energies.

HyperSpy, NeXus, netCDF, xarray, Zarr 3 and OME-Zarr store a name for each axis of an array. Where
there are names they decide, not the shape. Rows are the y axis and columns the x axis; the first
row in the file is the first row of the map, whichever way the stage counts.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from napari_mineral_anomaly.io.formats.shared.axes import MOST_UNNAMED_CHANNELS
from napari_mineral_anomaly.io.formats.shared.lengths import (
    length_in_um,
    no_scan_has,
    size_words,
    um_per,
)
from napari_mineral_anomaly.io.formats.shared.planes import FilePixelSize
from napari_mineral_anomaly.io.formats.shared.texts import KEV_PER_UNIT

# What an axis is: row "y", column "x", element or other channel "c", energy "e", another quantity
# "o", unknown "".
_ROWS = frozenset(("y", "row", "rows", "lat", "latitude", "height", "northing"))
_COLUMNS = frozenset(
    ("x", "col", "cols", "column", "columns", "lon", "longitude", "width", "easting")
)
_CHANNELS = frozenset(
    (
        *("c", "ch", "channel", "channels", "element", "elements", "band", "bands", "line_name"),
        *("analyte", "analytes", "isotope", "species", "variable", "xray_line", "stack_element"),
        *("feature", "features", "wavelength"),
    )
)
_ENERGIES = frozenset(
    (
        *("e", "energy", "energies", "kev", "ev", "energy_channel", "mca", "spectrum", "spectra"),
        "energy_loss",
    )
)
_OTHERS = frozenset(
    (
        "t",
        "time",
        "z",
        "depth",
        "slice",
        "slices",
        "frame",
        "frames",
        "repetition",
        "angle",
        "theta",
    )
)
_WORDS = {"y": "rows", "x": "columns", "c": "channels", "e": "energies"}
# "sample_y", "y_um", "stage-y", "samy", "ypos", "yaxis"
_Y_NAME = re.compile(r"(?:.*[\s_\-.])?y(?:[\s_\-.(\[].*)?|sa?my|ypos.*|posy|y_?axis|sy|py|my")


@dataclass(frozen=True)
class NamedAxis:
    """One axis of an array as its file describes it.

    Attributes
    ----------
    name : str
        "" where the file gives none.
    unit : str
        Of its positions.
    step : float or None
        Between two positions, in ``unit``; negative where they run downwards.
    is_signal : bool or None
        HyperSpy: whether it is an axis of the signal (the spectrum), not of the map.
    """

    name: str
    unit: str = ""
    step: float | None = None
    is_signal: bool | None = None

    @property
    def role(self) -> str:
        """What the axis counts: "y", "x", "c", "e", "o", or "" where that is not known."""
        word = self.name.strip().casefold()
        if word in _ENERGIES or self.unit.strip().casefold() in KEV_PER_UNIT:
            return "e"
        sets = (("y", _ROWS), ("x", _COLUMNS), ("c", _CHANNELS), ("o", _OTHERS))
        for role, names in sets:
            if word in names:
                return role
        if _Y_NAME.fullmatch(word):
            return "y"
        if _Y_NAME.fullmatch(word.replace("y", "?").replace("x", "y")):
            return "x"
        return ""


@dataclass(frozen=True)
class Order:
    """How an array with named axes is brought into the order of maps.

    Attributes
    ----------
    axes : tuple of int
        The axes of the stored array that are kept, in the order (channels, rows, columns) or (rows,
        columns) for maps, (rows, columns, energies) for spectra. The others have length one.
    roles : str
        "cyx", "yx" or "yxe". In place of "c", "?" where the file does not say what the axis counts,
        and "o" where that is time, depth or the like.
    pixel_size : FilePixelSize or None
    words : tuple of str
        What was understood, for the report.
    notes : tuple of str
        Warnings.
    """

    axes: tuple[int, ...]
    roles: str
    pixel_size: FilePixelSize | None = None
    words: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    def shape(self, stored: Sequence[int]) -> tuple[int, ...]:
        """The shape after ordering."""
        return tuple(int(stored[axis]) for axis in self.axes)

    def spectra(self, stored: Sequence[int]) -> tuple[int, int, int] | None:
        """The axes of the rows, the columns and the energies, if the array holds spectra.

        An axis that the file does not explain counts energies from 65 channels on.
        """
        if self.roles == "yxe":
            return self.axes[0], self.axes[1], self.axes[2]
        if self.roles == "?yx" and stored[self.axes[0]] > MOST_UNNAMED_CHANNELS:
            return self.axes[1], self.axes[2], self.axes[0]
        return None

    def arrange(self, stored: Any) -> Any:
        """An array (numpy or dask) in that order."""
        dropped = [axis for axis in range(stored.ndim) if axis not in self.axes]
        kept = [axis for axis in range(stored.ndim) if axis in self.axes]
        squeezed = stored.reshape([stored.shape[axis] for axis in kept]) if dropped else stored
        return squeezed.transpose([kept.index(axis) for axis in self.axes])


def order_of(
    axes: Sequence[NamedAxis], shape: Sequence[int], source: str, origin: str = "axes"
) -> Order | None:
    """The order of an array by the names of its axes.

    Parameters
    ----------
    axes : sequence of NamedAxis
        One for each axis of the array.
    shape : sequence of int
    source : str
        Where the names are: "the axes of HyperSpy".
    origin : str
        Where the pixel size is from, for the report.

    Returns
    -------
    Order or None
        None where the names do not say which axes are the rows and the columns, or where more
        axes than one remain beside them.
    """
    if len(axes) != len(shape) or len(shape) < 2:
        return None
    roles = _completed([axis.role for axis in axes], axes, shape)
    if roles.count("y") != 1 or roles.count("x") != 1:
        return None
    y, x = roles.index("y"), roles.index("x")
    rest = [i for i in range(len(shape)) if i not in (y, x)]
    long = [i for i in rest if shape[i] > 1] or [i for i in rest if roles[i] in ("c", "e")][:1]
    if len(long) > 1:
        return None
    channel = roles[long[0]] or "?" if long else ""
    kept = (y, x, *long) if channel == "e" else (*long, y, x)
    size, words, notes = _pixel_size(axes[y], axes[x], origin)
    names = [axis.name or "an axis without a name" for axis in axes]
    order = " x ".join(_WORDS.get(roles[i], names[i]) for i in range(len(shape)))
    stated = f"the axes are {order}, from {source}"
    if kept != tuple(sorted(kept)):
        stated += f"; they are read as {' x '.join(_WORDS.get(roles[i], names[i]) for i in kept)}"
    as_roles = {"e": "yxe", "": "yx"}.get(channel, f"{channel}yx")
    return Order(kept, as_roles, size, (stated, *words), notes)


def _completed(roles: list[str], axes: Sequence[NamedAxis], shape: Sequence[int]) -> list[str]:
    """Names of one side of the map tell the other; HyperSpy's signal axis is that of energies."""
    signal = [i for i, axis in enumerate(axes) if axis.is_signal]
    if (
        len(shape) == 3
        and len(signal) == 1
        and roles[signal[0]] == ""
        and shape[signal[0]] > MOST_UNNAMED_CHANNELS
    ):
        roles = [*roles[: signal[0]], "e", *roles[signal[0] + 1 :]]
    if len(signal) == 2 and not any(roles[i] for i in signal):
        roles = [dict(zip(signal, "yx", strict=True)).get(i, role) for i, role in enumerate(roles)]
    if "y" in roles or "x" in roles:
        unknown = [i for i, role in enumerate(roles) if not role and shape[i] > 1]
        missing = [role for role in "yx" if role not in roles]
        if len(unknown) == 1 and len(missing) == 1:
            roles = [missing[0] if i == unknown[0] else role for i, role in enumerate(roles)]
    elif "e" in roles or any(axis.is_signal is not None for axis in axes):
        # Without names, the axes beside the energies, or all of HyperSpy's, are rows, then columns.
        unknown = [i for i, role in enumerate(roles) if not role]
        if len(unknown) == 2:
            roles = [dict(zip(unknown, "yx", strict=True)).get(i, r) for i, r in enumerate(roles)]
    return roles


def _pixel_size(
    y: NamedAxis, x: NamedAxis, origin: str
) -> tuple[FilePixelSize | None, tuple[str, ...], tuple[str, ...]]:
    """The pixel size from both axes, whether a stage axis runs backwards, and warnings."""
    words = []
    for axis, name in ((y, "rows"), (x, "columns")):
        if axis.step is not None and axis.step < 0:
            words.append(
                f"{name} are as stored; their positions ({axis.name}) run from high to low"
            )
    if y.step is None or x.step is None:
        return None, tuple(words), ()
    steps = abs(y.step), abs(x.step)
    factors = um_per(y.unit or x.unit), um_per(x.unit or y.unit)
    if factors[0] is None or factors[1] is None:
        units = {f"the unit {axis.unit}" if axis.unit else "no unit" for axis in (y, x)}
        if steps == (1.0, 1.0):  # numbered pixels
            return None, tuple(words), ()
        note = (
            f"the steps of its axes, {steps[0]:.6g} (rows) and {steps[1]:.6g} (columns), have "
            f"{' and '.join(sorted(units))}, so they are not used as pixel size: give it in µm"
        )
        return None, tuple(words), (note,)
    um = (steps[0] * factors[0], steps[1] * factors[1])
    size = length_in_um(um, "µm", origin)
    notes = () if size is not None else (no_scan_has(f"{size_words(um)} µm", "its axes say"),)
    return size, tuple(words), notes


def step_of(positions: ArrayLike) -> float | None:
    """The step between neighbouring positions; None where they are not evenly spaced.

    Encoders jitter, and some programs fill the end of the list with zeros: a tenth of the steps may
    be off by more than half a step.
    """
    values = np.asarray(positions, dtype=np.float64).ravel()
    if values.size < 2 or not np.isfinite(values).all():
        return None
    steps = np.diff(values)
    middle = float(np.median(steps))
    odd = np.abs(steps - middle) > 0.5 * abs(middle)
    return middle if middle != 0 and np.count_nonzero(odd) <= max(2, steps.size // 10) else None


def arranged(read: Any, order: Order) -> Any:
    """A reader of all numbers that answers them in the order of maps."""
    return partial(_arranged, read, order)


def _arranged(read: Any, order: Order) -> NDArray[Any]:
    return np.asarray(order.arrange(np.asarray(read())))
