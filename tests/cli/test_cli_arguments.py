"""The command line before any computing: help, unknown words, one sentence for every mistake."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from napari_mineral_anomaly import __version__
from napari_mineral_anomaly.cli import main
from napari_mineral_anomaly.cli.app import parse_arguments
from napari_mineral_anomaly.cli.commands import COMMAND_NAMES
from napari_mineral_anomaly.detectors.registry import detector_names


def test_help_names_every_command(capsys):
    assert main(["--help"]) == 0
    text = capsys.readouterr().out
    assert all(name in text for name in COMMAND_NAMES)


@pytest.mark.parametrize("command", COMMAND_NAMES)
def test_every_command_has_help(capsys, command):
    assert main([command, "--help"]) == 0
    # These two answer with a window and with files.
    assert ("--json" in capsys.readouterr().out) == (command not in ("open", "report"))


def test_version(capsys):
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"mineral-anomaly {__version__}\n"


def imported(*argv: str) -> set[str]:
    """The modules that a command has imported when it ends."""
    code = (
        "import sys\n"
        "from napari_mineral_anomaly.cli import main\n"
        "assert main(sys.argv[1:]) == 0\n"
        "print(*sys.modules, file=sys.stderr)\n"
    )
    argv = (sys.executable, "-c", code, *argv)
    done = subprocess.run(argv, capture_output=True, text=True, check=True)
    return set(done.stderr.splitlines()[-1].split())


@pytest.mark.parametrize("argv", [["--help"], ["inspect", "--help"], ["detect", "--help"]])
def test_help_imports_nothing_heavy(argv):
    heavy = {"torch", "numpy", "napari", "qtpy", "matplotlib", "pydantic", "pandas"}
    heavy |= {"xraydb", "sqlalchemy", "scipy"}
    assert not heavy & imported(*argv)


def test_inspect_imports_no_detector_and_draws_nothing(scan):
    modules = imported("inspect", str(scan))
    assert not {"torch", "matplotlib", "pandas", "sklearn"} & modules
    ours = "napari_mineral_anomaly"
    # The help of `detect` names the rule of the threshold, a file that imports nothing large.
    rooms = ("detectors.networks", "detectors.statistical", "detectors.pipeline", "simulate")
    assert not [m for m in modules if m.startswith(tuple(f"{ours}.{room}" for room in rooms))]


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        (
            [],
            "Give a command: inspect, detect, train, apply, batch, evaluate, report, sem, export",
        ),
        (
            ["segment", "easy"],
            "There is no command 'segment' in this version; there are: inspect",
        ),
        (["batch"], "required: -o/--out"),
        (["--verbose"], "required: COMMAND"),
        (["detect"], "required: INPUT, -o/--out"),
        (["detect", "scan", "-o", "out", "--epoch", "3"], "unrecognized arguments: --epoch 3"),
        (["detect", "scan", "-o", "out", "--seed", "-1"], "whole number from 0 up, not '-1'"),
        (["detect", "scan", "-o", "out", "--seed", "x"], "whole number from 0 up, not 'x'"),
        (["detect", "scan", "-o", "out", "--threshold", "nan"], "must be a number, not 'nan'"),
        (["detect", "scan", "-o", "out", "--pixel-size", "0"], "positive number in µm"),
        (["detect", "scan", "-o", "out", "--pixel-size", "1,2,3"], "positive number in µm"),
        (["detect", "scan", "-o", "out", "--detector", "magic"], "no detector 'magic'"),
        (["detect", "scan", "-o", "out", "--device", "tpu", "--detector", "rx"], "device = 'tpu'"),
        (["sample", "out", "--size", "0", "5"], "whole number from 1 up, not '0'"),
        (["sample", "out", "--scene", "moon"], "moon"),
    ],
)
def test_a_mistake_is_one_sentence_and_exit_2(capsys, tmp_path, monkeypatch, argv, words):
    monkeypatch.chdir(tmp_path)
    assert main(argv) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert len(printed.err.splitlines()) == 1
    assert words in printed.err
    assert list(tmp_path.iterdir()) == []


def test_unknown_detectors_are_answered_with_the_known_ones(capsys):
    main(["train", "scan", "-o", "model", "--detector", "crd2"])
    error = capsys.readouterr().err
    assert all(name in error for name in detector_names())


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ('{"epoks": 3}', "has no parameter epoks"),
        ('{"epochs": "many"}', "parameter epochs = 'many' is not possible"),
        ("[1, 2]", "must hold one JSON object"),
        ("{epochs: 3}", "is not JSON"),
        (None, "does not exist"),
    ],
)
def test_a_bad_config_is_one_sentence(capsys, tmp_path, content, words):
    config = tmp_path / "config.json"
    if content is not None:
        config.write_text(content)
    out = tmp_path / "out"
    assert main(["detect", str(tmp_path), "-o", str(out), "--config", str(config)]) == 2
    error = capsys.readouterr().err
    assert words in error
    assert len(error.splitlines()) == 1
    assert not out.exists()


def test_options_override_the_config_file(tmp_path):
    from napari_mineral_anomaly.cli.inputs import detector_config

    config = tmp_path / "config.json"
    config.write_text(json.dumps({"epochs": 7, "seed": 3, "eps": 0.25}))
    argv = ["detect", "scan", "-o", "out", "--config", str(config), "--epochs", "9"]
    made = detector_config("msfa-paper", parse_arguments(argv))
    assert made.model_dump() | {"epochs": 9, "seed": 3, "eps": 0.25} == made.model_dump()


def test_epochs_for_a_detector_without_are_told_and_ignored(capsys):
    from napari_mineral_anomaly.cli.inputs import detector_config

    made = detector_config("rx", parse_arguments(["detect", "s", "-o", "o", "--epochs", "9"]))
    assert "epochs" not in made.model_dump()
    assert "rx has no epochs; --epochs is ignored" in capsys.readouterr().err


@pytest.mark.parametrize(("text", "size"), [("5", (5.0, 5.0)), ("4,2.5", (4.0, 2.5))])
def test_pixel_sizes(text, size):
    assert parse_arguments(["inspect", "scan", "--pixel-size", text]).pixel_size == size
