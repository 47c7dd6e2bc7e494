"""DFAN: an autoencoder with orthogonal channel attention and deep feature aggregation.

Cheng et al., IEEE Transactions on Instrumentation and Measurement 73 (2024), 5033016: the network
that MSFA-Net developed from. Our own code after its public implementation, built from the parts
that it shares with `msfa_paper` (pixel-wise layers, orthonormal filters, DBSCAN, the score of the
residual). `DfanDetector` lists the differences.
"""
