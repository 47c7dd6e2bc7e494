"""Choices that the configs of several networks offer; importable without torch."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, ValidationInfo

OrthoInit = Literal["gaussian_qr", "uniform_gs"]

ScoreKind = Literal["rx", "rx_minmax", "l2"]

LearningRate = Annotated[
    float, Field(ge=1e-6, le=1.0, description="Step width of the Adam optimiser.")
]

WindowPixels = Annotated[
    int,
    Field(
        ge=64,
        le=4_000_000,
        description="Most pixels per training step; a larger scan is trained in windows.",
    ),
]

LatentWidth = Annotated[
    int, Field(ge=2, le=512, description="Number of features the network makes of each pixel.")
]

PoolSide = Annotated[
    int, Field(ge=2, le=64, description="Side of the grid that the orthogonal filters look at.")
]

CoreNeighbours = Annotated[
    int,
    Field(
        ge=1,
        le=1000,
        description="Pixels within the DBSCAN radius, itself included, that make a core pixel.",
    ),
]

CohesionWeight = Annotated[
    float, Field(ge=0.0, le=100.0, description="Weight of the pull to the own cluster (L_BC).")
]

SeparationWeight = Annotated[
    float, Field(ge=0.0, le=100.0, description="Weight of the margin between clusters (L_CD).")
]

Margin = Annotated[
    float, Field(ge=0.0, le=2.0, description="Cosine margin wanted between own and next cluster.")
]


def equal_groups_of(width: str) -> AfterValidator:
    """A check that a number of groups divides the parameter ``width``."""

    def check(groups: int, info: ValidationInfo) -> int:
        features = info.data.get(width)
        if features is not None and features % groups:
            raise ValueError(f"{features} features cannot be split into {groups} equal groups")
        return groups

    return AfterValidator(check)
