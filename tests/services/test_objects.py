"""What the library promises of a bucket, asked of real servers, over a sound line and over bad ones."""

import hashlib
import json
import re
import subprocess
import threading

import pytest

from fault_proxy import Fault, FaultProxy
from servers import Authority

MIB = 1 << 20
CEPH = {"format": 1, "create_only": True, "match": "unquoted", "read_after_write": True, "ranges": True,
        "payload_checked": True, "checksum_checked": False}


def conformance(tools, bucket, *options):
    done = subprocess.run([str(tools / "objects_conformance"), *options], env=bucket.env(), capture_output=True, text=True,
                          timeout=300, check=False)
    assert done.returncode == 0, done.stdout[-5000:]
    passed = int(re.search(r"test cases:\s*(\d+)\s*\|\s*(\d+) passed", done.stdout)[2])
    assert passed >= (24 if not options else 22), done.stdout


def test_ceph_passes_the_conformance_suite(tools, ceph):
    conformance(tools, ceph.bucket("conformance"))


def test_moto_passes_the_conformance_suite(tools, moto):
    # It compares and then stores, without a lock in between: nothing can be said of races.
    conformance(tools, moto.bucket("conformance"), "-tce=of eight who create*,a counter that four move*")


class Tool:
    """object_tool against a bucket, through a proxy or not."""

    def __init__(self, tools, bucket, traits=CEPH):
        self.path, self.bucket, self.more = tools / "object_tool", bucket, {"S3_TRAITS": json.dumps(traits)}

    def __call__(self, *words, check=True, **env):
        done = subprocess.run([str(self.path), *map(str, words)], env=self.bucket.env(**{**self.more, **env}),
                              capture_output=True, text=True, timeout=120, check=False)
        assert not done.stderr, done.stderr
        assert self.bucket.secret_key not in done.stdout
        if check:
            assert done.returncode == 0, done.stdout
        return done.stdout.strip()

    def popen(self, *words, **env):
        return subprocess.Popen([str(self.path), *map(str, words)], env=self.bucket.env(**{**self.more, **env}),
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


@pytest.fixture(scope="module")
def bucket(ceph):
    return ceph.bucket("objects")


@pytest.fixture
def line(tools, bucket, request):
    """A proxy, a tool that goes through it, and one that does not; each test has a prefix of its own."""
    prefix = hashlib.sha256(request.node.name.encode()).hexdigest()[:12]
    with FaultProxy(bucket.endpoint) as proxy:
        through = Tool(tools, type(bucket)(proxy.url, bucket.region, bucket.access_key, bucket.secret_key, bucket.name))
        direct = Tool(tools, bucket)
        for tool in (through, direct):
            tool.more["S3_PREFIX"] = prefix
        yield proxy, through, direct


def once(proxy, match, fault):
    """The first request that `match`es goes wrong."""
    seen = []

    def choose(request):
        if match(request) and not seen:
            seen.append(request)
            return fault
        return None

    proxy.choose = choose
    return seen


def is_put(request):
    return request.method == "PUT"


def test_the_probe_says_what_the_servers_do(tools, bucket, moto):
    assert json.loads(Tool(tools, bucket)("probe")) == CEPH
    found = json.loads(Tool(tools, moto.bucket("probed"))("probe"))
    assert found == {**CEPH, "match": "quoted", "payload_checked": False}
    assert bucket.client().list_objects_v2(Bucket=bucket.name, Prefix="tool/probe/")["KeyCount"] == 0


def test_two_users_see_nothing_of_each_other(tools, ceph, bucket):
    other = ceph.bucket_of("other", "theirs")
    Tool(tools, bucket)("create", "secret", 10, 1)
    burglar = Tool(tools, type(bucket)(other.endpoint, other.region, other.access_key, other.secret_key, bucket.name))
    for words in (["read", "secret"], ["head", "secret"], ["list", "a/"], ["create", "mine", 10, 1], ["remove", "secret"],
                  ["replace", "secret", "x", ""]):
        assert burglar(*words, check=False).startswith("DENIED: not allowed to "), words
    assert Tool(tools, bucket)("head", "secret").startswith("10 ")


@pytest.mark.parametrize("kind,at", [("reset-request", 0), ("reset-request", 100_000), ("lost-answer", 0),
                                     ("cut-head", 0), ("status", 0)])
@pytest.mark.parametrize("size", [1000, 3 * MIB])
def test_a_creation_survives_one_fault_and_knows_who_did_it(line, kind, at, size):
    proxy, tool, direct = line
    key = f"{kind}-{at}-{size}"
    seen = once(proxy, is_put, Fault(kind, at=at))
    assert tool("create", key, size, 1) == "created"
    assert seen and proxy.count("PUT") == 2
    assert tool("create", key, size, 2) == "exists"
    assert direct("head", key).split()[0] == str(size)


def test_a_creation_whose_answer_is_lost_does_not_claim_another_one_s_object(line):
    proxy, tool, direct = line
    direct("create", "theirs", 1000, 1)
    once(proxy, is_put, Fault("lost-answer"))
    assert tool("create", "theirs", 1000, 2) == "exists"


def test_a_replacement_whose_answer_is_lost_is_unknown_and_sent_once(line):
    proxy, tool, direct = line
    size, version = tool("replace", "HEAD", "one", "").split()
    for kind in ("lost-answer", "cut-head"):
        once(proxy, is_put, Fault(kind))
        before = len(proxy.requests)
        assert tool("replace", "HEAD", kind, version, check=False).startswith("OUTCOME_UNKNOWN: ")
        assert len(proxy.requests) == before + 1
        _, version, digest = direct("read", "HEAD").split()
        assert digest == hashlib.sha256(kind.encode()).hexdigest()  # it was done
    for status in (500, 502, 503, 409):
        once(proxy, is_put, Fault("status", status=status))
        assert tool("replace", "HEAD", "x", version, check=False).startswith("OUTCOME_UNKNOWN: ")
        assert direct("head", "HEAD").split()[1] == version  # it was not
    assert tool("replace", "HEAD", "x", "another-version") == "stale"


def test_bursts_of_errors_pass_and_are_given_up_at_last(line):
    proxy, tool, direct = line
    direct("create", "a", 1000, 1)
    for status in (500, 502, 503, 504, 429):
        proxy.clear()
        proxy.choose = lambda request: Fault("status", status=status) if request.number <= 3 else None
        assert tool("read", "a").startswith("1000 ")
        assert len(proxy.requests) == 4
    proxy.clear()
    proxy.choose = lambda request: Fault("status")
    text = tool("read", "a", check=False)
    assert text.startswith("UNREACHABLE: ") and "SlowDown" in text and "tried 5 times" in text
    assert len(proxy.requests) == 5


@pytest.mark.parametrize("kind", ["reset-answer", "cut-answer", "stall-answer"])
def test_a_read_goes_on_where_it_broke_off(line, kind):
    proxy, tool, direct = line
    direct("create", "big", 4 * MIB, 7)
    expected = direct("read", "big")
    proxy.choose = lambda request: Fault(kind, at=MIB) if request.method == "GET" and request.number <= 3 else None
    assert tool("read", "big", S3_IDLE_MS="2000" if kind == "stall-answer" else "30000") == expected
    gets = [request for request in proxy.requests if request.method == "GET"]
    assert len(gets) == 4
    assert sum(request.received for request in gets) <= 1.2 * 4 * MIB
    assert all("range" in request.headers and "if-match" in request.headers for request in gets[1:])


def test_a_read_does_not_mix_two_versions(line):
    proxy, tool, direct = line
    direct("create", "a", 2 * MIB, 1)

    def choose(request):
        if request.method == "GET" and "range" not in request.headers:
            return Fault("reset-answer", at=MIB)
        if request.method == "GET":
            direct("remove", "a")
            direct("create", "a", 2 * MIB, 2)
        return None

    proxy.choose = choose
    assert tool("read", "a", check=False).startswith("CONFLICT: ")


def test_what_answers_in_the_place_of_the_store_is_recognised(line):
    proxy, tool, direct = line
    portal = (("Content-Type", "text/html"),)
    proxy.choose = lambda request: Fault("status", status=200, body=b"<html>log in</html>", headers=portal)
    for words in (["read", "a"], ["head", "a"], ["create", "a", 10, 1], ["remove", "a"], ["list", "a/"]):
        assert "is not an S3 store" in tool(*words, check=False), words
    assert tool("replace", "a", "x", "", check=False).startswith("OUTCOME_UNKNOWN: ")
    error = b"<Error><Code>InternalError</Code></Error>"
    proxy.choose = lambda request: Fault("status", status=200, body=error) if request.number == 1 else None
    proxy.requests.clear()
    assert tool("create", "b", 10, 1) == "created" and direct("head", "b").startswith("10 ")


def test_redirects_are_not_followed_and_the_region_is_named(line):
    proxy, tool, _ = line
    body = b"<Error><Code>PermanentRedirect</Code><Endpoint>x.example</Endpoint></Error>"
    proxy.choose = lambda request: Fault("status", status=301, body=body, headers=(("x-amz-bucket-region", "eu-west-1"),))
    text = tool("read", "a", check=False)
    assert "is in the region \"eu-west-1\"" in text and "set the region to eu-west-1" in text
    proxy.choose = lambda request: Fault("status", status=302, body=b"", headers=(("Location", "https://evil.example/?key=1"),))
    text = tool("read", "a", check=False)
    assert text.startswith("REFUSED: ") and "https://evil.example/" in text and "key=1" not in text


def test_a_clock_that_is_a_day_off_does_not_matter(line):
    _, tool, _ = line
    tool("create", "a", 10, 1)
    for off in (-86_000, 86_000):
        assert tool("read", "a", CLOCK_OFF=str(off)).startswith("10 ")
        size, version = tool("head", "a", CLOCK_OFF=str(off)).split()
        assert tool("replace", "a", f"off by {off}", version, CLOCK_OFF=str(off)) != "stale"
        tool("remove", "a")
        assert tool("create", "a", 10, 1) == "created"
    assert "this machine's clock says" in tool("read", "a", check=False, CLOCK_OFF=str(900_000))


def parts(proxy):
    return [request for request in proxy.requests if request.method == "PUT" and "partNumber" in request.target]


def test_a_broken_upload_goes_on_with_the_parts_that_arrived(line, tmp_path):
    proxy, tool, direct = line
    dead = lambda request: Fault("reset-request", at=MIB) if "partNumber=4&" in request.target else None  # noqa: E731
    proxy.choose = dead
    assert tool("create", "big", 28 * MIB, 1, tmp_path, check=False, S3_CONNECTIONS="1").startswith("UNREACHABLE: ")
    assert direct("head", "big") == "absent"
    assert sorted(path.name[:7] for path in tmp_path.iterdir()) == ["upload-"]
    proxy.clear()
    assert tool("create", "big", 28 * MIB, 1, tmp_path) == "created"
    sent = sorted(int(re.search(r"partNumber=(\d+)", request.target)[1]) for request in parts(proxy))
    assert sent == [4, 5, 6]
    assert not list(tmp_path.iterdir())
    direct("create", "same", 28 * MIB, 1)
    assert direct("read", "big").split()[2] == direct("read", "same").split()[2]


def test_a_killed_upload_goes_on(line, tmp_path):
    proxy, tool, direct = line
    for part in (2, 3, 5):
        reached = threading.Event()

        def choose(request, part=part, reached=reached):
            if f"partNumber={part}&" in request.target:
                reached.set()
                return Fault("stall-request", at=MIB)
            return None

        proxy.choose = choose
        running = tool.popen("create", "big", 28 * MIB, 1, tmp_path, S3_CONNECTIONS="1", S3_IDLE_MS="60000")
        assert reached.wait(60)
        running.kill()
        running.communicate()
    proxy.choose = None
    assert tool("create", "big", 28 * MIB, 1, tmp_path) == "created"
    whole = [request for request in parts(proxy) if request.status == 200]
    assert len(whole) == 6  # each part once
    assert direct("read", "big").split()[0] == str(28 * MIB)
    left = direct.bucket.client().list_multipart_uploads(Bucket=direct.bucket.name).get("Uploads", [])
    assert not [upload for upload in left if upload["Key"].endswith("/big")]


@pytest.mark.parametrize("match", ["uploads=", "partNumber=2&", "POST uploadId="])
def test_an_upload_in_parts_survives_one_lost_answer(line, tmp_path, match):
    proxy, tool, direct = line
    seen = once(proxy, lambda request: match in f"{request.method} {request.target.partition('?')[2]}", Fault("lost-answer"))
    assert tool("create", "big", 12 * MIB + 5, 1, tmp_path) == "created"
    assert seen
    assert direct("head", "big").split()[0] == str(12 * MIB + 5)
    assert tool("create", "big", 12 * MIB + 5, 1, tmp_path) == "exists"


def test_a_download_killed_goes_on(line, tmp_path):
    proxy, tool, direct = line
    direct("create", "big", 12 * MIB, 3)
    target = tmp_path / "big"
    for number in (4, 6, 9):
        reached = threading.Event()
        proxy.requests.clear()

        def choose(request, number=number, reached=reached):
            if request.number >= number:
                reached.set()
                return Fault("stall-answer", at=1000)
            return None

        proxy.choose = choose
        running = tool.popen("download", "big", 12 * MIB, 3, target, S3_IDLE_MS="60000")
        if not reached.wait(20):
            assert running.wait(20) == 0  # had no more to ask for
            break
        running.kill()
        running.communicate()
    proxy.choose = None
    proxy.requests.clear()
    if not target.exists():
        assert tool("download", "big", 12 * MIB, 3, target) == "downloaded"
        assert 0 < len(proxy.requests) < 9
    assert [path.name for path in tmp_path.iterdir()] == ["big"]
    assert hashlib.sha256(target.read_bytes()).hexdigest() == direct("read", "big").split()[2]


def test_a_slow_line_is_no_fault(line):
    proxy, tool, _ = line
    proxy.line.latency, proxy.line.rate = 0.05, 2 * MIB
    assert tool("create", "slow", 3 * MIB, 1) == "created"
    assert tool("read", "slow").startswith(str(3 * MIB))


def test_a_certificate_is_checked_against_the_authority_that_was_named(tools, bucket, tmp_path):
    ours, theirs = Authority(tmp_path / "ours"), Authority(tmp_path / "theirs")

    def ask(context, authority):
        with FaultProxy(bucket.endpoint, tls=context) as proxy:
            secure = type(bucket)(proxy.url, bucket.region, bucket.access_key, bucket.secret_key, bucket.name)
            text = Tool(tools, secure)("create", "a", 10, 1, check=False, S3_PREFIX="tls",
                                       **({"S3_CA": str(authority.file)} if authority else {}))
            return text, len(proxy.requests)

    text, requests = ask(ours.server(), ours)
    assert text == "created" and requests == 1
    for context, authority in ((ours.server(), theirs), (ours.server(), None), (ours.server("elsewhere.test"), ours),
                               (ours.server(days=-1), ours)):
        text, requests = ask(context, authority)
        assert text.startswith("REFUSED: the certificate of ") and "authority's certificate" in text, text
        assert requests == 0  # no word was sent, no signature seen


def test_a_server_that_is_not_there_is_unreachable(tools, bucket):
    gone = type(bucket)("http://127.0.0.1:1", "us-east-1", bucket.access_key, bucket.secret_key, "gone")
    assert Tool(tools, gone)("read", "a", check=False).startswith("UNREACHABLE: ")
