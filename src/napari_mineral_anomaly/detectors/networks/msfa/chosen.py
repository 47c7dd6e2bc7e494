"""Which detector the parameters ask for: the whole `msfa`, or a quick look without training.

torch is imported only where a network is trained or applied.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari_mineral_anomaly.detectors.networks.msfa.config import MsfaConfig

if TYPE_CHECKING:
    from napari_mineral_anomaly.detectors.networks.msfa.detector import MsfaDetector
    from napari_mineral_anomaly.detectors.networks.msfa.quick import QuickMsfaDetector


def msfa_detector(config: MsfaConfig) -> MsfaDetector | QuickMsfaDetector:
    """The detector for the parameters."""
    if config.quick:
        from napari_mineral_anomaly.detectors.networks.msfa.quick import QuickMsfaDetector

        return QuickMsfaDetector(config)
    from napari_mineral_anomaly.detectors.networks.msfa.detector import MsfaDetector

    return MsfaDetector(config)
