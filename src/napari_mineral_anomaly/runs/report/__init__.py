"""Figures and the page of a run: overview.png and report.html."""
