"""Servers once a run; a build with the tools."""

import os
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
sys.path[:0] = [str(HERE), str(ROOT / "tests" / "scenario")]

import servers  # noqa: E402


@pytest.fixture(scope="session")
def tools():
    """The folder of the built tools: $POD_BUILD, or the first of the usual builds that has them."""
    folders = [os.environ["POD_BUILD"]] if "POD_BUILD" in os.environ else sorted(str(path) for path in (ROOT / "build").glob("*"))
    for folder in folders:
        if (Path(folder) / "tests" / "services" / "object_tool").exists():
            return Path(folder) / "tests" / "services"
    pytest.fail("no build has tests/services/object_tool")


@pytest.fixture(scope="session")
def ceph():
    server = servers.Ceph()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def moto():
    server = servers.Moto()
    yield server
    server.stop()
