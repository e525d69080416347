"""SQLite databases that somebody writes while they are committed, or was writing when he died."""

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time

import pytest

from sound_store import assert_sound
from test_kill import strace_works

# Each transaction puts one row into `first` and one into `second`: a version with other numbers of them is torn.
WRITER = """
import os, signal, sqlite3, sys, time
path, mode, rows, die = sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4] == "die"
database = sqlite3.connect(path, isolation_level=None, timeout=30)
database.execute(f"PRAGMA journal_mode={mode}")
database.execute("PRAGMA synchronous=OFF")
database.execute("CREATE TABLE IF NOT EXISTS first (n INTEGER PRIMARY KEY, body TEXT)")
database.execute("CREATE TABLE IF NOT EXISTS second (n INTEGER PRIMARY KEY, body TEXT)")
if die:  # leaves pages of a transaction in the database itself
    database.execute("PRAGMA cache_size=5")
for number in range(rows):
    database.execute("BEGIN IMMEDIATE")
    database.execute("INSERT INTO first VALUES (?, ?)", (number, "x" * (number % 700)))
    database.execute("INSERT INTO second VALUES (?, ?)", (number, "y" * (number % 900)))
    database.execute("COMMIT")
    if not die:
        time.sleep(0.003)
    if number == 10:
        print("writing", flush=True)
if die:
    database.execute("BEGIN IMMEDIATE")
    database.execute("UPDATE first SET body = 'torn' || body")
    database.execute("INSERT INTO first SELECT n + 1000000, body FROM first")
    os.kill(os.getpid(), signal.SIGKILL)
"""


def writer(path, mode, rows, die=False):
    return subprocess.Popen([sys.executable, "-c", WRITER, str(path), mode, str(rows), "die" if die else "live"],
                            stdout=subprocess.PIPE, text=True)


def killed(path, mode, rows=300):
    process = writer(path, mode, rows, die=True)
    assert process.wait(60) == -signal.SIGKILL
    process.stdout.close()


def rows_of(path):
    """The number of transactions that the database holds; whole ones, the first ones, all sound."""
    assert not any(os.path.exists(f"{path}{end}") for end in ("-wal", "-journal", "-shm"))
    # A copy: to open one in WAL mode makes files beside it.
    copy = f"{path}.look"
    shutil.copyfile(path, copy)
    database = sqlite3.connect(copy)
    assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    first, second = ([row[0] for row in database.execute(f"SELECT n FROM {table} ORDER BY n")] for table in ("first", "second"))
    torn = database.execute("SELECT count(*) FROM first WHERE body LIKE 'torn%'").fetchone()[0]
    database.close()
    for end in ("", "-wal", "-shm"):
        if os.path.exists(copy + end):
            os.unlink(copy + end)
    assert first == second == list(range(len(first))) and torn == 0
    return len(first)


def state_of(folder):
    """What a capture must not change: names, bytes, times."""
    return {path.name: (path.read_bytes(), path.stat().st_mtime_ns, path.stat().st_ino) for path in folder.iterdir()}, \
        folder.stat().st_mtime_ns


@pytest.fixture
def state(podgit):
    folder = podgit.home / "state"
    folder.mkdir()
    (folder / "plain.txt").write_text("plain")
    return folder


@pytest.mark.parametrize("mode", ["wal", "delete", "truncate", "persist"])
def test_every_version_of_a_database_that_is_being_written_holds_the_first_transactions(podgit, state, mode):
    process = writer(state / "data.db", mode, 10_000_000)
    try:
        assert process.stdout.readline() == "writing\n"
        for _ in range(20 if mode == "wal" else 6):
            done = podgit.run("commit", "shop", "--from", "./state")
            assert done.returncode == 0, done.stderr
            assert "as they lie" not in done.stderr
        versions = podgit.ask("versions", "shop")["data"]["versions"]
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
    assert len(versions) > (10 if mode == "wal" else 2)
    seen = []
    for number in range(1, len(versions) + 1):
        assert podgit.run("checkout", f"shop:{number}", "out", "--force").returncode == 0
        assert sorted(path.name for path in (podgit.home / "out").iterdir()) == ["data.db", "plain.txt"]
        seen.append(rows_of(podgit.home / "out/data.db"))
    assert seen == sorted(seen) and seen[0] > 10 and seen[-1] > seen[0]
    assert_sound(podgit.store)


@pytest.mark.parametrize("mode", ["wal", "delete"])
def test_what_a_killed_writer_left_is_taken_as_sqlite_would_and_the_folder_is_not_touched(podgit, state, mode):
    killed(state / "data.db", mode)
    assert (state / ("data.db-wal" if mode == "wal" else "data.db-journal")).stat().st_size > 0
    before = state_of(state)
    assert podgit.ask("commit", "shop", "--from", "./state")["data"]["files"] == 2
    assert state_of(state) == before
    # The same state is the same tree: read again, known, and once the database was closed as it should be.
    for _ in range(2):
        assert podgit.ask("commit", "shop", "--from", "./state")["data"]["created"] is False
    shutil.rmtree(podgit.store / "pod" / "stat")
    assert podgit.ask("commit", "shop", "--from", "./state")["data"]["created"] is False
    assert podgit.run("checkout", "shop", "out").returncode == 0
    assert rows_of(podgit.home / "out/data.db") == 300
    database = sqlite3.connect(state / "data.db")
    assert database.execute("SELECT count(*) FROM first").fetchone() == (300,)
    database.close()
    assert not (state / "data.db-wal").exists() and not (state / "data.db-journal").exists()
    assert podgit.ask("commit", "shop", "--from", "./state")["data"]["created"] is False
    assert (podgit.home / "out/data.db").read_bytes() == (state / "data.db").read_bytes()


def test_a_log_that_goes_or_changes_is_seen_though_the_database_stays(podgit, state):
    killed(state / "data.db", "wal")
    podgit.ask("commit", "shop", "--from", "./state")
    time.sleep(0.05)
    podgit.ask("commit", "shop", "--from", "./state")
    (state / "data.db-wal").unlink()
    (state / "data.db-shm").unlink()
    assert podgit.ask("commit", "shop", "--from", "./state")["data"]["created"] is True
    assert podgit.run("checkout", "shop", "out").returncode == 0
    assert (podgit.home / "out/data.db").read_bytes() == (state / "data.db").read_bytes()


@pytest.mark.parametrize("what", ["text", "damaged", "locked"])
def test_what_cannot_be_copied_so_is_stored_as_it_lies_and_that_is_said(podgit, state, what):
    holder = None
    if what == "text":
        (state / "data.db").write_text("notes")
        (state / "data.db-journal").write_text("more notes")
    elif what == "damaged":
        (state / "data.db").write_bytes(b"SQLite format 3\0" + b"\xff" * 5000)
        (state / "data.db-journal").write_bytes(bytes(512))
    else:
        killed(state / "data.db", "wal")
        holder = subprocess.Popen([sys.executable, "-c", "import fcntl, sys, time\nfile = open(sys.argv[1], 'r+b')\n"
                                   "fcntl.lockf(file, fcntl.LOCK_EX, 512, 0x40000000)\nprint(flush=True)\ntime.sleep(60)",
                                   str(state / "data.db")], stdout=subprocess.PIPE)
        holder.stdout.readline()
    try:
        done = podgit.run("commit", "shop", "--from", "./state")
    finally:
        if holder:
            holder.kill()
            holder.wait()
            holder.stdout.close()
    assert done.returncode == 0, done.stderr
    assert 'stored "data.db" and the log beside it as they lie: ' in done.stderr
    assert podgit.run("checkout", "shop", "out").returncode == 0
    for path in state.iterdir():
        assert (podgit.home / "out" / path.name).read_bytes() == path.read_bytes()


def test_a_journal_that_names_another_file_removes_nothing(podgit, state):
    killed(state / "data.db", "delete")
    precious = podgit.home / "precious"
    precious.write_bytes(b"\0" * 100)
    name = str(precious).encode()
    journal = state / "data.db-journal"
    journal.write_bytes(journal.read_bytes() + (0x40000000 // 65536 + 1).to_bytes(4, "big") + name +
                        len(name).to_bytes(4, "big") + sum(name).to_bytes(4, "big") + bytes.fromhex("d9d505f920a163d7"))
    done = podgit.run("commit", "shop", "--from", "./state")
    assert done.returncode == 0 and "a transaction over several databases" in done.stderr
    assert precious.exists()


@pytest.mark.skipif(not strace_works(), reason="strace may not trace")
def test_copies_of_databases_go_with_a_killed_commit(podgit, state):
    killed(state / "data.db", "wal", rows=3000)
    done = podgit.run("commit", "shop", "--from", "./state", prefix=(
        "strace", "-f", "-qq", "-o", "/dev/null", "-e", "trace=copy_file_range", "-e", "signal=none", "-e",
        "inject=copy_file_range:signal=KILL:when=2"))
    assert done.returncode != 0 and list((podgit.store / "pod" / "tmp").iterdir())
    assert podgit.run("commit", "shop", "--from", "./state").returncode == 0
    assert not list((podgit.store / "pod" / "tmp").iterdir())
    assert_sound(podgit.store)
