"""The comparison of detectors as text: a table per scene, then the means per family."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pandas as pd

from napari_mineral_anomaly.cli import text
from napari_mineral_anomaly.evaluation.benchmark.runs import ALL_FAMILIES, summarise


def comparison_text(rows: Sequence[dict[str, Any]]) -> str:
    """The rows as text: a table per scene, then the means per family."""
    table = pd.DataFrame(rows)
    parts = [_scene_text(str(name), part) for name, part in table.groupby("scene", sort=False)]
    summary = summarise(rows)
    families = summary["family"].drop_duplicates().tolist()
    if len(families) == 2:  # one family, and the mean of families, which is the same
        families.remove(ALL_FAMILIES)
    parts += [_family_text(name, summary[summary["family"] == name]) for name in families]
    return "\n\n".join(parts)


def _scene_text(name: str, part: pd.DataFrame) -> str:
    first = part.iloc[0]
    head = (
        f"{name} ({first['family']}): {first['n_anomaly']} anomalous and "
        f"{first['n_background']} background pixels, {first['n_excluded']} left out"
    )
    of_detector = part.groupby("detector", sort=False)
    means = of_detector[["ap", "auc", "pauc_1e3", "n_flagged", "seconds", "peak_mb"]].mean()
    spread = of_detector[["ap", "auc"]].std().add_suffix("_sd")
    table = means.join(spread).assign(n_seeds=of_detector.size()).reset_index()
    heads = ["detector", "seeds", "AP", "AUC", "Pd to Pf 0.001", "flagged", "seconds", "MB"]
    return f"{head}\n{_columns(table.sort_values('ap', ascending=False), heads)}"


def _family_text(family: str, part: pd.DataFrame) -> str:
    head = "Mean of the families" if family == ALL_FAMILIES else f"Mean of the {family} scenes"
    heads = ["detector", "scenes", "AP", "AUC", "Pd to Pf 0.001", "seconds"]
    return f"{head}\n{_columns(part, heads)}"


def _columns(table: pd.DataFrame, heads: list[str]) -> str:
    rows = [[_CELLS[head](row) for head in heads] for row in table.to_dict("records")]
    return text.columns([heads, *rows])


def _with_spread(mean: float, spread: float) -> str:
    return f"{mean:.4f}" if pd.isna(spread) else f"{mean:.4f} ± {spread:.4f}"


_CELLS: dict[str, Callable[[dict[Any, Any]], str]] = {
    "detector": lambda row: row["detector"],
    "seeds": lambda row: str(row["n_seeds"]),
    "scenes": lambda row: str(row["n_scenes"]),
    "AP": lambda row: _with_spread(row["ap"], row["ap_sd"]),
    "AUC": lambda row: _with_spread(row["auc"], row["auc_sd"]),
    "Pd to Pf 0.001": lambda row: f"{row['pauc_1e3']:.4f}",
    "flagged": lambda row: f"{row['n_flagged']:.0f}",
    "seconds": lambda row: f"{row['seconds']:.1f}",
    "MB": lambda row: "" if pd.isna(row["peak_mb"]) else f"{row['peak_mb']:.0f}",
}
