"""Choices that the configs of several networks offer; importable without torch."""

from __future__ import annotations

from typing import Literal

OrthoInit = Literal["gaussian_qr", "uniform_gs"]

ScoreKind = Literal["rx", "rx_minmax", "l2"]
