"""What comes in broken, hostile or at the wrong moment: a clear error, the exit code of the table, nothing lost."""

import hashlib
import json
import os
import pickle
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
from pathlib import Path

import pytest

import bad_archives
import faults
from bad_archives import SQS, archive_of
from sound_store import assert_clear_error, assert_sound, git, left_overs, nothing_changes, refs

USAGE, DENIED, NOT_FOUND, CONFLICT, CORRUPT, REFUSED, UNREACHABLE, INCOMPATIBLE = 2, 4, 5, 6, 7, 8, 9, 11


@pytest.fixture
def shop(podgit):
    """A store with a pod of two versions."""
    for number in (1, 2):
        archive = podgit.home / f"version-{number}.zip"
        archive.write_bytes(archive_of({SQS: pickle.dumps(f"queue {number}"), "assets/s3/a.bin": bytes(5000)}))
        assert podgit.run("import", archive, "shop").returncode == 0
    return podgit


# --- instances -----------------------------------------------------------------------------------------------------

MOVES = {"commit": ("commit", "shop"), "inject": ("inject", "shop"),
         "inject --dry-run": ("inject", "shop", "--dry-run"), "state export": ("state", "export", "out.zip", "--force")}


def assert_harmless(shop, arguments, url, *codes):
    """`arguments` against the instance fail with one of `codes`; the store and a file of the user stay."""
    (shop.home / "out.zip").write_bytes(b"precious")
    with nothing_changes(shop.store):
        done = shop.run(*arguments, instance=url)
    assert done.returncode in codes, f"{done.returncode}: {done.stderr}"
    assert_clear_error(done, done.returncode)
    assert (shop.home / "out.zip").read_bytes() == b"precious"
    assert sorted(path.name for path in shop.home.glob(".*")) == []
    return done


@pytest.mark.parametrize("move", MOVES)
def test_an_instance_that_is_down(shop, move):
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = "http://127.0.0.1:%d" % server.getsockname()[1]
    done = assert_harmless(shop, MOVES[move], url, UNREACHABLE)
    assert url in done.stderr


@pytest.mark.parametrize("deaf", [True, False], ids=["at once", "when state is asked for"])
@pytest.mark.parametrize("move", MOVES)
def test_an_instance_that_hangs(shop, move, deaf):
    with faults.FaultyInstance(faults.hang, deaf=deaf) as instance:
        start = time.monotonic()
        assert_harmless(shop, ("--timeout", "0.5", *MOVES[move]), instance.url, UNREACHABLE)
        assert time.monotonic() - start < 30


@pytest.mark.parametrize("move", MOVES)
def test_an_instance_without_state_endpoints_learns_what_pod_agent_is(shop, move):
    with faults.FaultyInstance(faults.says(404, "text/plain", b""), deaf=True) as instance:
        done = assert_harmless(shop, MOVES[move], instance.url, 1)
        assert "pod-agent" in done.stderr


@pytest.mark.parametrize("deaf", [True, False], ids=["always", "when state is asked for"])
@pytest.mark.parametrize("move", MOVES)
def test_an_instance_that_answers_500(shop, move, deaf):
    with faults.FaultyInstance(faults.says(500, "text/plain", b"boom \x1b[31m"), deaf=deaf) as instance:
        done = assert_harmless(shop, MOVES[move], instance.url, 1, UNREACHABLE)
        assert "500" in done.stderr


@pytest.mark.parametrize("deaf", [True, False], ids=["always", "when state is asked for"])
@pytest.mark.parametrize("move", MOVES)
def test_an_instance_that_answers_with_a_web_page(shop, move, deaf):
    page = b"<!doctype html><html><body>please log in</body></html>"
    with faults.FaultyInstance(faults.says(200, "text/html", page), deaf=deaf) as instance:
        assert_harmless(shop, MOVES[move], instance.url, 1, CORRUPT)


@pytest.mark.parametrize("fault, code", [
    (faults.cut_off(archive_of({SQS: b"q" * 100000})), UNREACHABLE),
    (faults.says(200, "application/zip", archive_of({SQS: b"q" * 100000})[:50000]), CORRUPT),
    (faults.says(200, "application/zip", bad_archives.zip_of(bad_archives.Entry(SQS))), None),
], ids=["hangs up", "says it was all", "no list of entries"])
@pytest.mark.parametrize("move", MOVES)
def test_an_instance_that_sends_half_a_zip(shop, move, fault, code):
    with faults.FaultyInstance(fault) as instance:
        assert_harmless(shop, MOVES[move], instance.url, *([code] if code else [1, CORRUPT]))


@pytest.mark.parametrize("name", ["leaves the folder", "duplicate", "symbolic link", "claims less", "encrypted"])
def test_an_instance_that_sends_a_hostile_archive(shop, name):
    with faults.FaultyInstance(faults.says(200, "application/zip", bad_archives.BAD[name])) as instance:
        assert_harmless(shop, MOVES["commit"], instance.url, CORRUPT, REFUSED)
    assert not (shop.home / "outside").exists()


def test_an_instance_whose_list_of_entries_lies(shop):
    good = archive_of({SQS: b"queue"})
    lie = good.replace(hashlib.sha256(b"queue").hexdigest().encode(), b"0" * 64)
    assert len(lie) == len(good) and lie != good
    with faults.FaultyInstance(faults.says(200, "application/zip", lie)) as instance:
        assert_harmless(shop, MOVES["commit"], instance.url, CORRUPT)


def run_measured(podgit, *arguments, instance, seconds):
    """Like run(), with the most memory that the process had, in bytes."""
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
        process = subprocess.Popen([podgit._binary, *arguments], cwd=podgit.home, stdin=subprocess.DEVNULL, stdout=out,
                                   stderr=err, env={**podgit._environment, "PODGIT_INSTANCE": instance})
        watch = threading.Timer(seconds, process.kill)
        watch.start()
        _, status, usage = os.wait4(process.pid, 0)
        watch.cancel()
        process.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0), err.seek(0)
        return subprocess.CompletedProcess(arguments, process.returncode, out.read(), err.read()), usage.ru_maxrss << 10


@pytest.mark.parametrize("fault", [faults.huge_and_honest, faults.huge_and_silent])
@pytest.mark.parametrize("move", ["commit", "inject", "state export"])
def test_an_instance_that_sends_a_hundred_gigabytes(shop, move, fault):
    """Refused by the announced length, or by the first bytes, which are not those of an archive."""
    with faults.FaultyInstance(fault) as instance, nothing_changes(shop.store):
        done, memory = run_measured(shop, *MOVES[move], instance=instance.url, seconds=60)
        assert done.returncode in (CORRUPT, REFUSED), f"{done.returncode}: {done.stderr}"
        assert_clear_error(done, done.returncode)
        assert memory < 128 << 20
        assert instance.sent < 64 << 20


# --- archives ------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("name", bad_archives.BAD)
def test_a_bad_archive_is_not_imported(shop, name):
    archive = shop.home / "bad.zip"
    archive.write_bytes(bad_archives.BAD[name])
    for arguments in (("import", archive, "shop"), ("import", archive, "fresh"), ("commit", "shop", "--from", archive)):
        with nothing_changes(shop.store):
            done = shop.run(*arguments)
        assert done.returncode in (CORRUPT, REFUSED), f"{done.returncode}: {done.stderr}"
        assert_clear_error(done, done.returncode)
    assert not (shop.home / "outside").exists() and not (shop.home.parent / "outside").exists()
    assert not Path("/etc/podgit-was-here").exists()


def test_a_bomb_stops_at_the_limit_in_little_memory(shop):
    (shop.home / "bomb.zip").write_bytes(bad_archives.bomb())
    with nothing_changes(shop.store):
        done, memory = run_measured(shop, "import", "bomb.zip", "shop", instance="", seconds=120)
    assert_clear_error(done, REFUSED)
    assert memory < 256 << 20


def test_a_tar_with_links_and_a_cut_one_are_not_imported(shop):
    folder = shop.home / "tar"
    folder.mkdir()
    (folder / "link").symlink_to("/etc/passwd")
    subprocess.run("tar -C tar -cf - . | zstd -q -o link.tar.zst", shell=True, check=True, cwd=shop.home)
    assert shop.run("export", "shop", "good.tar.zst").returncode == 0
    good = (shop.home / "good.tar.zst").read_bytes()
    (shop.home / "cut.tar.zst").write_bytes(good[:len(good) // 2])
    for name in ("link.tar.zst", "cut.tar.zst"):
        with nothing_changes(shop.store):
            done = shop.run("import", name, "shop")
        assert done.returncode in (CORRUPT, REFUSED), f"{done.returncode}: {done.stderr}"
        assert_clear_error(done, done.returncode)


@pytest.mark.parametrize("what", ["missing.zip", "/dev/zero", "fifo"])
def test_what_is_no_file_is_not_imported(shop, what):
    os.mkfifo(shop.home / "fifo")
    with nothing_changes(shop.store):
        done = shop.run("import", what, "shop")
    assert done.returncode in (NOT_FOUND, CORRUPT, REFUSED, USAGE), f"{done.returncode}: {done.stderr}"
    assert_clear_error(done, done.returncode)


# --- names and versions --------------------------------------------------------------------------------------------

BAD_NAMES = ["", "a" * 129, "a:b", "a:1", "-x", "--", "a/b", "a..b", "HEAD", "a.lock", "a.", "a b", "a\nb", "ä", "../a"]


@pytest.mark.parametrize("name", BAD_NAMES, ids=lambda name: repr(name)[:20])
def test_a_bad_pod_name(shop, name):
    for arguments in (("commit", "--from", "version-1.zip", "--", name), ("import", "--", "version-1.zip", name),
                      ("copy", "--", "shop", name), ("import", "version-1.zip", name)):
        with nothing_changes(shop.store):
            assert_clear_error(shop.run(*arguments), USAGE)


def test_a_pod_name_that_differs_in_case_alone(shop):
    with nothing_changes(shop.store):
        for arguments in (("import", "version-1.zip", "SHOP"), ("copy", "shop", "Shop")):
            assert_clear_error(shop.run(*arguments), CONFLICT)


@pytest.mark.parametrize("ref", ["nothing", "nothing:1", "shop:3", "shop:99999999999", "shop~2", "rev:deadbeef",
                                 "rev:refs/heads/none"])
@pytest.mark.parametrize("command", ["show", "log", "export", "checkout", "inject", "copy", "diff"])
def test_a_version_that_does_not_exist(shop, command, ref):
    behind = {"export": ["out.zip"], "checkout": ["out"], "copy": ["other"], "diff": ["shop"]}.get(command, [])
    with nothing_changes(shop.store):
        assert_clear_error(shop.run(command, ref, *behind), NOT_FOUND)
    assert not (shop.home / "out").exists() and not (shop.home / "out.zip").exists()


@pytest.mark.parametrize("ref", ["shop:0", "shop:-1", "shop:x", "shop:1:2", "shop~x", "shop:99999999999999999999", "rev:"])
def test_a_version_that_cannot_be(shop, ref):
    done = shop.run("show", ref)
    assert done.returncode in (USAGE, NOT_FOUND)
    assert_clear_error(done, done.returncode)


# --- many at once --------------------------------------------------------------------------------------------------

def test_commits_at_once_all_succeed_in_some_order(shop):
    writers = 8
    for number in range(writers):
        (shop.home / f"state-{number}").mkdir()
        (shop.home / f"state-{number}" / "file").write_text(f"writer {number}")
    running = [subprocess.Popen([shop._binary, "commit", "shop", "--from", f"./state-{number}", "-m", f"writer {number}"],
                                env=shop._environment, cwd=shop.home, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                stderr=subprocess.PIPE, text=True) for number in range(writers)]
    for process in running:
        _, told = process.communicate(timeout=120)
        assert process.returncode == 0, told
    subjects = git(shop.store, "log", "--first-parent", "--format=%s", "shop").splitlines()
    assert len(subjects) == writers + 2
    assert sorted(subjects[:writers]) == [f"writer {number}" for number in range(writers)]
    assert_sound(shop.store)
    assert shop.run("show", f"shop:{writers + 2}").returncode == 0


def test_a_writer_that_stands_still_makes_others_wait_and_then_say_who(shop):
    (shop.store / "pod" / "lock").touch()
    holder = subprocess.Popen(["flock", "--exclusive", str(shop.store / "pod" / "lock"), "sleep", "60"],
                              start_new_session=True)
    try:
        time.sleep(0.5)
        for reader in (("log", "shop"), ("list",), ("checkout", "shop", "out")):
            assert shop.run(*reader).returncode == 0
        with nothing_changes(shop.store):
            done = shop.run("import", "version-1.zip", "shop")
        assert_clear_error(done, 10)
    finally:
        os.killpg(holder.pid, signal.SIGKILL)
        holder.wait()
    assert shop.run("import", "version-1.zip", "shop").returncode == 0


# --- folders -------------------------------------------------------------------------------------------------------

def test_a_checkout_into_a_folder_with_links_follows_none(shop):
    outside = shop.home / "outside"
    (outside / "sub").mkdir(parents=True)
    (outside / "secret").write_text("precious")
    target = shop.home / "target"
    target.mkdir()
    (target / "assets").symlink_to(outside, target_is_directory=True)
    (target / "api_states").symlink_to(outside / "sub", target_is_directory=True)
    (target / "file").symlink_to(outside / "secret")

    assert_clear_error(shop.run("checkout", "shop", target), CONFLICT)
    assert sorted(path.name for path in target.iterdir()) == ["api_states", "assets", "file"]

    assert shop.run("checkout", "shop", target, "--force").returncode == 0
    assert sorted(path.name for path in target.iterdir()) == ["api_states", "assets"]
    assert not (target / "assets").is_symlink()
    assert (outside / "secret").read_text() == "precious"
    assert sorted(path.name for path in outside.iterdir()) == ["secret", "sub"]
    assert list((outside / "sub").iterdir()) == []
    assert [path for path in shop.home.iterdir() if path.name.startswith(".")] == []


def test_a_checkout_into_a_link_or_a_file_is_refused(shop):
    (shop.home / "real").mkdir()
    (shop.home / "link").symlink_to("real", target_is_directory=True)
    (shop.home / "file").write_text("precious")
    for target in ("link", "file"):
        assert_clear_error(shop.run("checkout", "shop", target, "--force"), REFUSED)
    assert (shop.home / "link").is_symlink() and list((shop.home / "real").iterdir()) == []
    assert (shop.home / "file").read_text() == "precious"


def test_a_commit_from_a_folder_with_links_and_pipes_leaves_them_out(shop):
    folder = shop.home / "state"
    folder.mkdir()
    (folder / "real").write_text("in")
    (folder / "link").symlink_to("/etc/passwd")
    os.mkfifo(folder / "pipe")
    done = shop.run("commit", "other", "--from", "./state")
    assert done.returncode == 0, done.stderr
    assert "link" in done.stderr and "pipe" in done.stderr
    assert git(shop.store, "ls-tree", "-r", "--name-only", "other").splitlines() == ["real"] or \
        "link" not in git(shop.store, "ls-tree", "-r", "--name-only", "other")


# --- stores --------------------------------------------------------------------------------------------------------

@pytest.fixture
def read_only_shop(shop):
    """The same store for somebody who may not write it. As root, who may write everything, that is another user."""
    as_nobody = os.geteuid() == 0
    if as_nobody:
        home = Path(tempfile.mkdtemp(prefix="podgit-nobody-", dir="/tmp"))
        shutil.copytree(shop.home, home, dirs_exist_ok=True)
        subprocess.run(["chown", "-R", "65534:65534", home], check=True)
        binary = home / "podgit"  # /root is closed to them
        libraries = home / "lib"
        libraries.mkdir()
        shutil.copy(shop._binary, binary)
        for line in subprocess.run(["ldd", shop._binary], capture_output=True, text=True).stdout.splitlines():
            if "libpod" in line:
                shutil.copy(line.split("=>")[1].split("(")[0].strip(), libraries)
        environment = {name: value.replace(str(shop.home), str(home)) for name, value in shop._environment.items()}
        environment["LD_LIBRARY_PATH"] = str(libraries)
        command = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", str(binary)]
    else:
        home, environment, command = shop.home, shop._environment, [shop._binary]
    store = home / "store"
    subprocess.run(["chmod", "-R", "a-w", store], check=True)

    def run(*arguments):
        return subprocess.run([*command, *arguments], env=environment, cwd=home, stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, timeout=120)

    run.store = store
    yield run
    subprocess.run(["chmod", "-R", "u+w", store], check=True)
    if as_nobody:
        shutil.rmtree(home)


def test_a_read_only_store_can_be_read_and_refuses_changes(read_only_shop):
    before = refs(read_only_shop.store)
    for arguments in (("log", "shop"), ("list",), ("show", "shop:1"), ("diff", "shop:1", "shop:2")):
        done = read_only_shop(*arguments)
        assert done.returncode == 0, done.stderr
    for arguments in (("import", "version-1.zip", "shop"), ("copy", "shop", "other"), ("delete", "shop", "--yes"), ("undo",)):
        assert_clear_error(read_only_shop(*arguments), DENIED)
    assert refs(read_only_shop.store) == before
    assert git(read_only_shop.store, "fsck", "--strict", "--no-progress") == ""
    assert left_overs(read_only_shop.store) == []


def newest(store, pattern):
    return max(Path(store).glob(pattern), key=lambda path: path.stat().st_mtime_ns)


def cut(path, keep=0.5):
    path.chmod(0o600)
    os.truncate(path, int(path.stat().st_size * keep))


@pytest.mark.parametrize("keep", [0, 0.1, 0.5, 0.99])
@pytest.mark.parametrize("part", ["pack", "idx"])
def test_a_store_with_a_cut_pack_says_so_and_loses_nothing_more(shop, part, keep):
    cut(newest(shop.store, f"objects/pack/*.{part}"), keep)
    before = {path: path.read_bytes() for path in shop.store.rglob("*") if path.is_file() and "pod/lock" not in str(path)}
    done = shop.run("checkout", "shop:2", "out")
    if part == "pack" or done.returncode != 0:
        assert_clear_error(done, CORRUPT)
        assert not (shop.home / "out").exists()
    else:  # an index can be made again from its pack
        assert (shop.home / "out" / SQS).read_bytes() == pickle.dumps("queue 2")
    for arguments in (("doctor",), ("log", "shop"), ("import", "version-1.zip", "shop"), ("list",)):
        done = shop.run(*arguments)
        if done.returncode != 0 and arguments[0] != "doctor":
            assert_clear_error(done, CORRUPT)
        assert done.returncode >= 0, f"{arguments} died: {done.stderr}"
    for path, content in before.items():
        if path.suffix == ".pack":
            assert path.read_bytes() == content, "what is left of a pack is evidence"
    # The first version lies in a pack of its own.
    done = shop.run("checkout", "rev:" + first_commit(before), "old")
    assert done.returncode == 0, done.stderr
    assert (shop.home / "old" / SQS).read_bytes() == pickle.dumps("queue 1")


def first_commit(files):
    """Id of the first version by the journal, which names it before anything can be asked of git."""
    journal = next(content for path, content in files.items() if path.name == "journal")
    return json.loads(journal.splitlines()[0])["after"]


@pytest.mark.parametrize("keep", [0, 0.5], ids=["empty", "half"])
def test_a_cut_ref_is_named_or_restored_from_the_journal(shop, keep):
    before = refs(shop.store)
    cut(shop.store / "refs" / "heads" / "shop", keep)
    done = shop.run("show", "shop")
    if done.returncode != 0:
        assert_clear_error(done, CORRUPT)
    done = shop.run("import", "version-1.zip", "other")  # a writer repairs
    assert done.returncode == 0, done.stderr
    assert shop.run("delete", "other", "--yes").returncode == 0
    assert [line for line in refs(shop.store).splitlines() if "/heads/" in line] == \
        [line for line in before.splitlines() if "/heads/" in line]
    assert_sound(shop.store)


@pytest.mark.parametrize("cut_bytes", [1, 2, 40])
def test_a_cut_last_line_of_the_journal_is_repaired(shop, cut_bytes):
    journal = shop.store / "pod" / "journal"
    os.truncate(journal, journal.stat().st_size - cut_bytes)
    assert shop.run("log", "shop").returncode == 0
    (shop.home / "state").mkdir()
    (shop.home / "state" / "file").write_text("new")
    done = shop.run("commit", "shop", "--from", "./state")
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("error[") == 0
    assert shop.run("undo").returncode == 0
    assert_sound(shop.store)


def test_a_journal_that_is_gone_loses_no_version(shop):
    (shop.store / "pod" / "journal").write_bytes(b"")
    for arguments in (("log", "shop"), ("show", "shop:2"), ("import", "version-1.zip", "shop")):
        done = shop.run(*arguments)
        assert done.returncode == 0 or "error[" in done.stderr, done.stderr
    assert "shop:2" in shop.run("versions", "shop").stdout or "2" in shop.run("versions", "shop").stdout
    assert_sound(shop.store)


@pytest.mark.parametrize("content", [b"", b"{", b'{"format": 1}', b"\xff\xfe", b"[" * 100000],
                         ids=["empty", "cut", "without its check", "not text", "deep"])
def test_a_damaged_marker_is_corrupt_and_never_an_empty_store(shop, content):
    marker = shop.store / "pod" / "format"
    good = marker.read_bytes()
    before = refs(shop.store)
    marker.write_bytes(content)
    for arguments in (("list",), ("log", "shop"), ("import", "version-1.zip", "shop")):
        done = shop.run(*arguments)
        assert done.returncode in (CORRUPT, REFUSED), done.stderr
        assert_clear_error(done, done.returncode)
    marker.write_bytes(good)
    assert refs(shop.store) == before
    assert shop.run("list").returncode == 0


def test_a_store_of_a_newer_format_is_left_alone(shop):
    marker = shop.store / "pod" / "format"
    good = json.loads(marker.read_bytes())
    assert good["format"] == 1
    newer = {"format": 99, "features": ["something new"]}
    canonical = json.dumps(newer, sort_keys=True, separators=(",", ":")) + "\n"
    newer["check"] = hashlib.sha256(canonical.encode()).hexdigest()
    marker.write_text(json.dumps(newer))
    with nothing_changes(shop.store):
        for arguments in (("list",), ("log", "shop"), ("import", "version-1.zip", "shop")):
            done = shop.run(*arguments)
            assert_clear_error(done, INCOMPATIBLE)
            assert "99" in done.stderr
    assert json.loads(marker.read_bytes()) == newer


def test_what_is_no_store_is_not_made_one(shop):
    folder = shop.home / "documents"
    folder.mkdir()
    (folder / "letter.txt").write_text("dear")
    for arguments in (("list",), ("import", "version-1.zip", "shop")):
        done = shop.run("--store", folder, *arguments)
        assert done.returncode != 0
        assert_clear_error(done, done.returncode)
    assert [path.name for path in folder.iterdir()] == ["letter.txt"]


# --- state that would run code -------------------------------------------------------------------------------------

def stack_global(module, name, argument):
    """A protocol 4 pickle that calls module.name(argument)."""
    def text(value):
        return b"\x8c" + bytes([len(value)]) + value.encode()
    return b"\x80\x04" + text(module) + text(name) + b"\x93" + text(argument) + b"\x85R."


def hostile_states(canary):
    command = f"touch {canary}"
    return {
        "os.system": b"\x80\x04cos\nsystem\n(S'" + command.encode() + b"'\ntR.",
        "os.system in the oldest protocol": b"cos\nsystem\n(S'" + command.encode() + b"'\ntR.",
        "os.system by its other name": stack_global("posix", "system", command),
        "dotted walk": stack_global("moto.core.utils", "os.system", command),
        "dotted walk from a model": stack_global("moto.sqs.models", "SQSBackend.__init__.__globals__", command),
        "builtins.eval": stack_global("builtins", "eval", f"open({str(canary)!r}, 'w')"),
        "subprocess": stack_global("subprocess", "check_output", command),
        "instance opcode": b"\x80\x04(S'" + command.encode() + b"'\nios\nsystem\n.",
        "cut off": b"\x80\x04\x95\x10\x00\x00\x00\x00\x00\x00\x00}",
        "empty": b"",
        "unknown opcode": b"\x80\x04\xff.",
        "two pickles": b"\x80\x04N." + stack_global("os", "system", command),
    }


@pytest.fixture(scope="module")
def agent(start):
    return start()


def queues(agent):
    import boto3
    client = boto3.client("sqs", endpoint_url=agent.endpoint, region_name="us-east-1", aws_access_key_id="test",
                          aws_secret_access_key="test")
    return sorted(client.list_queues().get("QueueUrls", [])), client


@pytest.mark.parametrize("attack", hostile_states("x"))
def test_an_agent_refuses_state_that_names_what_may_not_be_loaded(podgit, agent, attack, tmp_path):
    canary = tmp_path / "canary"
    before, client = queues(agent)
    if not before:
        client.create_queue(QueueName="precious")
        before, _ = queues(agent)
        assert before
    digest = capture_digest(agent)
    archive = podgit.home / "hostile.zip"
    # Two services, so that a service by service load would show.
    archive.write_bytes(archive_of({SQS: hostile_states(canary)[attack],
                                    SQS.replace("sqs", "sns"): hostile_states(canary)[attack]}))
    assert podgit.run("import", archive, "hostile").returncode == 0
    for arguments in (("inject", "hostile", "--force"), ("inject", "hostile", "--force", "--strategy", "overwrite", "--yes"),
                      ("state", "import", archive, "--force"),
                      ("state", "import", archive, "--force", "--strategy", "overwrite", "--yes")):
        with nothing_changes(podgit.store):
            done = podgit.run(*arguments, instance=agent.endpoint)
        assert done.returncode in (CORRUPT, REFUSED), f"{done.returncode}: {done.stderr}"
        assert_clear_error(done, done.returncode)
        assert not canary.exists()
        assert queues(agent)[0] == before
        assert capture_digest(agent) == digest
    done = podgit.run("undo", instance=agent.endpoint)  # of the import: a refused inject is no operation
    assert done.returncode == 0, done.stderr
    assert queues(agent)[0] == before


def capture_digest(agent):
    import io
    import zipfile
    with zipfile.ZipFile(io.BytesIO(agent.capture())) as archive:
        return json.loads(archive.read(".pod/capture.json"))["digest"]


@pytest.mark.parametrize("name", ["leaves the folder", "duplicate", "symbolic link", "claims less", "cut", "no archive"])
def test_a_bad_archive_does_not_reach_an_agent(podgit, agent, name):
    digest = capture_digest(agent)
    archive = podgit.home / "bad.zip"
    archive.write_bytes(bad_archives.BAD[name])
    done = podgit.run("state", "import", archive, "--strategy", "overwrite", "--yes", "--force", instance=agent.endpoint)
    assert done.returncode in (CORRUPT, REFUSED), f"{done.returncode}: {done.stderr}"
    assert_clear_error(done, done.returncode)
    assert capture_digest(agent) == digest


def test_a_pod_of_another_emulator_needs_force(podgit, agent):
    archive = podgit.home / "other.zip"
    archive.write_bytes(archive_of({SQS: b"\x80\x04N."}, emulator={**bad_archives.EMULATOR, "version": "4.0.0"}))
    assert podgit.run("import", archive, "other").returncode == 0
    digest = capture_digest(agent)
    with nothing_changes(podgit.store):
        done = podgit.run("inject", "other", instance=agent.endpoint)
    assert_clear_error(done, INCOMPATIBLE)
    assert "4.0.0" in done.stderr and "5.2.1" in done.stderr and "--force" in done.stderr
    assert capture_digest(agent) == digest
