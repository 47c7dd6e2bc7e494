"""Heads: the questions that `msfa` asks of each pixel besides that of its network, and their join.

A pixel is odd for different reasons. Each head answers one question by a classical statistic on
the same features; `join` turns the answers into one statistic and decides how far each head is to
be trusted on this scan.
"""
