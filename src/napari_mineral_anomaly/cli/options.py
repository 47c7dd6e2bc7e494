"""Options that several commands share; imports nothing heavy, so that ``--help`` is fast."""

from __future__ import annotations

import argparse
import math
import re
from pathlib import Path
from typing import Any, NoReturn

from napari_mineral_anomaly.detectors.results.threshold import DEFAULT_IN_WORDS
from napari_mineral_anomaly.errors import InputError

PROGRAM = "mineral-anomaly"

ONE_SCAN = "folder or files of one scan"
SCANS = "one scan each: a folder or a file"
PROJECT_HELP = "folder that detect or the window has written"


class Parser(argparse.ArgumentParser):
    """A parser that raises `InputError` for what it does not understand."""

    def __init__(self, **options: Any) -> None:
        # No abbreviations: in a later version an abbreviation could mean another option.
        super().__init__(allow_abbrev=False, **options)
        # Python 3.11 takes -3.4e38 for an option; it is a number.
        self._negative_number_matcher = re.compile(r"-(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?$")

    def error(self, message: str) -> NoReturn:
        """Raise an error instead of ending the program."""
        raise InputError(f"{self.prog}: {message}; see {self.prog} --help.")


def add_command(commands: Any, name: str, summary: str) -> argparse.ArgumentParser:
    """A parser for one more command."""
    parser: argparse.ArgumentParser = commands.add_parser(
        name, help=summary, description=f"{summary[:1].upper()}{summary[1:]}."
    )
    return parser


def add_out(
    parser: argparse.ArgumentParser, summary: str, metavar: str = "OUT", *, required: bool = True
) -> None:
    """``--out`` and ``--overwrite``."""
    parser.add_argument("-o", "--out", type=Path, required=required, metavar=metavar, help=summary)
    add_overwrite(parser)


def add_project(parser: argparse.ArgumentParser) -> None:
    """``PROJECT``, and ``--maps`` for maps that were moved."""
    parser.add_argument("project", type=Path, metavar="PROJECT", help=PROJECT_HELP)
    add_maps(parser)


def add_maps(parser: argparse.ArgumentParser) -> None:
    """``--maps``, for maps that were moved."""
    parser.add_argument(
        "--maps",
        type=Path,
        metavar="FOLDER",
        help="where the maps of the scan are now, if they were moved; their content is compared",
    )


def add_result(parser: argparse.ArgumentParser) -> None:
    """``--detector``, for a project that holds several results."""
    parser.add_argument(
        "--detector",
        metavar="NAME",
        help="the result of this detector (default: the one that was chosen last in the window)",
    )


def add_overwrite(parser: argparse.ArgumentParser) -> None:
    """``--overwrite``."""
    parser.add_argument(
        "--overwrite",
        action="store_true",
        help="replace earlier results, once the new ones are complete",
    )


def add_reading(parser: argparse.ArgumentParser) -> None:
    """The options that say how a scan is read."""
    group = parser.add_argument_group("reading")
    group.add_argument(
        "--pixel-size",
        type=_pixel_size,
        metavar="UM",
        help="pixel size in µm, if the files do not hold it; DOWN,ACROSS if the two differ; it is "
        "kept for this folder and used again if nothing else is known",
    )
    group.add_argument(
        "--spot-size",
        type=_size_um,
        metavar="UM",
        help="diameter of the beam in µm, for the report: smaller grains look as large as the beam",
    )
    group.add_argument(
        "--missing",
        action="append",
        metavar="VALUE",
        help="a number that marks missing pixels, beside those that the files declare; may be "
        "given several times; none: -9999 and the like, which are found and left out, are kept",
    )
    group.add_argument("--valid", type=Path, metavar="IMAGE", help="non-zero pixels hold sample")
    group.add_argument(
        "--sample", metavar="NAME", help="the sample to read, if the folder holds several"
    )
    group.add_argument(
        "--name",
        dest="names",
        action="append",
        type=_file_and_element,
        metavar="FILE=ELEMENT",
        help="the element of a map whose name does not say it, or says it wrongly: PK.tif=P, with "
        "its line PK.tif=P Ka, a plane or column stack.tif#3=Fe; - leaves it out, context shows it "
        "beside the maps, auto goes back to the name; repeat it for several; it is kept for this "
        "folder and used again",
    )
    group.add_argument(
        "--energy",
        nargs=2,
        type=_finite,
        metavar=("OFFSET", "GAIN"),
        help="spectrum images: energy of the first channel and width of a channel in keV, for "
        "example 0 0.01; used instead of the values in the file",
    )
    group.add_argument(
        "--elements",
        type=_names,
        metavar="LIST",
        help="spectrum images: the elements to map, such as Fe,Ca,Ti (Pb Ma chooses a line); "
        "default: the elements seen in the sum of the spectra and those listed in the file",
    )
    group.add_argument(
        "--channels",
        choices=("first", "last"),
        help="arrays of three axes (.npy, .npz, .mat, HDF5, Zarr): which axis counts the elements "
        "or channels, where the file does not say it; the report says which one is taken",
    )
    group.add_argument(
        "--beam-energy",
        type=_finite,
        metavar="KEV",
        help="spectrum images: voltage of the tube or microscope in kV, or energy of a beamline in "
        "keV; used instead of the value in the file",
    )
    group.add_argument(
        "--monochromatic",
        action=argparse.BooleanOptionalAction,
        help="spectrum images: the beam is photons of one energy, as at a synchrotron, and excites "
        "every line whose edge it reaches; default: what the file or the spectrum shows",
    )
    group.add_argument(
        "--per-second",
        action="store_true",
        help="spectrum images: maps in counts per second of live time, where the file knows it",
    )


def add_fitting(parser: argparse.ArgumentParser) -> None:
    """The options that choose a detector and its parameters."""
    group = parser.add_argument_group("detector")
    group.add_argument(
        "--detector",
        metavar="NAME",
        help="msfa (default), msfa-paper, rx ...; a wrong name prints the list of all detectors",
    )
    group.add_argument(
        "--seed", type=from_zero, help="the same seed gives the same numbers (default 0)"
    )
    add_device(group)
    group.add_argument("--epochs", type=from_zero, metavar="N", help="training steps per stage")
    group.add_argument(
        "--quick",
        action="store_true",
        default=None,
        help="msfa: a look in seconds, by the questions that need no training",
    )
    group.add_argument(
        "--config",
        type=Path,
        metavar="FILE",
        help="JSON file with parameters of the detector; the options above replace its values",
    )


def add_taught(parser: argparse.ArgumentParser) -> None:
    """``--taught``."""
    parser.add_argument(
        "--taught",
        type=Path,
        metavar="IMAGE",
        help="non-zero pixels are ordinary: they and what has their signature leave the list; the "
        "untouched result stays beside it",
    )


def add_device(parser: Any) -> None:
    """``--device``."""
    parser.add_argument("--device", metavar="NAME", help="auto (default), cpu, cuda or mps")


def add_judging(parser: argparse.ArgumentParser) -> None:
    """The options that turn scores into a list of grains."""
    group = parser.add_argument_group("judging")
    add_threshold(group, f"default: {DEFAULT_IN_WORDS}")
    group.add_argument(
        "--min-grain-px",
        type=from_one,
        default=1,
        metavar="N",
        help="leave smaller grains out of the list (default 1)",
    )
    group.add_argument(
        "--list",
        type=from_zero,
        default=20,
        metavar="N",
        help="where fewer grains reach the threshold, fill the list with the oddest others up to N "
        "grains (default 20)",
    )


def add_csv_dialect(parser: argparse.ArgumentParser) -> None:
    """``--csv-dialect``."""
    parser.add_argument(
        "--csv-dialect",
        metavar="NAME",
        default="plain",
        help="write the grains for a spreadsheet too, beside grains.csv: excel-de or excel-fr "
        "(semicolon, decimal comma), excel-en (comma, point), tsv (tab, point)",
    )


def add_threshold(parser: Any, summary: str) -> None:
    """``--threshold``."""
    parser.add_argument(
        "--threshold", type=_finite, metavar="SIGMAS", help=f"background sigmas; {summary}"
    )


def add_json(parser: argparse.ArgumentParser) -> None:
    """``--json``."""
    parser.add_argument(
        "--json", action="store_true", help="print JSON, and nothing else, on stdout"
    )


def _names(text: str) -> list[str]:
    names = [name.strip() for name in text.split(",") if name.strip()]
    if not names:
        raise argparse.ArgumentTypeError(
            f"must be names with commas, such as Fe,Ca,Ti, not {text!r}"
        )
    return names


def _file_and_element(text: str) -> tuple[str, str]:
    file, mark, element = (part.strip() for part in text.rpartition("="))
    if not (mark and file and element):
        raise argparse.ArgumentTypeError(
            f"must be a file and its element, such as PK.tif=P, not {text!r}"
        )
    return file, element


def from_one(text: str) -> int:
    """A whole number from 1 up."""
    return _whole_number(text, least=1)


def from_zero(text: str) -> int:
    """A whole number from 0 up."""
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
    return _plausible(size, "spot size")


def _pixel_size(text: str) -> tuple[float, float]:
    sizes = [_finite(part) for part in text.split(",")]
    if len(sizes) not in (1, 2) or min(sizes) <= 0:
        raise argparse.ArgumentTypeError(
            f"must be one positive number in µm with a decimal point, or two as DOWN,ACROSS, "
            f"not {text!r}"
        )
    y, x = (_plausible(size, "pixel size") for size in (sizes[0], sizes[-1]))
    return y, x


def _plausible(size: float, what: str) -> float:
    from napari_mineral_anomaly.scan.plausible import require_plausible_length

    try:
        return require_plausible_length(size, what)
    except InputError as error:
        raise argparse.ArgumentTypeError(str(error).rstrip(".")) from None
