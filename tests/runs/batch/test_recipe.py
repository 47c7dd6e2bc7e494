"""The recipe: what it may say, and the sentence for what it may not."""

from __future__ import annotations

import pytest

from napari_mineral_anomaly.errors import InputError
from napari_mineral_anomaly.runs.batch.recipe import read_recipe

WHOLE = """
detector = "msfa"
seed = 7
device = "cpu"
epochs = 12
threshold = 4.5
min_grain_px = 2
list = 30
pixel_size = [20.0, 25]
spot_size = 30
missing = [-9999, "none"]
elements = ["Fe", "Ca"]
names = { "PK.tif" = "P" }
[msfa]
[rx]
transform = "none"
"""


def written(folder, text):
    path = folder / "recipe.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_it_says_everything_that_detect_can_be_told(tmp_path):
    recipe = read_recipe(written(tmp_path, WHOLE))
    assert recipe.threshold == 4.5
    assert (recipe.min_grain_px, recipe.list) == (2, 30)
    reading = recipe.reading
    assert reading.pixel_size == (20.0, 25.0)
    assert reading.names == {"PK.tif": "P"}
    assert reading.missing == (-9999, "none")
    config = recipe.config()
    assert (config.seed, config.epochs, config.device) == (7, 12, "cpu")
    rx = recipe.model_copy(update={"detector": "rx"}).config()
    assert (rx.seed, rx.transform) == (7, "none")


def test_one_number_is_the_pixel_size_both_ways(tmp_path):
    assert read_recipe(written(tmp_path, "pixel_size = 15")).pixel_size == (15.0, 15.0)


def test_a_recipe_can_ask_for_a_quick_look(tmp_path):
    assert read_recipe(written(tmp_path, "quick = true")).config().quick is True
    assert read_recipe(written(tmp_path, "seed = 1")).config().quick is False
    assert read_recipe(written(tmp_path, "[msfa]\nquick = true")).config().quick is True


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("quick = true\ndetector = 'rx'", "recipe.toml: only the detector msfa has quick"),
        ("detektor = 'rx'", "holds detektor, which is unknown; it may hold detector, seed"),
        ("detector = 'xr'", "recipe.toml: .*xr"),
        ("threshold = 'high'", "threshold: Input should be a valid number"),
        ("list = -1", "list: Input should be greater than or equal to 0"),
        ("[rx]\ncolour = 1", "recipe.toml: .*colour"),
        ("pixel_size = 0.000001", "pixel size"),
        ("detector = ", "is not TOML"),
    ],
)
def test_a_mistake_is_told_with_the_file(tmp_path, text, words):
    with pytest.raises(InputError, match=words):
        read_recipe(written(tmp_path, text))


def test_a_missing_file_is_told(tmp_path):
    with pytest.raises(InputError, match=r"none\.toml does not exist; check the spelling"):
        read_recipe(tmp_path / "none.toml")
