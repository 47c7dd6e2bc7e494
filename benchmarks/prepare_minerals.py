"""Make scenes with truth from the two classified metapelites, for `mineral-anomaly benchmark`.

    MINERAL_ANOMALY_DATA=... python benchmarks/prepare_minerals.py OUT

Writes OUT/AS14_1 and OUT/ME_17_1: the element maps as they are, and truth.tif. An anomaly is a
mineral that fills less than 1.5 % of the labelled pixels; pixels without a mineral (holes, cracks,
not classified) are left out. The backscattered-electron image is not an element map and is not
copied.
"""

from __future__ import annotations

import argparse
import os
import shutil
from collections import Counter
from pathlib import Path

import numpy as np
import tifffile

SAMPLES = ("AS14_1", "ME_17_1")
LEFT_OUT = ("Unk", "ND", "_ND_", "Hole", "Bkg", "Fract")
NO_ELEMENT = ("BSE",)
RARE_SHARE = 0.015


def rare_minerals(names: np.ndarray) -> list[str]:
    """Minerals of an (H, W) array of names that fill less than `RARE_SHARE` of the labels."""
    labelled = Counter(names[~np.isin(names, LEFT_OUT)].tolist())
    total = sum(labelled.values())
    return sorted(name for name, n in labelled.items() if n < RARE_SHARE * total)


def truth_of(names: np.ndarray) -> np.ndarray:
    """0 background, 1 rare mineral, 255 leave out; (H, W) uint8."""
    truth = np.isin(names, rare_minerals(names)).astype(np.uint8)
    truth[np.isin(names, LEFT_OUT)] = 255
    return truth


def read_names(source: Path) -> np.ndarray:
    """The mineral of every pixel (H, W) of a sample, as text."""
    lines = (source / "minerals.txt").read_text(encoding="utf-8").splitlines()
    return np.array([line.split() for line in lines if line.strip()])


def prepare(source: Path, folder: Path) -> None:
    """One sample, from its folder of the collection into a scene folder."""
    names = read_names(source)
    truth = truth_of(names)
    folder.mkdir(parents=True, exist_ok=True)
    for path in sorted((source / "tiff").glob("*.tif")):
        if path.stem not in NO_ELEMENT:
            shutil.copyfile(path, folder / path.name)
    tifffile.imwrite(folder / "truth.tif", truth)
    rare = ", ".join(f"{name} {np.count_nonzero(names == name)}" for name in rare_minerals(names))
    print(
        f"{folder}: {np.count_nonzero(truth == 1)} anomalous pixels ({rare}), "
        f"{np.count_nonzero(truth == 255)} left out"
    )


def main() -> None:
    """Prepare both samples."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", type=Path)
    out = parser.parse_args().out
    data = os.environ.get("MINERAL_ANOMALY_DATA")
    if not data:
        raise SystemExit("MINERAL_ANOMALY_DATA is not set: it names the folder of the real scans.")
    for name in SAMPLES:
        prepare(Path(data) / "maps" / "xminlearn" / name, out / name)


if __name__ == "__main__":
    main()
