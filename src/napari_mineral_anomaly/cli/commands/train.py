"""``train``: fit one detector on one or several scans, and save it as a model."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from napari_mineral_anomaly.cli import options
from napari_mineral_anomaly.cli.console import answer, answer_json
from napari_mineral_anomaly.printable import shown
from napari_mineral_anomaly.progress import Task


def add_parser(commands: Any) -> None:
    """Add the command with its options."""
    parser = options.add_command(
        commands,
        "train",
        "fit one detector and save it as a model; several scans with the same elements are fitted "
        "together, as if they were one scan",
    )
    parser.add_argument("inputs", nargs="+", type=Path, metavar="INPUT", help=options.SCANS)
    options.add_out(parser, "folder for the model", metavar="MODEL")
    options.add_reading(parser)
    options.add_fitting(parser)
    options.add_json(parser)


def run(arguments: argparse.Namespace) -> None:
    """Fit one detector on one or several scans and save it."""
    # Imported here, so that --help does not load numpy, pydantic and the readers.
    from napari_mineral_anomaly.cli.inputs import detector_config
    from napari_mineral_anomaly.cli.progress import ProgressPrinter
    from napari_mineral_anomaly.cli.reading import (
        config_file,
        print_reader_notes,
        reading_options,
        require_one_valid_image,
    )
    from napari_mineral_anomaly.detectors.registry import DEFAULT_DETECTOR
    from napari_mineral_anomaly.runs.json_values import as_json
    from napari_mineral_anomaly.runs.scans_to_model import scans_to_model
    from napari_mineral_anomaly.words import counted

    detector = arguments.detector or DEFAULT_DETECTOR
    config = detector_config(detector, arguments)
    require_one_valid_image(arguments)
    with ProgressPrinter() as progress:
        fitted, scans = scans_to_model(
            arguments.inputs,
            arguments.out,
            detector,
            config,
            reading=reading_options(arguments),
            overwrite=arguments.overwrite,
            protected=config_file(arguments),
            task=Task(progress),
        )
    for scan in scans:
        print_reader_notes(scan.report)
    n_valid = sum(scan.n_valid for scan in scans)
    if arguments.json:
        summary = {
            "out": str(arguments.out),
            "detector": fitted.name,
            "elements": list(fitted.elements),
            "n_scans": len(scans),
            "n_valid": n_valid,
            "parameters": fitted.config.model_dump(mode="json"),
        }
        answer_json(as_json(summary))
    else:
        answer(
            f"Model in {shown(str(arguments.out))}: {fitted.name}, fitted on {n_valid} valid "
            f"pixels of {counted(len(scans), 'scan')}, elements {', '.join(fitted.elements)}."
        )
