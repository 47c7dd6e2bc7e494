"""The comparison of detectors as text: a table per scene, then the means per family."""

from __future__ import annotations

from collections.abc import Sequence
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
    cells = [["detector", "seeds", "AP", "AUC", "Pd to Pf 0.001", "flagged", "seconds", "MB"]]
    of_detector = part.groupby("detector", sort=False)
    means = of_detector[["ap", "auc", "pauc_1e3", "n_flagged", "seconds", "peak_mb"]].mean()
    spread = of_detector[["ap", "auc"]].std().add_suffix("_sd")
    table = means.join(spread).assign(n_seeds=of_detector.size()).reset_index()
    for row in table.sort_values("ap", ascending=False).to_dict("records"):
        cells.append(
            [
                row["detector"],
                str(row["n_seeds"]),
                _with_spread(row["ap"], row["ap_sd"]),
                _with_spread(row["auc"], row["auc_sd"]),
                f"{row['pauc_1e3']:.4f}",
                f"{row['n_flagged']:.0f}",
                f"{row['seconds']:.1f}",
                "" if pd.isna(row["peak_mb"]) else f"{row['peak_mb']:.0f}",
            ]
        )
    return f"{head}\n{text.columns(cells)}"


def _family_text(family: str, part: pd.DataFrame) -> str:
    head = "Mean of the families" if family == ALL_FAMILIES else f"Mean of the {family} scenes"
    cells = [["detector", "scenes", "AP", "AUC", "Pd to Pf 0.001", "seconds"]]
    cells += [
        [
            row["detector"],
            str(row["n_scenes"]),
            _with_spread(row["ap"], row["ap_sd"]),
            _with_spread(row["auc"], row["auc_sd"]),
            f"{row['pauc_1e3']:.4f}",
            f"{row['seconds']:.1f}",
        ]
        for row in part.to_dict("records")
    ]
    return f"{head}\n{text.columns(cells)}"


def _with_spread(mean: float, spread: float) -> str:
    return f"{mean:.4f}" if pd.isna(spread) else f"{mean:.4f} ± {spread:.4f}"
