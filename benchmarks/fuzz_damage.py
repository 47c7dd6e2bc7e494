"""Ways to damage a file, each following from a seed."""

from __future__ import annotations

import io
import re
import zlib
from collections.abc import Callable, Mapping, Sequence

import numpy as np
import tifffile

Damage = Callable[[np.random.Generator, bytearray], bytearray]

# Numbers at which sizes and offsets overflow.
_EDGES = (0, 1, 0x7F, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0xFFFFFFFF, 2**63 - 1, 2**64 - 1)
_EDGE_TEXTS = (b"-1", b"0", b"1e308", b"99999999999", b"nan", b"", b"\xff", b"1.5", b"65536", b"\0")
_HEAD = 600


def generator(case: str, seed: int, number: int) -> np.random.Generator:
    """The random numbers of one damage."""
    return np.random.default_rng([seed, zlib.crc32(case.encode()), number])


def named(case: str, seed: int, number: int, files: Sequence[str]) -> str:
    """The damage in words, for a case in which the reading process died before it could say."""
    rng = generator(case, seed, number)
    file = files[int(rng.integers(len(files)))]
    return f"{_kind(rng, file)} of {file}"


def damaged(rng: np.random.Generator, files: Mapping[str, bytes]) -> tuple[str, str, bytes]:
    """The file that is damaged, the kind of damage, and the bytes of the damaged file."""
    names = list(files)
    file = names[int(rng.integers(len(names)))]
    kind = _kind(rng, file)
    data = _DAMAGES[kind](rng, bytearray(files[file]))
    return file, kind, bytes(data)


def _kind(rng: np.random.Generator, file: str) -> str:
    kinds = [kind for kind in _DAMAGES if kind != "zeroed address" or file.endswith(".tif")]
    return kinds[int(rng.integers(len(kinds)))]


def _place(rng: np.random.Generator, data: bytearray) -> int:
    """A random position; in half of the cases in the head, where sizes and offsets are."""
    end = len(data) if rng.random() < 0.5 else min(_HEAD, len(data))
    return int(rng.integers(max(end, 1)))


def _cut(rng: np.random.Generator, data: bytearray) -> bytearray:
    shares = (0.1, 0.5, 0.9)
    if rng.random() < 0.2:
        return data[: int(len(data) * shares[int(rng.integers(3))])]
    return data[: int(rng.integers(len(data)))]


def _emptied(rng: np.random.Generator, data: bytearray) -> bytearray:
    return bytearray()


def _flipped(rng: np.random.Generator, data: bytearray) -> bytearray:
    for _ in range(int(rng.integers(1, 9))):
        data[_place(rng, data)] ^= 1 << int(rng.integers(8))
    return data


def _overwritten(rng: np.random.Generator, data: bytearray) -> bytearray:
    start = _place(rng, data)
    length = int(rng.integers(1, 65))
    data[start : start + length] = rng.bytes(len(data[start : start + length]))
    return data


def _zeroed(rng: np.random.Generator, data: bytearray) -> bytearray:
    start = _place(rng, data)
    length = int(rng.integers(1, 257))
    data[start : start + length] = bytes(len(data[start : start + length]))
    return data


def _edge_number(rng: np.random.Generator, data: bytearray) -> bytearray:
    start = _place(rng, data)
    width = (1, 2, 4, 8)[int(rng.integers(4))]
    value = _EDGES[int(rng.integers(len(_EDGES)))] & (256**width - 1)
    order = "little" if rng.random() < 0.7 else "big"
    data[start : start + width] = value.to_bytes(width, order)
    return data


def _edge_text(rng: np.random.Generator, data: bytearray) -> bytearray:
    """Replace a number in the text by another one."""
    found = list(re.finditer(rb"-?\d[\d.eE+-]*", bytes(data)))
    if not found:
        return _edge_number(rng, data)
    match = found[int(rng.integers(min(len(found), 400 if rng.random() < 0.5 else len(found))))]
    data[match.start() : match.end()] = _EDGE_TEXTS[int(rng.integers(len(_EDGE_TEXTS)))]
    return data


def _removed(rng: np.random.Generator, data: bytearray) -> bytearray:
    start = _place(rng, data)
    del data[start : start + int(rng.integers(1, 200))]
    return data


def _repeated(rng: np.random.Generator, data: bytearray) -> bytearray:
    start = _place(rng, data)
    data[start:start] = data[start : start + int(rng.integers(1, 200))]
    return data


def _other(rng: np.random.Generator, data: bytearray) -> bytearray:
    """Replace the content by something else: noise, text, a picture, a web page."""
    heads = (b"", b"Fe\tSi\n1\t2\n", b"\x89PNG\r\n\x1a\n", b"<html>", b"PK\x03\x04", b"II*\0")
    return bytearray(heads[int(rng.integers(len(heads)))] + rng.bytes(int(rng.integers(400))))


def _zeroed_address(rng: np.random.Generator, data: bytearray) -> bytearray:
    """Set one address or length of the strips or tiles of a TIFF to zero."""
    places = []
    with tifffile.TiffFile(io.BytesIO(bytes(data))) as tif:
        for page in tif.pages:
            for code in (273, 279, 324, 325):
                tag = page.tags.get(code)
                if tag is not None:
                    width = {3: 2, 4: 4, 16: 8}[int(tag.dtype)]
                    places += [(tag.valueoffset + width * i, width) for i in range(tag.count)]
    start, width = places[int(rng.integers(len(places)))]
    data[start : start + width] = bytes(width)
    return data


_DAMAGES: dict[str, Damage] = {
    "cut": _cut,
    "emptied": _emptied,
    "flipped": _flipped,
    "overwritten": _overwritten,
    "zeroed": _zeroed,
    "edge number": _edge_number,
    "edge text": _edge_text,
    "removed": _removed,
    "repeated": _repeated,
    "other": _other,
    "zeroed address": _zeroed_address,
}
