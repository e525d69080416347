"""Objects of other backends that are not there yet while a state file is read."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any


class Pending:
    """Stands for an object of another backend until that one is loaded.

    Two backends may refer to each other (an instance to its Auto Scaling group and back), so one of them is read
    while the other is not there; `patch` in linking.py puts the object in the place of this afterwards.
    """

    __slots__ = ("address", "change", "__weakref__")

    def __init__(self, address: tuple[str, str, str, str], change: Callable[[Any], Any] | None = None):
        self.address = address
        self.change = change

    def then(self, change: Callable[[Any], Any]) -> Pending:
        """The same object, changed by `change` once it is there."""
        before = self.change
        return Pending(self.address, change if before is None else lambda real: change(before(real)))


class CannotPatch(Exception):
    """A mutual reference at a place that cannot be filled in later."""


# While a file is read only to be checked, no object of another backend is there, and that is as it should be.
checking_only = False


def no_pending(items: Iterable[Any], where: str) -> None:
    if not checking_only and any(isinstance(item, Pending) for item in items):
        raise CannotPatch(f"two services refer to each other through {where}, which cannot be restored")
