"""The tools side by side: each keeps versions of a folder and brings one back, with its own defaults."""

import re
import shutil
import subprocess
from pathlib import Path


def version_of(*argv):
    return re.search(r"\d+\.\d+[\w.+-]*", subprocess.run(argv, capture_output=True, text=True).stdout)[0]


class Tool:
    """`store`: where the versions lie; `source`: the folder whose states they are."""

    environment = {}

    def __init__(self, work, source):
        self.store, self.source = Path(work) / self.name.replace(" ", "-"), Path(source)

    def init(self):
        """The command that makes the store, or none."""

    def remove(self):
        shutil.rmtree(self.store, ignore_errors=True)


class Git(Tool):
    name, settings = "git", ""

    def __init__(self, work, source):
        super().__init__(work, source)
        self.git = f"git --git-dir={self.store} --work-tree={self.source}"

    @staticmethod
    def version():
        return "git " + version_of("git", "--version")

    def init(self):
        return (f"git init -q --bare {self.store}; git --git-dir={self.store} config gc.auto 0; git --git-dir={self.store} config user.name bench; "
                f"git --git-dir={self.store} config user.email bench@example.com; {self.settings.format(store=self.store)}")

    def commit(self):
        return f"{self.git} add -A && ({self.git} commit -q -m version || true)"

    def nothing(self):
        return f"{self.git} status --short"

    def checkout(self, target):
        return (f"mkdir {target}; export GIT_INDEX_FILE={target}.index; git --git-dir={self.store} --work-tree={target} read-tree HEAD; "
                f"git --git-dir={self.store} --work-tree={target} checkout-index -a -q; rm {target}.index")

    def gc(self):
        return f"git --git-dir={self.store} gc -q"


class GitFast(Git):
    name, settings = "git compression=1", "git --git-dir={store} config core.compression 1"


class Restic(Tool):
    name = "restic"
    environment = {"RESTIC_PASSWORD": "bench"}

    @staticmethod
    def version():
        return "restic " + version_of("restic", "version")

    def init(self):
        return f"restic init -q -r {self.store} --repository-version 2"

    def commit(self):
        return f"cd {self.source} && restic backup -q -r {self.store} ."

    nothing = commit

    def checkout(self, target):
        return f"restic restore -q -r {self.store} latest --target {target}"


class Borg(Tool):
    name = "borg lz4"
    environment = {"BORG_UNKNOWN_UNENCRYPTED_REPO_ACCESS_IS_OK": "yes", "BORG_RELOCATED_REPO_ACCESS_IS_OK": "yes"}

    def __init__(self, work, source):
        super().__init__(work, source)
        self.number = 0

    @staticmethod
    def version():
        return "borg " + version_of("borg", "--version")

    def init(self):
        return f"borg init -e none {self.store}"

    def commit(self):
        self.number += 1
        return f"cd {self.source} && borg create -C lz4 {self.store}::v{self.number} ."

    nothing = commit

    def checkout(self, target):
        return f"mkdir {target} && cd {target} && borg extract {self.store}::v{self.number}"


class Zip(Tool):
    """A fresh archive for every version."""

    name, level = "zip -1", 1

    def __init__(self, work, source):
        super().__init__(work, source)
        self.number = 0

    @staticmethod
    def version():
        return "zip " + version_of("zip", "--version").rstrip(".")

    def init(self):
        return f"mkdir {self.store}"

    def commit(self):
        self.number += 1
        return f"cd {self.source} && zip -q -r -{self.level} {self.store}/v{self.number}.zip ."

    nothing = commit

    def checkout(self, target):
        return f"unzip -q {self.store}/v{self.number}.zip -d {target}"


class ZipSmall(Zip):
    name, level = "zip -6", 6


class Podgit(Tool):
    name = "podgit"
    program = "podgit"

    @classmethod
    def version(cls):
        return "podgit " + version_of(cls.program, "version")

    def init(self):
        return f"{self.program} init -q --store {self.store}"

    def commit(self):
        return f"{self.program} --store {self.store} commit bench -q --from {self.source}"

    nothing = commit

    def checkout(self, target):
        return f"{self.program} --store {self.store} checkout bench {target} -q"

    def gc(self):
        return f"{self.program} --store {self.store} gc -q"


class Floor(Tool):
    """What no tool can go below: read, SHA-1, deflate (ISA-L level 1), write to one file, fsync; on all cores."""

    name = "floor"
    program = "store_floor"

    @classmethod
    def version(cls):
        return "OpenSSL SHA-1, ISA-L 1"

    def commit(self):
        return f"{self.program} {self.source} {self.store}"

    def remove(self):
        self.store.unlink(missing_ok=True)


PEERS = (Git, GitFast, Restic, Borg, Zip, ZipSmall)
