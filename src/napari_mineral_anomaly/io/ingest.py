"""The ingest report: what a reader used, what it ignored and why."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict

if TYPE_CHECKING:
    from napari_mineral_anomaly.cube import ElementCube

SCHEMA_VERSION = 1


class _Value(BaseModel):
    model_config = ConfigDict(frozen=True)


class UsedMap(_Value):
    """One element map that was read. Counts of pixels: ``nan`` not finite, ``zero``,
    ``negative``, ``saturated`` (at the top of an integer dtype).

    ``file`` is the path below the folder that was opened, ``page`` the number of the plane in its
    file from 1 (None where the file holds one plane), ``dtype`` that of the file; the cube holds
    all maps in one common dtype that changes none of the values.
    """

    file: str
    element: str
    dtype: str
    shape: tuple[int, int]
    nan: int
    zero: int
    negative: int
    saturated: int
    page: int | None = None


class IgnoredFile(_Value):
    """One file that was not read as an element map, and why, in words."""

    file: str
    reason: str


class IngestReport(_Value):
    """What `read_maps` did; ``model_dump(mode="json")`` is ingest.json.

    ``pixel_size_um`` is (y, x) or None; ``pixel_size_source`` says in words where it came from.
    """

    schema_version: int = SCHEMA_VERSION
    used: tuple[UsedMap, ...] = ()
    ignored: tuple[IgnoredFile, ...] = ()
    pixel_size_um: tuple[float, float] | None = None
    pixel_size_source: str = "unknown"
    warnings: tuple[str, ...] = ()


def report_of_cube(cube: ElementCube) -> IngestReport:
    """The report of a cube made in memory: statistics and warnings, no files.

    Reads every map once.
    """
    from napari_mineral_anomaly.io.statistics import cube_warnings, used_map

    name = cube.source or "memory"
    used = tuple(
        used_map(cube.plane(c), file=name, element=element)
        for c, element in enumerate(cube.elements)
    )
    return IngestReport(
        used=used,
        pixel_size_um=cube.pixel_size,
        pixel_size_source="unknown" if cube.pixel_size is None else "given with the array",
        warnings=tuple(cube_warnings(cube, used)),
    )


def report_lines(report: IngestReport) -> list[str]:
    """A report as lines of text, for the command line and the window."""
    lines = []
    if report.used:
        shapes = {used.shape for used in report.used}
        dtypes = sorted({used.dtype for used in report.used})
        sizes = ", ".join(f"{h} x {w} pixels (rows x columns)" for h, w in sorted(shapes))
        noun = "element map" if len(report.used) == 1 else "element maps"
        lines.append(f"{len(report.used)} {noun}, {sizes}, {', '.join(dtypes)}")
    lines.append(f"Pixel size: {_pixel_size_words(report)}")
    width = max((len(used.element) for used in report.used), default=0)
    for used in report.used:
        place = used.file if used.page is None else f"{used.file}, plane {used.page}"
        lines.append(f"  {used.element:<{width}}  {place}  {used.dtype}{_counts_words(used)}")
    if report.ignored:
        lines.append("Not read as element maps:")
        lines += [f"  {ignored.file}: {ignored.reason}" for ignored in report.ignored]
    if report.warnings:
        lines.append("Please note:")
        lines += [f"  {warning}" for warning in report.warnings]
    return lines


def _pixel_size_words(report: IngestReport) -> str:
    if report.pixel_size_um is None:
        return "unknown"
    y, x = report.pixel_size_um
    size = f"{x:g} µm" if x == y else f"{x:g} µm wide, {y:g} µm high"
    return f"{size} ({report.pixel_size_source})"


def _counts_words(used: UsedMap) -> str:
    n_pixels = used.shape[0] * used.shape[1]
    parts = [
        f"{count} {word} ({100 * count / n_pixels:.1f} %)"
        for count, word in (
            (used.zero, "zero"),
            (used.nan, "missing"),
            (used.negative, "negative"),
            (used.saturated, "saturated"),
        )
        if count
    ]
    return f"  {', '.join(parts)}" if parts else ""
