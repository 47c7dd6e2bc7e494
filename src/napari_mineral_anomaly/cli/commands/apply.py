"""``apply``: score scans with a saved model."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_mineral_anomaly.cli import options
from napari_mineral_anomaly.cli.console import answer, answer_json, say
from napari_mineral_anomaly.progress import Task

if TYPE_CHECKING:
    from napari_mineral_anomaly.runs.folder import WrittenRun


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
    parser.add_argument(
        "--resume",
        action="store_true",
        help="go on after an interruption: scans that have their results in OUT are not repeated",
    )
    options.add_reading(parser)
    options.add_device(parser)
    options.add_judging(parser)
    options.add_csv_dialect(parser)
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
    from napari_mineral_anomaly.io.spreadsheets import dialect_named
    from napari_mineral_anomaly.io.writing.atomic import require_free_folder
    from napari_mineral_anomaly.project.lock import require_not_open
    from napari_mineral_anomaly.project.new import make_project
    from napari_mineral_anomaly.project.reading import is_project, results_of
    from napari_mineral_anomaly.runs.finished import finished_run
    from napari_mineral_anomaly.runs.json_values import as_json
    from napari_mineral_anomaly.runs.read_scan import read_scan
    from napari_mineral_anomaly.runs.scan_to_folder import require_elements, scan_to_folder

    dialect = dialect_named(arguments.csv_dialect)
    require_one_valid_image(arguments)
    names = output_names(arguments.inputs)
    reading = reading_options(arguments)
    inputs = [*reading.inputs(arguments.inputs), arguments.model]
    for name in names:
        require_not_open(arguments.out / name)
    # A project and the results of a run hold their model.
    model = results_of(arguments.model) if is_project(arguments.model) else arguments.model
    inside = model / MODEL_FOLDER
    model = inside if inside.is_dir() else model
    fitted = load_model(model, device=arguments.device or "auto")
    done: dict[str, WrittenRun] = {}
    if arguments.resume:
        for name in names:
            one = finished_run(
                arguments.out / name,
                model,
                threshold=arguments.threshold,
                min_grain_px=arguments.min_grain_px,
                n_rows=arguments.list,
            )
            if one is not None:
                say(f"Note: {name} has its results already.")
                done[name] = one
    with ProgressPrinter() as progress:
        task = Task(progress)
        if not arguments.resume:
            require_free_folder(
                arguments.out, overwrite=arguments.overwrite, inputs=inputs, task=task
            )
        if len(names) > 1:
            # Read all scans once before anything is written, so that a bad scan is refused first.
            # Each is read twice, because all of them may not fit into memory at once.
            for source, name in zip(arguments.inputs, names, strict=True):
                if name not in done:
                    require_elements(read_scan([source], reading, task=task), fitted)
        for source, name in zip(arguments.inputs, names, strict=True):
            if name in done:
                continue
            done[name] = scan_to_folder(
                [source],
                arguments.out / name,
                fitted,
                reading=reading,
                threshold=arguments.threshold,
                min_grain_px=arguments.min_grain_px,
                n_rows=arguments.list,
                csv_dialect=dialect,
                overwrite=arguments.overwrite,
                protected=inputs,
                on_read=lambda cube: warn_if_slow(fitted.name, fitted.config, cube, fit=False),
                task=task,
            )
            make_project(done[name], [source], reading)
            print_reader_notes(done[name].ingest)
    written = [done[name] for name in names]
    if arguments.json:
        answer_json(as_json([run_values(one) for one in written]))
    else:
        answer("\n\n".join(run_summary(one) for one in written))
