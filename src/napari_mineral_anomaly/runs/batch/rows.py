"""What is known of each section of a batch, read from its folder."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from napari_mineral_anomaly.grains.artefacts.flags import FLAG_CODES, FLAG_SEPARATOR
from napari_mineral_anomaly.io.run_files import GRAINS_FILE, RUN_FILE
from napari_mineral_anomaly.runs.batch.state import FAILED_FILE, Batch, is_finished

DONE, FAILED, WAITING = "done", "failed", "waiting"
# What differs between two runs of the same batch.
MACHINE_COLUMNS = ("seconds", "peak_memory_mb", "host")


@dataclass(frozen=True)
class SectionRow:
    """One row of sections.csv; what is not known is None.

    ``pixels`` are the valid ones; ``grains`` those of the list at or above the threshold;
    ``minerals`` and ``flags`` count what is said of those grains; ``area_mm2`` is that of the valid
    pixels.
    """

    section: str
    source: str
    state: str
    pixels: int | None = None
    height_px: int | None = None
    width_px: int | None = None
    pixel_size_y_um: float | None = None
    pixel_size_x_um: float | None = None
    area_mm2: float | None = None
    elements: str = ""
    detector: str = ""
    threshold: float | None = None
    flagged_pixels: int | None = None
    grains: int | None = None
    listed: int | None = None
    minerals: str = ""
    flags: str = ""
    failure: str = ""
    seconds: float | None = None
    peak_memory_mb: float | None = None
    host: str = ""


def section_rows(batch: Batch) -> list[SectionRow]:
    """What is known of each section, in the order of their names."""
    named = sorted(batch.sections.items(), key=lambda item: (item[1].casefold(), item[1]))
    return [_row(batch.out / name, name, source) for source, name in named]


def _row(folder: Path, name: str, source: str) -> SectionRow:
    if not is_finished(folder):
        failed = _json(folder / FAILED_FILE)
        if failed is None:
            return SectionRow(name, source, WAITING)
        return SectionRow(
            name, source, FAILED, failure=failed["failure"], host=failed.get("host", "")
        )
    record = _json(folder / RUN_FILE) or {}
    size = record["pixel_size_um"] or (None, None)
    area = None if size[0] is None else round(record["n_valid"] * size[0] * size[1] / 1e6, 4)
    grains = pd.read_csv(folder / GRAINS_FILE, keep_default_na=False)
    found = grains[grains["above_threshold"].astype(str) == "True"]
    return SectionRow(
        section=name,
        source=source,
        state=DONE,
        pixels=record["n_valid"],
        height_px=record["shape"][0],
        width_px=record["shape"][1],
        pixel_size_y_um=size[0],
        pixel_size_x_um=size[1],
        area_mm2=area,
        elements=" ".join(record["elements"]),
        detector=record["detector"],
        threshold=round(record["threshold"], 4),
        flagged_pixels=record["n_flagged"],
        grains=record["n_grains"],
        listed=record["n_listed"],
        minerals=_counts(found.get("mineral_hint", ())),
        flags=_counts(
            code  # without the elements or lines that a flag may name
            for cell in found.get("flags", ())
            for flag in str(cell).split(FLAG_SEPARATOR)
            for code in FLAG_CODES
            if flag.startswith(code)
        ),
        seconds=round(sum(record["timings"].values()), 2),
        peak_memory_mb=record["peak_memory_mb"],
        host=record.get("host") or "",
    )


def _counts(words: Iterable[Any]) -> str:
    """Words with how often they occur, the most frequent first: "zircon 3; monazite 1"."""
    counted = Counter(str(word).strip() for word in words)
    counted.pop("", None)
    ordered = sorted(counted.items(), key=lambda item: (-item[1], item[0]))
    return "; ".join(f"{word} {n}" for word, n in ordered)


def _json(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
