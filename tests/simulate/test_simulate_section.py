"""The simulated scans: counts, truth, scenes, files."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import tifffile
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score

from napari_mineral_anomaly.errors import InputError
from napari_mineral_anomaly.progress import CancelledError, CancelToken, ProgressEvent, Task
from napari_mineral_anomaly.simulate import (
    SimulatedSection,
    simulate_section,
    write_section,
)
from napari_mineral_anomaly.simulate.accessories import TRUTH_FRACTION
from napari_mineral_anomaly.simulate.artefacts import DIM_GAIN, TILT
from napari_mineral_anomaly.simulate.minerals import MINERALS
from napari_mineral_anomaly.simulate.scenes import ELEMENTS, FIXED_SCENES
from napari_mineral_anomaly.simulate.sensitivity import count_rates

SAMPLE = Path(__file__).parents[2] / "sample_data" / "simulated_section"


@pytest.fixture(scope="module")
def easy() -> SimulatedSection:
    return simulate_section("easy", shape=(160, 224), seed=3)


@pytest.fixture(scope="module")
def spoiled() -> SimulatedSection:
    return simulate_section("artefacts", shape=(160, 224), seed=5)


def reed_xiaoli(section: SimulatedSection) -> float:
    """Pixel AUC of the global Reed-Xiaoli distance on Anscombe counts."""
    cube = section.cube
    valid = cube.valid.ravel()
    stabilised = 2 * np.sqrt(cube.maps.reshape(cube.n_elements, -1).T[valid] + 0.375)
    centred = stabilised - stabilised.mean(axis=0)
    inverse = np.linalg.pinv(np.cov(centred.T))
    distance = np.einsum("ij,jk,ik->i", centred, inverse, centred)
    return float(roc_auc_score(section.truth.ravel()[valid], distance))


def plane(section: SimulatedSection, element: str) -> NDArray[np.uint16]:
    planes: NDArray[np.uint16] = section.cube.maps
    return planes[section.cube.elements.index(element)]


@pytest.mark.parametrize("scene", FIXED_SCENES)
def test_same_seed_same_section_other_seed_another(scene: str) -> None:
    first, again, other = (simulate_section(scene, (48, 64), seed) for seed in (1, 1, 2))
    assert first.cube.maps.dtype == np.uint16
    assert first.cube.maps.shape == (len(ELEMENTS), 48, 64)
    assert first.cube.quantity == "counts"
    assert first.cube.pixel_size == (20.0, 20.0)
    for name in ("truth", "fraction", "phases", "artefact_map"):
        np.testing.assert_array_equal(getattr(first, name), getattr(again, name))
    np.testing.assert_array_equal(first.cube.maps, again.cube.maps)
    pd.testing.assert_frame_equal(first.grains, again.grains)
    pd.testing.assert_frame_equal(first.artefacts, again.artefacts)
    assert np.any(first.cube.maps != other.cube.maps)


def test_counts_are_poisson_and_have_the_expected_mean(easy: SimulatedSection) -> None:
    """Calcite has one composition: far from its borders only counting noise is left."""
    calcite = easy.phases == easy.minerals.index("calcite")
    inside = calcite.copy()
    for shift in range(-3, 4):  # the beam and the supersampled border reach that far
        for axis in (0, 1):
            inside &= np.roll(calcite, shift, axis=axis)
    inside &= easy.truth_with_rim == 0
    expected = count_rates(MINERALS["calcite"], ELEMENTS) * easy.scene.dwell_ms
    n = np.count_nonzero(inside)
    assert n > 100
    counts = plane(easy, "Ca")[inside].astype(float)
    ca = expected[ELEMENTS.index("Ca")]
    assert ca > 100
    assert counts.mean() == pytest.approx(ca, abs=5 * np.sqrt(ca / n))
    # The index of dispersion of Poisson counts is 1 with a standard error of sqrt(2 / n).
    assert counts.var(ddof=1) / counts.mean() == pytest.approx(1.0, abs=5 * np.sqrt(2 / n))
    fe = plane(easy, "Fe")[inside].mean()
    assert fe == pytest.approx(expected[ELEMENTS.index("Fe")], abs=5 * np.sqrt(1.0 / n))


def test_truth_is_the_filled_fraction(easy: SimulatedSection) -> None:
    np.testing.assert_array_equal(easy.truth == 1, easy.fraction >= TRUTH_FRACTION)
    assert easy.fraction.dtype == np.float32
    assert easy.fraction.sum() == pytest.approx(easy.grains["area_px"].sum(), rel=1e-4)
    assert easy.grains["n_pixels"].sum() == np.count_nonzero(easy.truth)
    assert easy.grains["n_pixels"].min() >= 1
    assert easy.truth.mean() == pytest.approx(1e-3, rel=0.3)
    rim = easy.truth_with_rim
    assert set(np.unique(rim)) == {0, 1, 255}
    np.testing.assert_array_equal(rim == 1, easy.truth == 1)


def test_grain_table_says_where_the_grains_are(easy: SimulatedSection) -> None:
    assert set(easy.grains["mineral"]) == set(easy.scene.accessories)
    for grain in easy.grains.itertuples():
        y, x = round(grain.centroid_y_px), round(grain.centroid_x_px)
        near = easy.fraction[y - 1 : y + 2, x - 1 : x + 2]
        assert near.max() == pytest.approx(grain.fraction, abs=1e-6)
        assert grain.centroid_y_um == pytest.approx(20.0 * grain.centroid_y_px)
        assert grain.area_um2 == pytest.approx(np.pi / 4 * grain.diameter_um**2)
        assert grain.area_um2 == pytest.approx(400.0 * grain.area_px)


def test_a_grain_shows_its_element_in_its_pixels_only(easy: SimulatedSection) -> None:
    for mineral, element in (("gold", "Au"), ("zircon", "Zr"), ("galena", "Pb")):
        rate = count_rates(MINERALS[mineral], (element,))[0] * easy.scene.dwell_ms
        grains = easy.grains[easy.grains["mineral"] == mineral]
        near = np.zeros(easy.truth.shape, dtype=bool)
        for grain in grains.itertuples():
            y, x = round(grain.centroid_y_px), round(grain.centroid_x_px)
            near[max(y - 6, 0) : y + 7, max(x - 6, 0) : x + 7] = True
        counts = plane(easy, element).astype(float)
        ordinary = counts[~near]
        assert ordinary.max() < 0.15 * rate
        # The beam moves counts about but keeps their sum: area x rate above the background.
        excess = (counts[near] - ordinary.mean()).sum()
        expected = grains["area_px"].sum() * rate
        noise = np.sqrt(counts[near].sum())
        assert excess == pytest.approx(expected, abs=5 * noise + 0.02 * expected)


def test_barren_is_easy_without_grains(easy: SimulatedSection) -> None:
    barren = simulate_section("barren", shape=(160, 224), seed=3)
    assert not barren.truth.any()
    assert not barren.fraction.any()
    assert not barren.truth_with_rim.any()
    assert barren.grains.empty
    assert list(barren.grains.columns) == list(easy.grains.columns)
    ordinary = (easy.fraction == 0) & (easy.phases < len(easy.scene.modes))
    np.testing.assert_array_equal(barren.phases[ordinary], easy.phases[ordinary])


def test_modal_abundances_are_near_the_recipe() -> None:
    section = simulate_section("barren", shape=(320, 320), seed=0)
    for index, mode in enumerate(section.scene.modes):
        share = float(np.mean(section.phases == index))
        assert share == pytest.approx(mode.share, abs=0.10)


@pytest.mark.parametrize("seed", [0, 1])
def test_easy_is_easy_and_hard_is_hard_for_rx(seed: int) -> None:
    hard = simulate_section("hard", seed=seed)
    assert 0.60 < reed_xiaoli(hard) < 0.75
    assert hard.cube.maps.mean() == pytest.approx(3.0, abs=0.6)
    assert hard.truth.mean() == pytest.approx(4e-3, rel=0.1)
    assert reed_xiaoli(simulate_section("easy", seed=seed)) > 0.95


def test_artefacts_are_where_the_table_says(spoiled: SimulatedSection) -> None:
    table, labels = spoiled.artefacts, spoiled.artefact_map
    assert set(table["kind"]) == {
        "line overlap",
        "epoxy",
        "off sample",
        "dead row",
        "dim row",
        "Bragg spike",
        "tilt",
    }
    counts = spoiled.cube.maps
    for row in table[table["kind"] == "dead row"].itertuples():
        assert not counts[:, row.row_min].any()
        assert (labels[row.row_min] > 0).all()
    for row in table[table["kind"] == "dim row"].itertuples():
        y = row.row_min
        ratio = counts[:, y].sum() / (0.5 * (counts[:, y - 1].sum() + counts[:, y + 1].sum()))
        assert ratio == pytest.approx(DIM_GAIN, abs=0.05)
    for spike in table[table["kind"] == "Bragg spike"].itertuples():
        y, x = spike.row_min, spike.col_min
        assert labels[y, x] == spike.artefact_id
        element = plane(spoiled, spike.element).astype(float)
        around = element[max(y - 1, 0) : y + 2, max(x - 1, 0) : x + 2]
        others = (around.sum() - element[y, x]) / (around.size - 1)
        assert element[y, x] - others > 0.5 * spike.strength
        assert spoiled.truth[y, x] == 0
    off = labels == table.loc[table["kind"] == "off sample", "artefact_id"].iloc[0]
    assert plane(spoiled, "Si")[off].mean() < 0.1 * plane(spoiled, "Si").mean()
    assert not spoiled.cube.valid[0, 0]
    epoxy = labels == table.loc[table["kind"] == "epoxy", "artefact_id"].iloc[0]
    assert counts[:, epoxy].mean() < 0.2 * counts.mean()
    assert not spoiled.fraction[epoxy | off].any()


def test_ba_follows_ti_only_under_line_overlap(
    easy: SimulatedSection, spoiled: SimulatedSection
) -> None:
    def correlation(section: SimulatedSection) -> float:
        return float(np.corrcoef(plane(section, "Ti").ravel(), plane(section, "Ba").ravel())[0, 1])

    assert correlation(spoiled) > 0.95
    assert correlation(easy) < 0.3
    overlap = spoiled.artefacts.query("kind == 'line overlap' and element == 'Ba'").iloc[0]
    where = spoiled.artefact_map == overlap["artefact_id"]
    assert overlap["source"] == "Ti"
    assert where.any()
    ratio = plane(spoiled, "Ba")[where].sum() / plane(spoiled, "Ti")[where].sum()
    assert ratio == pytest.approx(overlap["strength"], rel=0.05)


def test_tilt_raises_the_intensity_from_left_to_right(spoiled: SimulatedSection) -> None:
    quartz = spoiled.phases == spoiled.minerals.index("quartz")
    quartz &= (spoiled.artefact_map == 0) & (spoiled.fraction == 0)
    x = np.nonzero(quartz)[1] / (spoiled.cube.shape[1] - 1)
    slope, middle = np.polyfit(x - 0.5, plane(spoiled, "Si")[quartz].astype(float), 1)
    assert slope / middle == pytest.approx(TILT, abs=0.06)


def test_clean_scenes_have_no_artefact(easy: SimulatedSection) -> None:
    assert easy.artefacts.empty
    assert not easy.artefact_map.any()


@pytest.mark.parametrize("scene", FIXED_SCENES)
def test_smallest_and_oblong_sections_work(scene: str) -> None:
    for shape in ((32, 32), (32, 300), (150, 33)):
        section = simulate_section(scene, shape)
        assert section.cube.shape == shape
        assert section.truth.any() == (scene != "barren")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("gneiss",), "easy, hard, barren, artefacts, drawn, drawn-barren"),
        (("easy", (31, 64)), "at least 32 x 32"),
        (("easy", (64, 64), -1), "seed"),
        (("easy", (64.5, 64)), "whole numbers"),
        (("easy", (64, 64, 3)), "whole numbers"),
    ],
)
def test_bad_requests_get_a_sentence(arguments: tuple[Any, ...], words: str) -> None:
    with pytest.raises(InputError, match=words):
        simulate_section(*arguments)


def test_progress_and_cancel() -> None:
    events: list[ProgressEvent] = []
    simulate_section("barren", (300, 800), task=Task(events.append))
    steps = [event.step for event in events]
    assert steps == sorted(steps)
    assert len(steps) > 2
    assert (steps[-1], events[-1].total) == (300, 300)
    token = CancelToken()

    def stop(event: ProgressEvent) -> None:
        token.cancel()

    with pytest.raises(CancelledError):
        simulate_section("barren", (300, 800), task=Task(stop, token))


def test_written_folder_reads_back_equal_with_micrometres(
    spoiled: SimulatedSection, tmp_path: Path
) -> None:
    folder = write_section(spoiled, tmp_path / "new" / "scan")
    expected = {f"{element}.tif" for element in ELEMENTS}
    expected |= {"truth.tif", "grains_truth.csv", "scene.json"}
    assert {path.name for path in folder.iterdir()} == expected
    for index, element in enumerate(ELEMENTS):
        with tifffile.TiffFile(folder / f"{element}.tif") as file:
            np.testing.assert_array_equal(file.asarray(), spoiled.cube.maps[index])
            assert file.pages[0].dtype == np.uint16
            assert file.imagej_metadata["unit"] == "um"
            for tag in ("XResolution", "YResolution"):
                pixels, micrometres = file.pages[0].tags[tag].value
                assert micrometres / pixels == pytest.approx(20.0)
    np.testing.assert_array_equal(tifffile.imread(folder / "truth.tif"), spoiled.truth_with_rim)
    table = pd.read_csv(folder / "grains_truth.csv")
    assert table["mineral"].tolist() == spoiled.grains["mineral"].tolist()
    np.testing.assert_allclose(
        table["centroid_y_um"], spoiled.grains["centroid_y_um"], rtol=0, atol=1e-3
    )
    scene = json.loads((folder / "scene.json").read_text(encoding="utf-8"))
    assert (scene["scene"], scene["seed"], scene["shape"]) == ("artefacts", 5, [160, 224])
    assert scene["truth"]["n_anomaly"] == np.count_nonzero(spoiled.truth)
    assert len(scene["artefacts"]) == len(spoiled.artefacts)
    assert sorted(path.name for path in tmp_path.joinpath("new").iterdir()) == ["scan"]


def test_a_folder_in_use_is_refused_or_replaced_file_by_file(tmp_path: Path) -> None:
    first, second = (simulate_section("easy", (32, 40), seed) for seed in (0, 1))
    folder = tmp_path / "scan"
    folder.mkdir()
    write_section(first, folder)  # an empty folder is free
    (folder / "notes.txt").write_text("mine")
    with pytest.raises(InputError, match="not empty"):
        write_section(second, folder)
    np.testing.assert_array_equal(tifffile.imread(folder / "Fe.tif"), plane(first, "Fe"))
    write_section(second, folder, overwrite=True)
    np.testing.assert_array_equal(tifffile.imread(folder / "Fe.tif"), plane(second, "Fe"))
    assert (folder / "notes.txt").read_text() == "mine"
    blocker = tmp_path / "file"
    blocker.write_text("")
    with pytest.raises(InputError, match="file"):
        write_section(first, blocker)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "scan"]


def test_the_sample_scan_is_what_its_script_makes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(SAMPLE.parent)
    make_sample = __import__("make_sample")
    monkeypatch.delitem(sys.modules, "make_sample")
    make_sample.main(tmp_path / "again")
    names = {path.name for path in SAMPLE.iterdir()}
    assert names == {path.name for path in (tmp_path / "again").iterdir()}
    assert sum(path.stat().st_size for path in SAMPLE.iterdir()) < 2_000_000
    for name in names - {"grains_truth.csv", "scene.json"}:
        kept, made = tifffile.imread(SAMPLE / name), tifffile.imread(tmp_path / "again" / name)
        # Another processor may round the last bit of a rate the other way and shift a draw.
        assert np.mean(kept != made) < 1e-3
    for name in ("grains_truth.csv", "scene.json"):
        kept_text = (SAMPLE / name).read_text(encoding="utf-8")
        assert kept_text == (tmp_path / "again" / name).read_text(encoding="utf-8")
