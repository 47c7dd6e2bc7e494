"""``apply``: score scans with a saved model."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from napari_mineral_anomaly.cli import options
from napari_mineral_anomaly.cli.console import answer, answer_json
from napari_mineral_anomaly.progress import Task


def add_parser(commands: Any) -> None:
    """Add the command with its options."""
    parser = options.add_command(
        commands, "apply", "score scans with a saved model; results in OUT/<name>/"
    )
    parser.add_argument(
        "model", type=Path, metavar="MODEL", help="folder of train, of detect, or a project"
    )
    parser.add_argument("inputs", nargs="+", type=Path, metavar="INPUT", help=options.SCANS)
    options.add_out(parser, "folder that will hold one folder of results per scan")
    options.add_reading(parser)
    options.add_device(parser)
    options.add_judging(parser)
    options.add_json(parser)


def run(arguments: argparse.Namespace) -> None:
    """Score scans with a saved model, each into its own folder of results."""
    # Imported here, so that --help does not load numpy, pydantic and the readers.
    from napari_mineral_anomaly.cli.inputs import output_names, warn_if_slow
    from napari_mineral_anomaly.cli.progress import ProgressPrinter
    from napari_mineral_anomaly.cli.reading import (
        print_reader_notes,
        reading_options,
        require_one_valid_image,
    )
    from napari_mineral_anomaly.cli.text import run_summary, run_values
    from napari_mineral_anomaly.detectors.bundle import load_model
    from napari_mineral_anomaly.io.run_files import MODEL_FOLDER
    from napari_mineral_anomaly.io.writing.atomic import require_free_folder
    from napari_mineral_anomaly.project.lock import require_not_open
    from napari_mineral_anomaly.project.new import make_project
    from napari_mineral_anomaly.project.reading import is_project, results_of
    from napari_mineral_anomaly.runs.json_values import as_json
    from napari_mineral_anomaly.runs.read_scan import read_scan
    from napari_mineral_anomaly.runs.scan_to_folder import require_elements, scan_to_folder

    require_one_valid_image(arguments)
    names = output_names(arguments.inputs)
    reading = reading_options(arguments)
    inputs = [*reading.inputs(arguments.inputs), arguments.model]
    require_free_folder(arguments.out, overwrite=arguments.overwrite, inputs=inputs)
    for name in names:
        require_not_open(arguments.out / name)
    # A project and the results of a run hold their model.
    model = results_of(arguments.model) if is_project(arguments.model) else arguments.model
    inside = model / MODEL_FOLDER
    fitted = load_model(inside if inside.is_dir() else model, device=arguments.device or "auto")
    written = []
    with ProgressPrinter() as progress:
        task = Task(progress)
        if len(names) > 1:
            # Read all scans once before anything is written, so that a bad scan is refused first.
            # Each is read twice, because all of them may not fit into memory at once.
            for source in arguments.inputs:
                require_elements(read_scan([source], reading, task=task), fitted)
        for source, name in zip(arguments.inputs, names, strict=True):
            one = scan_to_folder(
                [source],
                arguments.out / name,
                fitted,
                reading=reading,
                threshold=arguments.threshold,
                min_grain_px=arguments.min_grain_px,
                n_rows=arguments.list,
                overwrite=arguments.overwrite,
                protected=inputs,
                on_read=lambda cube: warn_if_slow(fitted.name, fitted.config, cube, fit=False),
                task=task,
            )
            make_project(one, [source], reading)
            print_reader_notes(one.ingest)
            written.append(one)
    if arguments.json:
        answer_json(as_json([run_values(one) for one in written]))
    else:
        answer("\n\n".join(run_summary(one) for one in written))
