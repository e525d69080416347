#!/usr/bin/env python3
"""Makes the store beside it, as the podgit of today writes it, and what must be found in it. Run with the tests' Python:

    PODGIT=build/release/tools/podgit/podgit build/venv/bin/python tests/data/stores/make.py v1

Once a format is out its store stays as it is: a podgit that reads another one gets a store of its own, under another name.
Needs git, strace and what the scenarios need. Ids and times are of the run."""

import hashlib
import json
import os
import pickle
import random
import shutil
import sqlite3
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[1] / "scenario"))

import boto3  # noqa: E402
from conftest import Agent, Podgit, _find_podgit  # noqa: E402
from sound_store import assert_sound, git  # noqa: E402

WORDS = [f"word{number}" for number in range(50)]


def digest_of(folder):
    """Paths, the owner's executable bit and contents of all files, and the empty folders."""
    sha = hashlib.sha256()
    for path in sorted(folder.rglob("*"), key=lambda path: os.fsencode(path.relative_to(folder))):
        name = os.fsencode(path.relative_to(folder))
        if path.is_dir():
            if not any(path.iterdir()):
                sha.update(b"folder " + name + b"\0")
        else:
            kind = b"program " if path.stat().st_mode & 0o100 else b"file "
            sha.update(kind + name + b"\0" + hashlib.sha256(path.read_bytes()).digest())
    return sha.hexdigest()


def state_of(store, tree):
    """What a tree holds beside what podgit says of it; as stock git has it."""
    lines = [line for line in git(store, "ls-tree", tree).splitlines() if not line.endswith("\t.pod")]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def lines(seed, count):
    """Text that deflate makes far smaller, and that is cut by content all the same."""
    rng = random.Random(seed)
    stock = [" ".join(rng.choices(WORDS, k=24)) for _ in range(5)]
    return [f"{number:08} {rng.choice(stock)}\n" for number in range(count)]


def write(path, content):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())


def write_files(folder):
    """Files of every kind that a tree tells apart."""
    write(folder / "api_states/000000000000/sqs/us-east-1/backend.state", json.dumps({"queues": {"orders": {"messages": [1, 2, 3]}}}))
    write(folder / "assets/empty", b"")
    write(folder / "assets/run.sh", "#!/bin/sh\necho run\n")
    (folder / "assets/run.sh").chmod(0o755)
    (folder / "assets/nothing/at all").mkdir(parents=True)
    body = b"a body of an object " * 300
    digest = hashlib.sha256(body).hexdigest()
    write(folder / f"assets/s3/blobs/{digest[:2]}/{digest}", body)
    for name in ("größe", "100%", ".GIT", "git~1", "back\\slash", "line\nfeed", "not.chunks", "plain"):
        write(folder / "assets/names" / name, name)
    write(folder / "assets/names" / os.fsdecode(b"\xff\xfe"), "no UTF-8")
    log = "".join(lines("log", 6_800))
    write(folder / "assets/large/log", log)
    write(folder / "assets/large/zeros", bytes(1_050_000))
    write(folder / "assets/large/pickle", pickle.dumps(lines("pickle", 6_800), protocol=4).replace(b"\x80\x04\x95", b"\x80\x04\x96", 1))
    database = sqlite3.connect(folder / "assets/large/database")
    database.execute("CREATE TABLE items (key INTEGER PRIMARY KEY, body BLOB)")
    database.executemany("INSERT INTO items VALUES (?, zeroblob(4000))", ((key,) for key in range(300)))
    database.commit()
    database.close()


def change_files(folder):
    path = folder / "assets/large/log"
    text = path.read_text()
    path.write_text(text[:500_000] + "inserted\n" + text[500_000:])
    database = sqlite3.connect(folder / "assets/large/database")
    database.execute("UPDATE items SET body = 'changed' WHERE key = 150")
    database.commit()
    database.close()
    write(folder / "assets/plain", "new")
    (folder / "assets/empty").unlink()


def versions_of(podgit, pod, scratch):
    found = []
    for version in podgit.ask("log", pod)["data"]["versions"]:
        reference = f"rev:{version['commit']}"
        out = scratch / "out"
        podgit.ask("checkout", reference, str(out))
        keep = {key: version[key] for key in ("number", "commit", "tree", "parents", "time", "author", "message")}
        found.append(keep | {"state": state_of(podgit.store, version["tree"]), "digest": digest_of(out)})
        shutil.rmtree(out)
    return found


def stock_git_works_too(podgit, scratch):
    """A branch of commits that podgit did not make: packs with both kinds of deltas, and a loose commit."""
    clone = scratch / "clone"
    git(podgit.store, "clone", "-q", str(podgit.store), str(clone))
    git(clone, "config", "user.name", "Grace")
    git(clone, "config", "user.email", "grace@example.org")
    git(clone, "checkout", "-q", "--orphan", "by-git")
    git(clone, "rm", "-rfq", ".")
    text = lines("by git", 300)
    for number, options in enumerate((["--delta-base-offset"], [])):
        for line in range(3):
            write(clone / f"file {number}", "".join(text[number * 10 + line:]))
            git(clone, "add", "-A")
            git(clone, "commit", "-q", "-m", f"commit {number}.{line} of stock git")
        objects = git(clone, "rev-list", "--objects", "--no-object-names", "-3", "by-git")
        subprocess.run(["git", "-C", clone, "pack-objects", "-q", *options, podgit.store / "objects/pack/pack"],
                       input=objects, text=True, check=True, capture_output=True)
    git(clone, "tag", "-a", "-m", "a tag", "by-git-tag")
    git(podgit.store, "fetch", "-q", str(clone), "by-git:by-git", "tag", "by-git-tag")
    (podgit.store / "FETCH_HEAD").unlink()
    loose = git(podgit.store, "-c", "user.name=Grace", "-c", "user.email=grace@example.org", "commit-tree", "by-git^{tree}", "-p", "by-git", "-m", "loose")
    git(podgit.store, "update-ref", "refs/heads/by-git", loose.strip())


def kill_between_journal_and_ref(podgit):
    """The next writer notes in the journal that it did not come to pass."""
    for when in range(1, 12):
        before = (podgit.store / "pod/journal").read_bytes()
        ref = git(podgit.store, "rev-parse", "notes")
        podgit.run("copy", "files:1", f"killed-{when}", prefix=["strace", "-f", "-qq", "-o", "/dev/null", "-e", "trace=rename",
                                                                "-e", f"inject=rename:signal=KILL:when={when}"])
        if (podgit.store / "pod/journal").read_bytes() != before and not (podgit.store / f"refs/heads/killed-{when}").exists():
            return
        assert ref == git(podgit.store, "rev-parse", "notes")
    sys.exit("the command was never killed between its journal and its ref")


def tell_the_story(podgit, agent, scratch):
    client = lambda service: boto3.client(service, endpoint_url=agent.endpoint, region_name="us-east-1",  # noqa: E731
                                          aws_access_key_id="test", aws_secret_access_key="test")
    ask = lambda *arguments: podgit.ask(*arguments, instance=agent.endpoint)  # noqa: E731
    folder = scratch / "files"
    write_files(folder)
    ask("commit", "files", "--from", str(folder), "-m", "first")
    change_files(folder)
    ask("commit", "files", "--from", str(folder), "-m", "second\n\nwith a body\n\nPod-Version: 77")
    for number in range(3):
        write(scratch / "notes/note", f"note {number}\n" * 200)
        ask("commit", "notes", "--from", str(scratch / "notes"), "-m", f"note {number}")
    write(scratch / "gone/file", "of a pod that nothing refers to any more\n" * 100)
    ask("commit", "gone", "--from", str(scratch / "gone"), "-m", "gone")
    ask("delete", "gone")
    ask("copy", "files:1", "branch")  # or else undo would need what was deleted
    for ref in (podgit.store / "refs/pod/journal").iterdir():
        git(podgit.store, "update-ref", "-d", f"refs/pod/journal/{ref.name}")
    ask("gc")
    git(podgit.store, "pack-refs", "--all")

    queue = client("sqs").create_queue(QueueName="orders")["QueueUrl"]
    client("sqs").send_message(QueueUrl=queue, MessageBody="a message")
    client("s3").create_bucket(Bucket="pictures")
    client("s3").put_object(Bucket="pictures", Key="large", Body=b"picture " * 1000)
    ask("commit", "shop", "-m", "captured")
    client("sqs").create_queue(QueueName="another")
    ask("commit", "shop", "-m", "one queue more")
    ask("inject", "shop:1")
    ask("export", "shop:2", str(scratch / "shop.zip"))
    ask("import", str(scratch / "shop.zip"), "imported", "-m", "imported")
    write(folder / "assets/plain", "of the branch")
    ask("commit", "branch", "--from", str(folder), "-m", "on the branch")
    ask("remote", "add", "origin", f"file://{scratch}/remote")
    ask("push", "branch")
    git(podgit.store, "config", "remote.origin.url", "file:///srv/pods")
    kill_between_journal_and_ref(podgit)
    ask("commit", "notes", "--from", str(scratch / "gone"), "-m", "undone")
    ask("undo")
    stock_git_works_too(podgit, scratch)
    (podgit.store / "config").write_text((podgit.store / "config").read_text() + "# a comment\n[user]\n\tname = Ada\n")
    ask("delete", "notes")  # what undo takes back first


def what_it_holds(store):
    names = [str(path.relative_to(store)) for path in store.rglob("*") if path.is_file()]
    has = {
        "packs": sum(name.endswith(".pack") for name in names),
        "times of unreachable objects": sum(name.endswith(".mtimes") for name in names),
        "loose objects": sum(name.startswith("objects/") and name.count("/") == 2 and len(name.split("/")[1]) == 2 for name in names),
        "packed refs": sum(line[0] not in "#^" for line in (store / "packed-refs").read_text().splitlines()),
        "journal": len((store / "pod/journal").read_text().splitlines()),
        "dropped": (store / "pod/journal").read_text().count('"kind":"dropped"'),
        "old tips": len(list((store / "refs/pod/journal").iterdir())),
        "safety versions": len(list((store / "refs/pod/undo").iterdir())),
    }
    assert all(has.values()), (has, sorted(names))
    return has


def main():
    name = sys.argv[1]
    if os.uname().nodename != "example":  # the journal says who did it, and where
        os.execvp("unshare", ["unshare", "--map-root-user", "--uts", "sh", "-c", 'hostname example && exec "$@"', "sh", sys.executable, *sys.argv])
    with tempfile.TemporaryDirectory() as folder:
        podgit = Podgit(_find_podgit(), Path(folder, "home"))
        podgit.home.mkdir()
        podgit._environment |= {"PODGIT_AUTHOR_NAME": "Ada", "PODGIT_AUTHOR_EMAIL": "ada@example.org"}
        podgit.run("init", str(podgit.store))
        agent = Agent(Path(folder, "agent.log"), 1)
        try:
            tell_the_story(podgit, agent, Path(folder))
        finally:
            agent.kill()
        assert_sound(podgit.store)
        whole = Path(folder, "whole")
        shutil.copytree(podgit.store, whole, symlinks=True)
        pods = {pod["name"]: versions_of(podgit, pod["name"], Path(folder)) for pod in podgit.ask("list")["data"]["pods"]}
        expected = {"made by": podgit.ask("version")["data"], "holds": what_it_holds(whole), "pods": pods, "refs": git(whole, "show-ref").splitlines()}
        (HERE / f"{name}.json").write_text(json.dumps(expected, indent=1, ensure_ascii=False) + "\n")
        with tarfile.open(HERE / f"{name}.tar.xz", "w:xz", preset=9) as archive:
            archive.add(whole, "store", filter=nobodys)


def nobodys(info):
    info.uid = info.gid = 0
    info.uname = info.gname = ""
    return info


if __name__ == "__main__":
    main()
