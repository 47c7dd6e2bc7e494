"""Our MSFA-Net: a network that predicts what it was not shown, and what it gets wrong.

`config` (importable without torch), `features` (what it sees), `network` and `attention` (what it
is), `training`, `candidates` (pseudo-labels), `looking` (prediction of a whole scan),
`surroundings` (reflectance), `detector`. The published network is in `msfa_paper`.
"""
