"""Are the artefact flags right? Checked on simulated sections with injected artefacts.

    python benchmarks/artefact_flags.py [--detectors rx] [--seeds 10] [--first-seed 0]

Counted for each grain of the list above the default threshold (grains are whole):

- An injected artefact *reaches the list* when a Bragg spike lies in a grain, a visible line overlap
  lies in a grain and its element is among the five drivers (with 4 sigmas), a dim row crosses a
  grain, a dead row crosses or touches one, or a grain touches the epoxy or the area beside the
  mount (within one pixel). It is *flagged* when the grain has the flag that belongs to it. A spike
  or overlap in a true grain is counted too.
- A true grain holds at least one pixel of the truth. Its flag is *wrong* when the simulation has no
  such artefact there: a line overlap other than the injected ones, or of an element that the
  grain's mineral contains; a spike or a bad row where none was injected; counts too low; two-phase
  mixing. Edges are geometry and never wrong.

Writes docs/measured/artefact_flags.md (not with --no-page).
"""

from __future__ import annotations

import argparse
from collections import Counter
from pathlib import Path

import numpy as np
import pandas as pd
from scipy import ndimage

from napari_mineral_anomaly import detect
from napari_mineral_anomaly.grains.artefacts.flags import DRIVING_SIGMAS, FLAG_SEPARATOR
from napari_mineral_anomaly.grains.columns import DRIVER_COLUMNS, GRAIN, split_driver
from napari_mineral_anomaly.grains.details import with_details
from napari_mineral_anomaly.grains.table import detail_grains, list_grains
from napari_mineral_anomaly.simulate import SimulatedSection, simulate_section
from napari_mineral_anomaly.simulate.minerals import MINERALS

SHAPE = (500, 500)
PAGE = Path(__file__).parents[1] / "docs" / "measured" / "artefact_flags.md"
KINDS = ("Bragg spike", "line overlap", "dead row", "dim row", "epoxy", "off sample")
FLAG_OF = {
    "Bragg spike": ("single-pixel spike",),
    "line overlap": ("line overlap",),
    "dead row": ("dead row or column",),
    "dim row": ("dead row or column",),
    "epoxy": ("valid-area edge",),
    "off sample": ("valid-area edge", "scan edge"),
}


def check_section(section: SimulatedSection, detector: str) -> tuple[Counter[str], list[str]]:
    """Counts for one section, and a line of text for each flag that was missed or wrong."""
    result = detect(section.cube, detector)
    grains = list_grains(result, n_rows=0, cube=section.cube)
    details = detail_grains(section.cube, result, grains)
    table = with_details(grains.table, grains.rows, details)
    table = table[table["kind"] == GRAIN]
    labels = grains.regions.labels
    slices = ndimage.find_objects(labels.astype(np.int32))
    count: Counter[str] = Counter()
    words: list[str] = []
    places = {kind: _places(section, kind) for kind in KINDS}
    for grain in table.to_dict("records"):
        rows, columns = slices[grain["id"] - 1]
        rows = slice(max(0, rows.start - 1), rows.stop + 1)
        columns = slice(max(0, columns.start - 1), columns.stop + 1)
        inside = labels[rows, columns] == grain["id"]
        beside = ndimage.binary_dilation(inside, np.ones((3, 3)))
        flags = list(filter(None, grain["flags"].split(FLAG_SEPARATOR)))
        drivers = [split_driver(grain[c]) for c in DRIVER_COLUMNS if grain[c]]
        driving = {element for element, sigmas in drivers if sigmas >= DRIVING_SIGMAS}
        reached: set[tuple[str, str]] = set()
        for kind in KINDS:
            reach = beside if kind in ("dead row", "epoxy", "off sample") else inside
            hit = places[kind][rows, columns][reach]
            for number in np.unique(hit[hit > 0]):
                row = section.artefacts.iloc[number - 1]
                if kind != "line overlap" or row["element"] in driving:
                    reached.add((kind, row["element"]))
        is_true = bool(section.truth[rows, columns][inside].any())
        what = f"seed {section.seed} rank {grain['rank']} px {grain['area_px']} "
        what += " ".join(grain[c] for c in DRIVER_COLUMNS) + f" [{grain['flags']}]"
        count["grains"] += 1
        count["true grains"] += is_true
        for kind, element in sorted(reached):
            flagged = any(_names(flag, kind, element) for flag in flags)
            count[f"reached {kind}"] += 1
            count[f"flagged {kind}"] += flagged
            if not flagged:
                words.append(f"missed {kind} {element}: {what}")
        y, x = grain["centroid_y_px"], grain["centroid_x_px"]
        wrong = [
            flag
            for flag in flags
            if not _is_right(flag, reached) and not _fakes(section, flag, y, x)
        ]
        if is_true and wrong:
            count["true grains with a wrong flag"] += 1
            count.update(f"wrong {flag.partition(' (')[0]}" for flag in wrong)
            words.append(f"wrong {wrong}: {what}")
        if not is_true and not reached:
            count["false grains without artefact"] += 1
    return count, words


def _places(section: SimulatedSection, kind: str) -> np.ndarray:
    """(H, W) number of the artefact of one kind at each pixel, 0 = none."""
    out = np.where(np.isin(section.artefact_map, _ids(section, kind)), section.artefact_map, 0)
    if kind == "Bragg spike":
        return out
    # The map names one artefact per pixel, so rows and spikes hide overlaps in a few pixels. Rows
    # are restored in full from their bounds.
    table = section.artefacts
    for row in table[
        (table["kind"] == kind) & table["kind"].isin(("dead row", "dim row"))
    ].itertuples():
        out[row.row_min : row.row_max + 1] = row.artefact_id
    return out


def _ids(section: SimulatedSection, kind: str) -> np.ndarray:
    table = section.artefacts
    return table.loc[table["kind"] == kind, "artefact_id"].to_numpy()


def _names(flag: str, kind: str, element: str) -> bool:
    code, _, rest = flag.partition(" (")
    if code not in FLAG_OF[kind]:
        return False
    return (
        kind not in ("Bragg spike", "line overlap")
        or rest.removesuffix(")").split(" by ")[0] == element
    )


def _is_right(flag: str, reached: set[tuple[str, str]]) -> bool:
    if flag in ("scan edge", "valid-area edge"):
        return True
    return any(_names(flag, kind, element) for kind, element in reached)


def _fakes(section: SimulatedSection, flag: str, y: float, x: float) -> bool:
    """Whether a flag names an injected overlap, and an element that the nearest grain lacks."""
    code, _, rest = flag.partition(" (")
    if code != "line overlap":
        return False
    victim, _, partner = rest.removesuffix(")").partition(" by ")
    injected = section.artefacts[section.artefacts["kind"] == "line overlap"]
    known = ((injected["element"] == victim) & (injected["source"] == partner)).any()
    away = np.hypot(section.grains["centroid_y_px"] - y, section.grains["centroid_x_px"] - x)
    mineral = section.grains["mineral"].iloc[int(np.argmin(away))]
    return bool(known and victim not in MINERALS[mineral].mass_fractions())


def share(count: Counter[str], part: str, whole: str) -> str:
    """Such as "19 of 20 (95 %)", or "none"."""
    if not count[whole]:
        return "none"
    return f"{count[part]} of {count[whole]} ({100 * count[part] / count[whole]:.0f} %)"


def main() -> None:
    """Run the sections and write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--detectors", nargs="+", default=["rx"])
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--no-page", action="store_true")
    arguments = parser.parse_args()
    last = arguments.first_seed + arguments.seeds
    table = {}
    for detector in arguments.detectors:
        total: Counter[str] = Counter()
        for seed in range(arguments.first_seed, last):
            counted, words = check_section(simulate_section("artefacts", SHAPE, seed), detector)
            total.update(counted)
            print(*words, sep="\n", flush=True)
        for kind in KINDS:
            total["reached all"] += total[f"reached {kind}"]
            total["flagged all"] += total[f"flagged {kind}"]
        rows = {
            kind: share(total, f"flagged {kind}", f"reached {kind}") for kind in (*KINDS, "all")
        }
        rows["true grains with a wrong flag"] = share(
            total, "true grains with a wrong flag", "true grains"
        )
        for key in sorted(k for k in total if k.startswith("wrong ")):
            rows[f"- {key}"] = str(total[key])
        rows["grains in the list"] = str(total["grains"])
        rows["grains neither true nor artefact"] = str(total["false grains without artefact"])
        table[detector] = rows
    frame = pd.DataFrame(table).fillna("0")
    lines = [
        f"{arguments.seeds} sections of {SHAPE[0]} x {SHAPE[1]} pixels, scene artefacts, seeds "
        f"{arguments.first_seed} to {last - 1}, default threshold. Counted: injected artefacts "
        "that reach the list and carry the right flag.",
        "",
        f"| | {' | '.join(frame.columns)} |",
        f"|---|{'---|' * frame.shape[1]}",
        *(
            f"| {name} | {' | '.join(row)} |"
            for name, row in zip(frame.index, frame.to_numpy(), strict=True)
        ),
    ]
    print("\n".join(lines))
    if not arguments.no_page:
        PAGE.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
