"""Maps as Esprit (Bruker) exports them as ASCII: a matrix of counts for each element.

The forms are those that scripts of users read: PREFIX_ELEMENT.txt, with or without a blank before
the element, separated by tabs, blanks, semicolons or commas after the language of the computer.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from napari_mineral_anomaly.io import read_maps

NAMES = ("Ca", "Fe", "Sr")
MAPS = np.random.default_rng(8).integers(0, 900, (3, 6, 9))


@pytest.mark.parametrize("prefix", ["19-AUS-22_", "Rt P4 nofilter_ ", "rt_p4_whole_", "Sample 1_"])
@pytest.mark.parametrize("separator", ["\t", " ", ";", ", "])
def test_a_matrix_for_each_element(tmp_path: Path, prefix: str, separator: str) -> None:
    for name, plane in zip(NAMES, MAPS, strict=True):
        rows = [separator.join(map(str, row)) + separator for row in plane]
        (tmp_path / f"{prefix}{name}.txt").write_bytes("\r\n".join(rows).encode() + b"\r\n")
    cube = read_maps(tmp_path)
    assert cube.elements == NAMES
    np.testing.assert_array_equal(cube.maps, MAPS)
    assert cube.maps.dtype == np.uint16
