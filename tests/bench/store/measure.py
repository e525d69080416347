"""What one command costs: wall and processor seconds, peak memory, bytes written, and in a run of its own its fsyncs."""

import json
import os
import re
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

# The kernel counts the memory of a starter as its child's, and adds up what children wrote in the starter: so a small
# process starts the commands.
STARTER = """
import json, os, resource, subprocess, sys, time
def written():
    return int(next(line for line in open("/proc/self/io") if line.startswith("write_bytes")).split()[1])
for line in sys.stdin:
    task = json.loads(line)
    with open(task["log"], "wb") as log:
        before, start = written(), time.perf_counter()
        child = subprocess.Popen(task["argv"], env=task["env"], cwd=task["cwd"], stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        _, status, usage = os.wait4(child.pid, 0)
        wall = time.perf_counter() - start
        child.returncode = os.waitstatus_to_exitcode(status)
    print(json.dumps([child.returncode, wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, written() - before]), flush=True)
"""

SYNCS = "fsync,fdatasync,syncfs,sync,sync_file_range,msync"


@dataclass
class Cost:
    wall: float
    cpu: float
    peak_mib: float
    written: int
    fsyncs: int | None = None
    grown: int = 0  # bytes that the store has more than before


class Starter:
    def __init__(self):
        self.process = subprocess.Popen([sys.executable, "-I", "-S", "-c", STARTER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def run(self, argv, environment=None, cwd=None):
        """Several commands, joined as a shell does, may be given as one text."""
        if isinstance(argv, str):
            argv = ["sh", "-ec", argv]
        full = {"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/"), "LANG": "C.UTF-8"} | (environment or {})
        with tempfile.NamedTemporaryFile() as log:
            task = {"argv": [str(part) for part in argv], "env": full, "cwd": str(cwd) if cwd else None, "log": log.name}
            self.process.stdin.write(json.dumps(task) + "\n")
            self.process.stdin.flush()
            code, wall, cpu, peak, written = json.loads(self.process.stdout.readline())
            if code:
                said = Path(log.name).read_text(errors="replace")[-2000:]
                sys.exit(f"store: {' '.join(task['argv'])[:300]} ended with {code}:\n{said}")
        return Cost(wall, cpu, peak, written)

    def fsyncs(self, argv, environment=None, cwd=None):
        """The same command under strace: how often it asked for durability, and its cost; strace stops it nowhere else."""
        if isinstance(argv, str):
            argv = ["sh", "-ec", argv]
        with tempfile.NamedTemporaryFile() as trace:
            cost = self.run(["strace", "-f", "-qq", "--seccomp-bpf", "-e", f"trace={SYNCS}", "-o", trace.name, *argv], environment, cwd)
            cost.fsyncs = len(re.findall(rf"^\d+ +(?:{SYNCS.replace(',', '|')})\(", Path(trace.name).read_text(), re.MULTILINE))
            return cost


def size_of(folder):
    """Bytes of the files below, as `du --apparent-size` counts them."""
    folder = Path(folder)
    if folder.is_file():
        return folder.stat().st_size
    return sum(path.lstat().st_size for path in folder.rglob("*") if path.is_file() and not path.is_symlink())


def memory_free():
    text = Path("/proc/meminfo").read_text()
    return int(re.search(r"MemAvailable: +(\d+)", text)[1]) * 1024
