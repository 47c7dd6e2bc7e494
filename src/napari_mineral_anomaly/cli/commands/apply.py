"""``apply``: score scans with a saved model."""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import Any

from napari_mineral_anomaly.cli.options import (
    SCANS,
    add_command,
    add_device,
    add_json,
    add_judging,
    add_out,
    add_reading,
)
from napari_mineral_anomaly.progress import Task


def add_parser(commands: Any) -> None:
    """Add the command with its options."""
    parser = add_command(
        commands, "apply", "score scans with a saved model; results in OUT/<name>/"
    )
    parser.add_argument(
        "model", type=Path, metavar="MODEL", help="folder that train or detect made"
    )
    parser.add_argument("inputs", nargs="+", type=Path, metavar="INPUT", help=SCANS)
    add_out(parser, "folder for one folder of results per scan")
    add_reading(parser)
    add_device(parser)
    add_judging(parser)
    add_json(parser)


def run(arguments: argparse.Namespace) -> None:
    """Score scans with a saved model, each into its own folder of results."""
    # Here, so that --help does not wait for numpy, pydantic and the readers.
    from napari_mineral_anomaly.cli import text
    from napari_mineral_anomaly.cli.inputs import output_names, tell_if_slow
    from napari_mineral_anomaly.cli.progress import ProgressPrinter
    from napari_mineral_anomaly.cli.reading import (
        all_inputs,
        judged,
        read_scan,
        require_elements,
        require_one_valid_image,
        tell_ingest,
    )
    from napari_mineral_anomaly.detectors.bundle import load_model
    from napari_mineral_anomaly.detectors.pipeline import apply_detector
    from napari_mineral_anomaly.io.run_files import MODEL_FOLDER
    from napari_mineral_anomaly.io.writing.atomic import require_free_folder
    from napari_mineral_anomaly.runs.folder import write_run
    from napari_mineral_anomaly.runs.json_values import as_json

    require_one_valid_image(arguments)
    names = output_names(arguments.inputs)
    inputs = [*all_inputs(arguments), arguments.model]
    require_free_folder(arguments.out, overwrite=arguments.overwrite, inputs=inputs)
    inside = arguments.model / MODEL_FOLDER  # the results of a run hold their model
    fitted = load_model(
        inside if inside.is_dir() else arguments.model, device=arguments.device or "auto"
    )
    written = []
    with ProgressPrinter() as progress:
        if len(names) > 1:
            # A bad scan is told before anything is written, at the price of reading twice:
            # all of them may not fit into memory at once.
            for source in arguments.inputs:
                require_elements(read_scan(arguments, [source], progress), fitted.elements)
        for source, name in zip(arguments.inputs, names, strict=True):
            started = time.perf_counter()
            cube = read_scan(arguments, [source], progress)
            require_elements(cube, fitted.elements)
            timings = {"read": time.perf_counter() - started}
            tell_if_slow(fitted.name, fitted.config, cube, fit=False)
            run = apply_detector(cube, fitted, task=Task(progress))
            one = write_run(
                arguments.out / name,
                cube,
                judged(run, arguments.threshold),
                overwrite=arguments.overwrite,
                min_grain_px=arguments.min_grain_px,
                timings=timings,
                inputs=inputs,
                task=Task(progress),
            )
            tell_ingest(cube)
            written.append(one)
    if arguments.json:
        print(as_json([text.run_values(one) for one in written]))
    else:
        print("\n\n".join(text.run_summary(one) for one in written))
