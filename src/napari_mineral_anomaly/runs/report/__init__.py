"""For people who look rather than read: overview.png and report.html."""
