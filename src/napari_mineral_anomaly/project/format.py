"""The content of project.json, as values; `docs/project.md` describes it for people."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import Annotated, Any, Final, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, FiniteFloat

SCHEMA_VERSION = 1
KIND: Final = "mineral anomaly project"

# The folder of the project itself, as the folder of a result.
HERE = "."


def _inside(name: str) -> str:
    """A name below the project: a project of somebody else must not point out of its folder."""
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or "\\" in name or ":" in name:
        raise ValueError(f"{name!r} is not a place inside the project")
    return name


Inside = Annotated[str, AfterValidator(_inside)]
PixelSize = tuple[FiniteFloat, FiniteFloat]


class _Value(BaseModel):
    # Keys of a later version with the same schema number are kept, not lost.
    model_config = ConfigDict(frozen=True, extra="allow")


class Place(_Value):
    """Where something outside the project was: seen from the project, and on that computer."""

    relative: str
    absolute: str


class MapFile(_Value):
    """One file of the scan, as `UsedMap.file` names it; None for what is not known."""

    name: str
    n_bytes: int | None = None
    modified: str | None = None
    sha256: str | None = None


class HowRead(_Value):
    """How the scan was read: the fields of `runs.read_scan.ReadingOptions`."""

    pixel_size: PixelSize | None = None
    valid: Place | None = None
    sample: str | None = None
    energy: tuple[FiniteFloat, FiniteFloat] | None = None
    elements: tuple[str, ...] | None = None
    spot_size: FiniteFloat | None = None
    names: dict[str, str] | None = None
    channels: Literal["first", "last"] | None = None
    beam_energy: FiniteFloat | None = None
    monochromatic: bool | None = None
    per_second: bool = False
    missing: tuple[FiniteFloat | str, ...] | None = None


class Maps(_Value):
    """How to find the maps again.

    ``stored`` names a copy of the maps inside the project: where they were in no file, or where the
    user asked for one.
    """

    sources: tuple[Place, ...] = ()
    files: tuple[MapFile, ...] = ()
    reading: HowRead = HowRead()
    stored: Inside | None = None


class Clusters(_Value):
    """Names, colours and roles of pseudo-label clusters, by their code in the image."""

    names: dict[int, str]
    colours: dict[int, tuple[float, float, float, float]]
    background: tuple[int, ...]


class Result(_Value):
    """The result of one detector.

    Attributes
    ----------
    detector : str
    folder : str
        The run folder below the project; "." where it is the project folder itself.
    threshold, min_grain_px
        As the user set them.
    strokes : str, optional
        TIFF of the brush on the mask: 0 as computed, 1 brushed in, 2 brushed out.
    mask, grain_labels : str, optional
        The mask with these strokes (0, 255), and the grains as last listed (by id).
    labels : str, optional
        The pseudo-labels as edited; None where they are those of the run.
    clusters : Clusters, optional
    """

    detector: str
    folder: Inside
    threshold: FiniteFloat
    min_grain_px: int = 1
    strokes: Inside | None = None
    mask: Inside | None = None
    grain_labels: Inside | None = None
    labels: Inside | None = None
    clusters: Clusters | None = None


class Truth(_Value):
    """A truth mask: its number, its name in the window, its TIFF (0, 1, 255 for left out)."""

    number: int
    name: str
    file: Inside


class Look(_Value):
    """How a layer was shown. ``key`` says which one it is, see `docs/project.md`.

    ``pairs``: of an image of another grid, row and column of each point on it, and on the maps.
    ``place``: of an image beside the maps, where its file is (`project.images`).
    """

    key: str
    name: str
    visible: bool = True
    opacity: FiniteFloat = 1.0
    blending: str = "translucent"
    gamma: FiniteFloat | None = None
    contrast_limits: tuple[FiniteFloat, FiniteFloat] | None = None
    colormap: str | None = None
    pairs: tuple[tuple[FiniteFloat, FiniteFloat, FiniteFloat, FiniteFloat], ...] | None = None
    place: Place | None = None


class View(_Value):
    """The camera: centre in the units of the layers, and zoom."""

    centre: tuple[FiniteFloat, ...]
    zoom: FiniteFloat


class ProjectFile(_Value):
    """All of project.json.

    ``elements`` are those that were analysed; ``main`` is the detector whose result stands for the
    project where one is needed (`evaluate`, `apply`, `report`). ``layers`` are from bottom to top.
    ``fiducials`` are JSON objects, as `project.fiducials` reads and writes them; ``sem_transform``
    is fitted to them.
    """

    schema_version: int = SCHEMA_VERSION
    kind: Literal["mineral anomaly project"] = KIND
    package_version: str
    created: str
    saved: str
    name: str
    shape: tuple[int, int]
    pixel_size_um: PixelSize | None = None
    elements: tuple[str, ...] = ()
    maps: Maps = Maps()
    main: str | None = None
    results: tuple[Result, ...] = ()
    valid: Inside | None = None
    truths: tuple[Truth, ...] = ()
    verdicts: Inside | None = None
    layers: tuple[Look, ...] = ()
    view: View | None = None
    fiducials: tuple[dict[str, Any], ...] = ()
    sem_transform: Literal["similarity", "affine"] = "similarity"

    def result_of(self, detector: str | None) -> Result | None:
        """The result of a detector; None where there is none."""
        return next((one for one in self.results if one.detector == detector), None)

    @property
    def main_result(self) -> Result | None:
        """The result that stands for the project."""
        return self.result_of(self.main) or next(iter(self.results), None)

    def files(self) -> set[str]:
        """Every file and folder of the project that this state needs."""
        named: list[str | None] = [self.maps.stored, self.valid, self.verdicts]
        named += [truth.file for truth in self.truths]
        for one in self.results:
            named += [one.folder, one.strokes, one.mask, one.grain_labels, one.labels]
        return {name for name in named if name}
