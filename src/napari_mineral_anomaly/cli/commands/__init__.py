"""The commands of ``mineral-anomaly``, one file per command.

A file has ``add_parser``, which declares the options, and ``run``, which does the work. It imports
what is heavy inside ``run``: ``--help`` asks every file for its options.
"""

from __future__ import annotations

import argparse
from types import ModuleType

from napari_mineral_anomaly import __version__
from napari_mineral_anomaly.cli.commands import (
    apply,
    benchmark,
    detect,
    evaluate,
    inspect,
    sample,
    train,
)
from napari_mineral_anomaly.cli.options import PROGRAM, Parser

# In the order of the help.
COMMANDS: dict[str, ModuleType] = {
    "inspect": inspect,
    "detect": detect,
    "train": train,
    "apply": apply,
    "evaluate": evaluate,
    "benchmark": benchmark,
    "sample": sample,
}
COMMAND_NAMES = tuple(COMMANDS)


def make_parser() -> argparse.ArgumentParser:
    """The parser of the whole command line."""
    parser = Parser(
        prog=PROGRAM,
        description="Find the odd grains in micro-XRF element maps of thin sections.",
        epilog=f"{PROGRAM} COMMAND --help tells more.",
    )
    parser.add_argument("--version", action="version", version=f"{PROGRAM} {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for command in COMMANDS.values():
        command.add_parser(commands)
    return parser
