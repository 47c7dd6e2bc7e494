"""Layers are removed in the OpenGL context of the map."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

CLEAR = Path(__file__).with_name("clear_layers.py")


def test_layers_are_cleared_while_another_context_is_current() -> None:
    ended = subprocess.run(
        [sys.executable, str(CLEAR)], capture_output=True, text=True, timeout=120, check=False
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert ended.stdout.split() == ["True", "drawn"]
