"""Minerals that a grain may be, by its elements."""
