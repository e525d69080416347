"""What a commit and an inject cost, and which part of it is the emulator's.

    build/venv/bin/python tests/bench/round_trip.py [--podgit PATH] [--rounds 3] [--json FILE]

Starts moto server with pod-agent on a free port, fills it (the world of tests/scenario, then 5,000 S3 objects of 2 KiB
with 1,000 SQS messages), and takes for each: a first commit, a commit after one change, a commit with nothing changed, an
inject into a fresh emulator. Prints medians over the rounds: wall time of the command, the processor time of podgit and
of the emulator in it (podgit waits while the emulator works, and the other way round, so wall time is about their sum),
peak memory of both; and the start-up time of `podgit version`. Every round starts a fresh emulator and store. Processor
time and peak memory are the kernel's figures: of podgit for the process, which a small one starts (the kernel counts the
starter's memory too: about 10 MiB are the least that shows), of the emulator from /proc (10 ms steps, VmHWM reset before
each command)."""

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "scenario"))

from world import seed as world_seed  # noqa: E402
from world.aws import EAST, Aws  # noqa: E402


class Emulator:
    def __init__(self):
        environment = os.environ | {"PYTHONPATH": str(ROOT / "tools" / "pod-agent")}
        self.process = subprocess.Popen([sys.executable, "-m", "pod_agent", "moto", "--port", "0"], env=environment,
                                        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        self.url = self.process.stdout.readline().split()[-1]

    def forget_peak(self):
        Path(f"/proc/{self.process.pid}/clear_refs").write_text("5")

    def processor_seconds(self):
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def peak_mib(self):
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(status.split("VmHWM:")[1].split()[0]) / 1024

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()


STARTER = """
import json, os, subprocess, sys, time
for line in sys.stdin:
    task = json.loads(line)
    with open(task["out"], "wb") as out:
        start = time.perf_counter()
        child = subprocess.Popen(task["argv"], env=task["env"], stdout=out, stderr=subprocess.DEVNULL)
        _, status, usage = os.wait4(child.pid, 0)
        wall = time.perf_counter() - start
        child.returncode = os.waitstatus_to_exitcode(status)
    print(json.dumps([child.returncode, wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024]), flush=True)
"""


class Starter:
    """Starts commands from a process that holds nothing."""

    def __init__(self):
        self.process = subprocess.Popen([sys.executable, "-I", "-S", "-c", STARTER], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        text=True)

    def run(self, argv, environment, out):
        self.process.stdin.write(json.dumps({"argv": argv, "env": environment, "out": out}) + "\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())


STARTED = Starter()


def fill_world(url):
    world_seed.seed(url)


def fill_objects(url):
    aws = Aws(url)
    s3, sqs = aws.client("s3", EAST), aws.client("sqs", EAST)
    s3.create_bucket(Bucket="many")
    for number in range(5000):
        s3.put_object(Bucket="many", Key=f"folder-{number % 50}/object-{number}", Body=number.to_bytes(4) * 512)
    queue = sqs.create_queue(QueueName="many")["QueueUrl"]
    for batch in range(100):
        sqs.send_message_batch(QueueUrl=queue, Entries=[{"Id": str(i), "MessageBody": f"message {batch}-{i}"} for i in range(10)])


def change_one(url):
    s3 = Aws(url).client("s3", EAST)
    s3.create_bucket(Bucket="one-more-bucket")


def run(podgit, environment, emulator, *arguments):
    """One command: wall seconds, processor seconds and peak MiB of podgit and the emulator, its JSON data."""
    emulator.forget_peak()
    before = emulator.processor_seconds()
    with tempfile.NamedTemporaryFile() as out:
        code, wall, podgit_seconds, podgit_mib = STARTED.run([podgit, *arguments, "--json"], environment, out.name)
        answer = json.loads(out.read())
    if code != 0:
        sys.exit(f"round_trip: podgit {' '.join(arguments)} ended with {code}: {answer.get('error')}")
    return {"wall": wall, "podgit": podgit_seconds, "emulator": emulator.processor_seconds() - before,
            "podgit_mib": podgit_mib, "emulator_mib": emulator.peak_mib(), "data": answer["data"]}


def measure(podgit, fill):
    """One round: name of the step → figures."""
    steps = {}
    with tempfile.TemporaryDirectory() as folder:
        environment = {"HOME": folder, "PATH": os.environ["PATH"], "LD_LIBRARY_PATH": os.environ.get("LD_LIBRARY_PATH", "")}
        with Emulator() as emulator:
            environment["PODGIT_INSTANCE"] = emulator.url
            fill(emulator.url)
            steps["first commit"] = run(podgit, environment, emulator, "commit", "bench")
            change_one(emulator.url)
            steps["commit after one change"] = run(podgit, environment, emulator, "commit", "bench")
            steps["commit, nothing changed"] = run(podgit, environment, emulator, "commit", "bench")
            assert steps["commit after one change"]["data"]["created"] is True
            assert steps["commit, nothing changed"]["data"]["created"] is False
        with Emulator() as emulator:
            environment["PODGIT_INSTANCE"] = emulator.url
            steps["inject into an empty emulator"] = run(podgit, environment, emulator, "inject", "bench")
    return steps


def start_up(podgit, rounds=50):
    samples = []
    for _ in range(rounds):
        start = time.perf_counter()
        subprocess.run([podgit, "version"], stdout=subprocess.DEVNULL, check=True)
        samples.append(time.perf_counter() - start)
    return statistics.median(samples)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--podgit", default=str(ROOT / "build" / "release" / "tools" / "podgit" / "podgit"))
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", help="write every figure to this file")
    options = parser.parse_args()

    print(f"{platform.system()} {platform.release()}, {os.cpu_count()} cores, Python {platform.python_version()}, {options.podgit}")
    print(f"podgit version: {start_up(options.podgit) * 1000:.1f} ms (median of 50)\n")
    print(f"{'':32} {'wall s':>8} {'emulator s':>11} {'podgit s':>9} {'podgit MiB':>11} {'emulator MiB':>13}")
    everything = {}
    for name, fill in (("world", fill_world), ("5,000 objects", fill_objects)):
        rounds = [measure(options.podgit, fill) for _ in range(options.rounds)]
        everything[name] = rounds
        print(name)
        for step in rounds[0]:
            samples = [figures[step] for figures in rounds]
            wall, emulator, podgit, podgit_mib, emulator_mib = (
                statistics.median(sample[figure] for sample in samples)
                for figure in ("wall", "emulator", "podgit", "podgit_mib", "emulator_mib"))
            print(f"  {step:30} {wall:8.3f} {emulator:11.2f} {podgit:9.3f} {podgit_mib:11.1f} {emulator_mib:13.1f}")
    if options.json:
        Path(options.json).write_text(json.dumps(everything, indent=1))


if __name__ == "__main__":
    main()
