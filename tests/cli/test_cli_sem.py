"""``sem``: fiducials into a project, its grains in millimetres, verdicts back."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from napari_mineral_anomaly.cli import main
from napari_mineral_anomaly.project.fiducials import fiducials_of
from napari_mineral_anomaly.project.load import load_project
from napari_mineral_anomaly.project.lock import open_lock
from napari_mineral_anomaly.project.output.report import list_project
from napari_mineral_anomaly.project.reading import read_project

# A stage that is turned by 90 degrees, mirrored and shifted; a pixel of the scan is 20 µm wide.
STAGE = np.array([[0.0, 0.02, 10.0], [0.02, 0.0, -5.0]])


@pytest.fixture
def project(rx_run: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(rx_run, tmp_path / "project"))


@pytest.fixture
def fiducials(tmp_path: Path) -> Path:
    path = tmp_path / "fiducials.csv"
    marks = np.array([(2, 3), (68, 4), (65, 60), (5, 58)], float)
    sem = marks @ STAGE[:, :2].T + STAGE[:, 2]
    table = pd.DataFrame(np.hstack([marks, sem]))
    table.columns = ["map_x_px", "map_y_px", "sem_x_mm", "sem_y_mm"]
    table.insert(0, "name", list("ABCD"))
    table.to_csv(path, index=False)
    return path


def test_from_fiducials_to_a_list_and_verdicts_back(project, fiducials, tmp_path, capsys):
    out = tmp_path / "list.csv"
    call = ["sem", str(project)]
    assert main([*call, "--fiducials", str(fiducials), "-o", str(out)]) == 2
    assert "No grain is accepted yet" in capsys.readouterr().err
    assert not out.exists()
    # The fiducials were good, and the project has kept them.
    assert [one.name for one in fiducials_of(read_project(project)).points] == list("ABCD")
    assert main([*call, "-o", str(out), "--grains", "all"]) == 0
    answer = capsys.readouterr().out
    assert "Similarity of 4 points, mirrored: RMS 0.0 µm." in answer
    assert "  A: 0.0 µm" in answer
    visits = pd.read_csv(out)
    grains = list_project(load_project(project))
    rows = grains.table.set_index("id").loc[visits["id"]]
    places = rows[["centroid_x_px", "centroid_y_px"]].to_numpy()
    off = np.hypot(*(places @ STAGE[:, :2].T + STAGE[:, 2] - visits[["x_mm", "y_mm"]].to_numpy()).T)
    # Rounded to 0.1 µm; the centre of a bent grain may lie beside it, a pixel or two away.
    assert np.quantile(off, 0.8) < 1e-4
    assert off.max() < 0.06
    assert sorted(visits["visit"]) == list(range(1, len(grains.table) + 1))
    beside = pd.read_csv(tmp_path / "list_fiducials.csv")
    assert beside["name"].tolist() == list("ABCD")
    assert beside["residual_um"].max() < 0.01

    # What the person at the SEM saw comes back.
    visits = visits.astype({"verdict": object, "comment": object})
    visits.loc[0, ["verdict", "comment"]] = ["SEM-true", "monazite"]
    visits.loc[1, "verdict"] = "no"
    filled = tmp_path / "filled.csv"
    visits.to_csv(filled, index=False)
    assert main([*call, "--verdicts", str(filled)]) == 0
    answer = capsys.readouterr().out
    assert "2 grains taken over: 1 SEM-true and 1 SEM-false." in answer
    table = list_project(load_project(project)).table.set_index("id")
    first, second = visits["id"][:2]
    assert table.loc[first, ["status", "comment"]].tolist() == ["SEM-true", "monazite"]
    assert table.loc[second, "status"] == "SEM-false"
    assert (table["status"] == "unseen").sum() == len(table) - 2
    # Now there is an accepted grain; the report shows where it is on the SEM.
    assert main([*call, "-o", str(out), "--overwrite"]) == 0
    assert pd.read_csv(out)["id"].tolist() == [first]
    assert main(["report", str(project)]) == 0
    page = (project / "report.html").read_text(encoding="utf-8")
    assert "SEM x (mm)" in page
    assert f'<td class="number">{visits.loc[0, "x_mm"]:.3f}</td>'.replace("-", "−") in page


def test_a_list_that_is_there_is_replaced_only_when_told(project, fiducials, tmp_path, capsys):
    (tmp_path / "list_fiducials.csv").write_text("mine")
    call = ["sem", str(project), "--fiducials", str(fiducials), "--grains", "all"]
    assert main([*call, "-o", str(tmp_path / "list.csv")]) == 2
    assert "list_fiducials.csv is already there" in capsys.readouterr().err
    assert read_project(project).fiducials == ()


def test_the_fit_as_json(project, fiducials, run_json):
    told = run_json("sem", project, "--fiducials", fiducials)["fit"]
    assert np.allclose(told["matrix"], STAGE, atol=1e-9)
    assert (told["is_mirrored"], told["warnings"]) == (True, [])
    assert list(told["residuals_um"]) == list("ABCD")


def test_the_transform_is_kept_and_doubts_are_told(project, fiducials, capsys):
    table = pd.read_csv(fiducials)
    table.loc[2, "sem_x_mm"] += 0.5
    table.to_csv(fiducials, index=False)
    assert main(["sem", str(project), "--fiducials", str(fiducials)]) == 0
    assert "Warning: C does not agree with the others" in capsys.readouterr().out
    assert main(["sem", str(project), "--transform", "affine"]) == 0
    assert "Affine of 4 points" in capsys.readouterr().out
    content = json.loads((project / "project.json").read_text())
    assert content["sem_transform"] == "affine"
    assert content["fiducials"][2]["sem_x_mm"] == pytest.approx(table.loc[2, "sem_x_mm"])


def test_a_project_without_fiducials_or_in_a_window_is_told(project, fiducials, capsys):
    assert main(["sem", str(project)]) == 2
    assert "3 points with readings of the SEM are needed, there are 0" in capsys.readouterr().err
    lock = open_lock(project).lock
    assert lock is not None
    assert main(["sem", str(project), "--fiducials", str(fiducials)]) == 2
    assert "The project is open in another window" in capsys.readouterr().err
    lock.release()
    fiducials.write_text("name,map_x_px,map_y_px,sem_x_mm,sem_y_mm\nA,1,1,1,1\n")
    assert main(["sem", str(project), "--fiducials", str(fiducials)]) == 2
    assert read_project(project).fiducials == ()
