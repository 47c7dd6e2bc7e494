"""The one exception that means "the user's input, not our code"."""

from __future__ import annotations


class InputError(ValueError):
    """Bad input, told in one plain sentence: which file, what is wrong, what to do.

    The command line prints the sentence and exits with status 2; the window shows it as a
    notification. Anything that is not an `InputError` is a defect of ours and keeps its traceback.
    """
