"""Verdicts stay where they were made; history is a value; files keep everything."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from napari_mineral_anomaly.errors import InputError
from napari_mineral_anomaly.grains.pixels.regions import PixelSets, label_grains
from napari_mineral_anomaly.grains.verdicts.book import History, VerdictBook, with_verdicts
from napari_mineral_anomaly.grains.verdicts.files import load_verdicts, save_verdicts

SCORE = np.zeros((20, 30))
SCORE[5, 5:10] = [6, 6, 9, 6, 6]
SCORE[5, 10] = 4  # joins the two at a low threshold
SCORE[5, 11:14] = [7, 9, 7]
SCORE[15, 20] = 9


def _labels(threshold: float) -> np.ndarray:
    return label_grains(threshold <= SCORE)


def test_a_verdict_survives_another_threshold():
    high = _labels(5.0)
    grain = int(high[5, 7])
    book = VerdictBook(SCORE.shape).decide(high, [grain], status="accept", who="A", when="t")
    higher = _labels(8.0)
    assert {k: v.status for k, v in book.of_grains(higher).items()} == {int(higher[5, 7]): "accept"}
    assert book.of_grains(_labels(9.5)) == {}
    assert {v.who for v in book.of_grains(high).values()} == {"A"}


def test_where_grains_join_the_verdict_that_covers_more_counts_and_both_come_back():
    high = _labels(5.0)
    large, small = int(high[5, 7]), int(high[5, 12])
    book = VerdictBook(SCORE.shape).decide(high, [large], status="accept")
    book = book.decide(high, [small], status="reject", comment="vein")
    low = _labels(3.0)
    assert book.of_grains(low)[int(low[5, 7])].status == "accept"
    again = book.of_grains(high)
    assert (again[large].status, again[small].status) == ("accept", "reject")


def test_a_new_decision_replaces_the_old_one_and_none_keeps():
    labels = _labels(5.0)
    grain = int(labels[15, 20])
    book = VerdictBook(SCORE.shape).decide(labels, [grain], status="accept", comment="Zr?")
    changed = book.decide(labels, [grain], status="SEM-true")
    verdict = changed.of_grains(labels)[grain]
    assert (verdict.status, verdict.comment) == ("SEM-true", "Zr?")
    assert len(changed.verdicts) == 1
    assert book.of_grains(labels)[grain].status == "accept"  # the old book is untouched


def test_a_decision_with_what_the_caller_knows_is_the_same_decision():
    labels = _labels(5.0)
    book = VerdictBook(SCORE.shape).decide(labels, [1, 2], status="accept", when="t")
    plain = book.decide(labels, [2, 3], status="reject", when="u")
    known = book.of_grains(labels)
    helped = book.decide(
        labels, [2, 3], status="reject", when="u",
        known=known, pixels=PixelSets.of_labels(labels),
    )  # fmt: skip
    assert [(v.status, v.pixels.tolist()) for v in helped.verdicts] == [
        (v.status, v.pixels.tolist()) for v in plain.verdicts
    ]
    # What the window keeps without asking the book again is what the book would say.
    kept = known | dict(zip([2, 3], helped.verdicts[-2:], strict=True))
    assert kept == helped.of_grains(labels)


def test_the_table_is_filled():
    labels = _labels(5.0)
    table = pd.DataFrame({"id": [1, 2, 3]})
    book = VerdictBook(SCORE.shape).decide(
        labels, [2], status="reject", comment="edge", who="B", when="2026-01-01T00:00:00+00:00"
    )
    filled = with_verdicts(table, book, labels)
    assert filled["status"].tolist() == ["unseen", "reject", "unseen"]
    assert filled["comment"].tolist() == ["", "edge", ""]
    assert filled["decided_by"].tolist() == ["", "B", ""]
    assert filled.loc[1, "decided_at"].startswith("2026")


def test_unknown_status_grain_and_size_are_refused():
    book, labels = VerdictBook(SCORE.shape), _labels(5.0)
    with pytest.raises(InputError, match="unseen, accept"):
        book.decide(labels, [1], status="maybe")
    with pytest.raises(InputError, match="no grain 99"):
        book.decide(labels, [99], status="accept")
    with pytest.raises(InputError, match="20x30"):
        book.of_grains(np.zeros((3, 3), dtype=int))


def test_history_goes_back_and_forth_and_a_new_step_forgets_the_future():
    history = History(0).push(1, "one").push(2, "two")
    assert (history.undo_text, history.can_redo) == ("two", False)
    back = history.undo().undo()
    assert (back.present, back.can_undo, back.redo_text) == (0, False, "one")
    assert back.undo() is back
    assert back.redo().redo().present == 2
    other = back.push(5, "five")
    assert (other.present, other.can_redo, other.undo().present) == (5, False, 0)


@pytest.mark.parametrize("suffix", [".json", ".csv"])
def test_files_keep_everything(tmp_path, suffix):
    labels = _labels(5.0)
    book = VerdictBook(SCORE.shape).decide(
        labels, [1, 3], status="accept", comment='Ånge, "x"; y\nz', who="Ö", when="t"
    )
    path = tmp_path / f"verdicts{suffix}"
    save_verdicts(path, book, (10.0, 20.0))
    again = load_verdicts(path, SCORE.shape)
    assert len(again.verdicts) == 2
    for old, new in zip(book.verdicts, again.verdicts, strict=True):
        assert np.array_equal(old.pixels, new.pixels)
        assert (old.status, old.comment, old.who, old.when) == (
            new.status, new.comment, new.who, new.when,
        )  # fmt: skip
    if suffix == ".csv":
        frame = pd.read_csv(path)
        assert frame.loc[1, "centroid_y_um"] == 150.0
        assert frame.loc[1, "centroid_x_um"] == 400.0


def test_a_table_from_the_sem_needs_only_places_and_verdicts(tmp_path):
    path = tmp_path / "sem.csv"
    path.write_text("centroid_y_px,centroid_x_px,status\n15.2,19.8,SEM-true\n", encoding="utf-8")
    labels = _labels(5.0)
    found = load_verdicts(path, SCORE.shape).of_grains(labels)
    assert {k: v.status for k, v in found.items()} == {int(labels[15, 20]): "SEM-true"}


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "utf-16"])
@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("has_pixels", [True, False])
def test_verdicts_come_back_from_spreadsheets(tmp_path, encoding, separator, has_pixels):
    labels = _labels(5.0)
    comment = "=Ä, 1/2; „x“\n-y"
    book = VerdictBook(SCORE.shape).decide(
        labels, [1, 3], status="accept", comment=comment, who="Ö"
    )
    saved = tmp_path / "verdicts.csv"
    save_verdicts(saved, book, (10.0, 20.0))
    assert ",\"'=Ä" in saved.read_text(encoding="utf-8")
    frame = pd.read_csv(saved, dtype=str, keep_default_na=False)
    if separator != ",":
        for column in [name for name in frame if name.startswith("centroid")]:
            frame[column] = frame[column].str.replace(".", ",")
    frame = frame if has_pixels else frame.drop(columns="pixels")
    path = tmp_path / "again.csv"
    frame.to_csv(path, sep=separator, index=False, encoding=encoding, lineterminator="\r\n")
    with path.open("a", encoding=encoding.removesuffix("-sig")) as file:
        if encoding != "utf-16":
            file.write(separator * 9 + "\n")  # an empty row of a spreadsheet
    again = load_verdicts(path, SCORE.shape)
    assert [(v.status, v.comment, v.who) for v in again.verdicts] == [
        ("accept", comment, "Ö"),
        ("accept", comment, "Ö"),
    ]
    found = again.of_grains(labels)
    assert set(found) == {1, 3}
    if has_pixels:
        assert np.array_equal(again.verdicts[0].pixels, book.verdicts[0].pixels)


def test_a_place_with_signs_between_thousands_is_refused(tmp_path):
    path = tmp_path / "v.csv"
    path.write_text("centroid_y_px;centroid_x_px;status\n1.234,5;2;accept\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"line 2: cannot use the number '1\.234,5'"):
        load_verdicts(path, (3000, 3000))


def test_bad_files_are_refused_in_a_sentence(tmp_path):
    book = VerdictBook(SCORE.shape)
    with pytest.raises(InputError, match=r"\.json or \.csv"):
        save_verdicts(tmp_path / "x.txt", book)
    good = tmp_path / "v.json"
    save_verdicts(good, book)
    with pytest.raises(InputError, match="20x30"):
        load_verdicts(good, (4, 4))
    content = json.loads(good.read_text(encoding="utf-8")) | {"schema_version": 9}
    good.write_text(json.dumps(content), encoding="utf-8")
    with pytest.raises(InputError, match="version 9"):
        load_verdicts(good, SCORE.shape)
    for name, text, word in (
        ("a.json", "{", "not a file of verdicts"),
        ("b.json", "[]", "no grain verdicts"),
        ("c.csv", "a,b\n1,2\n", "lacks the column"),
        ("d.csv", "centroid_y_px,centroid_x_px,status\n99,1,accept\n", "line 2"),
        ("e.csv", "centroid_y_px,centroid_x_px,status\n1,1,good\n", "'good'"),
    ):
        (tmp_path / name).write_text(text, encoding="utf-8")
        with pytest.raises(InputError, match=word):
            load_verdicts(tmp_path / name, SCORE.shape)
    with pytest.raises(InputError, match="There is no file"):
        load_verdicts(tmp_path / "missing.csv", SCORE.shape)
