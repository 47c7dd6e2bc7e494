"""The dock *Load maps*: it reads element maps and spectra."""
