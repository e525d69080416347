"""Default factories, described by what they make instead of by their code."""

from __future__ import annotations

import collections
import types
from typing import Any

from pod_agent import allow, restore


class OpaqueFactory(TypeError):
    """A factory whose result cannot be described by data."""


def describe(factory: Any) -> Any:
    """A plain type or a `restore.Factory` that makes what `factory` makes; None for None.

    A function is called twice, and must agree with itself: moto's factories make an empty container or a number.
    """
    if factory is None or isinstance(factory, restore.Factory):
        return factory
    if isinstance(factory, type):
        if factory in restore.FACTORY_TYPES or allow.granted_class(factory):
            return factory
        raise OpaqueFactory(f"a default factory that makes '{factory.__qualname__}'")
    try:
        spec = spec_of(factory())
        if spec != spec_of(factory()):
            raise OpaqueFactory("a default factory that makes something else each time")
        return restore.factory(spec)
    except OpaqueFactory:
        if isinstance(factory, types.MethodType):
            return factory  # written as what it is: a method's name and its owner
        raise


def spec_of(made: Any) -> Any:
    if type(made) is collections.defaultdict and not made:
        inner = made.default_factory
        if inner is None:
            return ("defaultdict", None)
        if isinstance(inner, restore.Factory):
            return ("defaultdict", inner.spec)
        return ("defaultdict", spec_of(inner()))
    if type(made) in restore.FACTORY_TYPES and not made:
        return type(made).__name__
    if restore.is_plain(made):
        return ("value", made)
    raise OpaqueFactory(f"a default factory that makes a '{type(made).__qualname__}'")
