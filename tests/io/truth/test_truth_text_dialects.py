"""Texts in random dialects, written by pandas: we read the numbers, or refuse with a true sentence.

An independent reader, ``pandas.read_csv`` told the dialect, reads the same file.
"""

from __future__ import annotations

import csv
import gzip
import io
import re
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from napari_mineral_anomaly.errors import InputError
from napari_mineral_anomaly.io import read_maps
from napari_mineral_anomaly.scan.cube import ElementCube

OPEN = "may mark decimals or thousands"


@dataclass(frozen=True)
class Dialect:
    separator: str
    decimal: str
    thousands: str
    encoding: str
    line_end: str
    quote_all: bool
    packed: bool

    @property
    def is_possible(self) -> bool:
        signs = {self.separator, self.decimal, self.thousands}
        return self.decimal != self.thousands and (len(signs) == 3 or self.separator == ",")

    def number(self, value: float) -> str:
        plain = f"{value:,}" if self.thousands else str(value)
        return plain.translate(str.maketrans({",": self.thousands, ".": self.decimal}))


dialects = st.builds(
    Dialect,
    separator=st.sampled_from([",", ";", "\t", "|"]),
    decimal=st.sampled_from([".", ","]),
    thousands=st.sampled_from(["", "", ",", ".", "'", " "]),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "cp1252"]),
    line_end=st.sampled_from(["\n", "\r\n", "\r"]),
    quote_all=st.booleans(),
    packed=st.booleans(),
).filter(lambda dialect: dialect.is_possible)


def maps(seed: int, shape: tuple[int, int], digits: int, top: int, n: int = 1) -> np.ndarray:
    """Counts, or numbers with up to some decimals; (n, H, W)."""
    stored = np.random.default_rng(seed).gamma(0.7, top, (n, *shape)).round(digits)
    return stored if digits else stored.astype(np.int64)


def write(path: Path, frame: pd.DataFrame, dialect: Dialect, **options: bool) -> Path:
    words = frame.map(lambda v: dialect.number(v) if isinstance(v, (int, float)) else v)
    text = io.StringIO()
    words.to_csv(
        text,
        sep=dialect.separator,
        quoting=csv.QUOTE_ALL if dialect.quote_all else csv.QUOTE_MINIMAL,
        lineterminator=dialect.line_end,
        **options,
    )
    raw = text.getvalue().encode(dialect.encoding)
    path.write_bytes(gzip.compress(raw) if dialect.packed else raw)
    return path


def peer(path: Path, dialect: Dialect, header: int | None) -> np.ndarray:
    table = pd.read_csv(
        path,
        sep=dialect.separator,
        decimal=dialect.decimal,
        thousands=dialect.thousands or None,
        encoding=dialect.encoding,
        header=header,
        compression="gzip" if dialect.packed else None,
    )
    return table.to_numpy()


def read_or_open(path: Path) -> ElementCube | None:
    """The scan; None where the file is refused because its signs stay open."""
    try:
        return read_maps(path)
    except InputError as error:
        if OPEN not in str(error):
            raise
        return None


def stays_open(dialect: Dialect, values: np.ndarray) -> bool:
    """Whether all marks of the numbers may be decimals as well as thousands: "1,234", "1.234"."""
    texts = [dialect.number(value) for value in values.ravel().tolist()]
    marked = [text for text in texts if set(text) & set(",.")]
    is_open = all(re.fullmatch(r"[1-9]\d{0,2}[,.]\d{3}", text) for text in marked)
    return bool(marked) and is_open and len({c for text in marked for c in text} & set(",.")) == 1


shapes = st.tuples(st.integers(3, 9), st.integers(4, 9))


@settings(max_examples=25, deadline=None)
@given(dialects, st.integers(0, 10**6), shapes, st.sampled_from([0, 0, 1, 2, 4]), st.booleans())
def test_matrices(
    dialect: Dialect, seed: int, shape: tuple[int, int], digits: int, labelled: bool
) -> None:
    values = maps(seed, shape, digits, 900)[0]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "Fe.csv"
        write(path, pd.DataFrame(values), dialect, index=labelled, header=labelled)
        cube = read_or_open(path)
        if cube is None:
            assert stays_open(dialect, values)
            return
        # A few points without whole numbers beside them are taken for decimals.
        assume(dialect.thousands != "." or not stays_open(dialect, values))
        np.testing.assert_array_equal(cube.plane(0), values)
        told = peer(path, dialect, 0 if labelled else None)[:, int(labelled) :]
        np.testing.assert_allclose(cube.plane(0), told.astype(float), rtol=1e-14)


@settings(max_examples=25, deadline=None)
@given(
    dialects,
    st.integers(0, 10**6),
    st.tuples(st.integers(2, 7), st.integers(2, 7)),
    st.sampled_from([0, 1, 2, 3]),
    st.sampled_from([("X (µm)", "Y (µm)", 20, 1), ("X (mm)", "Y (mm)", 0.02, 1000)]),
    st.booleans(),
)
def test_tables(
    dialect: Dialect,
    seed: int,
    shape: tuple[int, int],
    digits: int,
    places: tuple[str, str, float, float],
    shuffled: bool,
) -> None:
    values = maps(seed, shape, digits, 900, 2)
    x, y, step, unit_um = places
    rows, columns = np.indices(shape)
    content = {
        x: (columns.ravel() * step).round(6),
        y: (rows.ravel() * step).round(6),
        "Fe": values[0].ravel(),
        "Ca": values[1].ravel(),
    }
    frame = pd.DataFrame(content)
    if shuffled:
        frame = frame.sample(frac=1, random_state=seed % 1000)
    with tempfile.TemporaryDirectory() as folder:
        path = write(Path(folder) / "scan.csv", frame, dialect, index=False)
        cube = read_or_open(path)
        if cube is None:
            assert stays_open(dialect, frame.to_numpy())
            return
        assume(dialect.thousands != "." or not stays_open(dialect, frame.to_numpy()))
        assert cube.elements == ("Fe", "Ca")
        told = peer(path, dialect, 0).astype(float)
    if not shuffled:
        np.testing.assert_array_equal(cube.maps, values)
        np.testing.assert_allclose(cube.maps.reshape(2, -1).T, told[:, 2:], rtol=1e-14)
    np.testing.assert_allclose(np.sort(cube.maps.ravel()), np.sort(told[:, 2:].ravel()))
    assert cube.pixel_size == (step * unit_um, step * unit_um)
