"""The script of the comparison page sorts its tables: run by the JavaScript engine of Qt."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from qtpy.QtQml import QJSEngine

from napari_mineral_anomaly.project.output.compare import SORTING_SCRIPT

# As much of a browser's page as the script asks for.
PAGE = """
function makeTable(heads, lines) {
  const table = {};
  const headRow = {cells: []};
  headRow.cells = heads.map((text, at) => ({
    textContent: text, cellIndex: at, attributes: {}, listeners: {}, parentNode: headRow,
    closest: () => table,
    getAttribute(name) { return this.attributes[name] ?? null; },
    setAttribute(name, value) { this.attributes[name] = value; },
    removeAttribute(name) { delete this.attributes[name]; },
    addEventListener(name, act) { this.listeners[name] = act; },
  }));
  const body = {
    rows: lines.map((line) => ({cells: line.map((text) => ({textContent: text}))})),
    append(...rows) { this.rows = rows; },
  };
  table.tBodies = [body];
  table.heads = headRow.cells;
  return table;
}
var table = makeTable(HEADS, LINES);
var document = {querySelectorAll: () => table.heads};
"""
HEADS = ["section", "analysed mm²", "grains"]
LINES = [
    ["beta", "1,200.5", "3 (0.4)"],
    ["Alpha", "80.25", "12 (0.1)"],
    ["gamma", "–", "0 (0)"],
    ["all", "1,280.75", "15 (0.2)"],
]


@pytest.fixture
def click(qapp: object) -> Callable[..., tuple[list[str], str | None]]:
    """Click a heading or press a key on it; the first column then, and how it says it sorts."""
    engine = QJSEngine()
    script = PAGE.replace("HEADS", json.dumps(HEADS)).replace("LINES", json.dumps(LINES))

    def run(text: str) -> Any:
        value = engine.evaluate(text)
        assert not value.isError(), value.toString()
        return value

    run(script + SORTING_SCRIPT)

    def act(at: int, event: str = "click", key: str = "") -> tuple[list[str], str | None]:
        run(f"table.heads[{at}].listeners[{event!r}]({{key: {key!r}}})")
        order = run("JSON.stringify(table.tBodies[0].rows.map((row) => row.cells[0].textContent))")
        said = run("JSON.stringify(table.heads.map((head) => head.getAttribute('aria-sort')))")
        return json.loads(order.toString()), json.loads(said.toString())[at]

    return act


def test_a_number_sorts_the_largest_first_and_then_the_smallest(click) -> None:
    assert click(1) == (["beta", "Alpha", "gamma", "all"], "descending")
    assert click(1) == (["gamma", "Alpha", "beta", "all"], "ascending")


def test_a_count_with_its_density_sorts_by_the_count(click) -> None:
    assert click(2) == (["Alpha", "beta", "gamma", "all"], "descending")


def test_names_sort_by_the_alphabet_and_the_sum_stays_at_the_end(click) -> None:
    assert click(0) == (["Alpha", "beta", "gamma", "all"], "ascending")
    assert click(0) == (["gamma", "beta", "Alpha", "all"], "descending")


def test_the_key_enter_sorts_and_others_do_not(click) -> None:
    assert click(1, "keydown", "a") == (["beta", "Alpha", "gamma", "all"], None)
    assert click(1, "keydown", "Enter")[1] == "descending"
