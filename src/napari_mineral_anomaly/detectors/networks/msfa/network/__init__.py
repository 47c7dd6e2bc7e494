"""The network of `msfa`: its layers (`masked`, `attention`), and how it predicts a tile.

For predictions, `folding` turns a trained network into few matrices, and `frozen` multiplies them.
"""
