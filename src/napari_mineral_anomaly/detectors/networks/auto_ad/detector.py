"""Auto-AD as a detector."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_mineral_anomaly.detectors.base import finish_result
from napari_mineral_anomaly.detectors.fitting import ArrayDetector, Arrays, FittedArrays
from napari_mineral_anomaly.detectors.networks.auto_ad.config import AutoAdConfig
from napari_mineral_anomaly.detectors.networks.auto_ad.optimise import learn_tile
from napari_mineral_anomaly.detectors.networks.auto_ad.tiles import scan_tiles
from napari_mineral_anomaly.detectors.networks.fitted import resolve_device
from napari_mineral_anomaly.detectors.preprocess import Preprocessing
from napari_mineral_anomaly.detectors.results.contributions import residual_contributions
from napari_mineral_anomaly.detectors.results.info import RunInfo
from napari_mineral_anomaly.detectors.results.reconstruction import in_map_units, unscale
from napari_mineral_anomaly.detectors.results.result import AnomalyResult
from napari_mineral_anomaly.detectors.statistical.mahalanobis import gaussianised
from napari_mineral_anomaly.progress import SILENT, Task
from napari_mineral_anomaly.scan.cube import ElementCube

# Steps between two entries of the loss curve in run.json: a scan of many tiles takes many steps.
CURVE_STEP = 10


class FittedAutoAd(FittedArrays[AutoAdConfig]):
    """The scaling of the elements; every scan that is scored trains a new network.

    That is the method: the network is optimised on the scan in which it looks for anomalies, and
    is of no use for another scan. A saved model therefore holds the scaling and the parameters, and
    scoring with it takes as long as the first time.
    """

    def score(self, cube: ElementCube, *, task: Task | None = None) -> AnomalyResult:
        """Optimise a network on each tile of the scan; its residual is the score.

        Contributions are the signed robust z of the residual.

        Raises
        ------
        InputError
            When the scan lacks an element of the fit, the device is missing or training diverges.
        CancelledError
        """
        task = task or SILENT
        config, preprocessing = self.config, self.preprocessing
        device, reason = resolve_device(config.device)
        tiles = scan_tiles(cube.valid, config.tile_pixels)
        total = len(tiles) * config.epochs
        task.step("training", 0, total, _plan(len(tiles), config))
        scaled = np.zeros((len(preprocessing.elements), *cube.shape), dtype=np.float32)
        curve: list[dict[str, Any]] = []
        steps: list[int] = []
        for number, tile in enumerate(tiles):

            def report_step(step: int, loss: float, number: int = number) -> None:
                if step % CURVE_STEP == 0:
                    curve.append({"epoch": step + 1, "stage": number + 1, "loss": loss})
                message = f"tile {number + 1} of {len(tiles)}" if len(tiles) > 1 else ""
                done = number * config.epochs + step + 1
                task.step("training", done, total, message, loss=loss)

            learnt = learn_tile(
                preprocessing.scaled_block(cube, tile.rows, tile.columns),
                cube.valid[tile.rows, tile.columns],
                config,
                _tile_seed(config.seed, number),
                device,
                on_step=report_step,
                task=task,
            )
            scaled[:, tile.rows, tile.columns] = learnt.output
            steps.append(len(learnt.losses))
        task.check()
        reconstruction = in_map_units(cube, preprocessing, unscale(preprocessing, scaled))
        squared = _subtract(cube, preprocessing, scaled)
        contributions = residual_contributions(cube, preprocessing, scaled, task=task)
        info = RunInfo(
            device=device.type,
            loss_curve=curve,
            warnings=[_plan(len(tiles), config)] if len(tiles) > 1 else None,
            details=preprocessing.meta()
            | {"steps_per_tile": steps, "n_tiles": len(tiles), "device_reason": reason},
        )
        statistic = gaussianised(squared, len(scaled))
        return finish_result(cube, statistic, contributions, None, info, reconstruction)


class AutoAdDetector(ArrayDetector[AutoAdConfig, FittedAutoAd]):
    """Auto-AD, see `AutoAdConfig`.

    A five-level convolutional autoencoder learns to make the maps from fixed noise. It learns
    common and coherent structures first, so what it has not learnt when it stops is odd. The score
    is the squared residual at the last update of the weights.

    Not as published: 32 features instead of 128 by default (time on a CPU); counts are
    variance-stabilised before they are brought to [0, 1], as for the other detectors here; sides
    are padded to multiples of 32 and to 64 at least, and pixels outside the valid area have no
    weight; scans above `AutoAdConfig.tile_pixels` are cut into tiles; if training ends before the
    first update of the weights, the residual of the last step is taken (the authors' code would
    return a constant).
    """

    name = "auto-ad"
    config_class = AutoAdConfig

    def ready(self, preprocessing: Preprocessing, arrays: Arrays) -> FittedAutoAd:
        """Keep how the elements are scaled; `FittedAutoAd.score` does all the rest."""
        return FittedAutoAd(self.name, self.config, preprocessing, arrays)


def _plan(n_tiles: int, config: AutoAdConfig) -> str:
    if n_tiles == 1:
        return "one network for the whole scan"
    return (
        f"{n_tiles} tiles of at most {config.tile_pixels:,} pixels, each with a network of its "
        "own: the time grows with the scan, and tiles may differ in how well they were learnt"
    )


def _tile_seed(seed: int, number: int) -> int:
    return int(np.random.SeedSequence([seed, number]).generate_state(1)[0])


def _subtract(
    cube: ElementCube, preprocessing: Preprocessing, scaled: NDArray[np.float32]
) -> NDArray[np.float64]:
    """Write observed minus reconstructed over ``scaled``; returns its squared length (H, W)."""
    squared = np.empty(cube.shape, dtype=np.float64)
    for rows in cube.row_blocks():
        scaled[:, rows] = preprocessing.scaled_block(cube, rows) - scaled[:, rows]
        squared[rows] = np.square(scaled[:, rows], dtype=np.float64).sum(axis=0)
    return squared
