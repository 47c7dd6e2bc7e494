"""``sample``: write a simulated scan with its truth."""

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
        commands, "sample", "write a simulated micro-XRF scan with truth.tif"
    )
    parser.add_argument("out", type=Path, metavar="OUT", help="folder for the scan")
    parser.add_argument(
        "--scene",
        default="easy",
        help="easy (default), hard, barren or artefacts; drawn or drawn-barren: the seed draws the "
        "rock and the measurement too",
    )
    parser.add_argument(
        "--size", nargs=2, type=options.from_one, metavar=("H", "W"), help="rows and columns"
    )
    parser.add_argument(
        "--seed",
        type=options.from_zero,
        default=0,
        help="the same seed gives the same scan (default 0)",
    )
    options.add_overwrite(parser)
    options.add_json(parser)


def run(arguments: argparse.Namespace) -> None:
    """Write a simulated scan with its truth."""
    # Imported here, so that --help does not load numpy, pydantic and the readers.
    from napari_mineral_anomaly.cli.progress import ProgressPrinter
    from napari_mineral_anomaly.io.writing.atomic import require_free_folder
    from napari_mineral_anomaly.runs.json_values import as_json
    from napari_mineral_anomaly.simulate import simulate_section, write_section
    from napari_mineral_anomaly.simulate.section import DEFAULT_SHAPE
    from napari_mineral_anomaly.words import counted

    require_free_folder(arguments.out, overwrite=arguments.overwrite)
    with ProgressPrinter() as progress:
        section = simulate_section(
            arguments.scene,
            seed=arguments.seed,
            task=Task(progress),
            shape=tuple(arguments.size or DEFAULT_SHAPE),
        )
    write_section(section, arguments.out, overwrite=arguments.overwrite)
    height, width = section.cube.shape
    values = {
        "out": str(arguments.out),
        "scene": arguments.scene,
        "seed": arguments.seed,
        "shape": [height, width],
        "pixel_size_um": section.cube.pixel_size,
        "elements": list(section.cube.elements),
        "n_grains": len(section.grains),
        "n_anomaly": int((section.truth == 1).sum()),
    }
    if arguments.json:
        answer_json(as_json(values))
    else:
        answer(
            f"Simulated scan in {shown(str(arguments.out))}: scene {arguments.scene}, "
            f"{height} x {width} pixels, {len(section.cube.elements)} elements, "
            f"{counted(len(section.grains), 'anomalous grain')} (truth.tif, grains_truth.csv)."
        )
