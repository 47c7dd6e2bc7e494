"""Our MSFA-Net: a network predicts hidden elements, and its error is the score.

`config` (importable without torch), `features` and `view` (its input), `network`, `training`,
`candidates` (pseudo-labels), `predicting` (prediction of a whole scan), `surroundings` (score of
reflectance and of noisy scans), `detector`. The published network is in `msfa_paper`.
"""
