"""Detectors by name. The module of a detector is imported, torch too, only when it is needed."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pkgutil import resolve_name
from typing import Any

from pydantic import ValidationError

from napari_mineral_anomaly.detectors.base import Detector, DetectorConfig
from napari_mineral_anomaly.errors import InputError

DEFAULT_DETECTOR = "msfa"


@dataclass(frozen=True)
class DetectorEntry:
    """Where the code of a detector is, and what people read about it.

    ``detector`` is "module:class", or a function that makes a detector of a config; ``config`` is
    "module:class". Configs import without torch. ``random``:
    whether the seed changes the numbers.
    """

    name: str
    title: str
    summary: str
    detector: str
    config: str
    random: bool = False


# At the end of the name of a detector whose result was taught (`teaching.detector`).
TAUGHT_SUFFIX = "+taught"

_PACKAGE = "napari_mineral_anomaly.detectors"
_TAUGHT = f"{_PACKAGE}.teaching.detector:TaughtDetector"

_ENTRIES = (
    DetectorEntry(
        "msfa",
        "MSFA-Net",
        "What a trained network cannot predict of a pixel from its other elements and neighbours.",
        f"{_PACKAGE}.networks.msfa.chosen:msfa_detector",
        f"{_PACKAGE}.networks.msfa.config:MsfaConfig",
        random=True,
    ),
    DetectorEntry(
        "msfa-paper",
        "MSFA-Net (as published)",
        "MSFA-Net as reconstructed from Lu et al. 2025, with the values of its appendix.",
        f"{_PACKAGE}.networks.msfa_paper.detector:MsfaPaperDetector",
        f"{_PACKAGE}.networks.msfa_paper.config:MsfaPaperConfig",
        random=True,
    ),
    DetectorEntry(
        "rx",
        "RX (Reed-Xiaoli)",
        "Mahalanobis distance to the mean of the whole scan: an answer in seconds.",
        f"{_PACKAGE}.statistical.rx:RxDetector",
        f"{_PACKAGE}.statistical.rx:RxConfig",
    ),
    DetectorEntry(
        "robust-rx",
        "RX with a robust background",
        "RX whose mean and covariance leave the oddest pixels out, so that they cannot hide.",
        f"{_PACKAGE}.statistical.robust_rx:RobustRxDetector",
        f"{_PACKAGE}.statistical.robust_rx:RobustRxConfig",
    ),
    DetectorEntry(
        "mcd",
        "RX of the most concentrated pixels",
        "RX whose mean and covariance come from the most concentrated part of a sample.",
        f"{_PACKAGE}.statistical.mcd:McdDetector",
        f"{_PACKAGE}.statistical.mcd:McdConfig",
        random=True,
    ),
    DetectorEntry(
        "ddc",
        "Deviating cells",
        "Elements that the other elements of the pixel do not predict, each judged by itself.",
        f"{_PACKAGE}.statistical.ddc:DdcDetector",
        f"{_PACKAGE}.statistical.ddc:DdcConfig",
        random=True,
    ),
    DetectorEntry(
        "local-rx",
        "RX against the surroundings",
        "Distance of a pixel to the ring around it: what is odd here, though common elsewhere.",
        f"{_PACKAGE}.statistical.local_rx:LocalRxDetector",
        f"{_PACKAGE}.statistical.local_rx:LocalRxConfig",
    ),
    DetectorEntry(
        "crd",
        "Collaborative representation",
        "What the surroundings of a pixel cannot compose; minutes on a large scan.",
        f"{_PACKAGE}.statistical.crd:CrdDetector",
        f"{_PACKAGE}.statistical.crd:CrdConfig",
    ),
    DetectorEntry(
        "pca",
        "PCA residual",
        "What the main mixtures of the scan cannot explain.",
        f"{_PACKAGE}.statistical.pca:PcaDetector",
        f"{_PACKAGE}.statistical.pca:PcaConfig",
    ),
    DetectorEntry(
        "knn",
        "Nearest neighbours",
        "Mean distance to the most similar pixels of a sample of the scan.",
        f"{_PACKAGE}.statistical.neighbours_and_forest:KnnDetector",
        f"{_PACKAGE}.statistical.neighbours_and_forest:KnnConfig",
        random=True,
    ),
    DetectorEntry(
        "iforest",
        "Isolation forest",
        "How few random cuts isolate a pixel from a sample of the scan.",
        f"{_PACKAGE}.statistical.neighbours_and_forest:IsolationForestDetector",
        f"{_PACKAGE}.statistical.neighbours_and_forest:IsolationForestConfig",
        random=True,
    ),
    DetectorEntry(
        "inne",
        "Isolation by nearest neighbours",
        "In how large an empty sphere a pixel lies, between a few random pixels of the scan.",
        f"{_PACKAGE}.statistical.inne:InneDetector",
        f"{_PACKAGE}.statistical.inne:InneConfig",
        random=True,
    ),
    DetectorEntry(
        "consensus",
        "Consensus of four detectors",
        "The plain sum of the scores of robust-rx, local-rx, knn and iforest.",
        f"{_PACKAGE}.statistical.consensus:ConsensusDetector",
        f"{_PACKAGE}.statistical.consensus:ConsensusConfig",
        random=True,
    ),
    DetectorEntry(
        "auto-ad",
        "Auto-AD (autoencoder)",
        "What a convolutional network cannot learn to draw from noise; trained for each scan.",
        f"{_PACKAGE}.networks.auto_ad.detector:AutoAdDetector",
        f"{_PACKAGE}.networks.auto_ad.config:AutoAdConfig",
        random=True,
    ),
    DetectorEntry(
        "dfan",
        "DFAN (parent of MSFA-Net)",
        "RX distance of what an autoencoder with one gain per feature reconstructs badly.",
        f"{_PACKAGE}.networks.dfan.detector:DfanDetector",
        f"{_PACKAGE}.networks.dfan.config:DfanConfig",
        random=True,
    ),
)

ENTRIES = {entry.name: entry for entry in _ENTRIES}


def detector_names() -> list[str]:
    """Names of the detectors that exist, the default first."""
    return list(ENTRIES)


def detector_entry(name: str) -> DetectorEntry:
    """The entry of a detector, also of a taught one ("rx+taught").

    Raises
    ------
    InputError
        For an unknown name; the sentence lists the known ones.
    """
    try:
        entry = ENTRIES[name.removesuffix(TAUGHT_SUFFIX)]
        if name == entry.name:
            return entry
        return replace(entry, name=name, title=f"taught {entry.title}")
    except (KeyError, TypeError, AttributeError):
        raise InputError(
            f"There is no detector {name!r} in this version; "
            f"there are: {', '.join(detector_names())}."
        ) from None


def config_class(name: str) -> type[DetectorConfig]:
    """The pydantic model of a detector's parameters."""
    cls: type[DetectorConfig] = resolve_name(detector_entry(name).config)
    return cls


def make_config(name: str, **parameters: Any) -> DetectorConfig:
    """A detector's parameters, defaults completed and every value checked.

    Raises
    ------
    InputError
        For an unknown detector, an unknown parameter or a value out of range, as one sentence.
    """
    cls = config_class(name)
    unknown = sorted(set(parameters) - set(cls.model_fields))
    if unknown:
        raise InputError(
            f"Detector {name} has no parameter {', '.join(unknown)}; "
            f"it has: {', '.join(cls.model_fields)}."
        )
    try:
        return cls(**parameters)
    except ValidationError as error:
        first = error.errors()[0]
        if not first["loc"]:
            # Values that do not go together.
            reason = first["msg"].removeprefix("Value error, ")
            raise InputError(f"Detector {name}: {reason}.") from None
        where = ".".join(str(part) for part in first["loc"])
        raise InputError(
            f"Detector {name}: parameter {where} = {first['input']!r} is not possible "
            f"({first['msg'][:1].lower()}{first['msg'][1:]})."
        ) from None


def make_detector(name: str, config: DetectorConfig | None = None, **parameters: Any) -> Detector:
    """A detector ready to fit, from a config or from single parameters."""
    if config is None:
        config = make_config(name, **parameters)
    entry = detector_entry(name)
    detector: Detector = resolve_name(entry.detector)(config)
    if name.endswith(TAUGHT_SUFFIX):
        detector = resolve_name(_TAUGHT)(detector)
    return detector
