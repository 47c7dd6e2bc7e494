"""What the commands print: sentences and tables, or strict JSON."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_mineral_anomaly.grains.columns import DRIVER_COLUMNS, GRAIN
from napari_mineral_anomaly.printable import shown
from napari_mineral_anomaly.words import counted

if TYPE_CHECKING:
    from napari_mineral_anomaly.runs.batch.rows import SectionRow
    from napari_mineral_anomaly.runs.folder import WrittenRun

GRAINS_IN_SUMMARY = 25
GRAINS_IN_JSON = 50

_METRIC_NAMES = {
    "auc": "AUC (Pd, Pf)",
    "ap": "Average precision",
    "pauc_1e3": "Mean Pd up to Pf 0.001",
    "auc_dtau": "AUC (Pd, tau)",
    "auc_ftau": "AUC (Pf, tau)",
    "td": "TD = AUC (Pd, Pf) + AUC (Pd, tau)",
    "bs": "BS = AUC (Pd, Pf) - AUC (Pf, tau)",
    "odp": "ODP = AUC (Pd, tau) + 1 - AUC (Pf, tau)",
}


def run_values(written: WrittenRun) -> dict[str, Any]:
    """What ``--json`` prints of a run: run.json, its folder and the grains of highest rank."""
    grains = written.grains.head(GRAINS_IN_JSON).to_dict("records")
    return {"out": str(written.folder)} | written.record.model_dump() | {"grains": grains}


def run_summary(written: WrittenRun) -> str:
    """What a run found, as text."""
    record, grains = written.record, written.grains
    parts = [f"{record.source} ({record.detector}): {record.findings}"]
    if len(grains):
        known = record.pixel_size_um is not None
        unit, y, x, area = (
            ("µm", "centroid_y_um", "centroid_x_um", "area_um2")
            if known
            else ("px", "centroid_y_px", "centroid_x_px", "area_px")
        )
        square = "µm²" if known else "px"
        rows = [
            [
                "rank",
                "peak",
                "by chance",
                f"area {square}",
                f"down {unit}",
                f"across {unit}",
                "driven by",
            ]
        ]
        rows[0] += ["perhaps", "beware of"]
        below = 0  # the first row below the threshold
        for grain in grains.head(GRAINS_IN_SUMMARY).to_dict("records"):
            drivers = " ".join(grain[column] for column in DRIVER_COLUMNS[:3])
            if not grain["above_threshold"] and not below:
                below = len(rows)
            row = [str(grain["rank"]), f"{grain['peak_score']:.1f}"]
            row += [f"{grain['expected_by_chance']:.2g}", f"{grain[area]:.0f}"]
            row += [f"{grain[y]:.1f}", f"{grain[x]:.1f}", drivers]
            is_grain = grain["kind"] == GRAIN
            flags = grain["flags"] or "-" if is_grain else f"{grain['kind']}; {grain['flags']}"
            rows.append([*row, grain["mineral_hint"] or "-", flags.removesuffix("; ")])
        lines = columns(rows).split("\n")
        if below:
            lines.insert(below, f"  ---- threshold: {record.threshold:.2f} ----")
        parts.append("\n".join(lines))
        if len(grains) > GRAINS_IN_SUMMARY:
            parts.append(f"  ... {len(grains) - GRAINS_IN_SUMMARY} more in grains.csv")
    parts.append(f"Results in {shown(str(written.folder))} (open report.html there).")
    return "\n".join(parts)


def batch_summary(rows: Sequence[SectionRow], out: Path) -> str:
    """A line per section of a batch, as text."""
    cells = [["section", "state", "pixels", "grains", "perhaps"]]
    for row in rows:
        numbers = ["" if n is None else f"{n:,}" for n in (row.pixels, row.grains)]
        cells.append([row.section, row.state, *numbers, row.failure or row.minerals or "-"])
    n_done = sum(row.state == "done" for row in rows)
    return (
        f"{n_done} of {counted(len(rows), 'section')} done:\n{columns(cells)}\n"
        f"Results in {shown(str(out))} (open index.html there)."
    )


def metrics_summary(metrics: dict[str, Any], threshold: float | None) -> str:
    """The metrics as text."""
    rows = [[name, f"{metrics[key]:.4f}"] for key, name in _METRIC_NAMES.items()]
    precision = metrics["grain_precision"]
    for n, value in (precision or {}).items():
        share = "no grain" if value is None else f"{value:.4f}"
        rows.append([f"True among the worst {n} grains (threshold {threshold:.2f})", share])
    parts = [
        f"{metrics['n_anomaly']} anomalous and {metrics['n_background']} background pixels "
        f"compared, {metrics['n_excluded']} left out.",
        columns(rows),
    ]
    if precision is None:
        parts.append("  Grain precision needs a threshold: --threshold SIGMAS.")
    return "\n".join(parts)


def columns(rows: list[list[str]]) -> str:
    """Rows of cells as an indented table, each column as wide as its widest cell."""
    widths = [max(len(row[c]) for row in rows) for c in range(len(rows[0]))]
    return "\n".join(
        "  " + "  ".join(cell.ljust(w) for cell, w in zip(row, widths, strict=True)).rstrip()
        for row in rows
    )
