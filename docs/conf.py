"""Sphinx settings."""

from napari_mineral_anomaly import __version__

project = "napari-mineral-anomaly"
author = "the napari-mineral-anomaly developers"
copyright = "2026, the napari-mineral-anomaly developers"
release = version = __version__
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
myst_enable_extensions = ["colon_fence", "dollarmath"]
html_theme = "furo"
html_title = f"napari-mineral-anomaly {__version__}"
exclude_patterns = ["_build", "measured"]
autodoc_typehints = "description"
autodoc_member_order = "bysource"
