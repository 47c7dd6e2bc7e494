"""The tables of benchmarks/quality.py in Markdown."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from napari_mineral_anomaly.evaluation.benchmark.files import RATE_CRITERION
from napari_mineral_anomaly.evaluation.benchmark.runs import ALL_FAMILIES, summarise

# Variants of msfa (with a part left out, or untrained) are not rivals; nor is the sum of several
# detectors, which is shown beside them.
OURS = "msfa"
SUM = "consensus"


def is_rival(label: str) -> bool:
    """Whether a contender is another single method."""
    return label not in (OURS, SUM) and not label.startswith(f"{OURS} ")


def write_page(path: Path, rows: pd.DataFrame, recall: pd.DataFrame, figures: list[str]) -> None:
    """Write the page from all rows."""
    first = rows[(rows["seed"] == 0) & ~rows["scene"].str.fullmatch(r"\w+-[1-9]\d*")]
    real = rows[(rows["seed"] == 0) & (rows["family"] != "simulated")]
    first = pd.concat([real, first[first["family"] == "simulated"]])
    lines = [
        "Made by `benchmarks/quality.py`, one process at a time on one core; every detector with "
        "its defaults, nothing tuned per scene. Seconds are those of fit and score.",
        "",
        "### Every section, every seed",
        "",
        "Mean over the seeds that ran on all scenes, the scenes of a family, the families. "
        "Detectors that did not run on all scenes are in the tables by scene.",
        *_summary(_complete(rows)),
        "",
        "### One section of each kind, seed 0",
        "",
        "The same scenes for all, so that slow detectors and the parts of MSFA-Net compare.",
        *_summary(_complete(first)),
    ]
    for key, title in (("ap", "Average precision"), ("auc", "AUC (Pd, Pf)")):
        wide = rows.groupby(["scene", "detector"], sort=False)[key].mean().unstack()
        others = [name for name in rows["detector"].unique() if is_rival(name) or name == SUM]
        wide = wide.loc[:, [*others, OURS]]
        lines += ["", f"### {title} by scene, mean over seeds", ""]
        lines += markdown(wide.reset_index(), dict.fromkeys(wide.columns, 3))
    lines += ["", "### Scenes that a rival wins", "", *_lost(rows)]
    lines += ["", "### MSFA-Net, seed by seed: average precision", "", *_by_seed(rows)]
    lines += ["", "### The parts of MSFA-Net: average precision, seed 0", "", *_parts(rows)]
    whole = first[first["detector"].map(lambda name: is_rival(name) or name in (OURS, SUM))]
    flagged = whole.pivot(index="scene", columns="detector", values="n_flagged")
    truth = first.drop_duplicates("scene").set_index("scene")["n_anomaly"]
    flagged.insert(0, "anomalous pixels", truth)
    lines += ["", "### Pixels at or above the default threshold", ""]
    lines += markdown(flagged.reset_index(), dict.fromkeys(flagged.columns, 0))
    if not recall.empty:
        lines += [
            "",
            "### Grains found, by the share of a pixel that they fill",
            "",
            *_recall(recall),
        ]
    lines += [line for name in figures for line in ("", f"![{name}](images/{name})")]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    print(f"written: {path}")


def _complete(rows: pd.DataFrame) -> pd.DataFrame:
    """Rows of the contenders that ran on every scene, of the seeds that ran on every scene."""
    n_scenes = rows["scene"].nunique()
    kept = []
    for _, part in rows.groupby("detector", sort=False):
        if part["scene"].nunique() == n_scenes:
            everywhere = part.groupby("seed")["scene"].nunique()
            kept.append(part[part["seed"].isin(everywhere[everywhere == n_scenes].index)])
    return pd.concat(kept) if kept else rows.head(0)


def _summary(rows: pd.DataFrame) -> list[str]:
    if rows.empty:
        return ["", "Nothing has run on all scenes yet."]
    summary = summarise(rows.to_dict("records"))
    seeds = rows.groupby("detector")["seed"].nunique().rename("seeds")
    summary = summary.merge(seeds, on="detector")
    lines: list[str] = []
    families = [name for name in summary["family"].unique() if name != ALL_FAMILIES]
    for family in [*sorted(families), ALL_FAMILIES]:
        part = summary[summary["family"] == family].drop(columns="family")
        lines += ["", f"**{family}**", "", *markdown(part, {"seconds": 1})]
    return lines


def _lost(rows: pd.DataFrame) -> list[str]:
    """One line per scene on which the best rival has the higher average precision."""
    means = rows.groupby(["scene", "detector"], sort=False)["ap"].mean().reset_index()
    lines = []
    for scene, part in means.groupby("scene", sort=False):
        ours = part.loc[part["detector"] == OURS, "ap"]
        rivals = part[part["detector"].map(is_rival)].sort_values("ap", ascending=False)
        if ours.empty or rivals.empty:
            continue
        best = rivals.iloc[0]
        if best["ap"] > ours.iloc[0]:
            lines.append(
                f"- {scene}: {best['detector']} {best['ap']:.3f}, {OURS} {ours.iloc[0]:.3f}"
            )
    return lines or ["None."]


def _by_seed(rows: pd.DataFrame) -> list[str]:
    """Scenes on which msfa ran with several network seeds."""
    wide = rows[rows["detector"] == OURS].pivot(index="scene", columns="seed", values="ap")
    wide = wide[wide.notna().sum(axis=1) > 1].rename(columns=lambda seed: f"seed {seed}")
    if wide.empty:
        return ["None yet."]
    return markdown(wide.reset_index(), dict.fromkeys(wide.columns, 3))


def _parts(rows: pd.DataFrame) -> list[str]:
    """The whole network, untrained, and without each part, on scenes where a part was left out."""
    ours = rows[(rows["seed"] == 0) & ~rows["detector"].map(is_rival)]
    wide = ours.pivot(index="scene", columns="detector", values="ap")
    wide = wide.reindex(columns=ours["detector"].unique())
    parts = [name for name in wide if name not in (OURS, f"{OURS} untrained")]
    wide = wide[wide[parts].notna().any(axis=1)]
    if wide.empty:
        return ["None yet."]
    return markdown(wide.reset_index(), dict.fromkeys(wide.columns, 3))


def _recall(recall: pd.DataFrame) -> list[str]:
    """Recall at the score that 1e-4 of the background pixels reach, in percent."""
    table = recall[(recall["criterion"] == RATE_CRITERION) & (recall["n_grains"] > 0)].copy()
    sizes = table.groupby(["kind", "fraction_from", "fraction_to"])["n_grains"].min()
    table["filled"] = [
        f"{low:g} to {high:g}"
        for low, high in table[["fraction_from", "fraction_to"]].itertuples(index=False)
    ]
    table["percent"] = [f"{100 * share:.0f}" for share in table["recall"]]
    detectors = table["detector"].unique()
    wide = table.pivot(
        index=["kind", "fraction_from", "fraction_to", "filled"],
        columns="detector",
        values="percent",
    )[detectors]
    wide.insert(0, "grains", sizes.reindex(wide.index.droplevel("filled")).to_numpy())
    wide = wide.reset_index().drop(columns=["fraction_from", "fraction_to"])
    return [
        "Five sections of each kind together, seed 0: percent of the grains of which a pixel is "
        "among those that one background pixel in 10 000 exceeds. *filled* is the share that a "
        "grain fills of its fullest pixel.",
        "",
        *markdown(wide, {}),
    ]


def markdown(table: pd.DataFrame, digits: dict[str, int]) -> list[str]:
    """A table in Markdown; missing values become empty cells."""
    lines = ["| " + " | ".join(map(str, table.columns)) + " |", "|" + "---|" * table.shape[1]]
    for row in table.to_dict("records"):
        cells = [
            ""
            if pd.isna(value)
            else f"{value:.{digits.get(name, 4)}f}"
            if isinstance(value, float)
            else str(value)
            for name, value in row.items()
        ]
        lines.append("| " + " | ".join(cells) + " |")
    return lines
