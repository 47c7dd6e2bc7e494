"""`RunInfo`: how a result was made; run.json takes its fields from here."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any


@dataclass(frozen=True, eq=False)
class RunInfo(Mapping[str, Any]):
    """How a result was made: fields that all detectors share, and what only one of them reports.

    Also a read-only mapping: ``info["seed"]``, ``info["rank"]``, ``"rank" in info`` and
    ``dict(info)`` find fields and details alike. A field that is None is not in it.

    Attributes
    ----------
    detector : str
    seed : int
    device : str
        Where the detector ran: "cpu", "cuda" or "mps".
    epochs : int
        Training steps of one stage, the second where there are two.
    parameters : mapping
        The config of the detector as plain JSON.
    quantity : str
        What the maps hold, as `ElementCube.quantity`.
    n_valid : int
        Valid pixels.
    promised_false_pixels : float
        Background pixels expected at or above the default threshold.
    timings : mapping of str to float
        Seconds by phase.
    loss_curve : sequence of {"epoch", "stage", "loss"}
    warnings : sequence of str
    details : mapping
        What only this detector reports, by name.
    """

    detector: str | None = None
    seed: int | None = None
    device: str | None = None
    epochs: int | None = None
    parameters: Mapping[str, Any] | None = None
    quantity: str | None = None
    n_valid: int | None = None
    promised_false_pixels: float | None = None
    timings: Mapping[str, float] | None = None
    loss_curve: Sequence[Mapping[str, Any]] | None = None
    warnings: Sequence[str] | None = None
    details: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> RunInfo:
        """From values by name: the names of fields become fields, all others details."""
        return cls().with_(**values)

    def with_(self, **values: Any) -> RunInfo:
        """With other or further values, by the name of a field or of a detail."""
        shared = {name: value for name, value in values.items() if name in SHARED_FIELDS}
        further = {name: value for name, value in values.items() if name not in SHARED_FIELDS}
        return replace(self, **shared, details={**self.details, **further})

    def __getitem__(self, name: str) -> Any:
        value = getattr(self, name) if name in SHARED_FIELDS else self.details[name]
        if value is None and name in SHARED_FIELDS:
            raise KeyError(name)
        return value

    def __iter__(self) -> Iterator[str]:
        yield from (name for name in SHARED_FIELDS if getattr(self, name) is not None)
        yield from self.details

    def __len__(self) -> int:
        return sum(1 for _ in self)


# The values that all detectors share.
SHARED_FIELDS = tuple(entry.name for entry in fields(RunInfo) if entry.name != "details")
