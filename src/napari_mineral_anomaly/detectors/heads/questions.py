"""The questions that the heads answer, in the words of the report."""

from __future__ import annotations

NETWORK = "network"
SCAN = "scan"
CELLS = "cells"
SURROUNDINGS = "surroundings"
LIKENESS = "likeness"

# The order is that of the maps and of the numbers in `found_by`.
QUESTIONS: dict[str, str] = {
    NETWORK: "the network cannot predict it",
    SCAN: "rare in the whole scan",
    CELLS: "its elements do not follow each other",
    SURROUNDINGS: "differs from its surroundings",
    LIKENESS: "nothing like it in the scan",
}

# Heads that see pixels averaged over about the beam. The averaging makes neighbours alike, which
# `join` allows for.
AVERAGED = frozenset({NETWORK, SCAN, SURROUNDINGS, LIKENESS})

# Beside the network. In a scene of reflectance a target differs from the place where it stands;
# many things are rare in the whole scene without being targets, such as bright roofs.
BESIDE_NETWORK = (SCAN, CELLS, SURROUNDINGS, LIKENESS)
OF_REFLECTANCE = (SURROUNDINGS,)


def asked_of(reflectance: bool) -> tuple[str, ...]:
    """The questions that are asked beside that of the network."""
    return OF_REFLECTANCE if reflectance else BESIDE_NETWORK
