"""A remote that wishes its readers ill: nothing of it gets into the store, memory stays bounded, and once the remote is
sound again so is the next fetch."""

import json
import os

import pytest
from forged_remote import (BLOB, COMMIT, OFS_DELTA, REF_DELTA, TREE, ForgedRemote, commit_of, copy, delta, entry, id_of, insert,
                           objects_of, offset_base, pack_of, sha256, tree_of, whole, zeros)
from sound_store import assert_clear_error, assert_sound, refs
from team import Person, Place

MEMORY = 1 << 30  # address space of the reader
CORRUPT, REFUSED, NEWER = 7, 8, 11


class Victim:
    """A store that has read a sound version of a remote, whose next one is forged."""

    def __init__(self, folder):
        self.place = Place(f"file://{folder}/pods")
        self.remote = ForgedRemote(folder / "pods")
        writer = Person("eve", folder / "eve", self.place)
        writer.state("one")
        self.tip, self.number = writer.git("rev-parse", "shop").strip(), 1
        self.sound = objects_of(writer.podgit.store, "shop")
        self.root = next(content for kind, content in self.sound if kind == COMMIT).split()[1].decode()
        self.reader = Person("bob", folder / "bob", self.place)
        self.reader.ok("remote", "add", "origin", self.place)
        self.heal()

    def next_version(self, tree=None):
        commit = commit_of(tree or self.root, self.tip, number=self.number + 1)
        return id_of(COMMIT, commit), commit

    def offers(self, entries, tree=None):
        """A next version, and in the one new pack these entries beside its commit."""
        tip, commit = self.next_version(tree)
        self.remote.publish("shop", tip, self.first, self.remote.put_pack(pack_of([entry(COMMIT, commit), *entries])))

    def files(self):
        store = self.reader.podgit.store
        return sorted(str(path.relative_to(store)) for folder in ("objects", "pod/tmp", "refs") for path in (store / folder).rglob("*") if path.is_file())

    def refuses(self, code, word, commands=(("fetch", "shop"),)):
        """With little memory."""
        before, files = refs(self.reader.podgit.store), self.files()
        for command in commands:
            done = self.reader.run(*command, prefix=("prlimit", f"--as={MEMORY}"))
            assert_clear_error(done, code)
            assert word in done.stderr, done.stderr
        assert refs(self.reader.podgit.store) == before
        assert self.files() == files

    def refuses_whatever_is_asked(self, code, word):
        self.refuses(code, word, (("fetch", "shop"), ("pull", "shop"), ("clone", self.place, "shop", "--store", "fresh")))
        assert not (self.reader.podgit.home / "fresh").exists()

    def heal(self):
        """A sound next version is there, and is taken."""
        self.tip, commit = self.next_version()
        self.number += 1
        self.sound.append((COMMIT, commit))
        self.first = self.remote.put_pack(whole(*self.sound))
        self.remote.publish("shop", self.tip, self.first)
        self.reader.ok("pull", "shop")
        assert self.reader.git("rev-parse", "shop").strip() == self.tip


@pytest.fixture(scope="module")
def one_victim(tmp_path_factory):
    made = Victim(tmp_path_factory.mktemp("victim"))
    yield made
    assert_sound(made.reader.podgit.store)
    made.reader.ok("clone", made.place, "shop", "--store", "fresh")  # and goes on with what refused ones left
    assert not (made.reader.podgit.home / "fresh.part").exists()
    assert_sound(made.reader.podgit.home / "fresh")


@pytest.fixture
def victim(one_victim):
    yield one_victim
    one_victim.heal()


def test_the_forger_can_make_a_remote_that_is_sound(victim):
    """Or else its forgeries would be refused for another reason."""
    victim.offers([])
    victim.reader.ok("fetch", "shop")
    assert victim.reader.git("rev-parse", "origin/shop").strip() == victim.next_version()[0]


def flipped(content, at):
    return content[:at] + bytes([content[at] ^ 1]) + content[at + 1:]


def of_a_sound_version(victim):
    return whole((COMMIT, victim.next_version()[1]))


BYTES = {"a byte is another": lambda pack: flipped(pack, len(pack) // 2), "cut short": lambda pack: pack[:-7],
         "something behind it": lambda pack: pack + b"more", "empty": lambda pack: b"", "nothing of a pack": lambda pack: b"x" * len(pack)}


@pytest.mark.parametrize("change", BYTES)
def test_a_pack_that_is_not_what_its_name_says(victim, change):
    pack = of_a_sound_version(victim)
    described = victim.remote.put_pack(pack)
    victim.remote.put_pack(BYTES[change](pack), name=sha256(pack), objects=1)
    victim.remote.publish("shop", victim.next_version()[0], victim.first, described)
    victim.refuses_whatever_is_asked(CORRUPT, described["pack"]["sha256"])


def test_packs_that_changed_places(victim):
    tip, commit = victim.next_version()
    packs = [whole((COMMIT, commit)), whole((BLOB, b"another"))]
    described = [victim.remote.put_pack(pack) for pack in packs]
    for pack, other in zip(packs, reversed(packs)):
        victim.remote.put_pack(other, name=sha256(pack))
    victim.remote.publish("shop", tip, victim.first, *described)
    victim.refuses(CORRUPT, "bytes rather than")


def test_a_pack_without_what_the_version_needs(victim):
    incoming = victim.reader.podgit.store / "pod" / "incoming"
    for sound in incoming.iterdir():  # that came beside one that was no pack
        sound.unlink()
    tip, _ = victim.next_version()
    victim.remote.publish("shop", tip, victim.first, victim.remote.put_pack(whole((BLOB, b"sound, and of no use"))))
    victim.refuses(CORRUPT, "is missing")
    victim.offers([entry(BLOB, b"and of no use again")], tree=id_of(TREE, tree_of((b"100644", b"a", "1" * 40))))
    victim.refuses(CORRUPT, "is missing")
    # Neither what was new nor what was fetched once more to see whether it helps.
    assert not list(incoming.iterdir())


def test_a_pack_that_is_no_file(victim):
    pack = of_a_sound_version(victim)
    for make in (os.mkfifo, os.mkdir, lambda path: os.symlink("/dev/zero", path), lambda path: os.symlink("/etc/passwd", path)):
        described = victim.remote.put_pack(pack)
        victim.remote.pack_path(pack).unlink()
        make(victim.remote.pack_path(pack))
        victim.remote.publish("shop", victim.next_version()[0], victim.first, described)
        done = victim.reader.run("fetch", "shop")
        assert done.returncode in (CORRUPT, REFUSED), done.stderr
        assert_clear_error(done, done.returncode)
        victim.remote.pack_path(pack).rmdir() if victim.remote.pack_path(pack).is_dir() else victim.remote.pack_path(pack).unlink()


def test_a_pack_that_says_it_is_larger_than_all_disks(victim):
    pack = of_a_sound_version(victim)
    victim.remote.publish("shop", victim.next_version()[0], victim.first, victim.remote.put_pack(pack, size=16 << 30))
    victim.refuses(CORRUPT, "bytes")


def test_an_older_head_is_an_alarm(victim):
    old = victim.remote.head("shop").read_bytes()
    victim.heal()
    new = victim.remote.head("shop").read_bytes()
    victim.remote.put("pods/shop/HEAD", old)
    done = victim.reader.run("fetch", "shop")
    assert_clear_error(done, CORRUPT)
    assert "an older state of the pod" in done.stderr
    victim.remote.generation -= 1
    victim.remote.publish("shop", victim.tip, victim.first)
    done = victim.reader.run("fetch", "shop")
    assert_clear_error(done, CORRUPT)
    assert "under the same number" in done.stderr
    victim.remote.head("shop").unlink()
    done = victim.reader.run("fetch", "shop")
    assert_clear_error(done, CORRUPT)
    assert "has vanished" in done.stderr
    victim.remote.put("pods/shop/HEAD", new)
    victim.reader.ok("fetch", "shop")


HEADS = {"not JSON": (b"\x00\xff" * 100, CORRUPT), "of a mebibyte": (b" " * (1 << 20), REFUSED), "deep": (b"[" * 4000, REFUSED),
         "of a later format": (b'{"format":2,"generation":9}\n', NEWER), "empty": (b"", CORRUPT),
         "of a generation beyond all": (b'{"format":1,"generation":9223372036854775808,"manifest":"' + b"a" * 64 + b'","nonce":"' + b"b" * 32
                                        + b'"}\n', CORRUPT)}


@pytest.mark.parametrize("kind", HEADS)
def test_a_head_that_is_none(victim, kind):
    content, code = HEADS[kind]
    victim.remote.put("pods/shop/HEAD", content)
    victim.refuses_whatever_is_asked(code, "HEAD")


def test_a_head_that_is_no_file(victim):
    head = victim.remote.head("shop")
    for make in (os.mkfifo, os.mkdir, lambda path: os.symlink("/dev/zero", path), lambda path: os.symlink("/etc/passwd", path)):
        head.unlink()
        make(head)
        done = victim.reader.run("fetch", "shop")
        assert done.returncode in (CORRUPT, REFUSED), done.stderr
        assert_clear_error(done, done.returncode)
        assert "root:" not in done.stderr
        if head.is_dir() and not head.is_symlink():
            head.rmdir()
            head.touch()


def test_manifests_that_are_missing_or_lead_in_a_circle(victim):
    name = victim.remote.publish("shop", victim.tip, victim.first)
    path = victim.remote.folder / "pods" / "shop" / "manifests" / name
    path.unlink()
    victim.refuses(CORRUPT, "is missing")


def test_manifests_in_a_circle(victim):
    """Each names the other as the one before it: one of them cannot have the digest of its name."""
    other = "a" * 64
    second = victim.remote.publish("shop", victim.tip, victim.first, previous=other)
    victim.remote.publish("shop", victim.tip, victim.first, previous=second, name=other)
    victim.refuses_whatever_is_asked(CORRUPT, "the digest of its name")


def test_a_manifest_of_another_pod(victim):
    victim.remote.publish("till", victim.tip, victim.first)
    manifests = victim.remote.folder / "pods"
    (manifests / "till" / "manifests").rename(manifests / "shop" / "stolen")
    for path in (manifests / "shop" / "stolen").iterdir():
        path.rename(manifests / "shop" / "manifests" / path.name)
    victim.remote.put("pods/shop/HEAD", victim.remote.head("till").read_bytes())
    victim.refuses(CORRUPT, "is of another pod")


def test_manifests_that_say_too_much(victim):
    tip, commit = victim.next_version()
    pack = victim.remote.put_pack(whole((COMMIT, commit)))
    for changes, code in (({"packs": [{**pack, "objects": 4_000_000_000}]}, CORRUPT), ({"packs": [pack] * 2}, CORRUPT), ({"refs": []}, CORRUPT),
                          ({"packs": [{**pack, "pack": {**pack["pack"], "sha256": f"{number:064x}"}} for number in range(65)]}, CORRUPT),
                          ({"packs": [{**pack, "day": "../../../etc"}]}, CORRUPT), ({"packs": [{**pack, "day": "9999-99-99"}]}, CORRUPT),
                          ({"refs": [{"name": "refs/heads/../../config", "target": tip}]}, CORRUPT), ({"more": 1}, CORRUPT),
                          ({"refs": [{"name": "refs/heads/shop", "target": "0" * 40}]}, CORRUPT),
                          ({"refs": [{"name": "refs/heads/shop", "target": tip}, {"name": "refs/pod/undo/x", "target": tip}]}, CORRUPT),
                          ({"packs": [{**pack, "pack": {**pack["pack"], "size": 1 << 60}}]}, CORRUPT)):
        victim.remote.publish("shop", tip, pack, **changes)
        done = victim.reader.run("fetch", "shop")
        assert_clear_error(done, code)
    victim.remote.publish("shop", tip, pack, write=lambda value: json.dumps(value, indent=1).encode())
    assert_clear_error(victim.reader.run("fetch", "shop"), CORRUPT)
    victim.remote.publish("shop", tip, pack, write=lambda value: b"[" * (5 << 20))
    assert_clear_error(victim.reader.run("fetch", "shop"), REFUSED)


GIB, LUMP = 1 << 30, bytes(1 << 16)
TIMES_64_KIB = [copy(0, 65535) + copy(65535, 1)]


def on_the_lump(result_size, *steps):
    """A blob of 64 KiB, and a delta on it."""
    base = entry(BLOB, LUMP)
    return [base, entry(OFS_DELTA, delta(len(LUMP), result_size, *steps), base=offset_base(len(base)))]


def of_the_lump(count):
    """Deltas on it that make 32 MiB each."""
    return [entry(BLOB, LUMP)] + [entry(REF_DELTA, delta(len(LUMP), (32 << 20) + 4, *TIMES_64_KIB * 512, insert(b"%04d" % number)),
                                        base=bytes.fromhex(id_of(BLOB, LUMP))) for number in range(count)]


BOMBS = {"a blob of 3 GiB": (lambda: [entry(BLOB, b"", size=3 * GIB, stream=zeros(3 * GIB))], REFUSED),
         "a blob of 1 GiB that says it is small": (lambda: [entry(BLOB, b"", size=100, stream=zeros(GIB))], CORRUPT),
         "a tree of 1 GiB": (lambda: [entry(TREE, b"", size=GIB, stream=zeros(GIB))], REFUSED),
         "a commit of 1 GiB": (lambda: [entry(COMMIT, b"", size=GIB, stream=zeros(GIB))], REFUSED),
         "a blob that says it has 2^62 bytes": (lambda: [entry(BLOB, b"", size=1 << 62, stream=zeros(16 << 20))], CORRUPT),
         "blobs of 2 GiB in all": (lambda: [entry(BLOB, b"", size=size, stream=zeros(size)) for size in
                                            ((number << 24) + (112 << 20) for number in range(1, 17))], REFUSED),
         "a delta that makes 256 MiB of 64 KiB": (lambda: on_the_lump(256 << 20, *TIMES_64_KIB * 4096), REFUSED),
         "a delta that says it makes 2^60 bytes": (lambda: on_the_lump(1 << 60, copy(0, 100)), REFUSED),
         "a hundred deltas that make 32 MiB each": (lambda: of_the_lump(100), REFUSED)}


@pytest.mark.parametrize("kind", BOMBS)
def test_a_bomb_does_not_go_off(victim, kind):
    make, code = BOMBS[kind]
    victim.offers(make())
    victim.refuses(code, "is not taken")


def test_trees_that_unfold_to_a_billion_files(victim):
    mode, below, entries = b"100644", id_of(BLOB, b"x"), [entry(BLOB, b"x")]
    for _ in range(9):
        tree = tree_of(*((mode, b"%d" % number, below) for number in range(10)))
        mode, below = b"40000", id_of(TREE, tree)
        entries.append(entry(TREE, tree))
    victim.offers(entries, tree=below)
    victim.refuses_whatever_is_asked(REFUSED, "unfolds to too many files")


def between(*contents):
    """Deltas on one another in a circle, each by the id of what it is to make."""
    ids = [id_of(BLOB, content) for content in contents]
    return [entry(REF_DELTA, delta(len(contents[number - 1]), len(content), insert(content)), base=bytes.fromhex(ids[number - 1]))
            for number, content in enumerate(contents)]


def chain(length):
    """Each a delta on the one before it."""
    entries = [entry(BLOB, b"%08d" % 0)]
    for number in range(1, length + 1):
        entries.append(entry(OFS_DELTA, delta(8, 8, insert(b"%08d" % number)), base=offset_base(len(entries[-1]))))
    return entries


DELTAS = {"two on each other": lambda: between(b"one", b"two"), "one on itself": lambda: between(b"one"), "a circle of a hundred":
          lambda: between(*(b"%d" % number for number in range(100))),
          "on what is not there": lambda: [entry(REF_DELTA, delta(3, 3, insert(b"one")), base=b"\1" * 20)],
          "on an offset of nought": lambda: [entry(OFS_DELTA, delta(3, 3, insert(b"one")), base=b"\0")],
          "on what lies before the pack": lambda: [entry(OFS_DELTA, delta(3, 3, insert(b"one")), base=offset_base(1 << 40))],
          "on the middle of an entry": lambda: [entry(BLOB, b"x" * 99), entry(OFS_DELTA, delta(3, 3, insert(b"one")), base=offset_base(5))],
          "that copies from behind its base": lambda: on_the_lump(100, copy(65530, 100)),
          "on a base of another size": lambda: [entry(BLOB, b"base"), entry(REF_DELTA, delta(5, 3, insert(b"one")),
                                                                           base=bytes.fromhex(id_of(BLOB, b"base")))],
          "five thousand on one another": lambda: chain(5000)}


@pytest.mark.parametrize("kind", DELTAS)
def test_a_delta_that_leads_nowhere(victim, kind):
    victim.offers(DELTAS[kind]())
    victim.refuses(REFUSED if "thousand" in kind else CORRUPT, "is not taken")


def test_a_base_that_the_store_has_and_the_pack_lacks(victim):
    """A thin pack, as git's own line has them."""
    kind, content = victim.sound[-1]
    victim.offers([entry(REF_DELTA, delta(len(content), 3, insert(b"one")), base=bytes.fromhex(id_of(kind, content)))])
    victim.refuses(CORRUPT, "is not taken")


FRAMES = {"more objects than it says": lambda entries: pack_of(entries, count=1), "fewer": lambda entries: pack_of(entries, count=9),
          "of version 3": lambda entries: pack_of(entries, version=3), "with another trailer": lambda entries: pack_of(entries, trailer=bytes(20)),
          "with more behind it": lambda entries: pack_of(entries, behind=b"x" * 40), "an object twice": lambda entries: pack_of(entries + entries[-1:]),
          "of four billion objects": lambda entries: pack_of(entries, count=0xffffffff)}


@pytest.mark.parametrize("kind", FRAMES)
def test_a_pack_whose_frame_lies(victim, kind):
    tip, commit = victim.next_version()
    pack = FRAMES[kind]([entry(COMMIT, commit), entry(BLOB, b"beside it")])
    victim.remote.publish("shop", tip, victim.first, victim.remote.put_pack(pack))
    victim.refuses(REFUSED if "billion" in kind else CORRUPT, "is not taken")


X = id_of(BLOB, b"x")
NO_NAMES = [b"..", b".", b"", b"a/b", b"/etc", b"../../etc"]
NAMES = [*NO_NAMES, b".git", b".GIT", b".Git", b"git~1", b"GIT~1", b".git ", b".git.", b".git::$INDEX_ALLOCATION", b".g\xe2\x80\x8cit",
         b"\xef\xbb\xbf.git", b"a\\b", b"a\nb", b"a\x7f", b"\x1b[2J", b".gitmodules", b".gitattributes", b"gitmod~1"]


@pytest.mark.parametrize("name", NAMES)
def test_a_tree_with_a_bad_name(victim, name):
    """At the root, and in a folder."""
    tree = tree_of((b"100644", name, X))
    trees = [tree, tree_of((b"40000", b"below", id_of(TREE, tree)))][:1 + NAMES.index(name) % 2]
    victim.offers([entry(BLOB, b"x"), *(entry(TREE, one) for one in trees)], tree=id_of(TREE, trees[-1]))
    victim.refuses(CORRUPT if name in NO_NAMES else REFUSED, "is not taken")


def raw(*lines):
    return b"".join(line + bytes.fromhex(X) for line in lines)


TREES = {"a name twice": raw(b"100644 a\0", b"100644 a\0"), "a file and a folder of one name": raw(b"100644 a\0", b"40000 a\0"),
         "out of order": raw(b"100644 b\0", b"100644 a\0"), "a name with a NUL in it": raw(b"100644 a\0b\0"), "cut in an id": raw(b"100644 a\0")[:-3],
         "cut in a name": b"100644 a", "a symbolic link": raw(b"120000 a\0"), "a submodule": raw(b"160000 a\0"), "a mode of nothing": raw(b"777777 a\0"),
         "a mode with a nought before it": raw(b"0100644 a\0"), "no mode": raw(b" a\0"), "an id of noughts": b"100644 a\0" + bytes(20)}


@pytest.mark.parametrize("kind", TREES)
def test_a_tree_that_git_would_not_write(victim, kind):
    victim.offers([entry(BLOB, b"x"), entry(TREE, TREES[kind])], tree=id_of(TREE, TREES[kind]))
    victim.refuses(REFUSED if kind in ("a symbolic link", "a submodule") else CORRUPT, "is not taken")


def test_objects_that_are_of_another_type_than_they_are_named_as(victim):
    for tree in (raw(b"40000 a\0"), tree_of((b"100644", b"a", victim.root))):
        victim.offers([entry(BLOB, b"x"), entry(TREE, tree)], tree=id_of(TREE, tree))
        victim.refuses(CORRUPT, "is not taken")
        victim.remote.publish("shop", victim.tip, victim.first)
    victim.offers([entry(BLOB, b"x")], tree=X)
    victim.refuses(CORRUPT, "is not taken")


def test_a_commit_that_git_would_not_write(victim):
    sound = victim.next_version()[1]
    for forged in (b"", sound.split(b"\n", 1)[1], sound.replace(b"eve <", b"e\0e <"), sound.replace(victim.root.encode(), victim.root[:-1].encode()),
                   sound.replace(b"parent", b"patent"), sound.replace(b"1790000000 +0000", b"tomorrow"), sound + b"x" * (9 << 20)):
        victim.remote.publish("shop", id_of(COMMIT, forged), victim.first, victim.remote.put_pack(whole((COMMIT, forged))))
        done = victim.reader.run("fetch", "shop")
        assert done.returncode in (CORRUPT, REFUSED), done.stderr
        assert_clear_error(done, done.returncode)


def test_a_list_of_pods_with_names_of_its_own(victim):
    for name in ("..pod", "-rf", "sh op", "SHOP", "a\nb", "\x1b[2J", "x" * 200, "HEAD"):
        (victim.remote.folder / "pods" / name).mkdir()
        (victim.remote.folder / "pods" / name / "HEAD").write_bytes(victim.remote.head("shop").read_bytes())
    done = victim.reader.run("fetch")
    # SHOP could be a pod, and is a damaged one; the other names are nobody's business
    assert done.returncode == 12, done.stderr
    assert 'SHOP: the manifest "pods/SHOP/manifests/' in done.stderr and "sh op" not in done.stderr
    assert "origin/shop" in done.stdout and not any(ord(char) < 32 and char != "\n" for char in done.stdout + done.stderr)
    assert_sound(victim.reader.podgit.store)
    assert victim.reader.git("rev-parse", "origin/shop").strip() == victim.tip
