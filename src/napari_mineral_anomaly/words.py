"""Small pieces of sentences: lists, counts and sizes in words."""

from __future__ import annotations

from collections.abc import Sequence


def sizes(shape: Sequence[int]) -> str:
    """The sizes of an array in words: "512x400", "25x25x4096"; "" for a single value."""
    return "x".join(map(str, shape))


def pixels(shape: tuple[int, int]) -> str:
    """A shape (H, W) in words: "512x400"."""
    return sizes(shape)


def listed(names: Sequence[str], shown: int = 4) -> str:
    """Names in words: "a, b and c" or "a, b, c, d and 6 more"."""
    if len(names) <= 1:
        return "".join(names)
    if len(names) <= shown:
        return f"{', '.join(names[:-1])} and {names[-1]}"
    return f"{', '.join(names[:shown])} and {len(names) - shown} more"


def counted(n: int, thing: str) -> str:
    """A number with its noun, thousands set apart: "1 grain", "1,234 grains"."""
    return f"{n:,} {thing}" if n == 1 else f"{n:,} {thing}s"


def count(number: int, what: str) -> str:
    """A number with its noun: "1 grain", "1234 grains"."""
    return f"{number} {what}" if number == 1 else f"{number} {what}s"
