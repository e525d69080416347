"""overwrite, account-region-merge, If-Match, partial archives, and what stays as it is."""

import json

from conftest import Agent, contents, document, info, zipped


def seed_worked_example(agent: Agent, other: Agent) -> bytes:
    """The instance and the snapshot of the worked example; returns the snapshot's archive."""
    sns, sqs = agent.client("sns"), agent.client("sqs")
    sns.create_topic(Name="topic1")
    sqs.create_queue(QueueName="queue1")
    sqs.create_queue(QueueName="queue-to-replace", Attributes={"VisibilityTimeout": "30"})
    agent.client("s3").create_bucket(Bucket="bucket1")
    agent.client("sns", "ap-southeast-2").create_topic(Name="topic2")
    agent.client("sqs", "ap-southeast-2").create_queue(QueueName="queue2")
    other.client("sns").create_topic(Name="topic3")
    other.client("sqs").create_queue(QueueName="queue3")
    other.client("sqs").create_queue(QueueName="queue-to-replace", Attributes={"VisibilityTimeout": "90"})
    return other.capture()


def names(agent: Agent) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {"buckets": [b["Name"] for b in agent.client("s3").list_buckets()["Buckets"]]}
    for region in ("us-east-1", "ap-southeast-2"):
        topics = [t["TopicArn"].rsplit(":", 1)[1] for t in agent.client("sns", region).list_topics()["Topics"]]
        queues = [u.rsplit("/", 1)[1] for u in agent.client("sqs", region).list_queues().get("QueueUrls", [])]
        found[region] = sorted(topics + queues)
    return found


def timeout_of(agent: Agent) -> str:
    url = agent.client("sqs").get_queue_url(QueueName="queue-to-replace")["QueueUrl"]
    got = agent.client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=["VisibilityTimeout"])
    return got["Attributes"]["VisibilityTimeout"]


def test_overwrite_leaves_the_snapshot_alone(agent: Agent, other: Agent) -> None:
    pod = seed_worked_example(agent, other)
    assert agent.inject(pod, "overwrite")[1][-1]["status"] == "ok"
    assert names(agent) == {"buckets": [], "us-east-1": ["queue-to-replace", "queue3", "topic3"], "ap-southeast-2": []}
    assert timeout_of(agent) == "90"


def test_account_region_merge_replaces_triples(agent: Agent, other: Agent) -> None:
    pod = seed_worked_example(agent, other)
    assert agent.inject(pod, "account-region-merge")[1][-1]["status"] == "ok"
    assert names(agent) == {
        "buckets": ["bucket1"],
        "us-east-1": ["queue-to-replace", "queue3", "topic3"],
        "ap-southeast-2": ["queue2", "topic2"],
    }
    assert timeout_of(agent) == "90"


def test_only_services_that_the_archive_speaks_for_are_touched(agent: Agent, other: Agent) -> None:
    agent.client("s3").create_bucket(Bucket="bucket-b1")
    agent.client("sns").create_topic(Name="mine")
    other.client("sqs").create_queue(QueueName="q")
    pod = other.capture("sqs,sns")
    assert document(pod)["services"] == {"captured": ["sqs"], "empty": ["sns"], "failed": []}
    agent.inject(pod, "overwrite")
    assert [b["Name"] for b in agent.client("s3").list_buckets()["Buckets"]] == ["bucket-b1"]
    assert agent.client("sns").list_topics()["Topics"] == []
    assert len(agent.client("sqs").list_queues()["QueueUrls"]) == 1


def test_a_service_that_failed_when_it_was_captured_stays(agent: Agent) -> None:
    agent.client("sqs").create_queue(QueueName="mine")
    failed = [{"service": "sqs", "reason": "it would not"}]
    status, lines = agent.inject(zipped({".pod/info.json": info([], failed=failed)}))
    assert status == 201 and lines[0]["service"] == "sqs" and lines[-1]["status"] == "partial"
    assert len(agent.client("sqs").list_queues()["QueueUrls"]) == 1


def test_if_match_refuses_a_state_that_moved(agent: Agent) -> None:
    agent.client("sqs").create_queue(QueueName="q1")
    pod = agent.capture()
    digest = document(pod)["digest"]
    assert agent.inject(pod, headers={"If-Match": f'"{digest}"'})[0] == 201
    agent.client("sqs").create_queue(QueueName="q2")
    moved = agent.digest()
    status, answer = agent.inject(pod, headers={"If-Match": f'"{digest}"'})
    assert (status, answer[0]["error"]["code"]) == (412, "state_moved")
    assert agent.digest() == moved


def test_the_answer_ends_with_the_digest_of_what_is_now(agent: Agent) -> None:
    agent.client("s3").create_bucket(Bucket="bucket-b1")
    agent.client("s3").put_object(Bucket="bucket-b1", Key="k", Body=b"x" * 10_000)
    status, lines = agent.inject(agent.capture())
    assert lines[-1] == {"event": "completion", "operation": "load", "status": "ok", "digest": agent.digest()}
    assert {"service": "s3", "status": "ok", "message": "1 state file, 1 blob"} in lines


def test_bodies_that_the_caller_has_are_not_sent(agent: Agent) -> None:
    agent.client("s3").create_bucket(Bucket="bucket-b1")
    for key in ("a", "b"):
        agent.client("s3").put_object(Bucket="bucket-b1", Key=key, Body=key.encode() * 10_000)
    whole = document(agent.capture())
    have = [e["sha256"] for e in whole["entries"] if e["path"].startswith("assets/")][:1]
    status, headers, pod = agent.request("POST", "/_pod/state", json.dumps({"have": have}).encode())
    assert status == 200 and headers["x-localstack-pod-services"] == "s3"
    said = document(pod)
    assert said["digest"] == whole["digest"]
    assert [e["sha256"] for e in said["entries"] if e["omitted"]] == have
    assert sum(name.startswith("assets/") for name in contents(pod)) == 1


def test_a_service_that_fails_is_put_back_and_the_others_go_on(agent: Agent, other: Agent) -> None:
    """A stack refers to a queue; without the queue's file the stack cannot be loaded."""
    template = json.dumps({"Resources": {"Q": {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": "made"}}}})
    other.client("cloudformation").create_stack(StackName="s", TemplateBody=template)
    other.client("sns").create_topic(Name="t")
    files = {k: v for k, v in contents(other.capture()).items() if "/sqs/" not in k and ".pod" not in k}
    agent.client("cloudformation").create_stack(StackName="mine", TemplateBody=template.replace("made", "own"))
    status, lines = agent.inject(zipped({**files, ".pod/info.json": info(["cloudformation", "sns"])}))
    said = {line.get("service"): line for line in lines}
    assert status == 201 and lines[-1]["status"] == "partial"
    assert said["cloudformation"]["status"] == "error" and "sqs/queues/made" in said["cloudformation"]["message"]
    assert said["sns"]["status"] == "ok"
    assert [s["StackName"] for s in agent.client("cloudformation").describe_stacks()["Stacks"]] == ["mine"]
    agent.client("cloudformation").delete_stack(StackName="mine")
    assert "QueueUrls" not in agent.client("sqs").list_queues()


def test_a_bucket_name_of_another_account_is_a_conflict(agent: Agent, other: Agent) -> None:
    agent.client("s3", account="111111111111").create_bucket(Bucket="taken-name")
    other.client("s3").create_bucket(Bucket="taken-name")
    files = contents(other.capture("s3"))
    assert list(files)[0].split("/")[1] == "123456789012"
    held = json.loads(agent.request("GET", "/_localstack/pods/state/metamodel")[2])
    if list(held) != ["123456789012"]:
        status, lines = agent.inject(other.capture("s3"), "account-region-merge")
        assert lines[0]["status"] == "error" and "taken-name" in lines[0]["message"]


def test_injecting_twice_does_not_grow(agent: Agent) -> None:
    agent.client("ec2").describe_vpcs()
    agent.client("s3").create_bucket(Bucket="bucket-b1")
    for number in range(8):
        agent.client("s3").put_object(Bucket="bucket-b1", Key=str(number), Body=bytes([number]) * 900_000)
    pod = agent.capture()
    agent.inject(pod)
    agent.inject(pod)
    before = agent.memory()
    for _ in range(8):
        assert agent.inject(pod)[1][-1]["status"] == "ok"
    assert agent.memory() - before < 24 << 20
    body = agent.client("s3").get_object(Bucket="bucket-b1", Key="7")["Body"].read()
    assert body == b"\7" * 900_000
