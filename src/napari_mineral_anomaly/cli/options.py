"""The arguments of every command; imports nothing heavy, so that ``--help`` is instant."""

from __future__ import annotations

import argparse
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn

from napari_mineral_anomaly import __version__
from napari_mineral_anomaly.errors import InputError

PROGRAM = "mineral-anomaly"

COMMAND_NAMES = ("inspect", "detect", "train", "apply", "evaluate", "benchmark", "sample")

_ONE_SCAN = "folder or files of one scan"
_SCANS = "one scan each: a folder or a file"


class _Parser(argparse.ArgumentParser):
    def __init__(self, **options: Any) -> None:
        # Scripts rely on full names: an abbreviation may mean something else one day.
        super().__init__(allow_abbrev=False, **options)

    def error(self, message: str) -> NoReturn:
        raise InputError(f"{self.prog}: {message}; see {self.prog} --help.")


def parse_arguments(argv: Sequence[str]) -> argparse.Namespace:
    """The parsed arguments of one command.

    Raises
    ------
    InputError
        For anything that is not understood, as one sentence.
    SystemExit
        After ``--help`` and ``--version``, as argparse does.
    """
    command = next((word for word in argv if not word.startswith("-")), None)
    known = ", ".join(COMMAND_NAMES)
    if not argv:
        raise InputError(f"Give a command: {known}; see {PROGRAM} --help.")
    if command is not None and command not in COMMAND_NAMES:
        raise InputError(f"There is no command {command!r} in this version; there are: {known}.")
    return make_parser().parse_args(argv)


def make_parser() -> argparse.ArgumentParser:
    """The parser of the whole command line."""
    parser = _Parser(
        prog=PROGRAM,
        description="Find the odd grains in micro-XRF element maps of thin sections.",
        epilog=f"{PROGRAM} COMMAND --help tells more.",
    )
    parser.add_argument("--version", action="version", version=f"{PROGRAM} {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    _add_inspect(commands)
    _add_detect(commands)
    _add_train(commands)
    _add_apply(commands)
    _add_evaluate(commands)
    _add_benchmark(commands)
    _add_sample(commands)
    return parser


def _add_inspect(commands: Any) -> None:
    parser = _command(commands, "inspect", "say what would be read from a scan, and what not")
    parser.add_argument("inputs", nargs="+", type=Path, metavar="INPUT", help=_ONE_SCAN)
    _add_reading(parser)
    _add_json(parser)


def _add_detect(commands: Any) -> None:
    parser = _command(
        commands, "detect", "the whole job: read, train, score, threshold, list grains, export"
    )
    parser.add_argument("inputs", nargs="+", type=Path, metavar="INPUT", help=_ONE_SCAN)
    _add_out(parser, "folder for the results")
    _add_reading(parser)
    _add_fitting(parser)
    _add_judging(parser)
    _add_json(parser)


def _add_train(commands: Any) -> None:
    parser = _command(
        commands,
        "train",
        "fit one detector and save it as a model; several scans are fitted together, as if they "
        "were parts of one (same elements required)",
    )
    parser.add_argument("inputs", nargs="+", type=Path, metavar="INPUT", help=_SCANS)
    _add_out(parser, "folder for the model", metavar="MODEL")
    _add_reading(parser)
    _add_fitting(parser)
    _add_json(parser)


def _add_apply(commands: Any) -> None:
    parser = _command(commands, "apply", "score scans with a saved model; results in OUT/<name>/")
    parser.add_argument(
        "model", type=Path, metavar="MODEL", help="folder that train or detect made"
    )
    parser.add_argument("inputs", nargs="+", type=Path, metavar="INPUT", help=_SCANS)
    _add_out(parser, "folder for one folder of results per scan")
    _add_reading(parser)
    _add_device(parser)
    _add_judging(parser)
    _add_json(parser)


def _add_evaluate(commands: Any) -> None:
    parser = _command(commands, "evaluate", "compare a score map with a truth mask")
    parser.add_argument("score", type=Path, metavar="SCORE", help="score map or folder of results")
    parser.add_argument(
        "truth",
        type=Path,
        metavar="TRUTH",
        help="image (0 background, 1 anomaly, 255 leave out), a scene folder with truth.tif, "
        "or a .mat scene",
    )
    parser.add_argument("--valid", type=Path, metavar="IMAGE", help="compare non-zero pixels only")
    _add_threshold(parser, "for the grain precision; default: that of run.json beside SCORE")
    _add_json(parser)


def _add_benchmark(commands: Any) -> None:
    parser = _command(commands, "benchmark", "compare detectors on scenes with truth, with times")
    parser.add_argument(
        "scenes",
        nargs="+",
        metavar="SCENE",
        help="a folder of element maps with truth.tif, a .mat file with data and map, or a "
        "simulated scene with its seed: easy:0, hard:3, artefacts:1",
    )
    parser.add_argument(
        "--detectors", nargs="+", default=["all"], metavar="NAME", help="default: all"
    )
    parser.add_argument(
        "--seeds",
        type=_from_one,
        default=1,
        metavar="N",
        help="run detectors with randomness with the seeds 0 ... N-1 (default 1)",
    )
    _add_out(parser, "folder for the tables and figures (default: print only)", required=False)
    _add_json(parser)


def _add_sample(commands: Any) -> None:
    parser = _command(commands, "sample", "write a simulated micro-XRF scan with truth.tif")
    parser.add_argument("out", type=Path, metavar="OUT", help="folder for the scan")
    parser.add_argument("--scene", default="easy", help="easy (default), hard, barren or artefacts")
    parser.add_argument(
        "--size", nargs=2, type=_from_one, metavar=("H", "W"), help="rows and columns"
    )
    parser.add_argument(
        "--seed", type=_from_zero, default=0, help="same seed, same scan (default 0)"
    )
    _add_overwrite(parser)
    _add_json(parser)


def _command(commands: Any, name: str, summary: str) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = commands.add_parser(
        name, help=summary, description=f"{summary[:1].upper()}{summary[1:]}."
    )
    return parser


def _add_out(
    parser: argparse.ArgumentParser, summary: str, metavar: str = "OUT", *, required: bool = True
) -> None:
    parser.add_argument("-o", "--out", type=Path, required=required, metavar=metavar, help=summary)
    _add_overwrite(parser)


def _add_overwrite(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--overwrite",
        action="store_true",
        help="replace earlier results, once the new ones are complete",
    )


def _add_reading(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("reading")
    group.add_argument(
        "--pixel-size",
        type=_pixel_size,
        metavar="UM",
        help="pixel size in µm where the files do not tell; DOWN,ACROSS where they differ; kept "
        "for the folder, and used again where nothing else is known",
    )
    group.add_argument(
        "--spot-size",
        type=_size_um,
        metavar="UM",
        help="diameter of the beam in µm, for the report: grains below it are blobs of its size",
    )
    group.add_argument("--valid", type=Path, metavar="IMAGE", help="non-zero pixels hold sample")
    group.add_argument(
        "--sample", metavar="NAME", help="which sample, for a folder that holds several"
    )
    group.add_argument(
        "--energy",
        nargs=2,
        type=_finite,
        metavar=("OFFSET", "GAIN"),
        help="spectrum images: energy of the first channel and width of a channel in keV, for "
        "example 0 0.01; overrules the file",
    )
    group.add_argument(
        "--elements",
        type=_names,
        metavar="LIST",
        help="spectrum images: the elements to map, as Fe,Ca,Ti (Pb Ma chooses a line); default: "
        "those that the sum of the spectra shows, and those that the file lists",
    )


def _add_fitting(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("detector")
    group.add_argument(
        "--detector",
        metavar="NAME",
        help="msfa (default), msfa-paper, rx ...: a wrong name is answered with all of them",
    )
    group.add_argument("--seed", type=_from_zero, help="same seed, same numbers (default 0)")
    _add_device(group)
    group.add_argument("--epochs", type=_from_zero, metavar="N", help="training steps per stage")
    group.add_argument(
        "--config",
        type=Path,
        metavar="FILE",
        help="JSON with parameters of the detector; the options above override it",
    )


def _add_device(parser: Any) -> None:
    parser.add_argument("--device", metavar="NAME", help="auto (default), cpu, cuda or mps")


def _add_judging(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("judging")
    _add_threshold(group, "default: one false pixel in 100 000 expected, at least one per scan")
    group.add_argument(
        "--min-grain-px",
        type=_from_one,
        default=1,
        metavar="N",
        help="leave smaller grains out of the list (default 1)",
    )


def _add_threshold(parser: Any, summary: str) -> None:
    parser.add_argument(
        "--threshold", type=_finite, metavar="SIGMAS", help=f"background sigmas; {summary}"
    )


def _add_json(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="JSON and nothing else on stdout")


def _names(text: str) -> list[str]:
    names = [name.strip() for name in text.split(",") if name.strip()]
    if not names:
        raise argparse.ArgumentTypeError(f"must be names with commas, as Fe,Ca,Ti, not {text!r}")
    return names


def _from_one(text: str) -> int:
    return _whole_number(text, least=1)


def _from_zero(text: str) -> int:
    return _whole_number(text, least=0)


def _whole_number(text: str, *, least: int) -> int:
    try:
        value = int(text)
    except ValueError:
        value = least - 1
    if value < least:
        raise argparse.ArgumentTypeError(f"must be a whole number from {least} up, not {text!r}")
    return value


def _finite(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise argparse.ArgumentTypeError(f"must be a number, not {text!r}")
    return value


def _size_um(text: str) -> float:
    size = _finite(text)
    if size <= 0:
        raise argparse.ArgumentTypeError(f"must be a positive number in µm, not {text!r}")
    return size


def _pixel_size(text: str) -> tuple[float, float]:
    sizes = [_finite(part) for part in text.split(",")]
    if len(sizes) not in (1, 2) or min(sizes) <= 0:
        raise argparse.ArgumentTypeError(
            f"must be one positive number in µm, or two as DOWN,ACROSS, not {text!r}"
        )
    return sizes[0], sizes[-1]
