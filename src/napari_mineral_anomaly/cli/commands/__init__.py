"""The commands of ``mineral-anomaly``, one file per command.

A file has ``add_parser``, which declares the options, and ``run``, which does the work. Everything
heavy is imported inside ``run``, because ``--help`` imports every file to list its options. A new
command needs its file and an entry in `COMMAND_NAMES`.
"""

from __future__ import annotations

import argparse
from importlib import import_module

from napari_mineral_anomaly import __version__
from napari_mineral_anomaly.cli.options import PROGRAM, Parser

# Each is also the name of its file. In the order of the help.
COMMAND_NAMES = (
    "inspect",
    "detect",
    "train",
    "apply",
    "batch",
    "evaluate",
    "report",
    "sem",
    "export",
    "open",
    "benchmark",
    "sample",
)
COMMANDS = {name: import_module(f"{__name__}.{name}") for name in COMMAND_NAMES}


def make_parser() -> argparse.ArgumentParser:
    """The parser of the whole command line."""
    parser = Parser(
        prog=PROGRAM,
        description="Find the odd grains in micro-XRF element maps of thin sections.",
        epilog=f"{PROGRAM} COMMAND --help explains one command.",
    )
    parser.add_argument("--version", action="version", version=f"{PROGRAM} {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for command in COMMANDS.values():
        command.add_parser(commands)
    return parser
