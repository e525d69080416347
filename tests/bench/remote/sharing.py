"""The tools side by side, each with a store, a place where it shares, and a second store that reads from there."""

import shutil
import subprocess

import tools
from tools import version_of


class Folder:
    """Places: where `shelf` is the part that one tool has in one round."""

    name = "folder"

    def __init__(self, path):
        self.path = path
        path.mkdir()

    def url(self, shelf):
        (self.path / shelf).mkdir(exist_ok=True)
        return f"file://{self.path / shelf}/pods"

    environment = {}

    def requests(self):
        return None

    def empty(self, shelf):
        shutil.rmtree(self.path / shelf, ignore_errors=True)


class Bucket:
    name = "bucket"

    def __init__(self, bucket, endpoint, proxy=None):
        self.bucket, self.endpoint, self.proxy = bucket, endpoint, proxy
        self.environment = {"AWS_ACCESS_KEY_ID": bucket.access_key, "AWS_SECRET_ACCESS_KEY": bucket.secret_key, "AWS_REGION": bucket.region,
                            "AWS_ENDPOINT_URL_S3": endpoint}
        self.client = type(bucket)(endpoint, bucket.region, bucket.access_key, bucket.secret_key, bucket.name).client()
        self.direct = bucket.client()

    def url(self, shelf):
        return f"s3://{self.bucket.name}/{shelf}/pods"

    def requests(self):
        return len(self.proxy.requests) if self.proxy else None

    def keys(self, prefix):
        for page in self.direct.get_paginator("list_objects_v2").paginate(Bucket=self.bucket.name, Prefix=prefix):
            yield from ((one["Key"], one["Size"]) for one in page.get("Contents", []))

    def signed(self, method, key):
        return self.client.generate_presigned_url(method, {"Bucket": self.bucket.name, "Key": key}, 3600)

    def empty(self, shelf):
        for key, _ in self.keys(shelf):
            self.direct.delete_object(Bucket=self.bucket.name, Key=key)


def version_of_ceph():
    return "ceph " + version_of("radosgw", "--version")


class Tool:
    """Commands as texts for a shell; None: it has no such thing."""

    def __init__(self, work, source, place, shelf):
        self.work, self.source, self.place, self.shelf = work / self.name.replace(" ", "-"), source, place, shelf
        self.work.mkdir()
        self.store, self.target = self.work / "store", self.work / "target"
        self.environment = dict(place.environment)

    @staticmethod
    def goes_to(place):
        return True

    @classmethod
    def needs(cls):
        return cls.name

    def nothing(self, *_):
        return None

    init = commit = push = clone = push_again = push_nothing = pull = files = nothing


class Podgit(Tool):
    name = "podgit"
    program = "podgit"

    def __init__(self, *words):
        super().__init__(*words)
        self.ours = f"{self.program} --store {self.store}"
        self.theirs = f"{self.program} --store {self.target}"

    @classmethod
    def needs(cls):
        return cls.program

    @classmethod
    def version(cls):
        return "podgit " + version_of(cls.program, "version")

    @classmethod
    def takes_depth(cls):
        return "--depth" in subprocess.run([cls.program, "clone", "--help"], capture_output=True, text=True).stdout

    def init(self):
        url = self.place.url(self.shelf)
        # What a bucket can do is asked once, and not by the first push that is measured.
        return (f"{self.program} init -q --store {self.store}; {self.ours} remote add -q origin {url}; mkdir {self.work}/one; echo 1 > {self.work}/one/one; "
                f"{self.ours} commit -q probe --from {self.work}/one; {self.ours} push -q probe")

    def commit(self):
        return f"{self.ours} commit bench -q --from {self.source}"

    def push(self):
        return f"{self.ours} push bench -q"

    push_again = push_nothing = push

    def clone(self, more=""):
        shutil.rmtree(self.target, ignore_errors=True)
        return f"{self.theirs} clone {self.place.url(self.shelf)} bench {more} -q"

    def pull(self):
        return f"{self.theirs} pull bench -q"

    def files(self):
        subprocess.run([self.program, "--store", self.target, "checkout", "bench", self.work / "out", "-q"], check=True)
        return self.work / "out"


class PodgitFiles(Podgit):
    """From files to files."""

    name = "podgit +files"

    def __init__(self, *words):
        super().__init__(*words)
        self.shelf += "-files"

    def commit(self):
        return None

    def push(self):
        return f"{super().commit()}; {super().push()}"

    push_again = push

    def clone(self, more=""):
        shutil.rmtree(self.work / "out", ignore_errors=True)
        return f"{super().clone(more)}; {self.theirs} checkout bench {self.work}/out -q"

    def pull(self):
        return None

    push_nothing = pull

    def files(self):
        return self.work / "out"


class Git(Tool):
    name = "git"

    def __init__(self, *words):
        super().__init__(*words)
        self.git = tools.Git(self.work, self.source)
        self.git.store = self.store
        self.git.git = f"git --git-dir={self.store} --work-tree={self.source}"
        self.remote = f"{self.work}/remote"

    @staticmethod
    def goes_to(place):
        return isinstance(place, Folder)

    version = staticmethod(tools.Git.version)

    @staticmethod
    def takes_depth():
        return True

    def init(self):
        on_main = "symbolic-ref HEAD refs/heads/main"
        return (f"{self.git.init().rstrip('; ')}; git --git-dir={self.store} {on_main}; git init -q --bare {self.remote}; "
                f"git --git-dir={self.remote} {on_main}")

    def commit(self):
        return self.git.commit()

    def push(self):
        return f"git --git-dir={self.store} push -q file://{self.remote} main"

    push_again = push_nothing = push

    def clone(self, more=""):
        shutil.rmtree(self.target, ignore_errors=True)
        return f"git clone -q --bare {more} file://{self.remote} {self.target}"

    def pull(self):
        return f"git --git-dir={self.target} fetch -q origin main:main"


class Restic(Tool):
    name = "restic"

    def __init__(self, *words):
        super().__init__(*words)
        self.environment["RESTIC_PASSWORD"] = "bench"
        if isinstance(self.place, Bucket):
            self.remote = f"s3:{self.place.endpoint}/{self.place.bucket.name}/{self.shelf}/restic"
            self.environment["AWS_DEFAULT_REGION"] = self.place.bucket.region
        else:
            self.remote = f"{self.work}/remote"

    version = staticmethod(tools.Restic.version)

    def init(self):
        return f"restic init -q -r {self.remote} --repository-version 2"

    def push(self):
        return f"cd {self.source} && restic backup -q -r {self.remote} ."

    push_again = push

    def clone(self):
        return f"restic restore -q -r {self.remote} latest --target {self.target}"

    def files(self):
        return self.target


class Borg(Tool):
    name = "borg"

    def __init__(self, *words):
        super().__init__(*words)
        self.environment |= tools.Borg.environment
        self.remote, self.number = f"{self.work}/remote", 0

    @staticmethod
    def goes_to(place):
        return isinstance(place, Folder)

    version = staticmethod(tools.Borg.version)

    def init(self):
        return f"borg init -e none {self.remote}"

    def push(self):
        self.number += 1
        return f"cd {self.source} && borg create -C lz4 {self.remote}::v{self.number} ."

    push_again = push

    def clone(self):
        return f"mkdir {self.target} && cd {self.target} && borg extract {self.remote}::v{self.number}"

    def files(self):
        return self.target


class Curl(Tool):
    """As many bytes as podgit has sent, in one object."""

    name = "curl"

    @staticmethod
    def goes_to(place):
        return isinstance(place, Bucket)

    @staticmethod
    def version():
        return "curl " + version_of("curl", "--version")

    def commit(self):
        """Bytes that are ready before the clock runs: about as many as podgit will send."""
        store = self.work.parent / "podgit" / "store" / "objects"
        return f"cat $(find {store} -name '*.pack') > {self.work}/bytes"

    def push(self):
        return f"curl -sf -T {self.work}/bytes -o /dev/null '{self.place.signed('put_object', self.shelf + '/curl')}'"

    def clone(self):
        return f"curl -sf -o {self.target} '{self.place.signed('get_object', self.shelf + '/curl')}'; sync {self.target}"


TOOLS = [Podgit, PodgitFiles, Git, Restic, Borg, Curl]
