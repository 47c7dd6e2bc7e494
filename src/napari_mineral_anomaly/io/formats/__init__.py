"""File formats of maps and spectra: a table of all formats, and a folder or file for each."""
