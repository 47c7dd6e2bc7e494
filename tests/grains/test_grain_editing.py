"""Merge, split and redraw grains: pixels, ids, what is computed from them, verdicts, files."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from napari_mineral_anomaly.detectors.results.result import AnomalyResult
from napari_mineral_anomaly.errors import InputError
from napari_mineral_anomaly.grains.editing.splitting import (
    cut_along,
    cut_at_necks,
    cut_by_composition,
)
from napari_mineral_anomaly.grains.editing.steps import EditStep, GrainMap, merge, redraw, split
from napari_mineral_anomaly.grains.evidence import evidence_of
from napari_mineral_anomaly.grains.pixels.edits import NO_EDITS, GrainEdits
from napari_mineral_anomaly.grains.pixels.extent import SignaturePlanes
from napari_mineral_anomaly.grains.table import (
    GrainList,
    detail_grains,
    find_grains,
    list_grains,
    signatures_of,
)
from napari_mineral_anomaly.grains.verdicts.book import History, VerdictBook, with_verdicts
from napari_mineral_anomaly.grains.verdicts.files import load_verdicts, save_verdicts
from napari_mineral_anomaly.grains.verdicts.history import load_history, save_history
from napari_mineral_anomaly.scan.cube import ElementCube

SHAPE = (40, 60)
ELEMENTS = ("Fe", "As", "Zr")
# Grains of 3 x 3 pixels: place of the upper left pixel, element, peak of the score.
PLACES = ((5, 5, "As", 20.0), (5, 9, "As", 12.0), (20, 30, "Zr", 16.0), (30, 50, "Zr", 9.0))


def _cube() -> ElementCube:
    rng = np.random.default_rng(3)
    maps = rng.poisson([[[200.0]], [[5.0]], [[5.0]]], (3, *SHAPE)).astype(np.uint16)
    for row, column, element, _ in PLACES:
        place = np.s_[row : row + 3, column : column + 3]
        maps[(ELEMENTS.index(element), *place)] = rng.poisson(400, (3, 3))
    return ElementCube(maps=maps, elements=ELEMENTS, pixel_size=(10.0, 10.0), quantity="counts")


def _result(threshold: float = 8.0) -> AnomalyResult:
    score = np.zeros(SHAPE, np.float32)
    contributions = np.zeros((3, *SHAPE), np.float32)
    for row, column, element, peak in PLACES:
        place = np.s_[row : row + 3, column : column + 3]
        score[place] = peak - 1
        score[row + 1, column + 1] = peak
        contributions[(ELEMENTS.index(element), *place)] = peak
    labels = np.full(SHAPE, 2, np.uint16)
    return AnomalyResult(score, threshold, contributions, labels, ELEMENTS, (10.0, 10.0))


class Section:
    """A scan with four grains, listed anew after each edit."""

    def __init__(self, threshold: float = 8.0, n_rows: int = 4) -> None:
        self.cube, self.result = _cube(), _result(threshold)
        self.n_rows = n_rows
        self.book = VerdictBook(SHAPE)

    def listed(self, edits: GrainEdits | None = None) -> GrainList:
        edits = self.book.edits if edits is None else edits
        return list_grains(self.result, n_rows=self.n_rows, cube=self.cube, edits=edits)

    @property
    def map(self) -> GrainMap:
        labels = self.listed().labels
        return GrainMap(labels, self.result.score, self.result.valid, self.book.edits)

    def take(self, step: EditStep) -> EditStep:
        self.book = step.book
        return step

    def areas(self) -> dict[int, int]:
        table = self.listed().table
        return dict(zip(table["id"], table["area_px"], strict=True))

    def decide(self, grain: int, status: str, comment: str = "") -> None:
        labels = self.listed().labels
        self.book = self.book.decide(labels, [grain], status=status, comment=comment, when="t")

    def verdicts(self) -> dict[int, tuple[str, str]]:
        listed = self.listed()
        table = with_verdicts(listed.table, self.book, listed.labels)
        return {
            row.id: (row.status, row.comment)
            for row in table.itertuples()
            if row.status != "unseen"
        }


@pytest.fixture
def section() -> Section:
    section = Section()
    assert section.areas() == {1: 9, 2: 9, 3: 9, 4: 9}
    return section


def _row(listed: GrainList, grain: int):
    return listed.table.set_index("id").loc[grain]


def test_a_merged_grain_keeps_the_oddest_id_and_is_measured_anew(section: Section) -> None:
    before = section.listed()
    at = {grain: before.table.set_index("id").loc[grain] for grain in (1, 2, 3, 4)}
    assert at[1]["peak_score"] == 20.0
    step = section.take(merge(section.map, section.book, [3, 1]))  # the two of arsenic
    assert step.text == "merge grains 1 and 3"
    assert step.sentence == "Grains 1 and 3 are grain 1 now, in 2 pieces that do not touch."
    after = section.listed()
    assert sorted(after.table["id"]) == [1, 2, 4]  # nobody else has the id that is free
    whole = _row(after, 1)
    assert whole["area_px"] == 18
    assert whole["area_um2"] == 1800.0
    assert whole["equivalent_diameter_px"] == pytest.approx(2 * np.sqrt(18 / np.pi))
    assert (whole["col_min"], whole["col_max"]) == (5, 11)
    assert whole["centroid_x_px"] == pytest.approx((6 + 10) / 2)
    assert whole["peak_score"] == 20.0
    assert whole["mean_score"] == pytest.approx((20 + 8 * 19 + 12 + 8 * 11) / 18)
    assert whole["driver_1"].startswith("As+")
    assert whole["edited"] == "merged"
    assert _row(after, 2)["edited"] == ""
    # The others are as they were.
    for grain in (2, 4):
        same = _row(after, grain).drop(["rank", "edited"])
        assert same.equals(at[grain].drop(["rank", "edited"]))
    assert after.table["rank"].tolist() == [1, 2, 3]


def test_details_and_evidence_follow_an_edit(section: Section) -> None:
    section.take(merge(section.map, section.book, [1, 3]))
    listed = section.listed()
    details = detail_grains(section.cube, section.result, listed)
    source = evidence_of(section.cube, section.result, listed, details)
    arsenic = source.of(1).elements.set_index("element").loc["As"]
    maps = section.cube.maps[1].astype(float)
    assert arsenic["grain_mean"] == pytest.approx(maps[listed.labels == 1].mean())
    # Grain 4 is the third of the regions now: its evidence is still its own.
    zirconium = source.of(4).elements.set_index("element").loc["Zr"]
    assert zirconium["grain_mean"] == pytest.approx(
        section.cube.maps[2].astype(float)[listed.labels == 4].mean()
    )
    with pytest.raises(InputError, match="no grain 3"):
        source.of(3)
    table = find_grains(section.result, n_rows=4, cube=section.cube, edits=section.book.edits)
    assert table.set_index("id").loc[1, "edited"] == "merged"


def test_a_split_gives_new_ids_that_stay_through_further_edits(section: Section) -> None:
    parts = np.zeros(SHAPE, int)
    parts[:, 5] = 1  # the left column of grain 1, without its oddest pixel
    step = section.take(split(section.map, section.book, 1, parts))
    assert section.areas() == {1: 6, 2: 9, 3: 9, 4: 9, 5: 3}
    assert "of 6 and 3 pixels" in step.sentence
    parts[:] = 0
    parts[20] = 1
    section.take(split(section.map, section.book, 2, parts))
    assert section.areas() == {1: 6, 2: 6, 3: 9, 4: 9, 5: 3, 6: 3}
    section.take(merge(section.map, section.book, [5, 4]))
    assert section.areas() == {1: 6, 2: 6, 3: 9, 5: 12, 6: 3}  # 5 is odder than 4
    assert section.listed().labels[31, 51] == 5
    parts[:] = 0
    parts[:, 32] = 1
    section.take(split(section.map, section.book, 2, parts))
    assert 7 in section.areas()


def test_a_redrawn_grain_is_as_drawn_and_takes_pixels_of_others_only_with_a_word(
    section: Section,
) -> None:
    assert section.listed().labels[6, 10] == 3
    drawn = np.zeros(SHAPE, bool)
    drawn[6:8, 6:10] = True  # without the upper row of grain 1, with two pixels of grain 3
    step = section.take(redraw(section.map, section.book, 1, drawn))
    assert section.areas() == {1: 8, 2: 9, 3: 7, 4: 9}
    assert step.sentence == (
        "Grain 1 has 8 pixels now, 9 before. 2 pixels of them belonged to grain 3."
    )
    listed = section.listed()
    assert np.array_equal(listed.labels == 1, drawn)
    assert listed.table.set_index("id")["edited"].to_dict() == {
        1: "redrawn",
        2: "",
        3: "cut",
        4: "",
    }
    # It moves away from its first pixels, and keeps its id.
    drawn = np.roll(drawn, 8, axis=0)
    section.take(redraw(section.map, section.book, 1, drawn))
    assert np.array_equal(section.listed().labels == 1, drawn)


def test_no_edit_without_a_reason(section: Section) -> None:
    nothing = np.zeros(SHAPE, bool)
    now, book = section.map, section.book
    with pytest.raises(InputError, match="Nothing is drawn inside the sample"):
        redraw(now, book, 1, nothing)
    with pytest.raises(InputError, match="nothing was changed"):
        redraw(now, book, 1, now.labels == 1)
    with pytest.raises(InputError, match="covers all of grain 3: merge grains 1 and 3"):
        redraw(now, book, 1, np.isin(now.labels, (1, 3)))
    with pytest.raises(InputError, match="still one"):
        split(now, book, 1, nothing)
    with pytest.raises(InputError, match="two or more"):
        merge(now, book, [1, 1])
    with pytest.raises(InputError, match="no grain 9"):
        merge(now, book, [1, 9])
    section.take(merge(now, book, [1, 3]))
    with pytest.raises(InputError, match="being made again"):
        merge(now, section.book, [2, 4])


def test_pixels_outside_the_sample_are_left_out_and_said(section: Section) -> None:
    allowed = section.result.valid.copy()
    allowed[:, :5] = False
    now = replace(section.map, allowed=allowed)
    drawn = now.labels == 1
    drawn[5:8, 3:5] = True
    drawn[8, 6] = True
    step = section.take(redraw(now, section.book, 1, drawn))
    assert step.sentence.endswith("6 pixels outside the sample or the mask were left out.")
    assert section.areas()[1] == 10


@pytest.mark.parametrize(("threshold", "n_rows"), [(15.0, 4), (2.0, 4), (30.0, 0), (30.0, 1)])
def test_edits_stay_at_another_threshold_and_length_of_the_list(
    section: Section, threshold: float, n_rows: int
) -> None:
    parts = np.zeros(SHAPE, int)
    parts[:, 5] = 1
    section.take(split(section.map, section.book, 1, parts))
    section.take(merge(section.map, section.book, [2, 4]))
    merged, small = section.listed().labels == 2, section.listed().labels == 5
    section.result, section.n_rows = _result(threshold), n_rows
    listed = section.listed()
    how = dict(zip(listed.table["id"], listed.table["edited"], strict=True))
    assert sorted(how.values())[-3:] == ["merged", "split", "split"]
    for pixels in (merged, small):
        own = np.unique(listed.labels[pixels])
        assert own.size == 1
        assert np.array_equal(listed.labels == own[0], pixels)
    assert listed.table["id"].is_unique
    above = listed.table.set_index("id")["above_threshold"]
    peaks = listed.table.set_index("id")["peak_score"]
    assert above.equals((peaks >= threshold).rename("above_threshold"))


def test_computed_grains_give_way_only_where_most_of_them_is_edited(section: Section) -> None:
    parts = np.zeros(SHAPE, int)
    parts[:, 5] = 1
    section.take(split(section.map, section.book, 1, parts))
    small = [one for one in section.book.edits.grains if one.number is not None]
    few = GrainEdits(tuple(small), n_new=1)
    listed = section.listed(few)  # as where another detector sees one grain
    assert int((listed.labels == 1).sum()) == 6
    assert _row(listed, 1)["edited"] == ""
    assert int((listed.labels == 5).sum()) == 3


def test_the_brush_on_the_mask_and_teaching_hold_for_edited_grains(section: Section) -> None:
    section.take(merge(section.map, section.book, [1, 3]))
    mask = section.result.mask.copy()
    mask[5:8, 5:8] = False
    listed = list_grains(
        section.result, mask=mask, n_rows=4, cube=section.cube, edits=section.book.edits
    )
    assert not listed.labels[5:8, 5:8].any()
    assert np.unique(listed.labels[5:8, 9:12]).tolist() != [0]
    taught = replace(
        section.result, taught=np.ones(SHAPE, bool), contributions=np.zeros((3, *SHAPE), np.float32)
    )
    listed = list_grains(taught, n_rows=0, cube=section.cube, edits=section.book.edits)
    assert "merged" not in set(listed.table["edited"])


def test_verdicts_follow(section: Section) -> None:
    section.decide(1, "accept", "arsenopyrite")
    section.decide(3, "accept", "the same")
    section.decide(2, "reject", "glue")
    step = section.take(merge(section.map, section.book, [1, 3]))
    assert section.verdicts() == {1: ("accept", "arsenopyrite; the same"), 2: ("reject", "glue")}
    step = section.take(merge(section.map, section.book, [1, 2]))
    assert "undecided: decide again" in step.sentence
    assert section.verdicts() == {
        1: ("undecided", "merged from accept and reject; arsenopyrite; the same; glue")
    }
    section.decide(4, "accept", "zircon")
    parts = np.zeros(SHAPE, int)
    parts[30] = 1
    section.take(split(section.map, section.book, 4, parts))
    assert section.verdicts()[4] == ("accept", "zircon")
    assert len(section.verdicts()) == 2  # the new part is unseen
    drawn = section.map.labels == 4
    drawn[33, 50] = True
    section.take(redraw(section.map, section.book, 4, drawn))
    assert section.verdicts()[4] == ("accept", "zircon")
    assert section.verdicts()[1][0] == "undecided"


def test_one_undecided_part_takes_the_verdict_of_the_other(section: Section) -> None:
    section.decide(3, "accept")
    section.take(merge(section.map, section.book, [1, 3]))
    assert section.verdicts() == {1: ("accept", "")}


def test_edits_come_back_from_files_with_every_step(section: Section, tmp_path: Path) -> None:
    history = History(section.book)
    section.decide(1, "accept")
    history = history.push(section.book, "accept")
    step = section.take(merge(section.map, section.book, [1, 3]))
    history = history.push(step.book, step.text)
    drawn = np.zeros(SHAPE, bool)
    drawn[6:8, 6:10] = True
    step = section.take(redraw(section.map, section.book, 1, drawn))
    history = history.push(step.book, step.text).undo()
    path = tmp_path / "verdicts.json"
    save_history(path, history)
    again = load_history(path, SHAPE)
    assert again.undo_text == "merge grains 1 and 3"
    assert again.redo_text == "redraw grain 1"
    for one, other in (
        (again.present, history.present),
        (again.undo().present, history.undo().present),
        (again.redo().present, history.redo().present),
    ):
        assert np.array_equal(section.listed(one.edits).labels, section.listed(other.edits).labels)
    assert not again.undo().present.edits
    # A drawn redraw leaves pixels in no grain: they are kept too.
    assert again.redo().present.edits.freed.size == 18 - 6
    assert load_verdicts(path, SHAPE).edits.n_new == history.present.edits.n_new
    save_verdicts(tmp_path / "again.json", again.present)
    book = load_verdicts(tmp_path / "again.json", SHAPE)
    assert np.array_equal(book.edits.grains[0].pixels, again.present.edits.grains[0].pixels)


def test_files_from_before_open_and_damaged_ones_are_refused(
    section: Section, tmp_path: Path
) -> None:
    section.take(merge(section.map, section.book, [1, 3]))
    path = tmp_path / "verdicts.json"
    save_history(path, History(VerdictBook(SHAPE)).push(section.book, "merge"))
    content = json.loads(path.read_text())
    damaged = json.loads(path.read_text())
    damaged["edits"]["grains"].append(damaged["edits"]["grains"][0])
    (tmp_path / "damaged.json").write_text(json.dumps(damaged))
    with pytest.raises(InputError, match="is damaged"):
        load_verdicts(tmp_path / "damaged.json", SHAPE)
    damaged["history"]["edits"]["states"].pop()
    damaged["edits"] = content["edits"]
    (tmp_path / "damaged.json").write_text(json.dumps(damaged))
    with pytest.raises(InputError, match="is damaged"):
        load_history(tmp_path / "damaged.json", SHAPE)
    del content["edits"], content["history"]["edits"]
    path.write_text(json.dumps(content))
    assert load_history(path, SHAPE).present.edits is NO_EDITS


# How a grain is cut


def _disc(y: float, x: float, radius: float) -> np.ndarray:
    rows, columns = np.mgrid[:30, :40]
    return (rows - y) ** 2 + (columns - x) ** 2 <= radius**2


def test_a_watershed_cuts_at_the_neck_and_nowhere_else() -> None:
    two = _disc(12, 10, 6) | _disc(12, 21, 6)
    parts = cut_at_necks(two)
    assert np.bincount(parts.reshape(-1))[1:].tolist() == [112, 112]
    assert np.array_equal(parts > 0, two)
    assert parts[12, 10] != parts[12, 21]
    apart = _disc(5, 5, 2) | _disc(20, 30, 2)
    assert int(cut_at_necks(apart).max()) == 2
    rows, columns = np.mgrid[:30, :40]
    bar = (abs(rows - 12) < 3) & (columns > 3) & (columns < 30)
    for whole in (_disc(12, 10, 6), bar, _disc(12, 10, 1)):
        with pytest.raises(InputError, match="no neck"):
            cut_at_necks(whole)


@pytest.mark.parametrize("falls", [True, False])
def test_a_thin_oblique_line_cuts_and_its_pixels_go_to_a_side(falls: bool) -> None:
    grain = _disc(12, 12, 6)
    rows, columns = np.mgrid[:30, :40]
    line = rows == columns if falls else rows == 24 - columns
    parts = cut_along(grain, line)
    assert int(parts.max()) == 2
    assert np.array_equal(parts > 0, grain)
    side = rows < columns if falls else rows < 24 - columns
    assert np.unique(parts[grain & side & ~line]).size == 1
    with pytest.raises(InputError, match="right across"):
        cut_along(grain, line & (rows < 12))
    with pytest.raises(InputError, match="right across"):
        cut_along(grain, np.zeros_like(grain))


def _two_minerals(second: tuple[float, float, float]) -> tuple[np.ndarray, SignaturePlanes]:
    rng = np.random.default_rng(5)
    grain = _disc(12, 14, 6)
    means = np.empty((3, 30, 40))
    means[:] = np.array([200.0, 5.0, 5.0])[:, None, None]
    columns = np.mgrid[:30, :40][1]
    means[:, grain] = np.array([80.0, 150.0, 5.0])[:, None]
    means[:, grain & (columns > 14)] = np.array(second)[:, None]
    return grain, SignaturePlanes(rng.poisson(means).astype(np.uint16), None)


def test_two_minerals_are_cut_apart_and_one_of_uneven_brightness_is_not() -> None:
    grain, planes = _two_minerals((80.0, 5.0, 150.0))
    parts = cut_by_composition(grain, ~grain, planes)
    assert np.array_equal(parts > 0, grain)
    columns = np.mgrid[:30, :40][1]
    second = parts == parts[12, 18]
    assert np.count_nonzero(second[grain] != (columns > 14)[grain]) <= 2
    grain, planes = _two_minerals((140.0, 77.0, 5.0))  # half as much of the same
    with pytest.raises(InputError, match="do not differ in composition"):
        cut_by_composition(grain, ~grain, planes)
    cube = _cube()
    assert signatures_of(cube).noise is None
