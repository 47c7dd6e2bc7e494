"""ENVI files: a text header beside a binary file."""
