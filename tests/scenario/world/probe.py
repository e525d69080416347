"""Asks the world everything: `probe(endpoint)` gives name -> answer, `compare(a, b)` the leaves that differ.

What is asked stands in `questions.py`; ids are found by listing first, so that the same questions can be put to any
instance. Answers are plain JSON, without the request's own metadata, and with the instance's address as a constant."""

import base64
import datetime
import hashlib
import json
import sys
from collections.abc import Iterator
from urllib.parse import urlsplit

import jmespath
from botocore.exceptions import ClientError
from botocore.response import StreamingBody

from . import questions
from .aws import Aws

ADDRESS = "INSTANCE:PORT"


def probe(endpoint, only=None):
    """Puts every question to the instance. An error where none is expected raises: it would compare equal to itself."""
    address = urlsplit(endpoint).netloc
    aws = Aws(endpoint)
    answers = {}
    for service, asked in questions.QUESTIONS.items():
        if only and service not in only:
            continue
        for account, region in questions.places(service):
            asker = _Asker(aws.client(service, region, account), f"{account}/{region}/{service}", address, answers)
            for question in asked:
                asker.ask(question, {"account": account, "region": region})
    return answers


class _Asker:
    def __init__(self, client, place, address, answers):
        self._client, self._place, self._address, self._answers = client, place, address, answers

    def ask(self, question, known):
        given = {name: _fill(value, known) for name, value in question.given.items()}
        try:
            answer = getattr(self._client, question.operation)(**given)
        except ClientError as error:
            if not question.may_fail:
                raise RuntimeError(f"{self._place}: {question.operation}({given}) failed: {error}") from error
            answer = {"Error": error.response["Error"]}
        answer.pop("ResponseMetadata", None)
        answer = plain(answer, self._address)
        for path in question.unordered:
            _sort(answer, path.split("."))
        inputs = ",".join(f"{name}={_short(plain(value, self._address))}" for name, value in given.items())
        self._answers[f"{self._place}/{question.operation}({inputs})"] = answer
        if question.each and "Error" not in answer:
            name, path = question.each
            for item in jmespath.search(path, answer) or []:
                for following in question.then:
                    self.ask(following, {**known, name: _back(item, self._address)})


def _fill(value, known):
    if isinstance(value, str) and value.startswith("$"):
        return jmespath.search(value[1:], known)
    if isinstance(value, list):
        return [_fill(item, known) for item in value]
    if isinstance(value, dict):
        return {name: _fill(item, known) for name, item in value.items()}
    return value


def _short(value):
    text = value if isinstance(value, str) else json.dumps(value)
    return text if len(text) <= 160 else text[:60] + "…" + hashlib.sha256(text.encode()).hexdigest()[:12]


def plain(value, address):
    """JSON of one answer. Bodies become their digest: what matters is that they are the same."""
    if isinstance(value, dict):
        return {str(name): plain(item, address) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item, address) for item in value]
    if isinstance(value, str):
        return value.replace(address, ADDRESS)
    if isinstance(value, datetime.datetime):
        return value.isoformat()
    if isinstance(value, StreamingBody):
        value = value.read()
    if isinstance(value, bytes):
        return ({"bytes": base64.b64encode(value).decode()} if len(value) <= 64
                else {"length": len(value), "sha256": hashlib.sha256(value).hexdigest()})
    if value is None or isinstance(value, bool | int | float):
        return value
    raise TypeError(f"no plain form for {type(value)}")


def _back(item, address):
    """A value read from an answer, fit to be sent again."""
    if isinstance(item, dict):
        return {name: _back(value, address) for name, value in item.items()}
    return item.replace(ADDRESS, address) if isinstance(item, str) else item


def _sort(answer, path):
    if isinstance(answer, list):
        if not path:
            answer.sort(key=lambda item: json.dumps(item, sort_keys=True))
            return
        for item in answer:
            _sort(item, path)
    elif isinstance(answer, dict) and path and path[0] in answer:
        _sort(answer[path[0]], path[1:])


def compare(before, after) -> Iterator[tuple[str, object, object]]:
    """Every leaf that differs, as (path, before, after); what one side lacks is the text `absent`."""
    yield from _leaves("", before, after)


def _leaves(path, before, after):
    if isinstance(before, dict) and isinstance(after, dict):
        for name in sorted(before.keys() | after.keys()):
            yield from _leaves(f"{path} > {name}" if path else name, before.get(name, "absent"),
                               after.get(name, "absent"))
    elif isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        for n, (one, other) in enumerate(zip(before, after, strict=True)):
            yield from _leaves(f"{path} > {n}", one, other)
    elif type(before) is not type(after) or before != after:
        yield path, before, after


if __name__ == "__main__":
    json.dump(probe(sys.argv[1]), sys.stdout, indent=1, sort_keys=True)
