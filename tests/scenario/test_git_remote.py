"""Stock git and a remote of pods: what a remote helper must do, between two people who need not have podgit."""

import os
import re
import signal
import subprocess
import time
import uuid
from pathlib import Path

import pytest
from conftest import ROOT, Podgit, _find_podgit
from forged_remote import BLOB, COMMIT, TREE, ForgedRemote, commit_of, entry, id_of, pack_of, tree_of, whole, zeros
from sound_store import assert_sound
from team import Place


def find_program():
    """Beside podgit where both are installed, in its own folder where they were built."""
    podgit = Path(_find_podgit() or pytest.skip("podgit is not built")).resolve()
    for place in (podgit.parent / "git-remote-pod", podgit.parent.parent / "git-remote-pod" / "git-remote-pod"):
        if place.is_file():
            return place
    pytest.fail("git-remote-pod is not built beside podgit")


class Git:
    """Stock git of one person, with git-remote-pod on the PATH and nobody's configuration."""

    def __init__(self, home, environment):
        home.mkdir()
        self.home = home
        self.environment = {**Podgit("", home)._environment, **environment, "GIT_CONFIG_NOSYSTEM": "1",
                            "PATH": f"{find_program().parent}:{os.environ['PATH']}"}
        (home / ".gitconfig").write_text("[user]\n\tname = somebody\n\temail = some@body.example\n[init]\n\tdefaultBranch = shop\n"
                                         "[advice]\n\tdetachedHead = false\n")

    def run(self, *words, at=None):
        return subprocess.run(["git", *map(str, words)], cwd=at or self.home, env=self.environment, stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, timeout=300)

    def ok(self, *words, at=None):
        done = self.run(*words, at=at)
        assert done.returncode == 0, f"git {words}: {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def refused(self, *words, at=None):
        done = self.run(*words, at=at)
        assert done.returncode != 0, f"git {words} went well\n{done.stdout}\n{done.stderr}"
        return done.stdout + done.stderr


class Clone:
    """A working tree of one person."""

    def __init__(self, git, path, url=None):
        self.git, self.path = git, path
        if url is not None and not path.exists():
            git.ok("init", "-q", path)
            self.ok("remote", "add", "origin", url)

    def ok(self, *words):
        return self.git.ok("-C", self.path, *words)

    def refused(self, *words):
        return self.git.refused("-C", self.path, *words)

    def commit(self, word, name="state"):
        (self.path / name).write_text(word)
        self.ok("add", "-A")
        self.ok("commit", "-qm", word)
        return self.tip()

    def tip(self, revision="HEAD"):
        return self.ok("rev-parse", revision).strip()

    def sound(self):
        said = self.ok("fsck", "--strict", "--full", "--no-progress", "--no-dangling")
        assert said == ""
        kept = self.path / ".git" / "pod"
        assert [path for name in ("tmp", "incoming", "uploads") for path in (kept / name).glob("*")] == []


@pytest.fixture
def folder(tmp_path):
    return Place(f"file://{tmp_path}/pods")


class Pair:
    """Two people: the first has a repository whose branch is pushed, the second its clone."""

    def __init__(self, tmp_path, place):
        self.place, self.url = place, f"pod::{place.url}"
        self.ann = Clone(Git(tmp_path / "ann", place.environment), tmp_path / "ann" / "work", self.url)
        self.bob = Clone(Git(tmp_path / "bob", place.environment), tmp_path / "bob" / "work")

    def begin(self):
        self.ann.commit("one")
        self.ann.ok("push", "-q", "-u", "origin", "shop")
        self.bob.git.ok("clone", "-q", self.url, self.bob.path)
        return self

    def there(self):
        return dict(reversed(line.split("\t")) for line in self.ann.ok("ls-remote", "origin").splitlines())


@pytest.fixture
def pair(tmp_path, folder):
    return Pair(tmp_path, folder)


def test_clone_commit_push_refused_pull_push(tmp_path, place):
    pair = Pair(tmp_path, place).begin()
    ann, bob = pair.ann, pair.bob
    assert bob.tip() == ann.tip() and (bob.path / "state").read_text() == "one"
    assert bob.ok("symbolic-ref", "HEAD") == "refs/heads/shop\n"
    assert bob.ok("status", "-sb").startswith("## shop...origin/shop\n")
    ann.commit("two")
    ann.ok("push")
    bob.commit("mine", "other")
    said = bob.refused("push")
    assert "[rejected]" in said and "git pull" in said
    bob.ok("pull", "-q", "--rebase")
    bob.ok("push")
    ann.ok("pull", "-q", "--ff-only")
    assert ann.ok("log", "--graph", "--format=%H %an %s") == bob.ok("log", "--graph", "--format=%H %an %s")
    assert "Everything up-to-date" in bob.git.run("-C", bob.path, "push").stderr
    for one in (ann, bob):
        one.sound()
        for path in one.git.home.rglob("*"):
            if path.is_file():
                assert not any(secret.encode() in path.read_bytes() for secret in place.secrets), path


def test_an_empty_remote_is_cloned_and_pushed_to(pair):
    assert "is not there" in pair.bob.git.refused("clone", pair.url, pair.bob.path)
    Path(pair.place.url[7:]).mkdir()
    said = pair.bob.git.run("clone", pair.url, pair.bob.path)
    assert said.returncode == 0 and "empty repository" in said.stderr
    assert pair.bob.git.ok("ls-remote", pair.url) == ""
    pair.bob.commit("one")
    pair.bob.ok("push", "-q", "origin", "HEAD")
    assert list(pair.there()) == ["HEAD", "refs/heads/shop"]


def test_branches_are_pods(pair):
    ann, bob = pair.begin().ann, pair.bob
    ann.ok("checkout", "-qb", "orders")
    ann.commit("orders")
    ann.ok("push", "-q", "origin", "orders", "orders~1:refs/heads/earlier")
    assert pair.there()["refs/heads/earlier"] == ann.tip("shop")
    bob.ok("fetch", "-q")
    assert bob.tip("origin/orders") == ann.tip("orders")
    ann.ok("push", "-q", "origin", "--delete", "earlier")
    bob.ok("fetch", "-q", "--prune")
    assert bob.ok("for-each-ref", "--format=%(refname:lstrip=3)", "refs/remotes").split() == ["HEAD", "orders", "shop"]
    assert "refs/heads/earlier" not in pair.there()
    ann.ok("push", "-q", "origin", "shop:earlier")
    assert pair.there()["refs/heads/earlier"] == ann.tip("shop")
    said = ann.refused("push", "origin", "shop:refs/heads/no/pod", "shop:refs/notes/x")
    assert "no/pod" in said and said.count("[remote rejected]") == 2


def test_tags_travel(pair):
    ann, bob = pair.begin().ann, pair.bob
    ann.ok("tag", "light")
    ann.ok("tag", "-am", "a good one", "good")
    ann.ok("push", "-q", "origin", "--tags")
    bob.ok("fetch", "-q")
    assert bob.tip("light") == ann.tip("light")
    bob.ok("fetch", "-q", "--tags")
    assert bob.tip("good") == ann.tip("good")
    assert bob.ok("tag", "-n", "--list", "good").split(None, 1)[1] == "a good one\n"
    ann.commit("two")
    ann.ok("tag", "-f", "light")
    assert "already exists" in ann.refused("push", "origin", "light")
    ann.ok("push", "-q", "--force", "origin", "light")
    assert pair.there()["refs/tags/light"] == ann.tip()
    ann.ok("push", "-q", "origin", "--delete", "light")
    assert "refs/tags/light" not in pair.there()
    ann.ok("tag", "-am", "with its branch", "followed")
    ann.ok("push", "-q", "--follow-tags", "origin", "shop")
    assert "refs/tags/followed" in pair.there()
    bob.ok("fetch", "-q")
    assert bob.tip("followed") == ann.tip("followed")
    other = Clone(bob.git, bob.git.home / "again")
    bob.git.ok("clone", "-q", "--branch", "good", pair.url, other.path)
    assert other.tip() == ann.tip("good^{}")
    blob = ann.tip("shop:state")
    ann.ok("tag", "blob", blob)
    assert "names no commit" in ann.refused("push", "origin", "blob")
    other.sound()


def test_force_and_leases(pair):
    ann, bob = pair.begin().ann, pair.bob
    bob.commit("two")
    bob.ok("push", "-q")
    ann.ok("commit", "-q", "--amend", "-m", "another one")
    assert "[rejected]" in ann.refused("push")
    assert "stale info" in ann.refused("push", "--force-with-lease")
    ann.ok("fetch", "-q")
    assert "non-fast-forward" in ann.refused("push")
    ann.ok("push", "-q", "--force-with-lease")
    bob.ok("fetch", "-q")
    assert bob.tip("origin/shop") == ann.tip()
    assert "forced update" in bob.git.run("-C", bob.path, "push", "--force").stderr
    assert pair.there()["refs/heads/shop"] == bob.tip()
    bob.ok("push", "-q", "origin", "+HEAD~1:shop")
    assert pair.there()["refs/heads/shop"] == bob.tip("HEAD~1")


def test_what_is_refused_moves_nothing_here(pair):
    ann, bob = pair.begin().ann, pair.bob
    bob.commit("two")
    bob.ok("push", "-q")
    seen = ann.tip("origin/shop")
    ann.commit("other")
    ann.refused("push", "origin", "shop", "shop:refs/heads/no/pod")
    assert ann.tip("origin/shop") == seen
    assert ann.refused("rev-parse", "--verify", "-q", "refs/remotes/origin/no/pod") == ""


def test_a_url_needs_no_name(pair):
    ann = pair.begin().ann
    bare = Clone(ann.git, ann.git.home / "bare.git")
    ann.git.ok("init", "-q", "--bare", bare.path)
    bare.ok("fetch", "-q", pair.url, "shop:refs/heads/theirs")
    assert bare.tip("theirs") == ann.tip()
    bare.ok("push", "-q", pair.url, "theirs:refs/heads/again")
    assert pair.there()["refs/heads/again"] == ann.tip()


def test_what_git_does_not_say_is_refused(pair):
    for words in ("export\n", "push nothing\n\n", "fetch nothing\n\n", "list everything\n", "\0\n"):
        done = subprocess.run([find_program(), "origin", pair.place.url], input=words, capture_output=True, text=True, timeout=60,
                              env={**pair.ann.git.environment, "GIT_DIR": str(pair.ann.path / ".git")})
        assert done.returncode == 2 and done.stderr.startswith("error[INVALID_ARGUMENT]"), (words, done)
        assert done.stdout == ""


@pytest.mark.parametrize("name", ["GIT_OBJECT_DIRECTORY", "GIT_ALTERNATE_OBJECT_DIRECTORIES"])
def test_objects_that_lie_elsewhere_are_left_alone(pair, tmp_path, name):
    pair.begin()
    pair.bob.git.environment[name] = str(tmp_path)
    assert f"{name} is set" in pair.bob.refused("fetch")


def test_a_rehearsal_changes_nothing(pair):
    ann = pair.begin().ann
    ann.commit("two")
    before = sorted((path, path.stat().st_mtime_ns) for path in Path(pair.place.url[7:]).rglob("*"))
    assert "shop -> shop" in ann.git.run("-C", ann.path, "push", "--dry-run").stderr
    assert before == sorted((path, path.stat().st_mtime_ns) for path in Path(pair.place.url[7:]).rglob("*"))


def test_all_or_none_goes_within_a_pod(pair):
    ann = pair.begin().ann
    ann.commit("two")
    ann.ok("tag", "second")
    ann.ok("branch", "orders")
    said = ann.refused("push", "--atomic", "origin", "shop", "orders")
    assert said.count("rejected") == 2 and "each pod moves by itself" in said
    assert len(pair.there()) == 2
    ann.ok("push", "-q", "--atomic", "origin", "shop", "second")
    ann.ok("commit", "-q", "--amend", "-m", "another")
    ann.ok("tag", "third")
    ann.refused("push", "--atomic", "origin", "shop", "third")
    assert "refs/tags/third" not in pair.there()
    ann.refused("push", "origin", "shop", "third:refs/tags/fourth")
    assert "refs/tags/third" not in pair.there()


def test_a_mirror_has_what_is_here_and_no_more(pair):
    ann = pair.begin().ann
    ann.ok("branch", "orders")
    ann.ok("tag", "first")
    ann.ok("push", "-q", "origin", "orders")
    mirror = Clone(ann.git, ann.git.home / "mirror.git")
    ann.git.ok("clone", "-q", "--mirror", ann.path, mirror.path)
    mirror.ok("update-ref", "-d", "refs/heads/orders")
    for name in mirror.ok("for-each-ref", "--format=%(refname)", "refs/remotes").split():
        mirror.ok("update-ref", "-d", name)
    mirror.ok("push", "-q", "--mirror", pair.url)
    assert sorted(pair.there()) == ["HEAD", "refs/heads/shop", "refs/tags/first"]


def test_ls_remote_needs_no_repository(pair):
    pair.begin()
    assert pair.bob.git.ok("ls-remote", "--symref", pair.url).splitlines()[0] == "ref: refs/heads/shop\tHEAD"
    assert pair.bob.git.ok("ls-remote", "--heads", pair.url) == f"{pair.ann.tip()}\trefs/heads/shop\n"
    assert not (pair.bob.git.home / "pod").exists()


@pytest.mark.parametrize("words", [("--depth", "1"), ("--shallow-since", "2020-01-01")])
def test_a_shallow_clone_is_refused_plainly(pair, words):
    pair.begin()
    said = pair.bob.git.refused("clone", *words, pair.url, pair.bob.git.home / "shallow")
    assert "no shallow histories" in said and "leave --depth out" in said
    assert not (pair.bob.git.home / "shallow").exists()
    assert "no shallow histories" in pair.bob.refused("fetch", *words)
    pair.bob.sound()


def test_a_worktree_shares_what_was_fetched(pair):
    ann, bob = pair.begin().ann, pair.bob
    bob.ok("worktree", "add", "-q", "--detach", "../beside")
    ann.commit("two")
    ann.ok("push", "-q")
    beside = Clone(bob.git, bob.path.parent / "beside")
    beside.ok("fetch", "-q")
    assert bob.tip("origin/shop") == ann.tip()
    beside.commit("three")
    beside.refused("push", "origin", "HEAD:shop")
    beside.ok("push", "-q", "origin", "HEAD:refs/heads/side")
    assert pair.there()["refs/heads/side"] == beside.tip()


@pytest.mark.parametrize("url, words", [
    ("pod::file:///nonexistent/pods", "no folder|does not exist|not there"),
    ("pod::gopher://bucket", "gopher"),
    ("pod::s3://bucket/pods", "there are no keys"),
    ("pod::s3://AKIDCANARY:CANARY@bucket/pods", "do not belong"),
    ("pod::https://somebody:CANARY@host/pods", "do not belong"),
])
def test_errors_are_git_s_and_plain(tmp_path, url, words):
    git = Git(tmp_path / "eve", {})
    said = git.refused("clone", url, tmp_path / "eve" / "clone")
    assert re.search(words, said), said
    assert "error[" in said
    assert not (tmp_path / "eve" / "clone").exists()
    assert "CANARY" not in said


def test_keys_that_are_wrong_are_told_and_not_shown(tmp_path, bucket_place):
    bucket_place.environment["AWS_SECRET_ACCESS_KEY"] = "CANARY" * 6
    pair = Pair(tmp_path, bucket_place)
    pair.ann.commit("one")
    said = pair.ann.refused("push", "origin", "shop")
    assert "error[DENIED]" in said and "CANARY" not in said


def test_what_no_reader_takes_is_not_sent(pair):
    ann = pair.begin().ann
    ann.commit("* text", ".gitattributes")
    said = ann.refused("push")
    assert "[remote rejected]" in said and ".gitattributes" in said
    ann.ok("reset", "-q", "--hard", "HEAD~1")
    (ann.path / "link").symlink_to("state")
    ann.ok("add", "-A")
    ann.ok("commit", "-qm", "a link")
    assert "neither a file nor a folder" in ann.refused("push")


def test_a_changed_pack_is_refused_and_no_clone_is_left(pair):
    pair.begin()
    for pack in Path(pair.place.url[7:]).rglob("*.pack"):
        content = bytearray(pack.read_bytes())
        content[len(content) // 2] ^= 1
        pack.chmod(0o600)
        pack.write_bytes(content)
    said = pair.bob.git.refused("clone", pair.url, pair.bob.git.home / "again")
    assert "error[CORRUPT]" in said
    assert not (pair.bob.git.home / "again").exists()


BAD = {
    "a file is missing": ("is missing", []),
    "a folder is called .git": ("means something", [(TREE, tree_of((b"40000", b".git", id_of(TREE, b""))))]),
    "a link": ("neither a file nor a folder", [(TREE, tree_of((b"120000", b"a", id_of(BLOB, b"/etc/passwd")))), (BLOB, b"/etc/passwd")]),
    "a bomb": ("more than its size allows", None),
}


@pytest.mark.parametrize("what", BAD)
def test_a_remote_that_wishes_ill_gets_nothing_in(tmp_path, what):
    words, objects = BAD[what]
    remote = ForgedRemote(tmp_path / "pods")
    good = tree_of((b"100644", b"state", id_of(BLOB, b"one")))
    first = commit_of(id_of(TREE, good))
    sound = remote.put_pack(whole((COMMIT, first), (TREE, good), (BLOB, b"one")))
    remote.publish("shop", id_of(COMMIT, first), sound)
    git = Git(tmp_path / "bob", {})
    bob = Clone(git, tmp_path / "bob" / "work")
    git.ok("clone", "-q", f"pod::{Place(f'file://{tmp_path}/pods')}", bob.path)
    tree = tree_of((b"100644", b"state", "1" * 40)) if not objects else objects[0][1]
    second = commit_of(id_of(TREE, tree), id_of(COMMIT, first), number=2)
    entries = [entry(COMMIT, second), *(entry(kind, content) for kind, content in objects or [(TREE, tree)])]
    if objects is None:
        entries.append(entry(BLOB, b"", size=2 << 30, stream=zeros(2 << 30)))
    remote.publish("shop", id_of(COMMIT, second), sound, remote.put_pack(pack_of(entries)))
    files = sorted((bob.path / ".git" / "objects").rglob("*"))
    said = bob.refused("fetch")
    assert "error[" in said and words in said
    assert sorted((bob.path / ".git" / "objects").rglob("*")) == files and bob.tip("origin/shop") == id_of(COMMIT, first)
    bob.sound()


def kill_helper(process, mark, condition):
    """Kills the git-remote-pod that a running git has started, as soon as the condition holds."""
    while process.poll() is None:
        if not condition():
            time.sleep(0.001)
            continue
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                if b"git-remote-pod" in (folder / "cmdline").read_bytes().split(b"\0")[0] and mark in (folder / "environ").read_bytes():
                    os.kill(int(folder.name), signal.SIGKILL)
            except OSError:
                continue
        process.wait(60)


def test_a_helper_that_is_killed_leaves_all_as_it_was(pair):
    ann, bob = pair.begin().ann, pair.bob
    (ann.path / "large").write_bytes(os.urandom(24 << 20))
    ann.commit("two")
    tip = ann.tip()
    before = pair.there()
    mark = uuid.uuid4().hex

    def killed(clone, *words, when):
        process = subprocess.Popen(["git", "-C", str(clone.path), *words], env={**clone.git.environment, "POD_TEST": mark},
                                   stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        kill_helper(process, mark.encode(), lambda: any((clone.path / ".git" / "pod" / when).glob("*")))

    killed(ann, "push", when="tmp")
    assert pair.there() in (before, {"HEAD": tip, "refs/heads/shop": tip})
    ann.ok("push", "-q")
    ann.sound()
    assert pair.there()["refs/heads/shop"] == tip

    old = bob.tip("origin/shop")
    killed(bob, "fetch", when="incoming")
    assert bob.tip("origin/shop") in (old, tip)
    bob.ok("fsck", "--strict", "--full", "--no-progress")
    bob.ok("fetch", "-q")
    assert bob.tip("origin/shop") == tip
    bob.sound()


def test_git_and_podgit_share_a_pod(tmp_path, pair):
    podgit = Podgit(_find_podgit(), tmp_path / "carol")
    podgit.home.mkdir()
    state = podgit.home / "state" / "api_states" / "000000000000" / "sqs" / "us-east-1" / "backend.state"
    state.parent.mkdir(parents=True)

    def ok(*words):
        done = podgit.run(*words)
        assert done.returncode == 0, (words, done.stdout, done.stderr)
        return done.stdout

    state.write_text("by podgit")
    ok("commit", "shop", "--from", podgit.home / "state", "-m", "by podgit")
    ok("remote", "add", "origin", pair.place.url)
    ok("push", "shop")
    bob = pair.bob
    bob.git.ok("clone", "-q", pair.url, bob.path)
    assert bob.ok("log", "--format=%s") == "by podgit\n"
    (bob.path / state.relative_to(podgit.home / "state")).write_text("by git")
    bob.ok("commit", "-qam", "by git")
    bob.ok("push", "-q")
    ok("pull", "shop")
    ok("checkout", "shop", podgit.home / "out")
    assert (podgit.home / "out" / state.relative_to(podgit.home / "state")).read_text() == "by git"
    state.write_text("again")
    assert "shop:2" in ok("commit", "shop", "--from", podgit.home / "state", "-m", "again")
    ok("push", "shop")
    # git in the store itself
    bob.ok("pull", "-q")
    bob.commit("more", "assets")
    bob.ok("push", "-q")
    store = Clone(bob.git, podgit.store)
    store.ok("fetch", "-q", "origin")
    assert store.tip("refs/remotes/origin/shop") == bob.tip()
    ok("pull", "shop")
    assert_sound(podgit.store)
    bob.sound()


def test_the_commands_of_the_readme(tmp_path, pair):
    lines = re.search(r"```sh\n(git clone pod::.*?)```", (ROOT / "README.md").read_text(), re.S)[1].splitlines()
    pair.begin()
    script = "\n".join(lines).replace("s3://team-pods/shop", pair.place.url)
    done = subprocess.run(["sh", "-e", "-c", script], cwd=pair.bob.git.home, env=pair.bob.git.environment, capture_output=True,
                          text=True, timeout=120)
    assert done.returncode == 0, script + done.stderr
