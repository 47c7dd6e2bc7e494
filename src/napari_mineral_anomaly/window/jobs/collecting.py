"""Cyclic garbage is collected on the main thread only while a worker of ours lives.

Python runs its cyclic garbage collection in whichever thread happens to allocate the object that
makes it due. In a worker this destroys Qt objects outside the thread that owns them. With PySide6
it can stop the window for good: the collection disconnects a signal, so it holds a lock of Qt and
waits for Python's lock, while the main thread holds Python's lock and waits for that lock of Qt.
"""

from __future__ import annotations

import gc
import sys

# To look through so many objects takes some milliseconds.
MOST_TO_LOOK_AT = 50_000


class MainThreadCollector:
    """Takes the automatic collection over while workers live; used from the main thread only.

    `begin` and `end` are counted. `collect_if_due`, called by a timer, follows the rules by which
    Python itself decides which generations to collect, with one exception. While the main thread
    draws, workers may make hundreds of thousands of objects, and to look through them would stop
    the window. They are counted among the old objects then, which the next full collection sees.
    """

    def __init__(self) -> None:
        self._workers = 0
        self._was_automatic = False
        self._blocks_after_full_collection = 0
        # How many objects have come to stay since the middle generation was looked through, and
        # since the size of the program was looked at.
        self._since_middle = self._since_size = 0

    @property
    def active(self) -> bool:
        """Whether a worker lives, so that only `collect_if_due` collects."""
        return self._workers > 0

    def begin(self) -> None:
        """A worker is about to start: automatic collection is off from now on."""
        if self._workers == 0:
            self._was_automatic = gc.isenabled()
            gc.disable()
            if self._blocks_after_full_collection == 0:
                self._blocks_after_full_collection = sys.getallocatedblocks()
        self._workers += 1

    def end(self) -> None:
        """A worker has ended; after the last one automatic collection is as it was before."""
        if self._workers == 0:
            raise RuntimeError("A worker ended that never began.")
        self._workers -= 1
        if self._workers == 0 and self._was_automatic:
            gc.enable()

    def collect_if_due(self) -> None:
        """Collect the generations that Python would have collected by now.

        Does nothing while no worker lives, or where the program had switched automatic collection
        off itself.
        """
        if not self.active:
            return
        if gc.isenabled():
            # Another part of the program switched it on in the meantime: it is to be on later.
            self._was_automatic = True
            gc.disable()
        if not self._was_automatic:
            return
        young, middle, old = gc.get_threshold()
        if young == 0:  # Python's own sign for "never"
            return
        new = gc.get_count()[0]
        if new <= young:
            return
        few = new <= MOST_TO_LOOK_AT
        stay = max(0, new - gc.collect(0)) if few else new
        self._since_middle += stay
        self._since_size += stay
        if few and gc.get_count()[1] <= middle:
            return
        many = self._since_middle > MOST_TO_LOOK_AT
        self._since_middle = 0
        if many and not gc.get_freeze_count():  # others may keep objects from the collector
            # All objects are old ones from now on, and no longer frozen; none was looked at.
            gc.freeze()
            gc.unfreeze()
        else:
            gc.collect(1)
            if gc.get_count()[2] <= old:
                return
        # To look at the size takes milliseconds where the system has put idle memory aside.
        if self._since_size <= MOST_TO_LOOK_AT:
            return
        self._since_size = 0
        if self._program_grew():
            gc.collect()
            self._blocks_after_full_collection = sys.getallocatedblocks()

    def _program_grew(self) -> bool:
        # As in Python's own rule, a full collection, which looks at every object of the program,
        # waits until the program is a quarter larger than after the last one. Python counts
        # objects; blocks of memory are what can be counted safely while other threads run
        # (`gc.get_objects` breaks a tuple that another thread is just filling).
        return sys.getallocatedblocks() > 1.25 * self._blocks_after_full_collection
