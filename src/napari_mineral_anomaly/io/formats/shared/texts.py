"""Words and numbers in headers and attributes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from napari_mineral_anomaly.errors import InputError

KEV_PER_UNIT = {"kev": 1.0, "ev": 1e-3, "kiloelectronvolt": 1.0, "electronvolt": 1e-3}


def as_text(value: Any) -> str:
    """An attribute as text, from text, bytes or an array of one of them; "" for anything else."""
    if isinstance(value, bytes):
        return value.decode("utf-8", errors="replace")
    if isinstance(value, np.ndarray):
        return as_text(value.ravel()[0]) if value.size == 1 else ""
    return "" if value is None else str(value)


def whole_number(
    header: Mapping[str, str], key: str, file: str, *, least: int = 1, default: str | None = None
) -> int:
    """A whole number from a text header.

    Raises
    ------
    InputError
        When ``key`` is missing and has no default, or is no whole number from ``least`` up; the
        sentence names ``file``.
    """
    text = header.get(key, default)
    if text is None:
        raise InputError(f"{file} lacks the line {key}.")
    try:
        value = int(text)
    except ValueError:
        value = least - 1
    if value < least:
        raise InputError(f"{file} says {key} {text}: that must be a whole number from {least} up.")
    return value


def decoded(raw: bytes) -> str:
    """A text header as text: UTF-8 where that is possible, else the code page of Windows."""
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        return raw.decode("cp1252", errors="replace")
