"""The turns of score and proposals among the rows below the threshold."""

from napari_mineral_anomaly.grains.pixels.turns import take_turns


def test_the_first_rows_follow_the_score_then_both_take_turns():
    rows = take_turns(range(100), range(200, 300), 16)
    assert [item for item, _ in rows] == [*range(10), 200, 201, 10, 11, 202, 203]
    assert [item for item, proposed in rows if proposed] == [200, 201, 202, 203]


def test_an_item_stands_once_and_keeps_the_ranking_that_came_first():
    rows = take_turns(range(12), [3, 11, 50, 51], 14)
    assert [item for item, _ in rows] == [*range(10), 11, 50, 10, 51]
    assert dict(rows)[3] is False
    assert dict(rows)[11] is True


def test_where_one_ranking_ends_the_other_goes_on():
    assert [item for item, _ in take_turns(range(20), [], 20)] == list(range(20))
    assert [item for item, _ in take_turns([0], range(5, 12), 6)] == [0, 5, 6, 7, 8, 9]
    assert take_turns([], [7, 8], 5) == [(7, True), (8, True)]
    assert take_turns([], [], 5) == []
    assert take_turns([1], [2], 0) == []
