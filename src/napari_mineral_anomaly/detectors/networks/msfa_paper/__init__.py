"""MSFA-Net, a re-implementation after Lu et al., Minerals 2025, 15, 970.

An autoencoder learns the element maps of one scan; what it reconstructs badly is odd. The paper's
equations are not public, so each module says what comes from the paper, from its parent DFAN, and
from us.

The data pass through `parts.loading` (windows as tensors), `network` (encoder, `attention`,
decoder), trained by `training` with the pseudo-labels of `aggregation` and `parts.losses`, then
`scan` (the trained network on the whole scan) and `parts.residuals` (residual and statistic).
`detector` joins them.
"""
