"""Scenes by their name: the fixed ones, and those that are drawn from the seed."""

from __future__ import annotations

from napari_mineral_anomaly.errors import InputError
from napari_mineral_anomaly.simulate.drawn import draw_scene
from napari_mineral_anomaly.simulate.scenes import FIXED_SCENES, Scene

DRAWN, DRAWN_BARREN = "drawn", "drawn-barren"
SCENES: tuple[str, ...] = (*FIXED_SCENES, DRAWN, DRAWN_BARREN)
# A scene without an anomaly cannot be ranked.
SCENES_WITH_GRAINS: tuple[str, ...] = (
    *(name for name, scene in FIXED_SCENES.items() if scene.accessories),
    DRAWN,
)


def get_scene(name: str, seed: int = 0) -> Scene:
    """The recipe of a scene by its name; of a drawn scene the recipe of this seed.

    Raises
    ------
    InputError
        When there is no such scene; the message lists all scenes.
    """
    if name in FIXED_SCENES:
        return FIXED_SCENES[name]
    if name in (DRAWN, DRAWN_BARREN):
        return draw_scene(seed, name, barren=name == DRAWN_BARREN)
    raise InputError(f"There is no simulated scene {name!r}; choose one of {', '.join(SCENES)}.")
