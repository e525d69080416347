"""People who share pods, and the place where they do."""

import subprocess

import boto3
from conftest import Podgit, _find_podgit


class Person:
    """Somebody with a store of their own, and the emulator that they work on."""

    def __init__(self, name, home, place, agent=None):
        home.mkdir()
        self.podgit = Podgit(_find_podgit(), home)
        self.podgit._environment.update({"PODGIT_AUTHOR_NAME": name, "PODGIT_AUTHOR_EMAIL": f"{name}@example.org", **place.environment})
        self.agent, self.place = agent, place

    def ok(self, *arguments):
        done = self.run(*arguments)
        assert done.returncode == 0, f"podgit {arguments}: {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def run(self, *arguments, **more):
        return self.podgit.run(*arguments, instance=self.agent.endpoint if self.agent else None, **more)

    def start(self, *arguments):
        """Runs beside others; its output in pipes."""
        return subprocess.Popen([self.podgit._binary, *map(str, arguments)], env=self.podgit._environment, cwd=self.podgit.home,
                                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def aws(self, service):
        return boto3.client(service, endpoint_url=self.agent.endpoint, region_name="us-east-1",
                            aws_access_key_id="test", aws_secret_access_key="test")

    def git(self, *arguments):
        return subprocess.run(["git", "-C", str(self.podgit.store), *arguments], check=True, capture_output=True, text=True).stdout

    def state(self, word, pod="shop"):
        """A version without an emulator."""
        folder = self.podgit.home / "state" / "api_states" / "000000000000" / "sqs" / "us-east-1"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "backend.state").write_text(word)
        self.ok("commit", pod, "--from", self.podgit.home / "state", "-m", word)


class Place:
    """Where they share, and what it takes to get there."""

    def __init__(self, url, environment=None, secrets=()):
        self.url, self.environment, self.secrets = url, environment or {}, secrets

    def __str__(self):
        return self.url

    def through(self, proxy):
        """The same by way of a proxy."""
        return Place(self.url, {**self.environment, "AWS_ENDPOINT_URL_S3": proxy.url}, self.secrets)


def assert_no_secret(person):
    """Keys lie in no file of the store and of the home."""
    for path in person.podgit.home.rglob("*"):
        if path.is_file():
            assert not any(secret.encode() in path.read_bytes() for secret in person.place.secrets), path
