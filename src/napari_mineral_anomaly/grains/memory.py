"""What lists of grains of one scan share, so that a list that is made again takes less time.

After a stroke of the brush or another threshold most grains are as before, and what an element
shows of the whole scan is the same. Each answer belongs to a key that holds all it depends on apart
from the maps. So a list made with a memory equals one made without.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import TypeVar, cast

T = TypeVar("T")


class ListMemory:
    """Answers that the last complete list of a scan needed; for one scan only.

    It holds what that list needed and no more, so it does not grow from list to list. Several
    threads may use it: a list reads a dictionary that nobody changes, and `ListRecall.keep`
    replaces it.
    """

    def __init__(self) -> None:
        self._known: dict[Hashable, object] = {}

    def __len__(self) -> int:
        return len(self._known)

    def recall(self) -> ListRecall:
        """For one list."""
        return ListRecall(self, self._known)

    def replace(self, known: dict[Hashable, object]) -> None:
        """Know these answers from now on."""
        self._known = known


class ListRecall:
    """What one list asks of a memory, and what it adds.

    Parameters
    ----------
    memory : ListMemory or None
        None: everything is computed.
    known : dict
        The answers of the memory.
    """

    def __init__(
        self, memory: ListMemory | None = None, known: dict[Hashable, object] | None = None
    ) -> None:
        self._memory, self._known = memory, known or {}
        self._used: dict[Hashable, object] = {}

    def answer(self, key: Hashable, compute: Callable[[], T]) -> T:
        """The answer of an earlier list, or a new one; nobody may change it in place.

        Parameters
        ----------
        key
            Names the question and holds all that the answer depends on apart from the scan.
        compute : callable
        """
        if self._memory is None:
            return compute()
        found = self._known[key] if key in self._known else compute()
        self._used[key] = found
        return cast(T, found)

    def keep(self) -> None:
        """Let the memory hold what this list needed; a cancelled list leaves it as it was."""
        if self._memory is not None:
            self._memory.replace(self._used)


FORGETFUL = ListRecall()
