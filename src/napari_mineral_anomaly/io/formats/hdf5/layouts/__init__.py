"""Layouts of HDF5 whose maps need more than their names to be understood."""
