"""The one exception for bad input of the user; every other exception is a defect of ours."""

from __future__ import annotations


class InputError(ValueError):
    """Bad input. The message is one plain sentence: which file, what is wrong, what to do.

    The command line prints the sentence and exits with status 2; the window shows it as a
    notification. Any other exception keeps its traceback.
    """
