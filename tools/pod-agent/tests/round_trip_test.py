"""State goes out of one process and into another, and the clients see what they saw."""

from conftest import Agent, contents, document


def test_objects_versions_and_messages_come_back_in_another_process(agent: Agent, other: Agent) -> None:
    s3, sqs = agent.client("s3"), agent.client("sqs")
    s3.create_bucket(Bucket="bucket-b1")
    s3.put_bucket_versioning(Bucket="bucket-b1", VersioningConfiguration={"Status": "Enabled"})
    first = s3.put_object(Bucket="bucket-b1", Key="k", Body=b"short")["VersionId"]
    s3.put_object(Bucket="bucket-b1", Key="k", Body=b"long" * 5000)
    s3.delete_object(Bucket="bucket-b1", Key="k")
    queue = sqs.create_queue(QueueName="q0")["QueueUrl"]
    sqs.send_message(QueueUrl=queue, MessageBody="m0")

    status, lines = other.inject(agent.capture())

    assert status == 201 and lines[-1]["status"] == "ok"
    s3 = other.client("s3")
    listed = s3.list_object_versions(Bucket="bucket-b1")
    assert [v["Size"] for v in listed["Versions"]] == [20000, 5]
    assert len(listed["DeleteMarkers"]) == 1
    assert s3.get_object(Bucket="bucket-b1", Key="k", VersionId=first)["Body"].read() == b"short"
    messages = other.client("sqs").receive_message(QueueUrl=queue.replace(agent.url, other.url))["Messages"]
    assert [m["Body"] for m in messages] == ["m0"]


def test_the_same_state_gives_the_same_archive(agent: Agent) -> None:
    agent.client("s3").create_bucket(Bucket="bucket-b1")
    agent.client("s3").put_object(Bucket="bucket-b1", Key="k", Body=b"x" * 9000)
    agent.client("ec2").run_instances(ImageId="ami-12c6146b", MinCount=1, MaxCount=1)

    first, second = agent.capture(), agent.capture()

    assert first == second
    assert "assets/s3/blobs/" in " ".join(contents(first))
    assert document(first)["services"]["captured"] == ["ec2", "s3"]


def test_services_that_were_merely_asked_are_empty(agent: Agent) -> None:
    agent.client("sqs").list_queues()
    agent.client("iam").list_roles()
    agent.client("iam", region="cn-north-1").list_users()

    listed = document(agent.capture())["services"]

    assert listed["captured"] == [] and listed["failed"] == []
    assert {"sqs", "iam"} <= set(listed["empty"])
