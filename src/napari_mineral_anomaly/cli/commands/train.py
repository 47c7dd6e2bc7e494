"""``train``: fit one detector on one or several scans, and save it as a model."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from napari_mineral_anomaly.cli.options import (
    SCANS,
    add_command,
    add_fitting,
    add_json,
    add_out,
    add_reading,
)
from napari_mineral_anomaly.progress import Task


def add_parser(commands: Any) -> None:
    """Add the command with its options."""
    parser = add_command(
        commands,
        "train",
        "fit one detector and save it as a model; several scans are fitted together, as if they "
        "were parts of one (same elements required)",
    )
    parser.add_argument("inputs", nargs="+", type=Path, metavar="INPUT", help=SCANS)
    add_out(parser, "folder for the model", metavar="MODEL")
    add_reading(parser)
    add_fitting(parser)
    add_json(parser)


def run(arguments: argparse.Namespace) -> None:
    """Fit one detector on one or several scans and save it."""
    # Here, so that --help does not wait for numpy, pydantic and the readers.
    from napari_mineral_anomaly.cli.inputs import detector_config
    from napari_mineral_anomaly.cli.progress import ProgressPrinter
    from napari_mineral_anomaly.cli.reading import (
        all_inputs,
        read_scan,
        require_one_valid_image,
        tell_ingest,
    )
    from napari_mineral_anomaly.detectors.bundle import save_model
    from napari_mineral_anomaly.detectors.pipeline import require_scorable
    from napari_mineral_anomaly.detectors.registry import DEFAULT_DETECTOR, make_detector
    from napari_mineral_anomaly.io.run_files import MODEL_FILES
    from napari_mineral_anomaly.io.writing.atomic import require_free_folder, staged_folder
    from napari_mineral_anomaly.runs.json_values import as_json
    from napari_mineral_anomaly.runs.record import input_hashes, source_name
    from napari_mineral_anomaly.scan.stacking import stack_sections
    from napari_mineral_anomaly.words import count

    detector = arguments.detector or DEFAULT_DETECTOR
    config = detector_config(detector, arguments)
    inputs = all_inputs(arguments)
    require_one_valid_image(arguments)
    require_free_folder(arguments.out, overwrite=arguments.overwrite, inputs=inputs)
    with ProgressPrinter() as progress:
        cubes = [read_scan(arguments, [source], progress) for source in arguments.inputs]
        for cube in cubes:
            require_scorable(cube)
        fitted = make_detector(detector, config).fit(stack_sections(cubes), task=Task(progress))
        with staged_folder(
            arguments.out, overwrite=arguments.overwrite, ours=MODEL_FILES, inputs=inputs
        ) as folder:
            scans = [{"source": source_name(c), "input_hashes": input_hashes(c)} for c in cubes]
            save_model(fitted, folder, provenance={"scans": scans})
    for cube in cubes:
        tell_ingest(cube)
    n_valid = sum(cube.n_valid for cube in cubes)
    if arguments.json:
        summary = {
            "out": str(arguments.out),
            "detector": fitted.name,
            "elements": list(fitted.elements),
            "n_scans": len(cubes),
            "n_valid": n_valid,
            "parameters": fitted.config.model_dump(mode="json"),
        }
        print(as_json(summary))
    else:
        print(
            f"Model in {arguments.out}: {fitted.name}, fitted on {n_valid} valid pixels of "
            f"{count(len(cubes), 'scan')}, elements {', '.join(fitted.elements)}."
        )
