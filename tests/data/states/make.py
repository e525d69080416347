#!/usr/bin/env python3
"""Makes the state files beside this: a small world, and the same one with more in it. Run with the tests' Python."""

import io
import json
import os
import sys
import urllib.request
import zipfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[2] / "tools/pod-agent/tests"))
os.environ.setdefault("AWS_ACCESS_KEY_ID", "123456789012")
os.environ.setdefault("AWS_SECRET_ACCESS_KEY", "none")

from conftest import Agent  # noqa: E402


def capture(agent: Agent, folder: Path) -> None:
    answer = urllib.request.urlopen(agent.url + "/_localstack/pods/state?services=sqs,s3,dynamodb").read()
    folder.mkdir(exist_ok=True)
    with zipfile.ZipFile(io.BytesIO(answer)) as archive:
        for name in archive.namelist():
            if name.endswith(".state"):
                (folder / (name.split("/")[2] + ".state")).write_bytes(archive.read(name))


def table(client, name: str, *keys: tuple[str, str]) -> None:
    client.create_table(
        TableName=name,
        KeySchema=[{"AttributeName": key, "KeyType": kind} for (key, _), kind in zip(keys, ("HASH", "RANGE"))],
        AttributeDefinitions=[{"AttributeName": key, "AttributeType": kind} for key, kind in keys],
        BillingMode="PAY_PER_REQUEST",
    )


def main() -> None:
    agent = Agent()
    sqs, s3, dynamodb = agent.client("sqs"), agent.client("s3"), agent.client("dynamodb")
    dead = sqs.create_queue(QueueName="orders-dlq")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=dead, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    redrive = json.dumps({"deadLetterTargetArn": arn, "maxReceiveCount": "3"})
    orders = sqs.create_queue(QueueName="orders", Attributes={"RedrivePolicy": redrive})["QueueUrl"]
    for number in range(3):
        sqs.send_message(QueueUrl=orders, MessageBody=f"message {number}")
    s3.create_bucket(Bucket="pictures")
    s3.put_bucket_versioning(Bucket="pictures", VersioningConfiguration={"Status": "Enabled"})
    for key, body in (("a/1.png", b"x" * 10), ("a/2.png", b"x" * 10), ("a/1.png", b"y" * 12)):
        s3.put_object(Bucket="pictures", Key=key, Body=body)
    table(dynamodb, "orders", ("id", "S"), ("n", "N"))
    for number in range(3):
        dynamodb.put_item(
            TableName="orders", Item={"id": {"S": f"o{number}"}, "n": {"N": "1"}, "tags": {"SS": ["x", "y"]}}
        )
    capture(agent, HERE / "before")

    another = sqs.create_queue(QueueName="another")["QueueUrl"]
    sqs.send_message(QueueUrl=another, MessageBody="hi")
    s3.create_bucket(Bucket="another")
    s3.put_object(Bucket="another", Key="k", Body=b"z")
    table(dynamodb, "another", ("id", "S"))
    dynamodb.put_item(TableName="another", Item={"id": {"S": "k"}})
    capture(agent, HERE / "after")
    agent.stop()


if __name__ == "__main__":
    main()
