"""The models of the OME formats find our files valid: ome-zarr-models and ome-types.

Both need older libraries than napari, so they live in an environment of their own, which
``.ci/clients.sh`` makes.
"""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

SIZE = (20.0, 25.5)  # as in conftest.py
NAMES = ("Fe Ka", "As", "Ø <&> 1", "Pb La")

ZARR = """
import json, sys, ome_zarr_models, zarr
from ome_zarr_models.v04 import Image
image = Image.from_zarr(zarr.open_group(sys.argv[1], mode="r"))
print(json.dumps({
    "version": ome_zarr_models.__version__,
    "names": [channel.label for channel in image.attributes.omero.channels],
    "units": [axis.unit for axis in image.attributes.multiscales[0].axes],
    "scales": [level.coordinateTransformations[0].scale
               for level in image.attributes.multiscales[0].datasets],
}))
"""
TIFF = """
import json, sys, ome_types
ome = ome_types.from_tiff(sys.argv[1], validate=True)
[image] = ome.images
print(json.dumps({
    "version": ome_types.__version__,
    "title": image.name,
    "names": [channel.name for channel in image.pixels.channels],
    "size": [image.pixels.physical_size_y, image.pixels.physical_size_x],
    "unit": image.pixels.physical_size_x_unit.value,
}))
"""


def asked(module: str, script: str, path: Path) -> dict:
    python = os.environ.get("CLIENTS_PYTHON", ".venv-clients/bin/python")
    found = (
        subprocess.run([python, "-c", f"import {module}"], capture_output=True)
        if (Path(python).exists())
        else None
    )
    if found is None or found.returncode:
        pytest.skip(f"{module} is not installed in .venv-clients (or CLIENTS_PYTHON)")
    done = subprocess.run(
        [python, "-W", "ignore", "-c", script, str(path)], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout)


@pytest.mark.parametrize(("name", "n_levels"), [("maps.ome.zarr", 1), ("large.ome.zarr", 2)])
def test_ome_zarr_models_finds_the_zarr_valid(name, n_levels, files, record):
    told = asked("ome_zarr_models", ZARR, files / name)
    assert told["names"] == list(NAMES)
    assert told["units"] == [None, "micrometer", "micrometer"]
    y, x = SIZE
    assert told["scales"] == [[1, y * 2**k, x * 2**k] for k in range(n_levels)]
    record(
        f"ome-zarr-models {told['version']}",
        f"stack, Zarr, {n_levels} level{'s' if n_levels > 1 else ''}",
        values="valid NGFF 0.4",
        um=f"{y:g} x {x:g} µm",
        names=f"{len(NAMES)} of {len(NAMES)}",
    )


def test_ome_types_finds_the_tiff_valid(files, run, record):
    told = asked("ome_types", TIFF, files / "maps.ome.tif")
    assert (told["title"], told["names"]) == ("maps", list(NAMES))
    assert (tuple(told["size"]), told["unit"]) == (SIZE, "µm")
    score = asked("ome_types", TIFF, run / "anomaly_score.ome.tif")
    assert score["title"] == "Anomaly score (background sigmas)"
    record(
        f"ome-types {told['version']}",
        "stack, OME",
        values="valid OME 2016-06",
        um=f"{SIZE[0]:g} x {SIZE[1]:g} {told['unit']}",
        names=f"{len(NAMES)} of {len(NAMES)}",
    )
