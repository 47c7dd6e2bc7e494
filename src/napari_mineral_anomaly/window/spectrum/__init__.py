"""The dock *Spectrum*: it shows spectra and makes element maps from them."""
