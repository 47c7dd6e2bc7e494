"""ImageJ, the core of Fiji, opens our TIFFs: every number, name and micrometre."""

from __future__ import annotations

import subprocess

import numpy as np
import pytest

SIZE = (20.0, 25.5)  # as in conftest.py
NAMES = ("Fe Ka", "As", "Ø <&> 1", "Pb La")
MISSING = (2, 3)

MACRO = """
open(getArgument());
getDimensions(width, height, channels, slices, frames);
getPixelSize(unit, w, h);
print("version=" + getVersion());
print("pixel=" + w + " " + h + " " + unit);
for (i = 1; i <= nSlices; i++) {
    setSlice(i);
    print("label=" + getInfo("slice.label"));
    for (y = 0; y < height; y++) {
        row = "row=";
        for (x = 0; x < width; x++) row += d2s(getPixel(x, y), -9) + " ";
        print(row);
    }
}
run("Quit");
"""
MICROMETRES = {"µm": 1.0, "um": 1.0, "micron": 1.0, "cm": 1e4}


@pytest.mark.parametrize(
    ("name", "what"),
    [
        ("fiji.tif", "stack, Fiji"),
        ("maps.ome.tif", "stack, OME"),
        ("Fe.tif", "one map, Fiji"),
    ],
)
def test_imagej_shows_the_numbers_names_and_micrometres(
    name, what, files, maps, program, screen, record, tmp_path
):
    imagej = program("imagej", "imagej")
    macro = tmp_path / "show.ijm"
    macro.write_text(MACRO)
    done = subprocess.run(
        [*screen, imagej, "-b", str(macro), str(files / name)],
        capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert "label=" in done.stdout, done.stdout + done.stderr  # its exit status is always 1
    told: dict[str, list[str]] = {}
    for line in done.stdout.splitlines():
        key, _, value = line.partition("=")
        told.setdefault(key, []).append(value)
    names = NAMES if name != "Fe.tif" else ("Fe",)
    assert told["label"] == list(names)
    shown = np.array([row.split() for row in told["row"]], dtype=np.float32)
    expected = maps[: len(names)]
    np.testing.assert_allclose(shown.reshape(expected.shape), expected, rtol=1e-6, equal_nan=True)
    assert np.isnan(expected).any() == (len(names) > 1)
    width, height, unit = told["pixel"][0].split()
    um = float(height) * MICROMETRES[unit], float(width) * MICROMETRES[unit]
    assert um == pytest.approx(SIZE)
    nan = f"NaN at {MISSING}" if len(names) > 1 else "none in the file"
    pixel = f"{um[0]:g} x {um[1]:g} µm" + (f", shown in {unit}" if unit == "cm" else "")
    record(
        f"ImageJ {told['version'][0]}",
        what,
        values=f"all {expected.size} equal",
        um=pixel,
        names=f"{len(names)} of {len(names)}",
        missing=nan,
    )
