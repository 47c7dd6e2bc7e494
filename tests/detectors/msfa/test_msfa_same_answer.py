"""The same scan gives the same answer: in any order of its elements, and mirrored."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from napari_mineral_anomaly.detectors.networks.msfa.position import Position
from napari_mineral_anomaly.detectors.pipeline import detect
from napari_mineral_anomaly.detectors.results.result import AnomalyResult
from napari_mineral_anomaly.scan.cube import ElementCube

MIRRORS = {
    "rows": (slice(None, None, -1), slice(None)),
    "columns": (slice(None), slice(None, None, -1)),
    "both": (slice(None, None, -1), slice(None, None, -1)),
}


def _detect(cube: ElementCube) -> AnomalyResult:
    return detect(cube, "msfa", epochs=12, width=8, groups=2, tile=12, batch_size=4, device="cpu")


def test_the_order_of_the_elements_changes_no_number(masked_scan: ElementCube) -> None:
    order = [3, 0, 5, 1, 4, 2]
    other = masked_scan.replace(
        maps=masked_scan.maps[order], elements=[masked_scan.elements[c] for c in order]
    )
    first, second = _detect(masked_scan), _detect(other)
    np.testing.assert_array_equal(first.score, second.score)
    np.testing.assert_array_equal(first.contributions[order], second.contributions)
    np.testing.assert_array_equal(first.pseudo_labels, second.pseudo_labels)


@pytest.mark.parametrize("mirror", MIRRORS)
def test_a_mirrored_scan_gets_the_mirrored_scores(masked_scan: ElementCube, mirror: str) -> None:
    cut = MIRRORS[mirror]
    other = masked_scan.replace(
        maps=masked_scan.maps[:, *cut].copy(), valid=masked_scan.valid[cut].copy()
    )
    first, second = _detect(masked_scan), _detect(other)
    np.testing.assert_array_equal(first.score[cut], second.score)
    np.testing.assert_array_equal(first.contributions[:, *cut], second.contributions)
    np.testing.assert_array_equal(first.reconstruction[:, *cut], second.reconstruction)
    np.testing.assert_array_equal(first.pseudo_labels[cut], second.pseudo_labels)


def test_a_scan_and_its_mirror_images_have_one_standard_position(
    make_scan: Callable[..., ElementCube],
) -> None:
    import dask.array as da

    scan = make_scan()
    standard = Position.of(scan).turned(scan)
    for cut in MIRRORS.values():
        maps = np.asarray(scan.maps)[:, *cut]
        for given in (maps, da.from_array(maps)):
            mirrored = scan.replace(maps=given)
            turned = Position.of(mirrored).turned(mirrored)
            np.testing.assert_array_equal(np.asarray(turned.maps), np.asarray(standard.maps))


def test_a_scan_without_a_lopsided_element_stays_as_it_is() -> None:
    maps = np.ones((2, 6, 5), dtype=np.float32)
    maps[1, 2:4, 2] = 7
    assert Position.of(ElementCube(maps, ["Fe", "Si"])) == Position(False, False)
