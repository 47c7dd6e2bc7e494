"""The one exception for bad input of the user; every other exception is a defect of ours."""

from __future__ import annotations

from typing import ClassVar

from napari_mineral_anomaly.printable import one_line


class InputError(ValueError):
    """Bad input. The message is one plain sentence: which file, what is wrong, what to do.

    The command line prints the sentence and exits with status 2; the window shows it as a
    notification. Any other exception keeps its traceback. Names of files in the sentence may hold
    anything: they are made printable here.

    Attributes
    ----------
    option : str
        The option of the command line that helps, which the window has no use for; "" for none.
    """

    option: ClassVar[str] = ""

    def __init__(self, sentence: str = "") -> None:
        super().__init__(one_line(sentence))
