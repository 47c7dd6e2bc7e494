"""The scenes of the protocol: a development part and a test part, see docs/benchmarks.md.

The test part is scored once, after the design of a detector is committed.
"""

from __future__ import annotations

import os
import sys
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from implants import plant
from napari_mineral_anomaly import ElementCube, read_maps
from napari_mineral_anomaly.io import read_scene
from napari_mineral_anomaly.simulate import simulate_section
from planted_minerals import DEVELOPMENT, TEST, Recipe
from reflectance import reflectance_scene
from scan_model import CountModel, OxideModel

sys.path.append(str(Path(__file__).resolve().parents[1]))
from prepare_minerals import NO_ELEMENT, read_names, truth_of

PARTS = ("development", "test")
FAMILIES = ("simulated-old", "drawn", "implanted", "reflectance", "minerals", "airborne")
AIRBORNE = ("abu-airport-1", "abu-beach-1", "abu-beach-4", "abu-urban-1", "hydice-urban")
CLASSIFIED = ("AS14_1", "ME_17_1")
KINDS = ("easy", "hard", "artefacts")
# A mineral below this share of a section is odd there; px that the beam carries it further.
RARE_SHARE, BEAM_REACH = 0.01, 3
DRAWN_SHAPE, OLD_SHAPE = (256, 256), (224, 288)

# The mineral that carries an element in its purest pixels, and that of the brightest pixels of an
# element that no main mineral holds.
SILICATES = {
    "Si": "quartz", "Al": "muscovite", "K": "muscovite", "Na": "plagioclase", "Ca": "plagioclase",
    "Mg": "chlorite", "Fe": "garnet", "Mn": "garnet", "Ti": "ilmenite",
}  # fmt: skip
RARE = {"Zr": "zircon", "P": "apatite", "S": "pyrite"}
IRONSTONE = {"Si": "quartz", "Al": "kaolinite", "Fe": "hematite", "Ti": "ilmenite"}
CHONDRITE = {
    "Si": "orthopyroxene", "Mg": "olivine", "Ca": "clinopyroxene", "S": "pyrrhotite",
    "Fe": "pyrrhotite", "Ni": "pentlandite",
}  # fmt: skip

Loaded = tuple[ElementCube, NDArray[np.uint8]]


@dataclass(frozen=True)
class Scan:
    """A window of a real scan; the windows of the two parts do not overlap.

    ``carriers`` is empty for scans in per cent.
    """

    folder: str
    carriers: dict[str, str]
    rows: tuple[int, int] | None = None
    columns: tuple[int, int] | None = None

    @property
    def window(self) -> tuple[slice, slice]:
        """Rows and columns of the window; all where none is given."""
        return slice(*(self.rows or (None,))), slice(*(self.columns or (None,)))


DEVELOPMENT_SCANS = {
    "metapelite": Scan("metapelite_arac01b", SILICATES, (0, 171)),
    "ironstone": Scan("ironstone_muxrf", IRONSTONE, (100, 356), (100, 356)),
    "chondrite": Scan("semarkona_obj1", CHONDRITE, (0, 256), (0, 256)),
    "rhyolite": Scan("yellowstone_epma", {}),
}
TEST_SCANS = {
    "metapelite": Scan("metapelite_arac01b", SILICATES, (171, 342)),
    "ironstone": Scan("ironstone_muxrf", IRONSTONE, (380, 636), (400, 656)),
    "chondrite": Scan("semarkona_obj1", CHONDRITE, (256, 512), (256, 512)),
    "chloritoid-schist": Scan("chloritoid_epma", SILICATES),
    "mars": Scan("pixl_castle_geyser", {}),
    "AS14": Scan("xminlearn/AS14_1/tiff", SILICATES, (72, 328), (128, 384)),
    "ME17": Scan("xminlearn/ME_17_1/tiff", SILICATES, (72, 328), (128, 384)),
}


@dataclass(frozen=True)
class PlannedScene:
    """A scene that is made or read when `load` is called."""

    name: str
    family: str
    load: Callable[[], Loaded]


@dataclass(frozen=True, eq=False)
class Scene:
    """A scene in memory.

    Attributes
    ----------
    name, family : str
    cube : ElementCube
    truth : (H, W) uint8
        0 background, 1 anomaly, 255 left out.
    """

    name: str
    family: str
    cube: ElementCube
    truth: NDArray[np.uint8]


def scenes(part: str) -> Iterator[Scene]:
    """All scenes of a part, one after another."""
    for planned in plan(part):
        yield Scene(planned.name, planned.family, *planned.load())


def plan(part: str) -> list[PlannedScene]:
    """The scenes of a part, not yet loaded."""
    if part == "development":
        return [
            *(_drawn(seed) for seed in range(6)),
            *(_old(kind, seed) for kind in KINDS for seed in (10, 11)),
            *_implanted(DEVELOPMENT_SCANS, DEVELOPMENT, (0, 1)),
            *(
                PlannedScene(f"reflectance-{seed}", "reflectance", partial(reflectance_scene, seed))
                for seed in range(4)
            ),
        ]
    if part == "test":
        return [
            *(_drawn(seed) for seed in range(1000, 1008)),
            *(_old(KINDS[seed % len(KINDS)], seed) for seed in range(100, 120)),
            *_implanted(TEST_SCANS, TEST, (1000, 1001)),
            *(PlannedScene(name, "minerals", partial(_classified, name)) for name in CLASSIFIED),
            *(PlannedScene(name, "airborne", partial(_airborne, name)) for name in AIRBORNE),
        ]
    raise ValueError(f"There is no part {part!r}; there are {', '.join(PARTS)}.")


def barren(n: int = 20) -> list[PlannedScene]:
    """Drawn sections without planted grains, to count false pixels.

    Their truth is 255 where a main mineral of the rock fills less than `RARE_SHARE` of the section:
    six crystals of dolomite in a sulphide ore are odd, though nobody planted them.
    """
    return [
        PlannedScene(f"barren-{seed}", "barren", partial(barren_section, seed))
        for seed in range(2000, 2000 + n)
    ]


def _drawn(seed: int) -> PlannedScene:
    return PlannedScene(f"drawn-{seed}", "drawn", partial(_section, "drawn", seed))


def _old(kind: str, seed: int) -> PlannedScene:
    return PlannedScene(f"{kind}-{seed}", "simulated-old", partial(_section, kind, seed, OLD_SHAPE))


def _section(kind: str, seed: int, shape: tuple[int, int] = DRAWN_SHAPE) -> Loaded:
    section = simulate_section(kind, shape, seed)
    return section.cube, section.truth_with_rim


def barren_section(seed: int) -> Loaded:
    """A drawn section without planted grains, and its truth, see `barren`."""
    section = simulate_section("drawn-barren", DRAWN_SHAPE, seed)
    share = np.bincount(section.phases.ravel(), minlength=len(section.minerals))
    rare = (share < RARE_SHARE * section.phases.size)[section.phases]
    # The beam blurs its crystals into their neighbours.
    touched = ndimage.binary_dilation(rare, iterations=BEAM_REACH)
    return section.cube, np.where(touched, 255, 0).astype(np.uint8)


def _implanted(
    scans: dict[str, Scan], recipe: Recipe, seeds: tuple[int, ...]
) -> list[PlannedScene]:
    return [
        PlannedScene(f"{name}-{seed}", "implanted", partial(planted, scan, recipe, seed))
        for name, scan in scans.items()
        for seed in seeds
    ]


def planted(scan: Scan, recipe: Recipe, seed: int) -> Loaded:
    """A window of a real scan with planted grains, and the truth."""
    whole = read_maps(_data() / "maps" / scan.folder)
    model = CountModel.of(whole, scan.carriers, RARE) if scan.carriers else OxideModel.of(whole)
    cube = ElementCube(
        np.asarray(whole.maps)[:, *scan.window],
        whole.elements,
        whole.pixel_size,
        valid=whole.valid[scan.window],
        quantity=whole.quantity,
    )
    # Each scan draws for itself, so that scans of the same seed have nothing in common.
    rng = np.random.default_rng([seed, zlib.crc32(scan.folder.encode())])
    result = plant(cube, model, recipe, rng)
    return result.cube, result.truth


def _classified(name: str) -> Loaded:
    folder = _data() / "maps" / "xminlearn" / name
    cube = read_maps(folder / "tiff")
    if set(NO_ELEMENT) & set(cube.elements):
        raise ValueError(f"{folder} holds an image that is not an element map.")
    return cube, truth_of(read_names(folder))


def _airborne(name: str) -> Loaded:
    return read_scene(_data() / "hsi" / f"{name}.mat")


def _data() -> Path:
    folder = os.environ.get("MINERAL_ANOMALY_DATA")
    if not folder:
        raise SystemExit("MINERAL_ANOMALY_DATA is not set: it names the folder of the real scans.")
    return Path(folder)
