"""LibreOffice opens our tables by double click, and what it saves is read again.

A double click opens the dialogue "Text Import". The tests press Enter there and ask the document
for its cells (UNO), in a new profile of a German and of an English user.
"""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from napari_mineral_anomaly.grains.verdicts.book import VerdictBook
from napari_mineral_anomaly.grains.verdicts.files import load_verdicts, save_verdicts
from napari_mineral_anomaly.io.spreadsheets import DIALECTS

PROFILE = """<?xml version="1.0" encoding="UTF-8"?>
<oor:items xmlns:oor="http://openoffice.org/2001/registry">
<item oor:path="/org.openoffice.Setup/L10N"><prop oor:name="ooSetupSystemLocale" oor:op="fuse">
<value>{locale}</value></prop></item></oor:items>"""

# Opens a file as a double click does, presses Enter in the dialogue, prints the cells, and saves
# the table as CSV with a separator and a character set (76: UTF-8, 1: Windows 1252).
OPEN = r"""
set -e
soffice "-env:UserInstallation=file://$1" --norestore --nologo \
    "--accept=pipe,name=$3;urp;" "$2" 2>/dev/null &
for i in $(seq 80); do
    window=$(xdotool search --name "Text Import" 2>/dev/null | head -1) || true
    [ -n "$window" ] && break
    sleep 0.5
done
sleep 1.5
xdotool windowfocus "$window"
sleep 0.5
xdotool key Return
sleep 2
/usr/bin/python3 "$4" "$3" "$5" "$6"
wait
"""
ASK = r"""
import json, sys, time, uno
from com.sun.star.beans import PropertyValue

def value(name, content):
    one = PropertyValue()
    one.Name, one.Value = name, content
    return one

context = uno.getComponentContext()
resolver = context.ServiceManager.createInstanceWithContext(
    "com.sun.star.bridge.UnoUrlResolver", context)
office = resolver.resolve(f"uno:pipe,name={sys.argv[1]};urp;StarOffice.ComponentContext")
desk = office.ServiceManager.createInstanceWithContext("com.sun.star.frame.Desktop", office)
for _ in range(40):
    documents = list(desk.Components)
    if documents:
        break
    time.sleep(0.5)
sheet = documents[0].Sheets.getByIndex(0)
cursor = sheet.createCursor()
cursor.gotoEndOfUsedArea(False)
last = cursor.RangeAddress
rows = []
for y in range(last.EndRow + 1):
    cells = [sheet.getCellByPosition(x, y) for x in range(last.EndColumn + 1)]
    rows.append([
        cell.Value if cell.Type.value == "VALUE" else
        ["FORMULA", cell.Formula] if cell.Type.value == "FORMULA" else cell.String
        for cell in cells])
print(json.dumps(rows))
if sys.argv[2]:
    documents[0].storeToURL(uno.systemPathToFileUrl(sys.argv[2]), (
        value("FilterName", "Text - txt - csv (StarCalc)"), value("FilterOptions", sys.argv[3])))
try:
    desk.terminate()
except Exception:
    pass
"""

Open = Callable[..., list[list]]


@pytest.fixture
def double_click(program, screen, tmp_path) -> Open:
    """Opens a file in LibreOffice; returns its rows and may save it again."""
    program("soffice", "libreoffice-calc")
    program("xdotool", "xdotool")
    has_uno = subprocess.run(["/usr/bin/python3", "-c", "import uno"], capture_output=True)
    if has_uno.returncode:
        pytest.skip("the Debian package python3-uno is not installed")
    ask = tmp_path / "ask.py"
    ask.write_text(ASK)

    def run(path: Path, locale: str, saved: Path | str = "", options: str = "") -> list[list]:
        profile = tmp_path / f"profile-{time.monotonic_ns()}"
        (profile / "user").mkdir(parents=True)
        text = PROFILE.format(locale=locale)
        (profile / "user" / "registrymodifications.xcu").write_text(text)
        done = subprocess.run(
            [*screen, "bash", "-c", OPEN, "open", str(profile), str(path), profile.name, str(ask),
             str(saved), options],
            capture_output=True, text=True, timeout=150,
        )  # fmt: skip
        lines = [line for line in done.stdout.splitlines() if line.startswith("[")]
        assert lines, done.stderr[-2000:]
        return json.loads(lines[-1])

    return run


@pytest.mark.parametrize(
    ("dialect", "locale", "language"),
    [
        ("excel-de", "de-DE", "German"),
        ("excel-fr", "fr-FR", "French"),
        ("excel-en", "en-US", "English"),
        ("tsv", "en-US", "English"),
        ("plain", "en-US", "English"),
    ],
)
def test_grains_open_by_double_click(
    dialect, locale, language, grains, double_click, program, record
):
    table, folder = grains
    name = DIALECTS[dialect].file_name("grains.csv")
    heading, *rows = double_click(folder / name, locale)
    assert heading == [*table.columns, "map_x_um", "map_y_um"]
    numbers = [column for column in table if table[column].dtype.kind in "if"]
    for k, column in enumerate(heading):
        cells = [row[k] for row in rows]
        if column in numbers:
            assert all(isinstance(cell, float) for cell in cells), (column, cells)
            np.testing.assert_allclose(cells, table[column], rtol=1e-8)
    drivers, comments = (
        [row[heading.index(column)] for row in rows] for column in ("driver_1", "comment")
    )
    assert drivers == ["As+14.2", "'=1+1", "'-Fe"]
    # The plain file has no mark of UTF-8; LibreOffice then takes the characters of the computer.
    assert comments[1:] == ["'+1+1", "'@SUM(A1)"]
    assert comments[0] == "scan edge; vein, Ö" or dialect == "plain"
    record(
        version(program("soffice", "libreoffice-calc")),
        f"{name}, {language} user",
        values=f"{len(numbers) * len(table)} numbers equal, no formula",
        names=f"{len(heading)} columns",
    )


@pytest.mark.parametrize(("locale", "sign"), [("de-DE", 59), ("en-US", 44)])
@pytest.mark.parametrize(("charset", "words"), [(76, "UTF-8"), (1, "code page 1252")])
def test_verdicts_saved_in_libreoffice_load_again(
    locale, sign, charset, words, double_click, program, record, tmp_path
):
    labels = np.zeros((20, 30), int)
    labels[3, 4:9], labels[10:12, 5:7] = 1, 2
    book = VerdictBook(labels.shape).decide(
        labels, [1], status="accept", comment="=Ä, 1/2; „x“", who="Ö"
    )
    book = book.decide(labels, [2], status="SEM-false", comment="-3,5")
    save_verdicts(tmp_path / "verdicts.csv", book, (20.0, 25.5))
    saved = tmp_path / "saved.csv"
    double_click(tmp_path / "verdicts.csv", locale, saved, f"{sign},34,{charset},1")
    again = load_verdicts(saved, labels.shape)
    expected = [(v.status, v.comment, v.who, v.when, v.pixels.tolist()) for v in book.verdicts]
    assert [
        (v.status, v.comment, v.who, v.when, v.pixels.tolist()) for v in again.verdicts
    ] == expected
    language = "German" if locale == "de-DE" else "English"
    record(
        version(program("soffice", "libreoffice-calc")),
        f"verdicts.csv, saved as {words} by a user of {language}",
        values="every verdict loaded again",
    )


def version(soffice: str) -> str:
    done = subprocess.run([soffice, "--version"], capture_output=True, text=True, check=True)
    return " ".join(done.stdout.split()[:2])
