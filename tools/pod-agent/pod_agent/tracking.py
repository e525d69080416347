"""moto's list of every model ever made (`instances_tracked`), kept right.

moto keeps a strong reference to each model instance of the process, for its dashboard and for S3's reset, which closes
the body of every S3 object in the list. So objects that the agent makes for a moment must not stay in it, objects that
an inject replaces must leave it, and those that it installs must be in it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from moto.core.model_instances import model_data


def _tracked_classes() -> list[Any]:
    return [cls for models in list(model_data.values()) for cls in list(models.values())]


@contextmanager
def untracked() -> Iterator[None]:
    """What is made inside leaves no trace in the lists. Only under the exclusive lock."""
    before = {cls: (cls.instances_tracked, len(cls.instances_tracked)) for cls in _tracked_classes()}
    try:
        yield
    finally:
        for cls in _tracked_classes():
            tracked, length = before.get(cls, (cls.instances_tracked, 0))
            if tracked is cls.instances_tracked:
                del tracked[length:]


def forget(items: Iterable[Any]) -> None:
    """Take objects out of the lists."""
    gone: dict[Any, set[int]] = {}
    for item in items:
        gone.setdefault(type(item), set()).add(id(item))
    for cls, ids in gone.items():
        tracked = cls.__dict__.get("instances_tracked")
        if tracked:
            cls.instances_tracked = [item for item in tracked if id(item) not in ids]


def track(items: Iterable[Any]) -> None:
    for item in items:
        tracked = type(item).__dict__.get("instances_tracked")
        if tracked is not None:
            tracked.append(item)
