"""Detectors of anomalous pixels behind one protocol; see `detectors.base` and `registry`."""
