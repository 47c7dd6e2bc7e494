"""What the parts of a run take; importable without torch.

Seconds of one CPU core, fitted to the times of simulated sections and of mineral maps of 7 to 20
elements and 0.08 to 0.6 megapixels. Other computers differ by a factor of two or three, but hardly
in the ratios, which tell the time left (`napari_mineral_anomaly.time_left`).
"""

from __future__ import annotations

from dataclasses import dataclass

from napari_mineral_anomaly.progress import Part


@dataclass(frozen=True)
class MsfaCost:
    """Seconds of each part of a run.

    Attributes
    ----------
    n_pixels : int
        Of the scan.
    n_trained : int
        Pixels that training tiles are drawn from.
    n : int
        Features of the network.
    steps : (int, int)
        Training steps of the first stage, and of each later one.
    tile_pixels : float
        Pixels of a training step times the width of the network, beside the defaults.
    asks : bool
        Whether other questions are asked than that of the network.
    """

    n_pixels: int
    n_trained: int
    n: int
    steps: tuple[int, int]
    tile_pixels: float = 1.0
    asks: bool = True

    def plan(self) -> tuple[Part, ...]:
        """Parts of a fit from its first training step on."""
        return self._found(0) + self._second() + self._learnt()

    def noisy_plan(self, rounds: int) -> tuple[Part, ...]:
        """Parts of a fit from the second stage on, where noise hides the candidates."""
        judged = (Part("surroundings", self._surroundings),)
        return self._found(1) + rounds * self._second() + self._learnt() + judged

    def plan_from_surroundings(self) -> tuple[Part, ...]:
        """Parts of a fit that predicts pixels from their surroundings."""
        training = (Part("training", self._training(max(self.steps))),)
        return training + self._learnt() + (Part("surroundings", self._surroundings),)

    def scoring(self) -> tuple[Part, ...]:
        """Parts that score the scan of the fit."""
        joined = self.n_pixels * (1.0e-6 + 1.0e-7 * self.n)
        return (Part("heads", self.asking() + joined),) if self.asks else ()

    def asking(self) -> float:
        """Seconds of the questions that need no training."""
        return self.n_pixels * (2.0e-6 + 3.7e-7 * self.n)

    def _found(self, stage: int) -> tuple[Part, ...]:
        """Train a stage, then look for candidates."""
        return (
            Part("training", self._training(self.steps[stage])),
            Part("labels", self._predicting(self.n_trained)),
            Part("pseudo-labels", self._clustering(self.n_trained)),
        )

    def _second(self) -> tuple[Part, ...]:
        return (Part("training", self._training(self.steps[1])),)

    def _learnt(self) -> tuple[Part, ...]:
        """Predict the whole scan, then learn its background and that of the questions."""
        again = self._clustering(self.n_pixels) if self.n_trained < self.n_pixels else 0.0
        return (
            Part("statistics", self._predicting(self.n_pixels)),
            *((Part("heads", again + 0.6 + 1.0e-6 * self.n_pixels),) if self.asks else ()),
        )

    def _training(self, steps: int) -> float:
        return steps * self.tile_pixels * (0.0225 + 0.00015 * self.n)

    def _predicting(self, n_pixels: int) -> float:
        return 0.15 + n_pixels * (3.0e-6 + 1.5e-7 * self.n)

    def _clustering(self, n_pixels: int) -> float:
        return 0.8 + n_pixels * 1.9e-7 * self.n

    @property
    def _surroundings(self) -> float:
        return 0.3 + self.n_pixels * 2.5e-8 * self.n**2
