"""The store beside git, restic, borg and zip: commit, commit after a change, checkout, history, memory.

    build/venv/bin/python tests/bench/store quick            # an eighth of the data, three rounds
    build/venv/bin/python tests/bench/store full             # S P O D H W Z at their full sizes
    build/venv/bin/python tests/bench/store quick --only S,D --rounds 1

Needs restic and borgbackup beside what tools/dev/setup installs; a tool that is missing is said and left out. Every tool works
on the same folder on the same file system with its own defaults, in one run; rounds are interleaved and begin with another
tool each, figures are medians. Figures are warm: the data was just written. A round of its own counts fsyncs under strace;
with `--rounds 1` it is the same one.
`--out DIR` writes the table (store.md), its plot (store.svg) and every figure (store.json)."""

import argparse
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import data
import report
import tools
from measure import Starter, memory_free, size_of

ROOT = Path(__file__).resolve().parents[3]
COMMITS = {"S", "P", "O", "D"}  # sets whose change is measured; W: only that nothing changed; Z: only the first commit


class Bench:
    def __init__(self, options, work):
        self.options, self.work, self.starter = options, work, Starter()
        self.scale = {"quick": 1 / 8, "full": 1}[options.size]
        self.first_round = 0 if options.rounds > 1 else 1
        self.figures = {}  # set → operation → tool → [Cost]

    def note(self, set_, operation, tool, cost):
        self.figures.setdefault(set_.name, {}).setdefault(operation, {}).setdefault(tool.name, []).append(cost)

    def run(self, tool, command, trace, target=None):
        """The cost of a command, and by how much the store grew (a checkout: the size of what it wrote)."""
        measured = target or tool.store
        before = size_of(measured) if measured.exists() else 0
        cost = (self.starter.fsyncs if trace else self.starter.run)(command, tool.environment)
        cost.grown = size_of(measured) - before
        return cost

    def step(self, set_, operation, round_, all_tools, command, target_of=None):
        trace = round_ == self.first_round
        turn = round_ % len(all_tools)
        for tool in all_tools[turn:] + all_tools[:turn]:
            target = target_of(tool) if target_of else None
            text = command(tool)
            if text is None:
                continue
            data.settle()
            found = self.run(tool, text, trace, target)
            if trace:
                self.fsyncs[(set_.name, operation, tool.name)] = found.fsyncs
            if round_:
                self.note(set_, operation, tool, found)
            if target:
                if round_ == 1:
                    self.compare(set_, tool, target)
                shutil.rmtree(target)

    @staticmethod
    def has_gc(tool):
        return tool.name != "podgit" or subprocess.run([tool.program, "gc", "--help"], capture_output=True).returncode == 0

    def compare(self, set_, tool, target):
        done = subprocess.run(["diff", "-rq", set_.folder, target], capture_output=True, text=True)
        if done.returncode:
            sys.exit(f"store: {tool.name} did not bring back {set_.name}:\n{done.stdout[:500]}")

    fsyncs = {}

    def measure_set(self, set_):
        print(f"{set_.name}: making {set_.what} …", file=sys.stderr, flush=True)
        set_.make()
        first = set_.folder.with_name(set_.folder.name + ".first")
        if set_.states:
            subprocess.run(["cp", "-a", set_.folder, first], check=True)
        self.sizes[set_.name] = (set_.bytes(), set_.digest())
        for round_ in range(self.first_round, self.options.rounds + 1):
            print(f"{time.strftime('%T')} {set_.name}: round {round_} of {self.options.rounds}{' (fsyncs)' if round_ == 0 else ''}", file=sys.stderr, flush=True)
            if round_ and set_.states:
                shutil.rmtree(set_.folder)
                subprocess.run(["cp", "-a", first, set_.folder], check=True)
            everything = [kind(self.work, set_.folder) for kind in self.tools]
            floor = tools.Floor(self.work, set_.folder)
            for tool in everything:
                tool.remove()
                if (command := tool.init()) is not None:
                    self.starter.run(command, tool.environment)
            self.step(set_, "first commit", round_, everything, lambda tool: tool.commit())
            self.step(set_, "first commit", round_, [floor], lambda tool: tool.commit())
            floor.remove()
            for state in set_.states if set_.name in COMMITS else ():
                set_.change(state)
                self.step(set_, f"commit: {state}", round_, everything, lambda tool: tool.commit())
            self.step(set_, "commit: nothing changed", round_, everything, lambda tool: tool.nothing())
            if set_.name in COMMITS:
                self.step(set_, "checkout", round_, everything, lambda tool: tool.checkout(self.work / "out"), lambda tool: self.work / "out")
            for tool in everything:
                if round_ and hasattr(tool, "gc") and set_.name in COMMITS and self.has_gc(tool):
                    cost = self.run(tool, tool.gc(), False)
                    cost.grown = size_of(tool.store)
                    self.note(set_, "size after gc", tool, cost)
                tool.remove()
        for folder in (set_.folder, first, set_.folder.with_name(set_.folder.name + ".later")):
            shutil.rmtree(folder, ignore_errors=True)

    def measure_history(self, set_):
        """H: versions through the library, then what gc leaves, beside stock git's gc of the same store."""
        versions = 1000 if self.scale == 1 else 200
        print(f"H: {versions} versions …", file=sys.stderr, flush=True)
        set_.make()
        self.sizes["H"] = (set_.bytes(), set_.digest())
        steps = self.work / "steps"
        set_.steps(steps, versions)
        ours = tools.Podgit(self.work, set_.folder)
        self.starter.run(ours.init())
        self.starter.run(ours.commit())
        answer = subprocess.run([ROOT / self.options.build / "tests/bench/store_history", ours.store, set_.folder, steps],
                                capture_output=True, text=True)
        if answer.returncode:
            sys.exit(f"store: store_history: {answer.stderr}")
        self.history = json.loads(answer.stdout) | {"grown": size_of(ours.store)}
        stock = self.work / "stock"
        shutil.copytree(ours.store, stock)
        cost = self.starter.run(f"git --git-dir={stock} gc -q --prune=now")
        self.history |= {"gitGcSeconds": cost.wall, "gitGcBytes": size_of(stock / "objects")}
        if self.has_gc(ours):
            cost = self.starter.run(ours.gc())
            self.history |= {"gcSeconds": cost.wall, "gcPeakMib": cost.peak_mib, "gcBytes": size_of(ours.store / "objects")}
        self.history |= self.look_far(ours)

    def look_far(self, ours):
        """The first line of a log of 10,000 versions, and an old one of them found: with the sidecar, and without."""
        versions = 10000
        tree = subprocess.run(["git", "--git-dir", ours.store, "rev-parse", "bench^{tree}"], capture_output=True, text=True, check=True).stdout.strip()
        stream = "".join(f"commit refs/heads/long\ncommitter A <a@example.com> {1700000000 + n} +0000\ndata <<.\nversion\n\nPod-Version: {n}\n.\n"
                         + (f'M 040000 {tree} ""\n' if n == 1 else "") + "\n" for n in range(1, versions + 1))
        subprocess.run(["git", "--git-dir", ours.store, "fast-import", "--quiet"], input=stream, text=True, check=True)
        found = {}
        sidecars = ours.store / "pod/numbers"
        for name, command, known in (("log", "log long -q --no-pager", True), ("lookup", "show long:50 -q --no-pager", True),
                                     ("walk", "show long:50 -q --no-pager", False)):
            walls = []
            for _ in range(5):
                self.starter.run(f"{ours.program} --store {ours.store} show long:50 -q --no-pager")
                if not known:
                    shutil.rmtree(sidecars)
                walls.append(self.starter.run(f"{ours.program} --store {ours.store} {command} | head -1").wall)
            found[f"{name}Seconds"] = statistics.median(walls)
        return found

    def main(self):
        self.sizes, self.history = {}, None
        wanted = self.options.only.split(",")
        kinds = {kind.name: kind for kind in (data.SmallFiles, data.Pickles, data.Objects, data.Database, data.TinyFiles, data.Noise)}
        for name in wanted:
            if name in kinds:
                self.measure_set(kinds[name](self.work / name, self.scale))
        if "H" in wanted:
            self.measure_history(data.History(self.work / "H", self.scale))


def main():
    parser = argparse.ArgumentParser(prog="store", description=__doc__.splitlines()[0])
    parser.add_argument("size", choices=("quick", "full"))
    parser.add_argument("--only", default="S,P,O,D,H,W,Z", help="sets, by their letters")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--build", default="build/check", help="the build folder (default build/check)")
    parser.add_argument("--out", type=Path, help="folder for store.md, store.svg and store.json")
    parser.add_argument("--work", type=Path, help="where the data lies meanwhile (default: the system's temporary folder)")
    options = parser.parse_args()

    build = ROOT / options.build
    tools.Podgit.program = str(build / "tools/podgit/podgit")
    tools.Floor.program = str(build / "tests/bench/store_floor")
    data.Pickles.document_tool = str(build / "tests/conformance/document_tool")
    peers = [kind for kind in tools.PEERS if shutil.which(kind.name.split()[0])]
    for kind in set(tools.PEERS) - set(peers):
        print(f"store: {kind.name} is not installed: left out", file=sys.stderr)

    with tempfile.TemporaryDirectory(prefix="store-bench-", dir=options.work) as folder:
        free = shutil.disk_usage(folder).free
        if options.size == "full" and free < 40 << 30:
            sys.exit(f"store: {folder} has {free >> 30} GiB free; full needs 40")
        os.environ["HOME"] = folder  # caches and settings of the tools
        bench = Bench(options, Path(folder))
        bench.tools = [*peers, tools.Podgit]
        bench.main()
    head = [f"{platform.system()} {platform.release()}, {os.cpu_count()} cores, {memory_free() >> 30} GiB free; load at the end {os.getloadavg()[0]:.1f}",
            "; ".join(dict.fromkeys(kind.version() for kind in bench.tools)) + "; floor: " + tools.Floor.version(),
            f"{options.size}, " + (f"{options.rounds} rounds, medians" if options.rounds > 1 else "one round, under strace, which stops fsyncs only")]
    report.write(bench, head, options.out, statistics.median)


if __name__ == "__main__":
    main()
