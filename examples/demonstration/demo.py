"""The main job, for real: an emulator's state into a store, and back.

Starts moto server with pod-agent, lets AWS clients create resources, takes versions with podgit, kills the emulator,
starts an empty one, injects, and checks that the clients get the same answers. Then stock git looks at the store.
Everything happens in a temporary folder and on a free port. Run by tools/dev/demo, or:

    python3 examples/demonstration/demo.py PODGIT_BINARY
"""

import os
import shlex
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import boto3
from botocore.config import Config

ROOT = Path(__file__).resolve().parents[2]
REGION = "us-east-1"


class Emulator:
    """moto server with pod-agent, as a process of its own."""

    def __init__(self, port: int) -> None:
        environment = os.environ | {"PYTHONPATH": str(ROOT / "tools" / "pod-agent")}
        command = [sys.executable, "-m", "pod_agent", "moto", "--port", str(port)]
        self.process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)
        line = self.process.stdout.readline().strip()
        if not line.startswith("pod-agent:"):
            sys.exit(f"demo: the emulator did not start: {line}")
        self.url = line.split()[-1]
        say(f"$ pod-agent moto --port {self.port}\n{line}")

    @property
    def port(self) -> int:
        return int(self.url.rsplit(":", 1)[1])

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        self.process.stdout.close()


def say(text: str) -> None:
    print(text, flush=True)


def heading(text: str) -> None:
    say(f"\n== {text}")


def run(command: list[str], environment: dict[str, str], cwd: Path) -> str:
    """Shows and runs a command; ends the demonstration if it fails."""
    say("$ " + shlex.join([Path(command[0]).name, *command[1:]]))
    done = subprocess.run(command, env=environment, cwd=cwd, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    say(done.stdout.rstrip())
    if done.returncode != 0:
        sys.exit(f"demo: that ended with {done.returncode}")
    return done.stdout


def client(url: str, service: str):
    return boto3.client(service, endpoint_url=url, region_name=REGION, aws_access_key_id="test",
                        aws_secret_access_key="test", config=Config(retries={"max_attempts": 1}))


def create_resources(url: str) -> bytes:
    """A small shop: pictures, an order queue, a table of customers, a key. Returns what the key encrypted."""
    s3, sqs, dynamodb, kms = (client(url, name) for name in ("s3", "sqs", "dynamodb", "kms"))
    s3.create_bucket(Bucket="pictures")
    s3.put_bucket_versioning(Bucket="pictures", VersioningConfiguration={"Status": "Enabled"})
    for body in (b"first sketch", b"final drawing" * 1000):
        s3.put_object(Bucket="pictures", Key="cat.svg", Body=body)
    queue = sqs.create_queue(QueueName="orders.fifo", Attributes={"FifoQueue": "true"})["QueueUrl"]
    for number in (1, 2, 3):
        sqs.send_message(QueueUrl=queue, MessageBody=f"order {number}", MessageGroupId="a", MessageDeduplicationId=str(number))
    dynamodb.create_table(TableName="customers", BillingMode="PAY_PER_REQUEST",
                          KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
                          AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}])
    dynamodb.put_item(TableName="customers", Item={"id": {"S": "ada"}, "visits": {"N": "1"}})
    key = kms.create_key()["KeyMetadata"]["KeyId"]
    return kms.encrypt(KeyId=key, Plaintext=b"a secret from before")["CiphertextBlob"]


def answers(url: str, ciphertext: bytes) -> dict:
    """What the clients see; equal before and after, or the demonstration fails."""
    s3, sqs, dynamodb, kms = (client(url, name) for name in ("s3", "sqs", "dynamodb", "kms"))
    versions = s3.list_object_versions(Bucket="pictures")["Versions"]
    return {
        "versions of cat.svg": [(version["VersionId"], version["Size"]) for version in versions],
        "its newest body": s3.get_object(Bucket="pictures", Key="cat.svg")["Body"].read()[:26],
        "queues": [url.rsplit("/", 1)[1] for url in sqs.list_queues()["QueueUrls"]],
        "customers": sorted(str(item) for item in dynamodb.scan(TableName="customers")["Items"]),
        "old ciphertext, decrypted": kms.decrypt(CiphertextBlob=ciphertext)["Plaintext"],
    }


def main() -> None:
    podgit = str(Path(sys.argv[1]).resolve())
    with tempfile.TemporaryDirectory(prefix="podgit-demo-") as folder:
        work = Path(folder)
        store = work / "home" / ".local" / "share" / "podgit"
        environment = {name: value for name, value in os.environ.items() if not name.startswith(("PODGIT", "GIT_", "XDG_"))}
        environment |= {"HOME": str(work / "home"), "PODGIT_AUTHOR_NAME": "Ada", "PODGIT_AUTHOR_EMAIL": "ada@example.org"}
        (work / "home").mkdir()

        heading("moto server starts, with pod-agent")
        emulator = Emulator(port=0)
        try:
            environment["PODGIT_INSTANCE"] = emulator.url
            heading("AWS clients create resources; podgit takes a version")
            ciphertext = create_resources(emulator.url)
            run([podgit, "commit", "shop", "-m", "the shop opens"], environment, work)
            client(emulator.url, "dynamodb").put_item(TableName="customers", Item={"id": {"S": "grace"}, "visits": {"N": "2"}})
            run([podgit, "commit", "shop", "-m", "a second customer"], environment, work)
            run([podgit, "commit", "shop", "-m", "nothing happened"], environment, work)
            run([podgit, "diff", "shop:1", "shop:2"], environment, work)
            before = answers(emulator.url, ciphertext)
            port = emulator.port

            heading("the emulator is killed, and an empty one starts in its place")
            emulator.kill()
            emulator = Emulator(port)
            say(f"buckets now: {client(emulator.url, 's3').list_buckets()['Buckets']}")

            heading("podgit brings everything back, without a restart")
            run([podgit, "inject", "shop"], environment, work)
            after = answers(emulator.url, ciphertext)
            for question, answer in after.items():
                same = "same" if answer == before[question] else f"DIFFERENT, was {before[question]!r}"
                say(f"{question}: {answer!r} ({same})")
            queue = client(emulator.url, "sqs").get_queue_url(QueueName="orders.fifo")["QueueUrl"]
            message = client(emulator.url, "sqs").receive_message(QueueUrl=queue)["Messages"][0]["Body"]
            say(f"first order out of the FIFO queue: {message!r}")
            if after != before or message != "order 1":
                sys.exit("demo: the answers differ")
        finally:
            emulator.kill()

        heading("the store is an ordinary git repository")
        run(["git", "--git-dir", str(store), "log", "--oneline", "shop"], environment, work)
        run(["git", "--git-dir", str(store), "fsck", "--strict", "--no-progress"], environment, work)
        say("\ndemo: everything came back")


if __name__ == "__main__":
    main()
