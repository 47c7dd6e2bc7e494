"""The ingest report: what a reader used, what it ignored and why."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

SCHEMA_VERSION = 1


class _Value(BaseModel):
    model_config = ConfigDict(frozen=True)


class UsedMap(_Value):
    """One element map that was read. Counts of pixels: ``nan`` not finite, ``zero``,
    ``negative``, ``saturated`` (at the top of an integer dtype)."""

    file: str
    element: str
    dtype: str
    shape: tuple[int, int]
    nan: int
    zero: int
    negative: int
    saturated: int


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
