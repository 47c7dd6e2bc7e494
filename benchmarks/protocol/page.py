"""Tables of the protocol in Markdown, from the rows that run.py made.

    python benchmarks/protocol/page.py ROWS.jsonl --part test [--ours msfa] [--barren BARREN.jsonl]
                                       [--same-numbers COMMIT COMMIT]

Commits between which no number changes, as a scene scored at both shows, are named with
``--same-numbers``; the page says so. Writes docs/measured/protocol_PART.md.
"""

from __future__ import annotations

import argparse
import math
import sys
from pathlib import Path

import pandas as pd

from scenes import FAMILIES, PARTS

sys.path.append(str(Path(__file__).resolve().parents[1]))
from tables import markdown

PAGES = Path(__file__).resolve().parents[2] / "docs" / "measured"
MEASURES = {"auc": "AUC", "ap": "Average precision"}
# Two scenes say nothing by their mean.
BY_SCENE = ("minerals",)
# A variant of a detector is named "msfa, no context"; it is no rival. Nor is the sum of several
# detectors, which is shown beside them.
VARIANT_MARK = ","
SUM = "consensus"


def of_scenes(rows: pd.DataFrame) -> pd.DataFrame:
    """Mean over the seeds per family, scene and detector, and the spread over them."""
    groups = rows.groupby(["family", "scene", "detector"], sort=False)
    means = groups[["auc", "ap", "pauc_1e3", "seconds", "cpu_seconds"]].mean()
    spread = groups[["auc", "ap"]].std().add_suffix("_sd")
    return means.join(spread).reset_index()


def rivals(labels: list[str], ours: str) -> list[str]:
    """The single detectors that are neither ours nor a variant."""
    return [label for label in labels if label not in (ours, SUM) and VARIANT_MARK not in label]


def family_table(scenes: pd.DataFrame, measure: str, labels: list[str], ours: str) -> pd.DataFrame:
    """Mean of a measure per family and detector; detectors that lack a scene have no number."""
    wide = scenes.pivot(index=["family", "scene"], columns="detector", values=measure)
    table = wide.groupby("family", sort=False).agg(lambda column: column.mean(skipna=False))
    order = [family for family in FAMILIES if family in table.index and family not in BY_SCENE]
    table = table.loc[order, labels]
    table.loc["mean of the families"] = table.mean(skipna=False)
    compared = table[rivals(labels, ours)].dropna(axis=1, how="all")
    if ours in table and not compared.empty:
        table["best rival"] = compared.idxmax(axis=1)
        table["margin"] = table[ours] - compared.max(axis=1)
    return table.reset_index()


def scene_table(scenes: pd.DataFrame, labels: list[str]) -> pd.DataFrame:
    """A row for each scene that is reported one by one, measures side by side."""
    alone = scenes[scenes["family"].isin(BY_SCENE) & scenes["detector"].isin(labels)]
    wide = alone.pivot(index="detector", columns="scene", values=list(MEASURES))
    wide = wide.reindex(labels).dropna(how="all")
    wide.columns = [f"{scene}, {MEASURES[measure]}" for measure, scene in wide.columns]
    return wide.reset_index()


def lost_scenes(scenes: pd.DataFrame, ours: str) -> pd.DataFrame:
    """Scenes on which a rival has the higher average precision."""
    wide = scenes.pivot(index=["family", "scene"], columns="detector", values="ap")
    others = wide[rivals(list(wide.columns), ours)]
    lost = wide[others.max(axis=1) > wide[ours]]
    best = others.loc[lost.index]
    found = pd.DataFrame(
        {ours: lost[ours], "best rival": best.idxmax(axis=1), "its AP": best.max(axis=1)}
    )
    return found.reset_index()


def spread_table(scenes: pd.DataFrame) -> pd.DataFrame:
    """Mean over scenes of the standard deviation over seeds, per detector and family."""
    drawn = scenes.dropna(subset=["auc_sd"])
    table = drawn.groupby(["detector", "family"], sort=False)[["auc_sd", "ap_sd"]].mean()
    return table.reset_index()


def seed_lines(rows: pd.DataFrame, ours: str) -> list[str]:
    """How our own numbers move with the seed: over all families, over all scenes, and at most."""
    own = rows[rows["detector"] == ours]
    families = own[~own["family"].isin(BY_SCENE)]
    by_seed = families.groupby(["seed", "family"])["ap"].mean().groupby("seed").mean()
    scenes = own.groupby("scene")[list(MEASURES)]
    spread, reach = scenes.std().mean(), scenes.max() - scenes.min()
    most = ", ".join(
        f"{title} on {reach[measure].idxmax()} ({reach[measure].max():.2f})"
        for measure, title in MEASURES.items()
    )
    means = ", ".join(f"{value:.3f}" for value in by_seed)
    return [
        f"`{ours}`, average precision over the families by seed: {means}. Standard deviation, mean "
        f"over all scenes: AUC {spread['auc']:.3f}, average precision {spread['ap']:.3f}. Largest "
        f"difference between two seeds: {most}.",
        "",
    ]


def page(rows: pd.DataFrame, barren: pd.DataFrame | None, ours: str, same: list[str]) -> list[str]:
    """The lines of the page."""
    scenes = of_scenes(rows)
    commits = ", ".join(sorted(rows["commit"].unique()))
    equal = f" {' and '.join(same)} compute the same numbers." if same else ""
    lines = [f"Made by `benchmarks/protocol`; code of commit {commits}.{equal}", ""]
    labels = list(scenes["detector"].unique())
    parts = [label for label in labels if VARIANT_MARK in label]
    whole = [label for label in labels if label not in parts]
    for chosen, what in ((whole, "by family"), ([ours, *parts], f"of the parts of {ours}")):
        if not parts and chosen is not whole:
            continue
        for measure, title in MEASURES.items():
            lines += [f"### {title} {what}", ""]
            table = family_table(scenes, measure, chosen, ours).set_index("family").T
            lines += [*markdown(_rounded(table.reset_index()), {}), ""]
    if scenes["family"].isin(BY_SCENE).any():
        lines += ["### Scenes that are reported one by one", ""]
        shown = scene_table(scenes, labels)
        lines += [*markdown(shown, dict.fromkeys(shown.columns, 3)), ""]
    spread = spread_table(scenes)
    if not spread.empty:
        lines += ["### Spread over seeds (standard deviation)", ""]
        lines += [*markdown(spread, {"auc_sd": 3, "ap_sd": 3}), ""]
        if ours in set(spread["detector"]):
            lines += seed_lines(rows, ours)
    if ours in set(rows["detector"]) and rivals(list(rows["detector"].unique()), ours):
        lines += [f"### Scenes that a rival of {ours} wins, by average precision", ""]
        lines += [*markdown(lost_scenes(scenes, ours), {ours: 3, "its AP": 3}), ""]
    wide = scenes.pivot(index="scene", columns="detector", values="ap")
    wide = wide.loc[scenes["scene"].unique(), whole].reset_index()
    lines += ["### Average precision by scene", ""]
    lines += [*markdown(wide, dict.fromkeys(wide.columns, 3)), ""]
    if barren is not None:
        columns = ["flagged", "flagged_left_out", "promised"]
        sums = barren.groupby("detector", sort=False)[columns].sum()
        sums["flagged"] -= sums["flagged_left_out"]
        sums["times promised"] = sums["flagged"] / sums["promised"]
        sums = sums.rename(columns={"flagged_left_out": "flagged in minerals below 1 %"})
        lines += ["### False pixels on barren sections, in sum", ""]
        digits = {
            "flagged": 0,
            "flagged in minerals below 1 %": 0,
            "promised": 1,
            "times promised": 1,
        }
        lines += [*markdown(sums.reset_index(), digits), ""]
    return lines


def _rounded(table: pd.DataFrame) -> pd.DataFrame:
    """The same table as text, numbers with three digits; empty where a part does not exist."""

    def shown(cell: object) -> str:
        if not isinstance(cell, float):
            return str(cell)
        return "" if math.isnan(cell) else f"{cell:.3f}"

    return table.map(shown)


def read(path: Path) -> pd.DataFrame:
    """The rows of run.py."""
    return pd.read_json(path, lines=True, dtype={"commit": str})


def main() -> None:
    """Write the page."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("rows", type=Path)
    parser.add_argument("--part", choices=PARTS, required=True)
    parser.add_argument("--ours", default="msfa")
    parser.add_argument("--barren", type=Path, help="rows of run.py --part barren")
    parser.add_argument("--same-numbers", nargs="*", default=[], metavar="COMMIT")
    arguments = parser.parse_args()
    rows = read(arguments.rows)
    same = arguments.same_numbers
    scored_at = rows["commit"].replace(same[1:], same[:1] * len(same[1:]))
    if arguments.part == "test" and scored_at.groupby(rows["detector"]).nunique().max() > 1:
        raise SystemExit("The test part was scored at several commits: it is scored once.")
    barren = read(arguments.barren) if arguments.barren else None
    path = PAGES / f"protocol_{arguments.part}.md"
    path.write_text("\n".join(page(rows, barren, arguments.ours, same)), encoding="utf-8")
    print(f"written: {path}")


if __name__ == "__main__":
    main()
