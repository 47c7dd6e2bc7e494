"""``python -m napari_mineral_anomaly`` is the command ``mineral-anomaly``."""

from __future__ import annotations

import sys

from napari_mineral_anomaly.cli import main

sys.exit(main())
