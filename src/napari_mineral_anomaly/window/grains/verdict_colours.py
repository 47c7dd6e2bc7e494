"""The colours of verdicts, the same on the map and in the list."""

from __future__ import annotations

ACCEPTED, REJECTED, UNDECIDED = 1, 2, 3
# Readable on black and on white (contrast 3.8 or more), and different for colour-blind people.
VERDICT_COLOURS = {ACCEPTED: "#0a78d1", REJECTED: "#d55e00", UNDECIDED: "#b5537a"}
VERDICT_CODES = {
    "accept": ACCEPTED,
    "SEM-true": ACCEPTED,
    "reject": REJECTED,
    "SEM-false": REJECTED,
    "undecided": UNDECIDED,
}


def verdict_colour(status: str) -> str | None:
    """The colour of a verdict as "#rrggbb"; None for a grain without one."""
    return VERDICT_COLOURS.get(VERDICT_CODES.get(status, 0))
