"""Write a simulated section as a folder of element maps, like the export of an instrument."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import tifffile
from numpy.typing import NDArray

from napari_mineral_anomaly.io.writing.atomic import staged_folder
from napari_mineral_anomaly.simulate.accessories import TRUTH_FRACTION
from napari_mineral_anomaly.simulate.section import LEAVE_OUT, RIM_FRACTION, SimulatedSection

SCHEMA_VERSION = 1
TRUTH_FILE, GRAINS_FILE, SCENE_FILE = "truth.tif", "grains_truth.csv", "scene.json"


def write_section(section: SimulatedSection, folder: str | Path, overwrite: bool = False) -> Path:
    """Write a section: one ``<Element>.tif`` per element, truth.tif, grains_truth.csv, scene.json.

    The maps are uint16 TIFFs (deflate) with ImageJ's resolution tags in µm. ``truth.tif`` is
    uint8: 1 where an anomalous grain fills enough of the pixel, 255 (leave out) where the beam
    only touches one, else 0. The folder appears under its name complete or not at all.

    Parameters
    ----------
    section : SimulatedSection
    folder : path
    overwrite : bool
        Write into a folder that is not empty: files of the same names are replaced, others stay.

    Returns
    -------
    Path
        The folder.

    Raises
    ------
    InputError
        When the folder is not empty and ``overwrite`` is False, is a file or cannot be written.
    """
    names = [f"{element}.tif" for element in section.cube.elements]
    ours = (*names, TRUTH_FILE, GRAINS_FILE, SCENE_FILE)
    with staged_folder(folder, overwrite=overwrite, ours=ours) as staged:
        _write_files(section, staged)
    return Path(folder)


def describe(section: SimulatedSection) -> dict[str, Any]:
    """The content of scene.json: how the section was made and what its truth means."""
    scene = section.scene
    return {
        "schema_version": SCHEMA_VERSION,
        "simulated": True,
        "scene": scene.name,
        "summary": scene.summary,
        "seed": section.seed,
        "shape": list(section.cube.shape),
        "pixel_size_um": list(section.cube.pixel_size or ()),
        "beam_fwhm_um": scene.spot_um,
        "dwell_ms": scene.dwell_ms,
        "elements": list(section.cube.elements),
        "matrix": {mode.mineral: mode.share for mode in scene.modes},
        "anomalous_minerals": list(scene.accessories),
        "truth": {
            "1": f"an anomalous grain fills at least {TRUTH_FRACTION} of the pixel",
            "0": "background",
            str(LEAVE_OUT): (
                f"leave out: less of a grain, but the beam brings in at least {RIM_FRACTION} of it"
            ),
            "n_anomaly": int(np.count_nonzero(section.truth)),
            "n_grains": len(section.grains),
        },
        "artefacts": section.artefacts.to_dict(orient="records"),
    }


def _write_files(section: SimulatedSection, folder: Path) -> None:
    pixel_size = section.cube.pixel_size
    for index, element in enumerate(section.cube.elements):
        _write_tiff(folder / f"{element}.tif", section.cube.plane(index), pixel_size)
    _write_tiff(folder / TRUTH_FILE, section.truth_with_rim, pixel_size)
    section.grains.to_csv(
        folder / GRAINS_FILE, index=False, float_format="%.4f", lineterminator="\n"
    )
    text = json.dumps(describe(section), indent=2, ensure_ascii=False)
    (folder / SCENE_FILE).write_text(text + "\n", encoding="utf-8", newline="\n")


def _write_tiff(path: Path, plane: NDArray[Any], pixel_size: tuple[float, float] | None) -> None:
    size_y, size_x = pixel_size or (1.0, 1.0)
    tifffile.imwrite(
        path,
        plane,
        imagej=True,
        resolution=(1 / size_x, 1 / size_y),
        metadata={"unit": "um", "axes": "YX"},
        compression="zlib",
        predictor=True,
    )
