"""A small scan with known phases and one odd grain, made of plain numbers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from napari_mineral_anomaly.scan.cube import ElementCube

ELEMENTS = ("Si", "Al", "Fe", "Ca", "K", "Zr")
PHASES = np.array(
    [
        # Si, Al, Fe, Ca, K, Zr: mean counts of three ordinary minerals
        [400.0, 10.0, 5.0, 4.0, 3.0, 2.0],
        [250.0, 150.0, 8.0, 5.0, 90.0, 2.0],
        [160.0, 80.0, 220.0, 30.0, 20.0, 2.0],
    ]
)
ODD_GRAIN = np.array([150.0, 5.0, 5.0, 4.0, 3.0, 80.0])
ODD_AT = (slice(9, 11), slice(12, 14))


@pytest.fixture
def make_scan() -> Callable[..., ElementCube]:
    """Poisson counts of three minerals in bands, with a 2 x 2 grain rich in Zr."""

    def make(shape: tuple[int, int] = (24, 20), seed: int = 0, **changes: Any) -> ElementCube:
        rng = np.random.default_rng(seed)
        height, width = shape
        wavy = np.arange(width) + 3 * np.sin(np.arange(height) / 4)[:, None]
        phase = np.clip(3 * wavy / width, 0, 2).astype(int)
        mean = PHASES[phase]
        if height > 11 and width > 14:
            mean[ODD_AT] = ODD_GRAIN
        maps = rng.poisson(np.moveaxis(mean, 2, 0)).astype(np.uint16)
        arguments: dict[str, Any] = {"maps": maps, "elements": ELEMENTS} | changes
        return ElementCube(**arguments)

    return make


@pytest.fixture
def scan(make_scan: Callable[..., ElementCube]) -> ElementCube:
    """The small scan, 24 x 20 pixels, 6 elements."""
    return make_scan()


@pytest.fixture
def masked_scan(make_scan: Callable[..., ElementCube]) -> ElementCube:
    """The small scan with its corners and a hole outside the valid area."""
    valid = np.ones((24, 20), dtype=bool)
    valid[:6, :6] = valid[-4:, -7:] = valid[14:17, 3:5] = False
    return make_scan(valid=valid)
