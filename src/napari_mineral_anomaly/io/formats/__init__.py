"""File formats of maps and spectra: a registry, and a folder or file per family."""
