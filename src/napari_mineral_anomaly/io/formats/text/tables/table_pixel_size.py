"""The pixel size of a table from the steps of its positions and the units of their headings."""

from __future__ import annotations

from dataclasses import dataclass

from napari_mineral_anomaly.io.formats.shared.lengths import is_length, length_in_um
from napari_mineral_anomaly.io.formats.shared.planes import FilePixelSize
from napari_mineral_anomaly.io.formats.text.tables.coordinates import unit_of


@dataclass(frozen=True)
class TablePixelSize:
    """A pixel size, or None with a note that asks for it."""

    pixel_size: FilePixelSize | None = None
    notes: tuple[str, ...] = ()
    steps: tuple[str, ...] = ()


def table_pixel_size(
    names: tuple[str, str],
    steps: tuple[float, float],
    default_unit: tuple[str, str] | None = None,
) -> TablePixelSize:
    """The pixel size of a table.

    Parameters
    ----------
    names : (str, str)
        Headings of the columns X and Y.
    steps : (float, float)
        Step of Y and of X in their units; 0 where there is only one line.
    default_unit : (str, str), optional
        The unit of columns that name none, and the program that writes them so.
    """
    x, y = names
    step_y, step_x = steps[0] or steps[1], steps[1] or steps[0]
    if not step_x:
        return TablePixelSize()
    units = [unit_of(y), unit_of(x)]
    said: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    if not any(units) and default_unit is not None:
        units = [default_unit[0]] * 2
        notes = (
            f"the columns {x} and {y} do not name their unit; {units[0]} is assumed, as "
            f"{default_unit[1]} writes them",
        )
    if "" in units and any(map(is_length, units)):
        known = next(filter(None, units))
        said = (f"{y if units[1] else x} has no unit, that of the other coordinate is used",)
        units = [known, known]
    if all(map(is_length, units)):
        in_um = [
            length_in_um((step, step), unit, "")
            for step, unit in zip((step_y, step_x), units, strict=True)
        ]
        if in_um[0] is not None and in_um[1] is not None:
            size = FilePixelSize((in_um[0].um[0], in_um[1].um[0]), f"{x} and {y} columns")
            return TablePixelSize(size, notes, said)
        lengths = " and ".join(
            f"{step:g} {unit}" for step, unit in zip((step_y, step_x), units, strict=True)
        )
        note = (
            f"the steps of {y} and {x} are {lengths}, which is no pixel size of a map: give the "
            "pixel size"
        )
        return TablePixelSize(None, (note,))
    if _count_pixels(units, step_y, step_x):
        return TablePixelSize()
    step = " and ".join(dict.fromkeys((f"{step_y:g}", f"{step_x:g}")))
    unit = next((unit for unit in units if unit and not is_length(unit)), "")
    are = f"are in {unit!r}, which is no length" if unit else "do not name their unit"
    note = (
        f"the columns {x} and {y} {are}, so the pixel size is unknown: give it in µm (their step "
        f"is {step})"
    )
    return TablePixelSize(None, (note,))


def _count_pixels(units: list[str], step_y: float, step_x: float) -> bool:
    return set(units) <= {"", "px"} and abs(step_y - 1) < 1e-6 and abs(step_x - 1) < 1e-6
