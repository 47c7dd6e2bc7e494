"""Does the choice of the joining rule carry over to a family that took no part in it?

    MINERAL_ANOMALY_DATA=... python benchmarks/protocol/leave_one_out.py --cache SCORES

``SCORES`` is what ``run.py --part development --detectors msfa --cache SCORES`` wrote: it keeps the
answers of the questions. Each constant of the rule (`heads.join`) is halved and doubled. For each
family of the development part the variant with the best mean average precision on all *other*
families is chosen, and measured on the family that was left out. Families count alike. A rule that
fits its scenes too closely would lose there. Writes docs/measured/leave_one_out.md.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sklearn.metrics import average_precision_score

from napari_mineral_anomaly.detectors.heads import join
from scenes import plan

PAGE = Path(__file__).resolve().parents[2] / "docs" / "measured" / "leave_one_out.md"
COMMITTED = "as committed"


def variants() -> Iterator[tuple[str, dict[str, Any]]]:
    """Names and constants of the variants."""
    yield COMMITTED, {}
    for factor, word in ((0.5, "halved"), (2.0, "doubled")):
        limits = tuple(limit * factor for limit in join.EXCESSES)
        yield f"EXCESSES {word}", {"EXCESSES": limits}
        for name in ("EVIDENCE_WEIGHT", "MOST_EVIDENCE"):
            yield f"{name} {word}", {name: getattr(join, name) * factor}
        yield f"FULL_EXCESS {word}", {"FULL_EXCESS": join.FULL_EXCESS * factor}
        yield f"ODDEST_SHARE {word}", {"ODDEST_SHARE": join.ODDEST_SHARE * factor}
        for name in ("AVERAGED_NEIGHBOURS", "SINGLE_NEIGHBOURS"):
            distance, by_chance, span = getattr(join, name)
            yield f"span of {name} {word}", {name: (distance, by_chance, span * factor)}
    near, far = join.ODDEST_DISTANCES
    yield "ODDEST_DISTANCES one less", {"ODDEST_DISTANCES": (near - 1, far - 1)}
    yield "ODDEST_DISTANCES one more", {"ODDEST_DISTANCES": (near + 1, far + 1)}


@contextmanager
def constants(values: dict[str, Any]) -> Iterator[None]:
    """The rule with other constants for a while."""
    before = {name: getattr(join, name) for name in values}
    try:
        for name, value in values.items():
            setattr(join, name, value)
        yield
    finally:
        for name, value in before.items():
            setattr(join, name, value)


def measured(cache: Path) -> pd.DataFrame:
    """Average precision of each variant on each scene whose answers are kept."""
    rows = []
    for scene in plan("development"):
        kept = cache / scene.name / "msfa__0__answers.npz"
        if not kept.exists():
            print(f"{scene.name}: no answers kept", flush=True)
            continue
        with np.load(kept) as file:
            answers = {name: file[name] for name in file.files}
        valid, truth = answers.pop("valid").astype(bool), answers.pop("truth")[...]
        judged = valid & (truth != 255)
        for name, values in variants():
            with constants(values):
                statistic = join.join_answers(answers, valid).statistic
            ap = average_precision_score(truth[judged] == 1, statistic[judged])
            rows.append({"family": scene.family, "scene": scene.name, "rule": name, "ap": ap})
        print(scene.name, flush=True)
    return pd.DataFrame(rows)


def page(rows: pd.DataFrame) -> str:
    """Two tables: each left-out family, and each variant on each family."""
    of_family = rows.pivot_table(index="rule", columns="family", values="ap", sort=False)
    families = list(of_family.columns)
    lines = [
        f"Made by `benchmarks/protocol/leave_one_out.py`: {rows['scene'].nunique()} scenes of the "
        "development part, mean average precision of the joined statistic.",
        "",
        "| family left out | best rule on the others | its AP on the family | committed rule "
        "| best rule for the family itself |",
        "|---|---|---|---|---|",
    ]
    for family in families:
        others = of_family.drop(columns=family).mean(axis=1)
        chosen, own = others.idxmax(), of_family[family]
        lines.append(
            f"| {family} | {chosen} | {own[chosen]:.3f} | {own[COMMITTED]:.3f} "
            f"| {own.max():.3f} ({own.idxmax()}) |"
        )
    lines += ["", f"| rule | {' | '.join(families)} | mean |", "|---" * (len(families) + 2) + "|"]
    for name, each in of_family.iterrows():
        numbers = " | ".join(f"{value:.3f}" for value in each)
        lines.append(f"| {name} | {numbers} | {each.mean():.3f} |")
    return "\n".join(lines) + "\n"


def main() -> None:
    """Measure all variants and write the page."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cache", type=Path, required=True)
    text = page(measured(parser.parse_args().cache))
    PAGE.write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
