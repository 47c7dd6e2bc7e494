"""The fixed scenes: what a simulated section consists of and how it is measured."""

from __future__ import annotations

from dataclasses import dataclass, replace

# The mapped elements, light to heavy: those that a table-top micro-XRF maps in such a section.
ELEMENTS: tuple[str, ...] = (
    "Na", "Mg", "Al", "Si", "P", "S", "K", "Ca", "Ti", "Mn",
    "Fe", "Cu", "Zn", "As", "Y", "Zr", "Ba", "Ce", "Au", "Pb",
)  # fmt: skip

# The elements that drawn scenes may map.
MAPPABLE: tuple[str, ...] = (
    "Na", "Mg", "Al", "Si", "P", "S", "K", "Ca", "Ti", "V", "Cr", "Mn", "Fe", "Ni",
    "Cu", "Zn", "As", "Sr", "Y", "Zr", "Ba", "Ce", "Au", "Pb",
)  # fmt: skip


@dataclass(frozen=True)
class Mode:
    """One mineral of the matrix.

    ``share`` is its mean share of the area (modal abundance). ``band`` says how strongly it follows
    the compositional layering: positive for dark layers, negative for light ones.
    """

    mineral: str
    share: float
    band: float = 0.0


@dataclass(frozen=True)
class Fabric:
    """Texture and chemistry of the matrix.

    Attributes
    ----------
    elongation : float
        Long over short axis of a matrix grain.
    large_share, large_radius : float
        Share of the grains that are large, and their reach in mean grain diameters.
    large_minerals : tuple of str
        Minerals of the large grains; empty: any.
    layer_um : float
        Typical thickness of a compositional layer.
    zoning : float
        Core-to-rim change, in standard deviations between grains.
    chemistry : float
        Factor on the spread of the compositions between grains.
    trace : float
        Largest trace of an element in a mineral, as a share of the mineral's brightest line.
        Traces differ between minerals and, by a log-normal factor, between grains.
    veins : tuple of (str, float)
        Mineral and thickness in µm of straight veins through the section.
    """

    elongation: float = 1.8
    large_share: float = 0.02
    large_radius: float = 1.6
    large_minerals: tuple[str, ...] = ()
    layer_um: float = 2_500.0
    zoning: float = 0.5
    chemistry: float = 1.0
    trace: float = 0.0
    veins: tuple[tuple[str, float], ...] = ()


@dataclass(frozen=True)
class Intensity:
    """What changes the counts of all elements together, and what no mineral causes.

    Attributes
    ----------
    thickness : float
        Standard deviation of the logarithm of the thickness (and topography) of the section.
    thickness_um : float
        Typical wavelength of the thickness.
    drift : float
        Relative change of the intensity over the scan, row by row.
    background : float
        Mean counts per pixel and element that do not come from the section.
    """

    thickness: float = 0.0
    thickness_um: float = 1_000.0
    drift: float = 0.0
    background: float = 0.0


@dataclass(frozen=True)
class Scene:
    """Recipe of one simulated section.

    Attributes
    ----------
    name, summary : str
    modes : tuple of Mode
        The matrix; shares add up to 1.
    accessories : tuple of str
        Minerals of the anomalous grains; empty: no anomalous grain.
    prevalence : float
        Approximate share of the pixels that are anomalous in the truth (at least one grain).
    accessory_um : (float, float, float, float)
        Median, log-normal spread, smallest and largest diameter of the anomalous grains in µm.
    grain_um : float
        Mean diameter of the matrix grains in µm.
    dwell_ms : float
        Counting time per pixel in ms.
    pixel_um, spot_um : float
        Step of the scan, and full width at half maximum of the beam, in µm.
    artefacts : bool
        Whether the measurement has the artefacts of `artefacts.plan_artefacts`.
    n_grains : int, optional
        Number of anomalous grains; given, it replaces ``prevalence``.
    elements : tuple of str
        The mapped elements.
    fabric : Fabric
    intensity : Intensity
    """

    name: str
    summary: str
    modes: tuple[Mode, ...]
    accessories: tuple[str, ...]
    prevalence: float
    accessory_um: tuple[float, float, float, float]
    dwell_ms: float
    grain_um: float = 220.0
    pixel_um: float = 20.0
    spot_um: float = 20.0
    artefacts: bool = False
    n_grains: int | None = None
    elements: tuple[str, ...] = ELEMENTS
    fabric: Fabric = Fabric()
    intensity: Intensity = Intensity()


GNEISS = (
    Mode("quartz", 0.29, -0.5),
    Mode("plagioclase", 0.27, -0.2),
    Mode("K-feldspar", 0.16, -0.6),
    Mode("biotite", 0.12, 1.0),
    Mode("muscovite", 0.05, 0.4),
    Mode("garnet", 0.04, 0.8),
    Mode("chlorite", 0.03, 0.8),
    Mode("calcite", 0.02),
    Mode("ilmenite", 0.02, 0.6),
)
BRIGHT = ("gold", "monazite", "zircon", "galena", "chalcopyrite")
_EASY = Scene(
    name="easy",
    summary="gneiss with small bright grains of gold, monazite, zircon, galena, chalcopyrite",
    modes=GNEISS,
    accessories=BRIGHT,
    prevalence=1e-3,
    # The smallest grain covers 0.64 pixels. On the corner of four pixels it still covers 0.16 of
    # one, so every grain is in the truth.
    accessory_um=(28.0, 0.35, 18.0, 80.0),
    dwell_ms=10.0,
)
_SCENES = (
    _EASY,
    Scene(
        name="hard",
        summary="mica schist at a few counts a pixel; odd grains made of the matrix's own elements",
        modes=(
            Mode("quartz", 0.26, -0.5),
            Mode("plagioclase", 0.20, -0.3),
            Mode("biotite", 0.16, 0.8),
            Mode("muscovite", 0.14, 0.4),
            Mode("garnet", 0.08, 0.8),
            Mode("chlorite", 0.08, 0.8),
            Mode("calcite", 0.04),
            Mode("ilmenite", 0.04, 0.6),
        ),
        accessories=("staurolite", "titanite", "kyanite", "epidote", "magnetite", "cordierite"),
        prevalence=4e-3,
        accessory_um=(55.0, 0.25, 30.0, 110.0),
        dwell_ms=5.0,
    ),
    replace(
        _EASY,
        name="barren",
        summary="the same gneiss as in easy without a single odd grain",
        accessories=(),
        prevalence=0.0,
    ),
    replace(
        _EASY,
        name="artefacts",
        summary="easy with Bragg spikes, dead rows, line overlap, an epoxy edge and a tilt",
        accessories=(*BRIGHT, "arsenopyrite", "sphalerite"),
        artefacts=True,
    ),
)
FIXED_SCENES: dict[str, Scene] = {scene.name: scene for scene in _SCENES}
