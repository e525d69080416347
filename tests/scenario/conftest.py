"""Instances to test against: an agent on a free port, stopped at the end in every case."""

import glob
import json
import os
import re
import select
import shutil
import signal
import subprocess
import sys
import time
import urllib.request
import uuid
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
sys.path.insert(0, str(HERE))

# Started in the background of a shell this process ignores SIGINT, and so would every command that it tests.
signal.signal(signal.SIGINT, signal.default_int_handler)

_READY = re.compile(r"pod-agent: .* on (http://\S+)")


class Agent:
    """One emulator process with the agent in front of it."""

    def __init__(self, log, hash_seed):
        self._log_path = log
        self._log = open(log, "ab")
        environment = {**os.environ, "PYTHONPATH": str(ROOT / "tools" / "pod-agent"), "PYTHONHASHSEED": str(hash_seed),
                       "PYTHONUNBUFFERED": "1", "AWS_EC2_METADATA_DISABLED": "true",
                       # A certificate turns ISSUED while it is read, this many seconds after it was asked for.
                       "MOTO_ACM_VALIDATION_WAIT": "0",
                       # No containers: what would start one fails at once instead of looking for a daemon.
                       "DOCKER_HOST": "unix:///nonexistent/docker.sock"}
        environment.pop("POD_AGENT_TOKEN", None)
        self.process = subprocess.Popen([sys.executable, "-m", "pod_agent", "moto", "--port", "0"], env=environment,
                                        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=self._log)
        try:
            self.endpoint = self._wait()
        except BaseException:
            self.kill()
            raise

    def _wait(self):
        end, seen = time.monotonic() + 60, b""
        while time.monotonic() < end:
            if select.select([self.process.stdout], [], [], 0.2)[0]:
                more = os.read(self.process.stdout.fileno(), 4096)
                seen += more
                if found := _READY.search(seen.decode(errors="replace")):
                    return found[1]
                if not more:
                    break
        raise RuntimeError(f"the agent did not start: {seen!r} {Path(self._log_path).read_text()[-2000:]}")

    def kill(self):
        """As a crash would end it."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGKILL)
        self.process.wait(30)
        self.process.stdout.close()
        self._log.close()

    def capture(self):
        """The whole state, as the archive's bytes."""
        with urllib.request.urlopen(f"{self.endpoint}/_localstack/pods/state", timeout=120) as answer:
            return answer.read()

    def inject(self, archive, strategy):
        """Puts an archive in; returns the answer's lines, each a dictionary."""
        request = urllib.request.Request(f"{self.endpoint}/_localstack/pods?merge={strategy}", data=archive,
                                         method="POST", headers={"Content-Type": "application/zip"})
        with urllib.request.urlopen(request, timeout=120) as answer:
            assert answer.status == 201
            return [json.loads(line) for line in answer.read().splitlines() if line.strip()]


@pytest.fixture(scope="module")
def start(tmp_path_factory):
    """start() gives a fresh agent; each has a hash seed of its own, so that nothing may lean on the order of sets."""
    agents = []

    def one():
        agent = Agent(tmp_path_factory.mktemp("agent") / "stderr.log", hash_seed=1 + len(agents))
        agents.append(agent)
        return agent

    yield one
    for agent in agents:
        agent.kill()


def _find_podgit():
    named = os.environ.get("PODGIT")
    if named:
        return named
    built = glob.glob(str(ROOT / "build" / "*" / "tools" / "podgit" / "podgit"))
    return max(built, key=os.path.getmtime, default=None)


class Podgit:
    """The command, with a home and a store of its own."""

    def __init__(self, binary, home):
        self._binary, self.home = binary, home
        self.store = home / "store"
        self._environment = {"PATH": os.environ.get("PATH", ""), "HOME": str(home), "LANG": "C.UTF-8",
                             "XDG_DATA_HOME": str(home / "data"), "XDG_CONFIG_HOME": str(home / "config"),
                             "XDG_CACHE_HOME": str(home / "cache"), "PODGIT_DIR": str(self.store), "NO_COLOR": "1"}
        for name in ("LD_LIBRARY_PATH", "ASAN_OPTIONS", "TSAN_OPTIONS", "UBSAN_OPTIONS"):
            if name in os.environ:
                self._environment[name] = os.environ[name]

    def run(self, *arguments, instance=None, prefix=()):
        environment = {**self._environment, **({"PODGIT_INSTANCE": instance} if instance else {})}
        return subprocess.run([*prefix, self._binary, *map(str, arguments)], env=environment, cwd=self.home,
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=300)

    def ask(self, *arguments, instance=None):
        """Runs with --json and returns the envelope; the command must succeed."""
        done = self.run(*arguments, "--json", instance=instance)
        assert done.returncode == 0, f"podgit {' '.join(map(str, arguments))}: {done.returncode}\n" \
                                     f"{done.stdout}\n{done.stderr}"
        return json.loads(done.stdout)


@pytest.fixture
def podgit(tmp_path):
    binary = _find_podgit()
    if not binary:
        pytest.skip("podgit is not built: neither $PODGIT nor build/*/tools/podgit/podgit")
    if not shutil.which(binary):
        pytest.fail(f"$PODGIT names {binary!r}, which cannot be run")
    home = tmp_path / "home"
    home.mkdir()
    return Podgit(binary, home)


@pytest.fixture(scope="session")
def ceph():
    sys.path.append(str(ROOT / "tests" / "services"))
    from servers import Ceph
    server = Ceph()
    yield server
    server.stop()


@pytest.fixture
def bucket_place(ceph):
    """A bucket of its own, and the keys."""
    from team import Place
    bucket = ceph.bucket(f"team-{uuid.uuid4().hex[:12]}")
    return Place(f"s3://{bucket.name}/pods", {"AWS_ACCESS_KEY_ID": bucket.access_key, "AWS_SECRET_ACCESS_KEY": bucket.secret_key,
                                              "AWS_REGION": bucket.region, "AWS_ENDPOINT_URL_S3": bucket.endpoint}, [bucket.secret_key])


@pytest.fixture(params=["folder", "ceph"])
def place(request, tmp_path):
    from team import Place
    return Place(f"file://{tmp_path}/pods") if request.param == "folder" else request.getfixturevalue("bucket_place")


@pytest.fixture
def ann(tmp_path, place):
    from team import Person
    person = Person("ann", tmp_path / "ann", place)
    person.ok("remote", "add", "origin", place)
    return person


@pytest.fixture
def bob(tmp_path, place):
    from team import Person
    person = Person("bob", tmp_path / "bob", place)
    person.ok("remote", "add", "origin", place)
    return person
