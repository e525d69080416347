"""Clients of one emulator: the accounts and regions of the world, and how a request gets there."""

import time

import boto3
from botocore.config import Config

FIRST = "123456789012"  # the account of credentials that the emulator does not know
SECOND = "222222222222"
EAST = "us-east-1"
WEST = "eu-west-1"

_CONFIG = Config(
    retries={"total_max_attempts": 1},  # a request that fails must be seen, not repeated
    connect_timeout=5,
    read_timeout=60,
    max_pool_connections=16,
    s3={"addressing_style": "path"},
)
_session = boto3.session.Session()


class Aws:
    """The emulator at `endpoint`. Without keys of its own, another account is named by moto's request header:
    a request with an access key that moto knows changes that key's `last used`, and a reader must change nothing."""

    def __init__(self, endpoint, keys=None):
        self.endpoint = endpoint
        self.keys = dict(keys or {})
        self._clients = {}

    def client(self, service, region=EAST, account=FIRST):
        place = (service, region, account)
        if place not in self._clients:
            self._clients[place] = self._connect(service, region, account)
        return self._clients[place]

    def _connect(self, service, region, account):
        key, secret, token = self.keys.get(account, ("AKIAWORLDREADER00000", "not-a-secret", None))
        client = _session.client(
            service,
            region_name=region,
            endpoint_url=self.endpoint,
            aws_access_key_id=key,
            aws_secret_access_key=secret,
            aws_session_token=token,
            config=_CONFIG,
        )
        if account != FIRST and account not in self.keys:
            client.meta.events.register("before-sign", _as_account(account))
        return client


def _as_account(account):
    def name_it(request, **_):
        request.headers["x-moto-account-id"] = account

    return name_it


def until(read, wanted, seconds=30):
    """Waits for work that the emulator does in a thread of its own."""
    end = time.monotonic() + seconds
    while (seen := read()) != wanted:
        if time.monotonic() > end:
            raise TimeoutError(f"still {seen!r}, not {wanted!r}")
        time.sleep(0.05)
