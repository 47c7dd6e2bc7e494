"""What was measured: element maps, the valid area, spectra, and checks of their quality."""
