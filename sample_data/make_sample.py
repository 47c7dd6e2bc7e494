"""Make the sample scan of this folder again: ``python sample_data/make_sample.py [FOLDER]``."""

from __future__ import annotations

import sys
from pathlib import Path

from napari_mineral_anomaly.simulate import simulate_section, write_section

SCENE, SHAPE, SEED = "easy", (128, 160), 7
FOLDER = Path(__file__).parent / "simulated_section"


def main(folder: Path = FOLDER) -> None:
    """Simulate the section and write it, replacing what is there."""
    section = simulate_section(SCENE, shape=SHAPE, seed=SEED)
    written = write_section(section, folder, overwrite=True)
    size = sum(path.stat().st_size for path in written.iterdir())
    print(f"{written}: {len(section.grains)} anomalous grains, {size / 1e6:.2f} MB")


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:2]))
