"""Who still uses something that lies in a folder: locks on files, gone when their process is."""

from __future__ import annotations

import fcntl
import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


class Lease:
    """A process's share in something common, such as a running server; whoever leaves last puts it away.

    The share ends with the process, however it ends; a program started with `descriptor` among its inherited
    descriptors holds on to it as well.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: int | None = None

    @property
    def descriptor(self) -> int:
        """The open file that carries the share."""
        if self._file is None:
            raise ValueError(f"no share of {self._path} is held")
        return self._file

    @property
    def is_held(self) -> bool:
        return self._file is not None

    def share(self) -> None:
        """Become one of the users; waits while the last of the former ones puts it away."""
        if self._file is None:
            self._file = _locked(self._path, fcntl.LOCK_SH)

    def is_last(self) -> bool:
        """Try to become the only user, without waiting. After a no, leave: the share is given up already.

        Of users that ask at the same time exactly one is the last: each gives up its share before it looks.
        It looks through a file of its own: through the one that it shares with programs it started, their
        share would count as its own.
        """
        self.leave()
        file = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(file)
            return False
        self._file = file
        return True

    def leave(self) -> None:
        """Give up the share."""
        if self._file is not None:
            os.close(self._file)
            self._file = None


@contextmanager
def alone(path: Path, tell_that_it_waits: Callable[[], None] = lambda: None) -> Iterator[None]:
    """Run the block while no other process runs one with the same path; waits for the one that does."""
    try:
        file = _locked(path, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        tell_that_it_waits()
        file = _locked(path, fcntl.LOCK_EX)
    try:
        yield
    finally:
        os.close(file)


def _locked(path: Path, mode: int) -> int:
    file = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(file, mode)
    except BaseException:
        os.close(file)
        raise
    return file
