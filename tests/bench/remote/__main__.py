"""Remotes beside other tools: push and clone, through a folder, a bucket on Ceph, and the same bucket 20 ms away.

    build/venv/bin/python tests/bench/remote quick            # an eighth of the data, three rounds, a few minutes
    build/venv/bin/python tests/bench/remote full             # S O D at their full sizes, 1,000 versions of H
    build/venv/bin/python tests/bench/remote quick --only S --places folder --rounds 1

Needs restic, borgbackup, curl and Ceph beside what tools/dev/setup installs; a tool that is missing is said and left out. The
data is seeded and that of the store's benchmark (tests/bench/store/data.py). Rounds are interleaved and begin with another tool each,
figures are medians; everything is warm. `podgit` and `git` move what a store has; `podgit +files`, `restic` and `borg` begin and
end with files: commit and push, clone and checkout. `curl` moves as many bytes as podgit, in one request over one connection.
Through the line every request is counted and waits for 20 ms. Memory is the largest resident set of the command.
`--out DIR` writes the table (remote.md) and every figure (remote.json)."""

import argparse
import os
import platform
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import uuid
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
sys.path[1:1] = [str(ROOT / "tests" / folder) for folder in ("bench/store", "services", "scenario")]

import data  # noqa: E402
import sharing  # noqa: E402
import summary  # noqa: E402
from fault_proxy import FaultProxy, Line  # noqa: E402
from measure import Starter, memory_free  # noqa: E402
from servers import Ceph  # noqa: E402

CHANGE = {"S": "1 % of the files changed", "O": "1 % of the files changed", "D": data.Database.pages}


class Bench:
    def __init__(self, options, work, places):
        self.options, self.work, self.places, self.starter = options, work, places, Starter()
        self.scale = {"quick": 1 / 8, "full": 1}[options.size]
        self.costs, self.requests, self.sizes = {}, {}, {}

    def step(self, row, round_, everyone, command):
        """`row`: set, place and operation."""
        place, turn = self.places[row[1]], round_ % len(everyone)
        for tool in everyone[turn:] + everyone[:turn]:
            text = command(tool)
            if text is None:
                continue
            data.settle()
            before = place.requests()
            self.costs.setdefault(row, {}).setdefault(tool.name, []).append(self.starter.run(text, tool.environment))
            if place.requests() is not None:
                self.requests[(*row, tool.name)] = place.requests() - before

    def measure(self, set_, place, round_, first):
        """One round: from nothing there to a change pulled."""
        shutil.rmtree(set_.folder)
        subprocess.run(["cp", "-a", first, set_.folder], check=True)
        folder = Path(tempfile.mkdtemp(dir=self.work))
        shelf = f"{set_.name}-{uuid.uuid4().hex[:8]}"
        everyone = [kind(folder, set_.folder, self.places[place], shelf) for kind in sharing.TOOLS if kind.goes_to(self.places[place])]

        def untimed(what):
            for tool in everyone:
                if (text := getattr(tool, what)()) is not None:
                    self.starter.run(text, tool.environment)

        untimed("init")
        untimed("commit")
        self.step((set_.name, place, "push"), round_, everyone, lambda tool: tool.push())
        self.step((set_.name, place, "clone"), round_, everyone, lambda tool: tool.clone())
        if round_ == 0:
            for tool in everyone:
                self.compare(set_, tool)
        set_.change(CHANGE[set_.name])
        untimed("commit")
        self.step((set_.name, place, "push of a change"), round_, everyone, lambda tool: tool.push_again())
        self.step((set_.name, place, "push of nothing"), round_, everyone, lambda tool: tool.push_nothing())
        self.step((set_.name, place, "pull of a change"), round_, everyone, lambda tool: tool.pull())
        self.step((set_.name, place, "pull of nothing"), round_, everyone, lambda tool: tool.pull())
        self.places[place].empty(shelf)
        shutil.rmtree(folder)

    def compare(self, set_, tool):
        """What came back is what was there."""
        if (files := tool.files()) is None:
            return
        done = subprocess.run(["diff", "-rq", set_.folder, files], capture_output=True, text=True)
        if done.returncode:
            sys.exit(f"remote: {tool.name} did not bring back {set_.name}:\n{done.stdout[:500]}")

    def measure_set(self, set_):
        print(f"{set_.name}: making {set_.what} …", file=sys.stderr, flush=True)
        set_.make()
        first = set_.folder.with_name(set_.folder.name + ".first")
        subprocess.run(["cp", "-a", set_.folder, first], check=True)
        self.sizes[set_.name] = (set_.bytes(), set_.digest())
        for round_ in range(self.options.rounds):
            for place in self.places:
                print(f"{set_.name}: round {round_ + 1} of {self.options.rounds}, {place}", file=sys.stderr, flush=True)
                self.measure(set_, place, round_, first)
        for folder in (set_.folder, first):
            shutil.rmtree(folder)

    def measure_history(self, set_):
        """H: a clone of all versions, and one of the newest alone."""
        versions = 1000 if self.scale == 1 else 200
        print(f"H: {versions} versions …", file=sys.stderr, flush=True)
        set_.make()
        self.sizes["H"] = (set_.bytes(), set_.digest())
        steps = self.work / "steps"
        set_.steps(steps, versions)
        for place, where in self.places.items():
            folder = Path(tempfile.mkdtemp(dir=self.work))
            shelf = f"H-{uuid.uuid4().hex[:8]}"
            ours = sharing.Podgit(folder, set_.folder, where, shelf)
            ours.environment["HOME"] = str(folder)
            self.starter.run(ours.init())
            self.starter.run(ours.commit())
            subprocess.run([ROOT / self.options.build / "tests/bench/store_history", ours.store, set_.folder, steps], check=True, stdout=subprocess.DEVNULL)
            self.starter.run(f"{ours.program} --store {ours.store} gc -q", ours.environment)
            self.step(("H", place, "push"), 0, [ours], lambda tool: tool.push())
            git = sharing.Git(folder, set_.folder, where, shelf) if sharing.Git.goes_to(where) else None
            if git:
                self.starter.run(f"git init -q --bare {git.remote} && git --git-dir={ours.store} push -q file://{git.remote} bench:main")
            everyone = [tool for tool in (ours, git) if tool]
            for round_ in range(self.options.rounds):
                self.step(("H", place, "clone"), round_, everyone, lambda tool: tool.clone())
                self.step(("H", place, "clone of the newest version"), round_, [tool for tool in everyone if tool.takes_depth()],
                          lambda tool: tool.clone("--depth 1"))
            where.empty(shelf)
            shutil.rmtree(folder)

    def main(self):
        kinds = {kind.name: kind for kind in (data.SmallFiles, data.Objects, data.Database)}
        for name in self.options.only.split(","):
            if name == "H":
                self.measure_history(data.History(self.work / "H", self.scale))
            else:
                self.measure_set(kinds[name](self.work / name, self.scale))


def main():
    parser = argparse.ArgumentParser(prog="remote", description=__doc__.splitlines()[0])
    parser.add_argument("size", choices=("quick", "full"))
    parser.add_argument("--only", default="S,O,D,H", help="sets, by their letters")
    parser.add_argument("--places", default="folder,ceph,line", help="folder, ceph, line (Ceph with 20 ms before each request)")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--build", default="build/check", help="the build folder (default build/check)")
    parser.add_argument("--out", type=Path, help="folder for remote.md and remote.json")
    parser.add_argument("--work", type=Path, help="where the data lies meanwhile (default: the system's temporary folder)")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("remote: ended"))  # and Ceph with it

    sharing.Podgit.program = str(ROOT / options.build / "tools/podgit/podgit")
    for tool in [tool for tool in sharing.TOOLS if not shutil.which(tool.needs())]:
        print(f"remote: {tool.name} is not installed: left out", file=sys.stderr)
        sharing.TOOLS.remove(tool)
    wanted = options.places.split(",")
    ceph = Ceph() if {"ceph", "line"} & set(wanted) else None
    try:
        with tempfile.TemporaryDirectory(prefix="remote-bench-", dir=options.work) as folder:
            os.environ["HOME"] = folder  # caches and settings of the tools
            places = {}
            if "folder" in wanted:
                places["folder"] = sharing.Folder(Path(folder) / "there")
            if ceph:
                bucket = ceph.bucket("bench")
                with FaultProxy(bucket.endpoint, Line(latency=0.02)) as proxy:
                    if "ceph" in wanted:
                        places["ceph"] = sharing.Bucket(bucket, bucket.endpoint)
                    if "line" in wanted:
                        places["line"] = sharing.Bucket(bucket, proxy.url, proxy)
                    bench = run(options, Path(folder), places)
            else:
                bench = run(options, Path(folder), places)
    finally:
        if ceph:
            ceph.stop()
    head = [f"{platform.system()} {platform.release()}, {os.cpu_count()} cores, {memory_free() >> 30} GiB free; load at the end {os.getloadavg()[0]:.1f}",
            "; ".join(dict.fromkeys(tool.version() for tool in sharing.TOOLS)) + ("; " + sharing.version_of_ceph() if ceph else ""),
            f"{options.size}, {options.rounds} rounds, medians"]
    summary.write(bench, head, options.out, statistics.median)


def run(options, work, places):
    bench = Bench(options, work, places)
    bench.main()
    return bench


if __name__ == "__main__":
    main()
