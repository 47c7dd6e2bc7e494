"""A folder where a file is needed, a file where a folder is needed: one true sentence."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from napari_mineral_anomaly.cli import main
from napari_mineral_anomaly.errors import InputError
from napari_mineral_anomaly.io.reading.companions import context_image
from napari_mineral_anomaly.runs.batch.run import run_batch


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ("detect SCAN -o NEW --detector rx --config FOLDER", "FOLDER is a folder; a JSON file is"),
        ("detect SCAN -o NEW --detector rx --valid FOLDER", "FOLDER is a folder; an image is"),
        ("detect SCAN -o FILE --detector rx", "FILE is a file: give a folder"),
        ("apply FILE SCAN -o NEW", "FILE is a file; a model is a folder with"),
        ("batch SCAN -o NEW --recipe FOLDER", "FOLDER is a folder; a TOML file is"),
        ("batch SCAN -o NEW --model FILE", "FILE is a file, no model folder"),
        ("evaluate FOLDER SCAN", "The folder FOLDER holds no anomaly_score.ome.tif."),
        ("evaluate RUN FOLDER", "The folder FOLDER holds no truth.tif."),
        ("report FILE", "FILE is a file: choose the folder of a project."),
        ("report NEW", "NEW does not exist: choose the folder of a project."),
        ("report RUN -o FOLDER --overwrite", "FOLDER is a folder: give the name of a file"),
        ("export RUN -o FILE", "FILE is a file: give a folder"),
        ("open FILE", "FILE is a file: choose the folder of a project."),
    ],
)
def test_the_kind_of_a_path_is_told(
    words: str, sentence: str, scan: Path, rx_run: Path, tmp_path: Path, capsys
) -> None:
    places = {"SCAN": scan, "RUN": rx_run}
    places |= {name: tmp_path / name.lower() for name in ("FOLDER", "FILE", "NEW")}
    places["FOLDER"].mkdir()
    places["FILE"].write_text("no map")
    argv = [str(places.get(word, word)) for word in words.split()]
    for name, place in places.items():
        sentence = sentence.replace(name, str(place))
    capsys.readouterr()
    assert main(argv) == 2
    assert sentence in capsys.readouterr().err.splitlines()[-1]
    assert list(places["FOLDER"].iterdir()) == []


def test_a_batch_that_could_not_begin_leaves_the_folder_free(scan: Path, tmp_path: Path) -> None:
    from napari_mineral_anomaly.runs.batch.recipe import Recipe

    out, wrong = tmp_path / "out", tmp_path / "model.txt"
    wrong.write_text("no model")
    with pytest.raises(InputError, match="no model folder"):
        run_batch([scan], out, Recipe(detector="rx"), model=wrong)
    assert not out.exists()


def test_a_context_image_is_told_from_a_folder(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is a folder; an image is needed"):
        context_image(tmp_path)
    with pytest.raises(InputError, match="does not exist"):
        context_image(tmp_path / "bse.tif")
    np.save(tmp_path / "bse.npy", np.ones((4, 5)))
    assert context_image(tmp_path / "bse.npy").shape == (4, 5)
