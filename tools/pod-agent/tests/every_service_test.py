"""Every service that moto has, used or not: its backends can be written, read, and written again alike."""

import gc
import warnings

import pytest

warnings.simplefilter("ignore")

from moto.core.base_backend import BackendDict  # noqa: E402

from pod_agent import allow, capture, decode, machine, services  # noqa: E402
from pod_agent.blobs import Pins  # noqa: E402
from pod_agent.codec import World, encode  # noqa: E402

ACCOUNT = "123456789012"
# What these make when they start is not twice the same (default networks, times, ids): clients may have seen it.
RANDOM_FROM_THE_START = ["ec2", "events", "macie2", "sso-admin", "timestream-influxdb"]


class Backends:
    """Persistent ids to the live objects, for reading in the process that wrote."""

    name = staticmethod(allow.lookup)
    new = staticmethod(allow.new)
    build = staticmethod(allow.build)
    call = staticmethod(allow.call)

    @staticmethod
    def persistent(pid):
        if pid[0] == "backend":
            service, account, region = decode.check_address(pid)
            return services.backends_of(service)[account][region]
        if pid[0] == "account":
            return services.backends_of(pid[1])[pid[2]]
        assert pid[0] == "backends", pid
        return services.backends_of(pid[1])


def test_the_table_of_services_is_motos() -> None:
    for name in services.names():
        found = services.backends_of(name)
        assert isinstance(found, BackendDict), name
        assert services.name_of(found) == name
        assert services.canonical(name.upper()) == name
        assert services.service_of_class(found.backend) == name
    known = {id(services.backends_of(name)) for name in services.names()}
    stray = [d for d in gc.get_objects() if isinstance(d, BackendDict) and id(d) not in known]
    assert stray == []


def regions_of(name: str) -> list[str]:
    regions = services.backends_of(name)[ACCOUNT].regions
    return [region for region in ("us-east-1", "eu-west-1", "aws", "aws-cn") if region in regions][:2] or ["us-east-1"]


@pytest.mark.parametrize("name", services.names())
def test_a_backend_is_written_and_read(name: str) -> None:
    for region in regions_of(name):
        where = (name, ACCOUNT, region)
        backend = services.backends_of(name)[ACCOUNT][region]
        first = encode(backend.__dict__, World(Pins()), where)
        assert encode(backend.__dict__, World(Pins()), where) == first
        loaded = machine.load(first, Backends)
        assert list(loaded) == list(backend.__dict__)
        twin = object.__new__(type(backend))
        twin.__dict__ = loaded
        second = encode(twin.__dict__, World(Pins()), where)
        again = encode(machine.load(second, Backends), World(Pins()), where)
        assert again == second


def test_an_unused_backend_counts_as_empty() -> None:
    """All but those that make something at random when they start."""
    for name in services.names():
        for region in regions_of(name):
            services.backends_of(name)[ACCOUNT][region]
    cut = capture.take_cut()
    assert cut.failed == []
    assert cut.captured == RANDOM_FROM_THE_START


def test_what_is_written_in_one_service_stays_in_it() -> None:
    """No file holds a copy of another service's backend."""
    for name in services.names():
        region = regions_of(name)[0]
        backend = services.backends_of(name)[ACCOUNT][region]
        data = encode(backend.__dict__, World(Pins()), (name, ACCOUNT, region))
        assert len(data) < 200_000 or name == "ec2", name
