"""From the map to the SEM: the fit, what it warns of, the route, the list, the verdicts back."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from skimage.transform import SimilarityTransform

from napari_mineral_anomaly.detectors.results.result import AnomalyResult
from napari_mineral_anomaly.errors import InputError
from napari_mineral_anomaly.grains.sem.fiducials import MODELS, Fiducial, Fiducials, next_name
from napari_mineral_anomaly.grains.sem.files import read_fiducials, write_fiducials
from napari_mineral_anomaly.grains.sem.fit import SemFit, fit_sem
from napari_mineral_anomaly.grains.sem.places import places_to_visit
from napari_mineral_anomaly.grains.sem.route import route_length, short_route
from napari_mineral_anomaly.grains.sem.visits import LIST_COLUMNS, sem_list
from napari_mineral_anomaly.grains.table import find_grains
from napari_mineral_anomaly.grains.verdicts.book import VerdictBook, with_verdicts
from napari_mineral_anomaly.grains.verdicts.returned import (
    holds_returned_verdicts,
    read_returned_verdicts,
    with_returned,
)

PIXEL = (20.0, 20.0)
# Marks near the corners of a map of 400 x 600 pixels, and one in the middle of an edge: (x, y).
MARKS = np.array([(20, 20), (580, 30), (570, 380), (30, 370), (300, 20)], float)


def _stage(seed: int, mirror: bool) -> np.ndarray:
    """A stage with its own rotation, scale and origin: 2 x 3, from (x, y, 1) in px to mm."""
    rng = np.random.default_rng(seed)
    turn, scale = rng.uniform(0, 2 * np.pi), 0.020 * rng.uniform(0.99, 1.01)
    matrix = scale * np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    matrix = matrix @ np.diag([1.0, -1.0 if mirror else 1.0])
    return np.column_stack([matrix, rng.uniform(-60, 60, 2)])


def _on(stage: np.ndarray, places: np.ndarray) -> np.ndarray:
    return places @ stage[:, :2].T + stage[:, 2]


def _fiducials(stage: np.ndarray, marks: np.ndarray = MARKS, noise=None) -> tuple[Fiducial, ...]:
    readings = _on(stage, marks) + (0 if noise is None else noise)
    return tuple(
        Fiducial(chr(ord("A") + k), y, x, sem_y, sem_x)
        for k, ((x, y), (sem_x, sem_y)) in enumerate(zip(marks, readings, strict=True))
    )


def _errors_um(fit: SemFit, stage: np.ndarray, places: np.ndarray) -> np.ndarray:
    y, x = fit.apply(places[:, 1], places[:, 0])
    return 1000 * np.hypot(*(np.column_stack([x, y]) - _on(stage, places)).T)


@pytest.mark.parametrize("seed", range(20))
def test_grains_are_found_on_the_sem_within_10_um_with_5_um_noise(seed):
    mirror = seed % 2 == 0
    stage, rng = _stage(seed, mirror), np.random.default_rng(1000 + seed)
    noise = rng.normal(0, 0.005, MARKS.shape)
    fit = fit_sem(_fiducials(stage, noise=noise), PIXEL)
    grains = rng.uniform((20, 20), (580, 380), (50, 2))
    errors = _errors_um(fit, stage, grains)
    assert errors.max() < 10
    assert fit.is_mirrored is mirror
    assert fit.warnings == ()
    assert 0 < fit.rms_um < 15


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("mirror", [False, True])
def test_without_noise_three_points_give_the_stage_exactly(model, mirror):
    stage = _stage(5, mirror)
    fit = fit_sem(_fiducials(stage, MARKS[:3]), PIXEL, model)
    assert np.allclose(fit.matrix, stage, rtol=0, atol=1e-9)
    assert fit.rms_um < 1e-6
    assert len(fit.residuals_um) == 3
    assert fit.is_mirrored is mirror


@pytest.mark.parametrize("seed", range(4))
def test_the_similarity_is_that_of_scikit_image(seed):
    rng, stage = np.random.default_rng(seed), _stage(seed, mirror=False)
    points = _fiducials(stage, noise=rng.normal(0, 0.05, MARKS.shape))
    readings = np.array([(p.sem_x_mm, p.sem_y_mm) for p in points])
    expected = SimilarityTransform.from_estimate(MARKS, readings)
    assert np.allclose(fit_sem(points, PIXEL).matrix, expected.params[:2], rtol=0, atol=1e-9)


def test_pixels_that_are_not_square_do_not_shear_a_similarity():
    size = (40.0, 20.0)  # a pixel is twice as high as it is wide
    stage = _stage(3, mirror=True) @ np.diag([1.0, 2.0, 1.0])
    fit = fit_sem(_fiducials(stage), size)
    assert fit.rms_um < 1e-6
    assert fit.warnings == ()
    assert np.allclose(fit.matrix, stage, atol=1e-9)
    assert fit_sem(_fiducials(stage), (20.0, 20.0)).rms_um > 100


def test_a_sheared_stage_needs_the_affine_transform():
    stage = _stage(3, mirror=True)
    stage[:, 1] += 0.01 * stage[:, 0]
    similar = fit_sem(_fiducials(stage), PIXEL)
    affine = fit_sem(Fiducials(_fiducials(stage), "affine"), PIXEL)
    assert similar.rms_um > 10
    assert affine.rms_um < 1e-6
    assert affine.is_mirrored


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("wrong", range(5))
def test_a_wrong_reading_is_named(model, wrong):
    noise = np.random.default_rng(wrong).normal(0, 0.003, MARKS.shape)
    noise[wrong] += (0.2, -0.3)
    fit = fit_sem(_fiducials(_stage(wrong, mirror=True), noise=noise), PIXEL, model)
    name = "ABCDE"[wrong]
    assert len(fit.warnings) == 1
    if model == "similarity":  # an affine of five points leaves one pair to compare with
        assert fit.warnings[0].startswith(f"{name} does not agree with the others: it lies 3")
        assert "µm from where they put it" in fit.warnings[0]


def test_three_points_that_do_not_fit_say_so_but_blame_no_one():
    noise = np.zeros((3, 2))
    noise[1] = (0.5, 0.5)
    fit = fit_sem(_fiducials(_stage(1, mirror=False), MARKS[:3], noise), PIXEL)
    (warning,) = fit.warnings
    assert "do not fit each other" in warning
    assert "One more point would show which one." in warning


def test_an_affine_of_three_points_says_that_its_residuals_mean_nothing():
    fit = fit_sem(_fiducials(_stage(1, mirror=True), MARKS[:3]), PIXEL, "affine")
    assert "add a fourth point" in fit.warnings[0]


def test_readings_in_micrometres_are_noticed():
    stage = _stage(2, mirror=True)
    points = [
        replace(p, sem_x_mm=1000 * p.sem_x_mm, sem_y_mm=1000 * p.sem_y_mm)
        for p in _fiducials(stage)
    ]
    assert any(
        "check that the readings are in mm" in text for text in fit_sem(points, PIXEL).warnings
    )
    assert fit_sem(points, None).warnings == ()  # nothing to compare with


@pytest.mark.parametrize(
    ("marks", "sentence"),
    [
        (MARKS[:2], "3 points with readings of the SEM are needed, there are 2."),
        ([(0, 0), (100, 100), (300, 301)], "A, B and C are on one line on the map"),
        ([(0, 0), (100, 7), (100, 7)], "B and C are at the same place on the map"),
    ],
)
def test_points_that_give_no_transform_are_refused(marks, sentence):
    with pytest.raises(InputError, match=sentence):
        fit_sem(_fiducials(_stage(0, mirror=True), np.array(marks, float)), PIXEL)


def test_the_same_reading_twice_is_refused_with_the_names():
    points = list(_fiducials(_stage(0, mirror=True)))
    points[3] = replace(points[3], sem_x_mm=points[1].sem_x_mm, sem_y_mm=points[1].sem_y_mm)
    with pytest.raises(InputError, match="B and D are at the same place on the SEM"):
        fit_sem(points, PIXEL)


def test_points_without_readings_wait():
    points = [*_fiducials(_stage(0, mirror=True)), Fiducial("F", 1.0, 2.0)]
    assert len(fit_sem(points, PIXEL).fiducials) == 5
    assert Fiducials(tuple(points)).read == tuple(points[:5])
    assert next_name(p.name for p in points) == "G"
    assert next_name([chr(ord("A") + k) for k in range(26)]) == "P27"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "cp1252"])
def test_fiducials_survive_a_spreadsheet(tmp_path, encoding):
    fit = fit_sem(_fiducials(_stage(4, mirror=True)), PIXEL)
    path = write_fiducials(tmp_path / "fiducials.csv", fit)
    for ours, theirs in zip(read_fiducials(path), fit.fiducials, strict=True):
        assert ours.name == theirs.name
        assert (ours.x_px, ours.y_px) == (theirs.x_px, theirs.y_px)
        assert ours.sem_x_mm == pytest.approx(theirs.sem_x_mm, abs=1e-6)
        assert ours.sem_y_mm == pytest.approx(theirs.sem_y_mm, abs=1e-6)
    german = "name;map_x_um;map_y_um;sem_x_mm;sem_y_mm\r\nü;200,0;30,0;1,5;-2,25\r\nb;0;0;;\r\n"
    path.write_text(german, encoding=encoding, newline="")
    first, second = read_fiducials(path, (10.0, 20.0))
    assert first == Fiducial("ü", 3.0, 10.0, -2.25, 1.5)
    assert not second.is_read
    with pytest.raises(InputError, match="pixel size of the map is unknown"):
        read_fiducials(path)
    path.write_text("name;map_x_px;map_y_px;sem_x_mm;sem_y_mm\r\na;1;x;2;3\r\n")
    with pytest.raises(InputError, match="line 2"):
        read_fiducials(path)
    path.write_text("name,map_x_px,sem_x_mm,sem_y_mm\n")
    with pytest.raises(InputError, match="lacks the column map_x_um, map_y_um"):
        read_fiducials(path)


@pytest.mark.parametrize("n", [0, 1, 2, 3, 60])
def test_the_route_visits_each_place_once_and_is_shorter_than_the_nearest_neighbour(n):
    places = np.random.default_rng(n).uniform(0, 30, (n, 2))
    order = short_route(places[:, 0], places[:, 1])
    assert sorted(order.tolist()) == list(range(n))
    # A random tour of n places in a square of side L has about 0.7124 sqrt(n L²) (Beardwood 1959).
    assert route_length(places[:, 0], places[:, 1], order) < 0.95 * np.sqrt(max(n, 4) * 900)


def test_the_route_along_a_line_is_the_line():
    x = np.random.default_rng(1).permutation(40).astype(float)
    order = short_route(np.zeros(40), x)
    assert route_length(np.zeros(40), x, order) == 39


def _listed() -> tuple[pd.DataFrame, np.ndarray]:
    """Three grains, the first one bent around its centre."""
    labels = np.zeros((400, 600), np.uint16)
    labels[100:110, 100:110] = 1
    labels[100:108, 102:108] = 0
    labels[10:12, 10:12], labels[300:303, 500:506] = 2, 3
    score = np.zeros(labels.shape, np.float32)
    score[labels > 0] = np.array([0, 9, 8, 7], np.float32)[labels[labels > 0]]
    result = AnomalyResult(
        score=score,
        threshold=5.0,
        contributions=np.zeros((1, *labels.shape), np.float32),
        pseudo_labels=np.zeros(labels.shape, np.uint16),
        elements=("Au",),
        pixel_size=PIXEL,
    )
    table = find_grains(result, n_rows=0)
    return table, labels


def _aligned() -> tuple[pd.DataFrame, np.ndarray]:
    table, drawn = _listed()
    labels = np.zeros_like(drawn)
    for row in table.itertuples():
        window = drawn[row.row_min : row.row_max + 1, row.col_min : row.col_max + 1]
        labels[drawn == window[window > 0][0]] = row.id
    return table, labels


def test_the_place_of_a_bent_grain_lies_on_it():
    table, labels = _aligned()
    y, x = places_to_visit(table, labels)
    assert (labels[np.round(y).astype(int), np.round(x).astype(int)] == table["id"]).all()
    straight = table["area_px"] != 52
    assert np.array_equal(y[straight], table["centroid_y_px"][straight])


def test_the_list_holds_accepted_grains_in_mm_and_verdicts_come_back(tmp_path):
    table, labels = _aligned()
    stage = _stage(8, mirror=True)
    fit = fit_sem(_fiducials(stage), PIXEL)
    book = VerdictBook(labels.shape)
    table = with_verdicts(table, book, labels)
    with pytest.raises(InputError, match="No grain is accepted yet"):
        sem_list(table, labels, fit)
    assert sorted(sem_list(table, labels, fit, "all")["id"]) == [1, 2, 3]
    first, last = int(labels[10, 10]), int(labels[300, 500])
    book = book.decide(labels, [first, last], status="accept", comment="=Au?")
    table = with_verdicts(table, book, labels)
    visits = sem_list(table, labels, fit)
    assert tuple(visits.columns) == LIST_COLUMNS
    assert visits["visit"].tolist() == [1, 2]
    expected = _on(stage, np.array([(10.5, 10.5), (502.5, 301.0)]))
    found = visits.set_index("id").loc[[first, last], ["x_mm", "y_mm"]].to_numpy()
    assert np.allclose(found, expected, rtol=0, atol=1e-4)

    # The person at the SEM fills in the list with a German spreadsheet.
    path = tmp_path / "back.csv"
    lines = [";".join(LIST_COLUMNS)]
    for row in visits.astype(object).to_dict("records"):
        row["verdict"] = "sem-TRUE" if row["id"] == first else ""
        row["comment"] = "electrum, 12 µm" if row["id"] == first else ""
        lines.append(";".join(str(value).replace(".", ",") for value in row.values()))
    path.write_text("\r\n".join(lines), encoding="utf-8-sig")
    assert holds_returned_verdicts(path)
    returned = read_returned_verdicts(path, labels)
    assert returned.sentence == "1 grain taken over: 1 SEM-true. 1 row held no verdict."
    back = with_returned(book, returned, labels).of_grains(labels)
    assert (back[first].status, back[first].comment) == ("SEM-true", "electrum, 12 µm")
    assert (back[last].status, back[last].comment) == ("accept", "=Au?")


def test_verdicts_find_their_grain_by_its_place_when_ids_have_changed(tmp_path):
    _, labels = _aligned()
    path = tmp_path / "back.csv"
    path.write_text("id,verdict,map_x_px,map_y_px\n77,SEM-false,501,301\n")
    now = int(labels[301, 501])
    (one,) = read_returned_verdicts(path, labels).verdicts
    assert (one.grain, one.status) == (now, "SEM-false")


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("id,comment\n1,x\n", "lacks the column verdict"),
        ("id,verdict\n9,accept\n", "line 2: the list has no grain 9 now. Lower the threshold"),
        ("id,verdict\n1.5,accept\n", "line 2: cannot use the id '1.5': it is no whole number"),
        ("id,verdict\n1,perhaps\n", "line 2: the verdict 'perhaps' is unknown"),
        (
            "id,verdict\n1,yes\n2,\n1,no\n",
            "lines 2 and 4 mean the same grain now, with different verdicts: SEM-true and",
        ),
        ("id,verdict\n1,\n", "holds no verdict: fill in the column"),
        ("id,verdict\n12. Mai,yes\n", "line 2: cannot use the number '12. Mai'"),
        ("id,verdict\n,yes\n", "line 2: cannot use the number ''"),
        ("id,verdict,map_x_px,map_y_px\n1,yes,5,900\n", "the place of grain 1 is outside this map"),
        ("id,verdict,map_x_px,map_y_px\n1,yes,5,200\n", "where grain 1 was, the list has no"),
        (
            'visit,id,rank,drivers,verdict;\n"1,1,1,""As, S"",";yes\n',
            "showed each row in one cell: write the list in the form of your spreadsheet",
        ),
        ('"visit,id,verdict";\n"1,1,";yes\n', "showed each row in one cell"),
    ],
)
def test_a_table_that_cannot_be_taken_over_says_why(tmp_path, text, sentence):
    path = tmp_path / "back.csv"
    path.write_text(text)
    with pytest.raises(InputError, match=sentence):
        read_returned_verdicts(path, _aligned()[1])


@pytest.mark.parametrize(
    ("said", "status"),
    [
        *(("WAHR", "SEM-true"), ("Ja", "SEM-true"), ("vrai", "SEM-true"), ("SEM true", "SEM-true")),
        *(("FALSCH", "SEM-false"), ("non", "SEM-false"), ("sem_false", "SEM-false")),
        *(("Accepted", "accept"), ("rejected", "reject"), ("undecided", "undecided")),
    ],
)
def test_a_verdict_may_be_said_as_people_and_their_spreadsheets_say_it(tmp_path, said, status):
    path = tmp_path / "back.csv"
    path.write_text(f"Verdict;ID\n{said};1,0\n")
    (one,) = read_returned_verdicts(path, _aligned()[1]).verdicts
    assert (one.grain, one.status) == (1, status)


def test_rows_that_were_not_filled_in_may_mean_grains_that_are_gone(tmp_path):
    path = tmp_path / "back.csv"
    path.write_text("id,verdict,map_x_px,map_y_px\n1,,5,200\n99,,,\n2,yes,,\n")
    returned = read_returned_verdicts(path, _aligned()[1])
    assert returned.sentence == "1 grain taken over: 1 SEM-true. 2 rows held no verdict."


def test_two_rows_on_one_grain_are_taken_together_where_they_agree(tmp_path):
    path = tmp_path / "back.csv"
    path.write_text("id,verdict,comment\n2,yes,left part\n2,yes,right part\n2,,\n")
    (one,) = read_returned_verdicts(path, _aligned()[1]).verdicts
    assert (one.grain, one.status, one.comment) == (2, "SEM-true", "left part; right part")


def test_verdicts_come_back_in_an_excel_workbook(tmp_path):
    openpyxl = pytest.importorskip("openpyxl")
    book = openpyxl.Workbook()
    for row in (["id", "Verdict", "comment"], [2, True, "gold, 12 µm"], [3, None, None]):
        book.active.append(row)
    path = tmp_path / "back.xlsx"
    book.save(path)
    labels = _aligned()[1]
    assert holds_returned_verdicts(path)
    returned = read_returned_verdicts(path, labels)
    assert [vars(one) for one in returned.verdicts] == [
        {"grain": 2, "status": "SEM-true", "comment": "gold, 12 µm", "who": None}
    ]
    assert returned.n_empty == 1
    book.create_sheet("notes").append(["x"])
    book.save(path)
    with pytest.raises(InputError, match=r"has 2 sheets with cells \(Sheet and notes\)"):
        read_returned_verdicts(path, labels)


def test_a_file_that_is_not_there_or_is_a_folder_is_refused_in_plain_words(tmp_path):
    labels = _aligned()[1]
    with pytest.raises(InputError, match=r"^There is no file .*gone\.csv\.$"):
        read_returned_verdicts(tmp_path / "gone.csv", labels)
    (tmp_path / "folder.csv").mkdir()
    with pytest.raises(InputError, match=r"folder\.csv is a folder\.$"):
        read_returned_verdicts(tmp_path / "folder.csv", labels)
