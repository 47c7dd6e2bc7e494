"""From arguments to the options of reading a scan; the notes of the reader, printed on stderr."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path

from napari_mineral_anomaly.cli.console import say
from napari_mineral_anomaly.errors import InputError
from napari_mineral_anomaly.runs.read_scan import ReadingOptions
from napari_mineral_anomaly.scan.report import IngestReport
from napari_mineral_anomaly.scan.report_text import undecided_lines

# "2,5" and "2,25" are rather one number than two; our choice.
_MOST_DIGIT, _LARGE_RATIO = 9, 3


def reading_options(arguments: argparse.Namespace) -> ReadingOptions:
    """The options of `options.add_reading`; they have the names of the fields."""
    names = [field.name for field in fields(ReadingOptions)]
    values = {name: getattr(arguments, name) for name in names}
    _say_two_sizes(arguments.pixel_size)
    return ReadingOptions(**{**values, "names": _told(arguments.names)})


def _say_two_sizes(size: tuple[float, float] | None) -> None:
    """Say how "2,5" is read, which many write for 2.5."""
    if size is None or size[0] == size[1] or not all(one.is_integer() for one in size):
        return
    down, across = size
    if _MOST_DIGIT < across < _LARGE_RATIO * down:
        return
    say(
        f"--pixel-size {down:g},{across:g} is read as {down:g} µm down and {across:g} µm across; "
        f"for {down:g}.{across:g} µm type a point."
    )


def _told(pairs: Sequence[tuple[str, str]] | None) -> dict[str, str] | None:
    """The elements by file.

    Raises
    ------
    InputError
        When one file has two elements.
    """
    names: dict[str, str] = {}
    for file, element in pairs or ():
        if names.setdefault(file, element) != element:
            raise InputError(
                f"--name gives {file} two elements, {names[file]} and {element}: leave one out."
            )
    return names or None


def config_file(arguments: argparse.Namespace) -> list[Path]:
    """The file of ``--config``, if one is given: an input that may not be overwritten."""
    return [] if arguments.config is None else [arguments.config]


def require_one_valid_image(arguments: argparse.Namespace) -> None:
    """Refuse ``--valid`` for several scans.

    Raises
    ------
    InputError
    """
    if arguments.valid is not None and len(arguments.inputs) > 1:
        raise InputError(
            f"--valid {arguments.valid} fits one scan, but {len(arguments.inputs)} are given: "
            "treat them one by one."
        )


def print_reader_notes(report: IngestReport | None) -> None:
    """Print the files that were not used and the warnings of the reader, on stderr."""
    if report is None:
        return
    for line in undecided_lines(report):
        say(line)
    for ignored in report.ignored:
        say(f"Not used: {ignored.file} ({ignored.reason})")
    for warning in report.warnings:
        say(f"Note: {warning}")
