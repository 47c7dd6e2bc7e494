"""Editing pseudo-label clusters: each step gives a new value and loses no pixel."""

from __future__ import annotations

import numpy as np
import pytest

from napari_mineral_anomaly.detectors.clusters.editing import (
    cluster_map,
    cluster_signatures,
    for_training,
    merge,
    recolour,
    rename,
    signature_sigmas,
    split_by_signature,
    toggle_background,
)
from napari_mineral_anomaly.errors import InputError
from napari_mineral_anomaly.scan.cube import ElementCube

LABELS = np.zeros((12, 20), dtype=np.uint16)
LABELS[1:, :8] = 2
LABELS[1:, 8:14] = 3
LABELS[1:, 14:19] = 4
LABELS[1:, 19] = 1


def _cube() -> ElementCube:
    rng = np.random.default_rng(0)
    maps = rng.poisson(10, (2, *LABELS.shape)).astype(np.uint16)
    maps[0, :6, :8] += 300  # cluster 2 hides two phases
    return ElementCube(maps, ("Fe", "Si"), valid=LABELS > 0, quantity="counts")


def test_names_colours_and_kinds():
    clusters = cluster_map(LABELS, {2: "quartz"})
    assert clusters.codes == (1, 2, 3, 4)
    assert clusters.names[2] == "quartz"
    assert clusters.names[1] == "Anomaly candidates"
    assert clusters.background == {2, 3, 4}
    assert len(set(clusters.colours.values())) == 4
    named = recolour(rename(clusters, 3, " biotite "), 3, (0, 0.5, 1, 1))
    assert (named.names[3], named.colours[3]) == ("biotite", (0.0, 0.5, 1.0, 1.0))
    assert clusters.names[3] == "Cluster 3"  # the old value is untouched
    toggled = toggle_background(clusters, 4)
    assert toggled.background == {2, 3}
    assert toggle_background(toggled, 4).background == clusters.background


def test_merge_keeps_the_largest_or_the_chosen_one():
    clusters = cluster_map(LABELS, {3: "biotite"})
    merged = merge(clusters, [3, 4])
    assert merged.codes == (1, 2, 3)
    assert merged.names[3] == "biotite"
    assert np.array_equal(merged.labels == 3, (LABELS == 3) | (LABELS == 4))
    assert merge(clusters, [3, 4], into=4).codes == (1, 2, 4)
    assert (clusters.labels == LABELS).all()


def test_split_by_signature_parts_the_two_phases():
    clusters = cluster_map(LABELS, {2: "mica"})
    split = split_by_signature(clusters, 2, _cube())
    assert split.codes == (1, 2, 3, 4, 5)
    rich = np.zeros(LABELS.shape, dtype=bool)
    rich[1:6, :8] = True
    assert np.array_equal(split.labels == 5, rich)  # the smaller part is the new one
    assert split.names[5] == "mica, part 2"
    assert 5 in split.background
    assert np.array_equal(split.labels == 0, LABELS == 0)
    again = split_by_signature(clusters, 2, _cube())
    assert np.array_equal(split.labels, again.labels)


def test_signatures_are_the_means_of_the_maps():
    cube, clusters = _cube(), cluster_map(LABELS)
    table = cluster_signatures(clusters, cube).set_index("code")
    for code in (1, 2, 3, 4):
        assert table.loc[code, "Fe"] == pytest.approx(cube.maps[0][code == LABELS].mean())
        assert table.loc[code, "n_px"] == np.count_nonzero(code == LABELS)
    assert table["share"].sum() == pytest.approx(1.0)
    assert table["is_background"].tolist() == [False, True, True, True]
    sigmas = signature_sigmas(clusters, cube).set_index("code")
    values = cube.maps[1][LABELS > 0].astype(float)
    sigma = 1.4826 * np.median(np.abs(values - np.median(values)))
    expected = (table.loc[3, "Si"] - np.median(values)) / sigma
    assert sigmas.loc[3, "Si"] == pytest.approx(expected)


def test_training_labels_are_outside_anomaly_and_background_by_size():
    clusters = toggle_background(cluster_map(LABELS), 3)
    trained = for_training(clusters)
    assert trained.dtype == np.uint16
    assert np.array_equal(trained == 0, LABELS == 0)
    assert np.array_equal(trained == 1, np.isin(LABELS, (1, 3)))
    assert np.array_equal(trained == 2, LABELS == 2)
    assert np.array_equal(trained == 3, LABELS == 4)
    nothing = clusters
    for code in (2, 4):
        nothing = toggle_background(nothing, code)
    with pytest.raises(InputError, match="must be background"):
        for_training(nothing)


def test_impossible_edits_are_refused():
    clusters = cluster_map(LABELS)
    for edit, word in (
        (lambda: rename(clusters, 9, "x"), "no cluster 9"),
        (lambda: rename(clusters, 2, "  "), "needs a name"),
        (lambda: rename(clusters, 2, "Cluster 3"), "already called"),
        (lambda: recolour(clusters, 2, (2, 0, 0, 1)), "between 0 and 1"),
        (lambda: merge(clusters, [2]), "at least two"),
        (lambda: merge(clusters, [2, 3], into=4), "one of those"),
        (lambda: split_by_signature(clusters, 2, _cube(), n=1), "cannot be split"),
    ):
        with pytest.raises(InputError, match=word):
            edit()
