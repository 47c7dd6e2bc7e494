"""Images in register with the element maps, offered beside the maps."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from numpy.typing import NDArray

from napari_mineral_anomaly.errors import InputError
from napari_mineral_anomaly.words import sizes

ContextKind = Literal["bse", "optical", "phase", "mask", "other"]


@dataclass(frozen=True, eq=False)
class ContextImage:
    """One image in register with the element maps, read at the first look at it.

    Attributes
    ----------
    name : str
        For people: the name of the file without its ending.
    kind : {"bse", "optical", "phase", "mask", "other"}
    file : Path
    shape : (int, int)
        (H, W), that of the maps.
    load : callable
        Reads the image and the names of its labels.
    """

    name: str
    kind: ContextKind
    file: Path
    shape: tuple[int, int]
    load: Callable[[], tuple[NDArray[Any], dict[int, str]]] = field(repr=False)
    _kept: list[tuple[NDArray[Any], dict[int, str]]] = field(default_factory=list, repr=False)

    @property
    def image(self) -> NDArray[Any]:
        """The pixels (H, W) as stored; (H, W, 3) uint8 for a colour picture; integer labels of
        a phase map.

        Raises
        ------
        InputError
            When the file is damaged or gone.
        """
        return self._read()[0]

    @property
    def names(self) -> dict[int, str]:
        """Names of the labels of a phase map, where its file has names; {} otherwise."""
        return self._read()[1]

    def _read(self) -> tuple[NDArray[Any], dict[int, str]]:
        if not self._kept:
            image, names = self.load()
            if image.shape[:2] != self.shape:
                raise InputError(
                    f"{self.file.name} has {sizes(image.shape[:2])} pixels now, "
                    f"the element maps have {sizes(self.shape)}."
                )
            self._kept.append((image, names))
        return self._kept[0]
