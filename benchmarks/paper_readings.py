"""Which reading of the paper makes `msfa-paper` weak: each switch on simulated scenes.

    python benchmarks/paper_readings.py [--part search|check] [--only VARIANT ...]

Half of the scenes (search) serve to find what helps, the other half (check) to see whether it
holds. A scene of reflectance mixes smooth end members under uneven light and has a few objects of
one to nine pixels of another material. The sections are those of our simulator. `dfan`, the parent
of MSFA-Net, and `rx` are the rivals. A network is trained once for each reading of its training
and scored by each of the three scores. Writes docs/measured/paper_readings.md, from results that
are kept in the file ``--rows`` and completed where an earlier run stopped.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from sklearn.metrics import average_precision_score, roc_auc_score

from napari_mineral_anomaly.detectors.networks.msfa_paper.config import MsfaPaperConfig
from napari_mineral_anomaly.detectors.networks.msfa_paper.detector import MsfaPaperDetector
from napari_mineral_anomaly.detectors.networks.msfa_paper.scan import ScanPasses
from napari_mineral_anomaly.detectors.networks.parts.residuals import ResidualModel
from napari_mineral_anomaly.detectors.pipeline import detect
from napari_mineral_anomaly.scan.cube import ElementCube
from napari_mineral_anomaly.simulate import simulate_section

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "measured" / "paper_readings.md"
SCORES = ("l2", "rx", "rx_minmax")
SIDE = 48
RIVALS = ("dfan", "rx")

# Each reading changes one thing of the first, which was the default before this comparison.
FIRST_READING = "normalised last layer, as in DFAN"
READINGS: dict[str, dict[str, Any]] = {
    FIRST_READING: {},
    "sigmoid alone (now the default)": {"head": "sigmoid"},
    "weight mask": {"weight_mode": "mask"},
    "weight mask, noise candidates, eps from the data": {
        "weight_mode": "mask",
        "noise": "candidate",
        "eps_mode": "kdist",
    },
    "no skips": {"skip": "none"},
    "warm-up and step width of DFAN": {"pre_epochs": 200, "epochs": 10, "learning_rate": 1e-4},
    "no cluster losses": {"cluster_loss": False},
    "untrained": {"pre_epochs": 0, "epochs": 0},
    "six times the warm-up": {"pre_epochs": 900, "epochs": 150},
}


@dataclass(frozen=True)
class TruthScene:
    """A scan whose odd pixels (H, W) bool are known."""

    name: str
    cube: ElementCube
    truth: NDArray[np.bool_]


def reflectance_scene(seed: int, bands: int, side: int = SIDE) -> TruthScene:
    """A scene of reflectance with ten small objects of another material."""
    rng = np.random.default_rng(seed)
    n_members = int(rng.integers(4, 7))
    wavelength = np.linspace(0, 1, bands)

    def spectrum() -> NDArray[np.float64]:
        slope = rng.uniform(0.1, 0.5) + rng.uniform(-0.2, 0.3) * wavelength
        for _ in range(4):
            depth, centre, width = rng.uniform(-0.12, 0.12), rng.random(), rng.uniform(0.05, 0.25)
            slope = slope + depth * np.exp(-0.5 * ((wavelength - centre) / width) ** 2)
        return np.clip(slope, 0.02, 1)

    members = np.stack([spectrum() for _ in range(n_members)])
    fields = ndimage.gaussian_filter(rng.normal(size=(n_members, side, side)), (0, 5, 5))
    shares = np.exp(8 * fields / fields.std())
    shares /= shares.sum(0)
    light = 1 + 0.1 * ndimage.gaussian_filter(rng.normal(size=(side, side)), 8) * 30
    truth = np.zeros((side, side), dtype=bool)
    maps = np.einsum("mb,mhw->bhw", members, shares)
    odd = spectrum()
    for _ in range(10):
        size, fill = int(rng.integers(1, 4)), rng.uniform(0.25, 0.9)
        top, left = rng.integers(0, side - size, 2)
        place = (slice(top, top + size), slice(left, left + size))
        maps[:, *place] = (1 - fill) * maps[:, *place] + fill * odd[:, None, None]
        truth[place] = True
    maps = maps * light + rng.normal(0, 0.006, maps.shape)
    cube = ElementCube(
        maps.astype(np.float32), [f"band {b}" for b in range(bands)], quantity="reflectance"
    )
    return TruthScene(f"reflectance {seed}", cube, truth)


def section_scene(kind: str, seed: int) -> TruthScene:
    """A simulated section; pixels at the rim of a grain count as ordinary."""
    section = simulate_section(kind, shape=(96, 96), seed=seed)
    return TruthScene(f"{kind} {seed}", section.cube, np.asarray(section.truth == 1))


def scenes(part: str) -> list[TruthScene]:
    """Scenes of the search, or other ones of the check."""
    first = 200 if part == "search" else 300
    reflectance = [reflectance_scene(first + k, bands) for k, bands in enumerate((60, 80, 100))]
    return [*reflectance, section_scene("easy", first), section_scene("hard", first + 1)]


def quality(score: NDArray[np.floating], truth: NDArray[np.bool_]) -> dict[str, float]:
    """AUC and average precision."""
    values = score.ravel()
    return {
        "auc": float(roc_auc_score(truth.ravel(), values)),
        "ap": float(average_precision_score(truth.ravel(), values)),
    }


def of_reading(scene: TruthScene, changes: dict[str, Any]) -> dict[str, dict[str, float]]:
    """Train once and score by each score."""
    config = MsfaPaperConfig(**({"head": "bn_sigmoid"} | changes))
    fitted = MsfaPaperDetector(config).fit(scene.cube)
    out = {}
    for kind in SCORES:
        passes = ScanPasses(
            fitted.network, scene.cube, fitted.preprocessing, config.batch_size, fitted.device
        )
        model = ResidualModel.fit(
            kind, scene.cube, fitted.preprocessing, passes.reconstruct("statistics")
        )
        residual = model.residual(scene.cube, fitted.preprocessing, passes.reconstruct("scoring"))
        out[kind] = quality(model.statistic(scene.cube, residual), scene.truth)
    return out


def page(kept: dict[str, Any]) -> str:
    """The tables, AUC / average precision."""
    lines = [
        "Made by `benchmarks/paper_readings.py`. AUC / average precision; one network seed.",
        "",
    ]
    for part in ("search", "check"):
        names = [scene.name for scene in scenes(part)]
        lines += [
            f"**Scenes of the {part}**",
            "",
            "| reading | score | " + " | ".join(names) + " | mean |",
            "|---" * (len(names) + 3) + "|",
        ]
        rows = [(reading, kind) for reading in READINGS for kind in SCORES]
        for reading, kind in [*rows, *((name, "its own") for name in RIVALS)]:
            found = [kept.get(f"{name}|{reading}", {}).get(kind) for name in names]
            if not any(found):
                continue
            cells = ["" if f is None else f"{f['auc']:.3f} / {f['ap']:.2f}" for f in found]
            seen = [f for f in found if f is not None]
            mean = (
                f"{np.mean([f['auc'] for f in seen]):.3f} / {np.mean([f['ap'] for f in seen]):.2f}"
            )
            whole = mean if len(seen) == len(names) else ""
            lines.append(f"| {reading} | {kind} | " + " | ".join(cells) + f" | {whole} |")
        lines.append("")
    return "\n".join(lines)


def main() -> None:
    """Complete the kept results and write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--part", choices=("search", "check"), default="search")
    parser.add_argument("--only", nargs="*", default=None, help="readings and rivals to run")
    parser.add_argument("--rows", type=Path, default=Path("paper_readings.json"))
    asked = parser.parse_args()
    kept = json.loads(asked.rows.read_text()) if asked.rows.exists() else {}
    wanted = [*RIVALS, *READINGS] if asked.only is None else asked.only
    for reading in wanted:
        for scene in scenes(asked.part):
            key = f"{scene.name}|{reading}"
            if key in kept:
                continue
            kept[key] = (
                {"its own": quality(detect(scene.cube, reading, device="cpu").score, scene.truth)}
                if reading in RIVALS
                else of_reading(scene, READINGS[reading])
            )
            print(key, kept[key], flush=True)
            asked.rows.write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")
    PAGE.write_text(page(kept), encoding="utf-8")


if __name__ == "__main__":
    main()
