"""Auto-AD: a network learns to make one scan from noise; what it does not learn is odd.

Wang, Wang, Zhang and Zhong, "Auto-AD: Autonomous Hyperspectral Anomaly Detection Network Based on
Fully Convolutional Autoencoder", IEEE TGRS 60 (2022; online 2021), 5503314
(10.1109/TGRS.2021.3057721). Our own code after the article and its public implementation.

The data pass through `tiles` (pieces of the scan, sides that fit five halvings) -> `network` ->
`optimise` (one optimisation per tile) -> `detector`.
"""
