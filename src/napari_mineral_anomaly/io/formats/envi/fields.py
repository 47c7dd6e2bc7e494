"""The fields of an ENVI header as text."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from napari_mineral_anomaly.errors import InputError
from napari_mineral_anomaly.io.formats.shared.texts import decoded

_LARGEST_HEADER = 4_000_000
# Two values of these would give two different pictures.
_STRUCTURE = frozenset(
    ("samples", "lines", "bands", "header offset", "data type", "interleave", "byte order")
)


def read_envi_header(path: Path) -> dict[str, str]:
    """The fields of a header, keys in lower case; lists keep their braces.

    A field is ``key = value`` on one line, or ``key = { ... }`` over several. Lines that begin with
    a semicolon are comments, also between braces.

    Raises
    ------
    InputError
        When it is not an ENVI header, when braces are not closed, or when a size is given twice
        with different values.
    """
    size = path.stat().st_size
    if size == 0:
        raise InputError(f"{path.name} is empty: an ENVI header begins with ENVI.")
    if size > _LARGEST_HEADER:
        raise InputError(f"{path.name} is no ENVI header: it has {size} bytes.")
    lines = decoded(path.read_bytes()).lstrip(" \t\r\n").splitlines()
    if not lines or not lines[0].startswith("ENVI"):
        raise InputError(f"{path.name} is no ENVI header: it does not begin with ENVI.")
    fields: dict[str, str] = {}
    rest = iter(line for line in lines[1:] if not line.lstrip().startswith(";"))
    for line in rest:
        key, mark, value = line.partition("=")
        if not mark:
            continue
        name, text = " ".join(key.lower().split()), value.strip()
        if text.startswith("{"):
            parts = [text]
            while "}" not in parts[-1]:
                following = next(rest, None)
                if following is None:
                    raise InputError(
                        f"{path.name} is damaged: the brace after {name} is not closed."
                    )
                parts.append(following.strip())
            text = " ".join(parts)
            text = text[: text.rindex("}") + 1]
        if name in _STRUCTURE and fields.get(name, text) != text:
            raise InputError(
                f"{path.name} says {name} twice, {fields[name]} and {text}: delete the wrong line."
            )
        fields[name] = text
    return fields


def listed_field(fields: Mapping[str, str], key: str) -> list[str]:
    """The parts of a field in braces; [] where the field is missing or empty."""
    text = fields.get(key, "").strip().strip("{}")
    return [part.strip() for part in text.split(",")] if text.strip() else []


def numbers_in(path: Path, fields: Mapping[str, str], key: str, count: int) -> list[float]:
    """``count`` numbers of a field, one for each band; one number stands for all; [] without it.

    Raises
    ------
    InputError
        When they are no numbers, or another number of them.
    """
    parts = listed_field(fields, key)
    if not parts:
        return []
    try:
        numbers = [float(part) for part in parts]
    except ValueError:
        raise InputError(
            f"{path.name}: {key} are not numbers ({fields[key][:40]}): correct or delete that line."
        ) from None
    if len(numbers) == 1:
        return numbers * count
    if len(numbers) != count:
        raise InputError(
            f"{path.name} is damaged: it declares {count} bands but {len(numbers)} {key}."
        )
    return numbers
