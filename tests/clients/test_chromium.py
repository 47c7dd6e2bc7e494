"""report.html in Chromium: axe-core finds nothing, and A4 and Letter hold every column."""

from __future__ import annotations

import json
import os
import re
import subprocess
from pathlib import Path

import pytest

from napari_mineral_anomaly.grains.columns import report_columns

OPTIONS = ("--headless", "--no-sandbox", "--disable-gpu", "--virtual-time-budget=20000")
RUN_AXE = """
axe.run(document).then(found => {
  const answer = document.createElement("pre");
  answer.id = "answer";
  answer.textContent = JSON.stringify(
    [axe.version, found.violations.map(one => one.id), found.passes.length]);
  document.body.appendChild(answer);
});
"""


@pytest.fixture
def axe() -> str:
    """The script of axe-core."""
    installed = ".venv-clients/node_modules/axe-core/axe.min.js"
    place = Path(os.environ.get("AXE_CORE", installed))
    if not place.is_file():
        pytest.skip("axe-core is missing: bash .ci/clients.sh installs it, or set AXE_CORE")
    return place.read_text(encoding="utf-8")


def test_axe_finds_nothing_in_the_report(run, program, axe, record, tmp_path):
    chromium = program("chromium", "chromium")
    page = (run / "report.html").read_text(encoding="utf-8")
    axe = axe.replace("</script", r"<\/script")
    script = f"<script>{axe}</script><script>{RUN_AXE}</script>"
    tested = tmp_path / "report.html"
    tested.write_text(page.replace("</body>", f"{script}</body>"), encoding="utf-8")
    done = subprocess.run(
        [chromium, *OPTIONS, "--dump-dom", tested.as_uri()],
        capture_output=True, text=True, timeout=120, check=True,
    )  # fmt: skip
    found = re.search(r'<pre id="answer">(.*?)</pre>', done.stdout)
    assert found, done.stdout[-500:]
    axe_version, violations, n_passes = json.loads(found[1])
    assert violations == []
    assert n_passes > 20
    record(
        version(chromium),
        f"report.html, axe-core {axe_version}",
        values=f"{n_passes} rules passed, no violation",
    )


@pytest.mark.parametrize(("paper", "points"), [("A4", (841.9, 595)), ("Letter", (792, 612))])
def test_the_report_prints_without_a_lost_column(run, program, record, tmp_path, paper, points):
    import pandas as pd

    chromium, to_text = program("chromium", "chromium"), program("pdftotext", "poppler-utils")
    page = (run / "report.html").read_text(encoding="utf-8")
    assert "size: landscape" in page
    tested = tmp_path / "report.html"
    # The paper of the printer; more rows than fit on one page.
    rows = re.search(r"<tbody>(<tr>.*?)</tbody>", page)[1]
    page = page.replace(rows, rows * 4).replace("size: landscape", f"size: {paper} landscape")
    tested.write_text(page, encoding="utf-8")
    pdf = tmp_path / "report.pdf"
    subprocess.run(
        [chromium, *OPTIONS, "--no-pdf-header-footer", f"--print-to-pdf={pdf}", tested.as_uri()],
        capture_output=True, timeout=120, check=True,
    )  # fmt: skip
    boxes = subprocess.run(
        [to_text, "-bbox", str(pdf), "-"], capture_output=True, text=True, check=True
    ).stdout
    pages = re.findall(r'<page width="([\d.]+)" height="([\d.]+)">(.*?)</page>', boxes, re.DOTALL)
    texts = []
    for width, height, words in pages:
        assert (float(width), float(height)) == pytest.approx(points, abs=1)
        found = re.findall(r'xMin="([\d.]+)" .*?xMax="([\d.]+)".*?>(.*?)</word>', words)
        assert all(float(x1) <= float(width) - 20 for _, x1, _ in found)
        texts.append([word for _, _, word in found])
    columns = report_columns(pd.read_csv(run / "grains.csv", keep_default_na=False))
    last = columns[-1].report.title
    with_grains = [words for words in texts if "grain" in words and "Rank" in words]
    assert len(with_grains) >= 3  # the heading stands on every page of the table
    for words in with_grains:
        for column in columns:
            assert set(column.report.title.split()) <= set(words)
    n_rows = sum(words.count("Cluster") for words in texts)
    assert n_rows >= 4 * 20  # a cell of the last column for every row
    record(
        version(chromium),
        f"report.html, printed on {paper}",
        values=f"{len(columns)} columns, the last is “{last}”; {len(pages)} pages",
    )


def version(chromium: str) -> str:
    done = subprocess.run([chromium, "--version"], capture_output=True, text=True, check=True)
    return " ".join(done.stdout.split()[:2])
