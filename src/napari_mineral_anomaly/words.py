"""Parts of sentences: lists, counts and sizes in words."""

from __future__ import annotations

from collections.abc import Sequence


def sizes(shape: Sequence[int]) -> str:
    """The sizes of a map or an array: "512x400", "25x25x4096"; "" for a single value."""
    return "x".join(map(str, shape))


def listed(names: Sequence[str], shown: int = 4) -> str:
    """Names in words: "a, b and c" or "a, b, c, d and 6 more"."""
    if len(names) <= 1:
        return "".join(names)
    if len(names) <= shown:
        return f"{', '.join(names[:-1])} and {names[-1]}"
    return f"{', '.join(names[:shown])} and {len(names) - shown} more"


def counted(n: int, thing: str) -> str:
    """A number with its noun: "1 grain", "1,234 grains"."""
    return f"{n:,} {thing}" if n == 1 else f"{n:,} {thing}s"
