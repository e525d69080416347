"""How fast libpod reads a pickle, beside Python; and how little of a canonical file one change touches.

    build/venv/bin/python tests/bench/pickle_reading.py [--build build/release] [--objects 75000] [--rounds 3]

Speed: an S3 backend of many small objects, as moto holds it and pod-agent pickles it, in one file of about 100 MB. libpod
reads it and lays its tree, as inspect does; Python loads it with its C unpickler, moto's classes and the functions that
the file names. Interleaved rounds, medians, each in a process of its own; memory is the peak of the process, of Python less what it held before the load.

Edits: 5,000 S3 objects and one of them overwritten, one item of a table of 1,000 changed, one message sent to a queue of
1,000: how many bytes of the state file stand nowhere in the one before, counted in pieces of 64 bytes, as Python writes
it and as libpod does."""

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import urllib.request
import io
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "scenario"))
sys.path.insert(0, str(ROOT / "tools" / "pod-agent"))

LOAD = """
import pickle, sys, time
sys.path.insert(0, sys.argv[2])
import moto.s3.models, pod_agent.restore
class Load(pickle.Unpickler):
    def persistent_load(self, pid): return object()
data = open(sys.argv[1], "rb")
def peak(): return int(next(line for line in open("/proc/self/status") if line.startswith("VmHWM:")).split()[1]) * 1024
before = peak()
start = time.perf_counter()
loaded = Load(data).load()
print(time.perf_counter() - start, peak() - before)
"""


class Emulator:
    def __init__(self):
        environment = os.environ | {"PYTHONPATH": str(ROOT / "tools" / "pod-agent")}
        self.process = subprocess.Popen([sys.executable, "-m", "pod_agent", "moto", "--port", "0"], env=environment,
                                        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        self.url = self.process.stdout.readline().split()[-1]

    def state(self, service):
        """The largest state file of a service, as pod-agent pickles it."""
        answer = urllib.request.urlopen(f"{self.url}/_localstack/pods/state?services={service}").read()
        with zipfile.ZipFile(io.BytesIO(answer)) as pod:
            return max((pod.read(name) for name in pod.namelist() if name.endswith("backend.state")), key=len)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()


def large_backend(count):
    """The pickle of an S3 backend of `count` objects of 1 KiB, made without a server in between."""
    from moto.s3.models import s3_backends
    from pod_agent import capture

    backend = s3_backends["123456789012"]["aws"]
    backend.create_bucket("many", "us-east-1")
    for number in range(count):
        backend.put_object("many", f"folder-{number % 500}/object-{number}", number.to_bytes(4, "big") * 256)
    return max((file.data for file in capture.take_cut(["s3"]).files), key=len)


def canonical(tool, folder, data):
    source, target = folder / "source", folder / "out"
    target.mkdir(exist_ok=True)
    source.write_bytes(data)
    subprocess.run([tool, target], input=f"{source}\n", text=True, check=True, stdout=subprocess.DEVNULL)
    return (target / "0").read_bytes()


def blocks_differing(before, after, size=64):
    """Bytes of `after` in pieces of 64 bytes that stand nowhere in `before`: what a delta has to carry, about."""
    known = {before[at:at + size] for at in range(len(before) - size + 1)}
    at = new = 0
    while at < len(after):
        if after[at:at + size] in known:
            at += size
        else:
            new += 1
            at += 1
    return new


def edits(tool, folder):
    from world.aws import EAST, Aws

    with Emulator() as emulator:
        aws = Aws(emulator.url)
        s3, sqs, dynamodb = (aws.client(name, EAST) for name in ("s3", "sqs", "dynamodb"))
        s3.create_bucket(Bucket="many")
        for number in range(5000):
            s3.put_object(Bucket="many", Key=f"folder-{number % 50}/object-{number}", Body=number.to_bytes(4, "big") * 64)
        queue = sqs.create_queue(QueueName="many")["QueueUrl"]
        for batch in range(100):
            sqs.send_message_batch(QueueUrl=queue, Entries=[{"Id": str(i), "MessageBody": f"message {batch}-{i}"} for i in range(10)])
        dynamodb.create_table(TableName="many", KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}], BillingMode="PAY_PER_REQUEST",
                              AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}])
        for number in range(1000):
            dynamodb.put_item(TableName="many", Item={"id": {"S": f"item-{number}"}, "value": {"N": str(number)}})
        changes = {
            "s3": ("one object of 5,000 overwritten",
                   lambda: s3.put_object(Bucket="many", Key="folder-17/object-2017", Body=b"another body")),
            "dynamodb": ("one item of 1,000 changed",
                         lambda: dynamodb.put_item(TableName="many", Item={"id": {"S": "item-500"}, "value": {"N": "-1"}})),
            "sqs": ("one message sent to 1,000", lambda: sqs.send_message(QueueUrl=queue, MessageBody="one more")),
        }
        print(f"\n{'':34} {'file kB':>8} {'as Python writes it':>20} {'canonical':>10}   (bytes not in the file before)")
        for service, (what, change) in changes.items():
            before = emulator.state(service)
            change()
            after = emulator.state(service)
            ours = canonical(tool, folder, before), canonical(tool, folder, after)
            print(f"  {what:32} {len(after) / 1000:8.0f} {blocks_differing(before, after):20d} {blocks_differing(*ours):10d}")


def speed(tool, data, folder, rounds):
    file = folder / "large.state"
    file.write_bytes(data)
    ours, python = [], []
    for _ in range(rounds):
        ours.append(json.loads(subprocess.run([tool, file], capture_output=True, check=True).stdout))
        out = subprocess.run([sys.executable, "-c", LOAD, file, str(ROOT / "tools" / "pod-agent")], capture_output=True, text=True, check=True)
        python.append([float(figure) for figure in out.stdout.split()])
    size = len(data)
    read, tree, peak, write, digest = (statistics.median(sample[name] for sample in ours)
                                       for name in ("readSeconds", "treeSeconds", "peakBytes", "writeSeconds", "digestSeconds"))
    load, held = (statistics.median(sample[i] for sample in python) for i in (0, 1))
    print(f"file: {size / 1e6:.0f} MB, canonical writing {ours[0]['written'] / 1e6:.0f} MB")
    print(f"libpod: read {read:.3f} s ({size / read / 1e6:.0f} MB/s), tree {tree:.3f} s, peak {peak / size:.2f} x the file;"
          f" write {write:.3f} s, digest {digest:.3f} s")
    print(f"Python: load {load:.3f} s ({size / load / 1e6:.0f} MB/s), {held / size:.2f} x the file beside it")
    print(f"ratio:  Python's load takes {load / (read + tree):.1f} x as long as read and tree")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build", default=str(ROOT / "build" / "release"))
    parser.add_argument("--objects", type=int, default=75000)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    tests = Path(options.build) / "tests"
    print(f"{platform.system()} {platform.release()}, {os.cpu_count()} cores, Python {platform.python_version()}")
    with tempfile.TemporaryDirectory() as name:
        speed(tests / "bench" / "reading_speed", large_backend(options.objects), Path(name), options.rounds)
        edits(tests / "conformance" / "document_tool", Path(name))


if __name__ == "__main__":
    main()
