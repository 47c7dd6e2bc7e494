"""``export``: results of a project as files for GIS, Fiji, QuPath and spreadsheets."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from napari_mineral_anomaly.cli import options
from napari_mineral_anomaly.cli.console import answer, answer_json
from napari_mineral_anomaly.errors import InputError

_GRAIN_LABELS = "grain_labels"
_IMAGES = ("score", "mask", "contributions", "labels", _GRAIN_LABELS)
_IMAGE_FORMATS = ("imagej", "ome", "png", "csv", "zarr")
_GRAIN_FORMATS = ("csv", "qupath", "qgis")


def add_parser(commands: Any) -> None:
    """Add the command with its options."""
    parser = options.add_command(
        commands,
        "export",
        "write results of a project for GIS, Fiji, QuPath and spreadsheets, with your threshold, "
        "brush, edited grains and verdicts",
    )
    options.add_project(parser)
    options.add_result(parser)
    options.add_out(parser, "folder for the files", metavar="FOLDER")
    parser.add_argument(
        "--images",
        nargs="*",
        choices=_IMAGES,
        default=("score", "mask", "contributions"),
        help="which images (default: score, mask and contributions)",
    )
    parser.add_argument(
        "--image-format",
        choices=_IMAGE_FORMATS,
        default="imagej",
        help="of the images (default: imagej, which Fiji and QGIS read); TIFFs get world files",
    )
    parser.add_argument(
        "--grains",
        nargs="*",
        choices=_GRAIN_FORMATS,
        default=_GRAIN_FORMATS,
        help="the grains as a table (csv), and their outlines as GeoJSON for QuPath and for QGIS "
        "(default: all three)",
    )
    parser.add_argument(
        "--csv-dialect",
        metavar="NAME",
        default="plain",
        help="how CSV files are written: plain, excel-en, excel-de, excel-fr or tsv",
    )
    options.add_json(parser)


def run(arguments: argparse.Namespace) -> None:
    """Write the chosen results."""
    # Imported here, so that --help does not load numpy, pydantic and the readers.
    from napari_mineral_anomaly.cli.progress import ProgressPrinter
    from napari_mineral_anomaly.io.spreadsheets import dialect_named
    from napari_mineral_anomaly.progress import Task
    from napari_mineral_anomaly.project.load import load_project
    from napari_mineral_anomaly.project.output.exporting import (
        grain_labels_product,
        grain_product,
        image_product,
    )
    from napari_mineral_anomaly.project.output.report import list_project
    from napari_mineral_anomaly.runs.export import existing, plan_files, write_files
    from napari_mineral_anomaly.runs.json_values import as_json

    dialect = dialect_named(arguments.csv_dialect)
    if not arguments.images and not arguments.grains:
        raise InputError("Nothing to write: name images or formats of the grains.")
    with ProgressPrinter() as progress:
        task = Task(progress)
        project = load_project(arguments.project, maps=arguments.maps, task=task)
        if arguments.detector is not None:
            project = project.with_main(arguments.detector)
        images = [name for name in arguments.images if name != _GRAIN_LABELS]
        pairs: list[Any] = [
            (image_product(project, name), arguments.image_format) for name in images
        ]
        if arguments.grains or len(images) < len(arguments.images):
            listed = list_project(project, task=task)
            if len(images) < len(arguments.images):
                pairs.append((grain_labels_product(project, listed), arguments.image_format))
            grains = grain_product(project, listed)
            pairs += [(grains, wanted) for wanted in arguments.grains]
        files = plan_files(pairs, dialect)
        there = existing(files, arguments.out, world_files=True)
        if there and not arguments.overwrite:
            raise InputError(
                f"{arguments.out} already holds {', '.join(there)}: choose another folder, or "
                "give --overwrite."
            )
        inputs: list[Path] = [arguments.project / "project.json"]
        if project.scan is not None:
            inputs += map(Path, project.scan.sources)
        written = write_files(
            files,
            arguments.out,
            overwrite=arguments.overwrite,
            world_files=True,
            inputs=inputs,
            task=task,
        )
    if arguments.json:
        answer_json(as_json({"files": list(map(str, written))}))
    else:
        names = "\n".join(f"  {path.name}" for path in written)
        answer(f"Wrote to {arguments.out}:\n{names}")
