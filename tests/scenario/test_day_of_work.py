"""A day of work on the world: create, update and delete in ten services. What podgit says of it is what boto3 says."""

import json
import re
import time

import pytest

from cli import Cli, compare, find_podgit, settled
from world import seed
from world.aws import EAST, Aws

SERVICES = "dynamodb,events,iam,kinesis,logs,s3,secretsmanager,sns,sqs,ssm"


def work(aws):
    """Each service gets something new, loses something, and has something changed."""
    sqs = aws.client("sqs", EAST)
    sqs.create_queue(QueueName="day-new", Attributes={"VisibilityTimeout": "45"})
    sqs.delete_queue(QueueUrl=sqs.get_queue_url(QueueName="world-mapped")["QueueUrl"])
    sqs.set_queue_attributes(QueueUrl=sqs.get_queue_url(QueueName="world-dead")["QueueUrl"],
                             Attributes={"VisibilityTimeout": "90"})
    sns = aws.client("sns", EAST)
    topics = {arn.rsplit(":", 1)[1]: arn for arn in (row["TopicArn"] for row in sns.list_topics()["Topics"])}
    sns.create_topic(Name="day-new")
    sns.delete_topic(TopicArn=topics["world-ordered.fifo"])
    sns.set_topic_attributes(TopicArn=topics["world-news"], AttributeName="DisplayName", AttributeValue="News of the day")
    s3 = aws.client("s3", EAST)
    s3.create_bucket(Bucket="day-new")
    s3.create_bucket(Bucket="day-gone")
    s3.delete_bucket(Bucket="day-gone")
    s3.put_object(Bucket="world-large", Key="day.txt", Body=b"a day of work")
    dynamodb = aws.client("dynamodb", EAST)
    dynamodb.create_table(TableName="day-new", BillingMode="PAY_PER_REQUEST",
                          KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
                          AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}])
    dynamodb.delete_table(TableName="day-before")
    dynamodb.put_item(TableName="day-kept", Item={"id": {"S": "one"}, "amount": {"N": "7"}})
    secrets = aws.client("secretsmanager", EAST)
    secrets.create_secret(Name="day/new", SecretString="hunter2-new")
    secrets.delete_secret(SecretId="day/before", ForceDeleteWithoutRecovery=True)
    secrets.put_secret_value(SecretId="day/kept", SecretString="hunter2-changed")
    ssm = aws.client("ssm", EAST)
    ssm.put_parameter(Name="/day/new", Value="n", Type="String")
    ssm.delete_parameter(Name="/day/before")
    ssm.put_parameter(Name="/day/kept", Value="v2", Type="String", Overwrite=True)
    iam = aws.client("iam", EAST)
    iam.create_user(UserName="day-new")
    iam.delete_user(UserName="day-before")
    iam.update_role(RoleName="day-kept", Description="after")
    logs = aws.client("logs", EAST)
    logs.create_log_group(logGroupName="/day/new")
    logs.delete_log_group(logGroupName="/day/before")
    logs.put_retention_policy(logGroupName="/day/kept", retentionInDays=7)
    kinesis = aws.client("kinesis", EAST)
    kinesis.create_stream(StreamName="day-new", ShardCount=1)
    kinesis.delete_stream(StreamName="day-before")
    kinesis.increase_stream_retention_period(StreamName="day-kept", RetentionPeriodHours=48)
    events = aws.client("events", EAST)
    events.create_event_bus(Name="day-new")
    events.delete_event_bus(Name="day-before")
    events.put_rule(Name="day-kept", ScheduleExpression="rate(2 hours)")


def morning(aws):
    """What the day's work will change or take away, where the world has nothing that may go."""
    key = {"KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}], "BillingMode": "PAY_PER_REQUEST",
           "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}]}
    for name in ("before", "kept"):
        aws.client("dynamodb", EAST).create_table(TableName=f"day-{name}", **key)
        aws.client("secretsmanager", EAST).create_secret(Name=f"day/{name}", SecretString="hunter2")
        aws.client("ssm", EAST).put_parameter(Name=f"/day/{name}", Value="v1", Type="String")
        aws.client("logs", EAST).create_log_group(logGroupName=f"/day/{name}")
        aws.client("kinesis", EAST).create_stream(StreamName=f"day-{name}", ShardCount=1)
    aws.client("iam", EAST).create_user(UserName="day-before")
    aws.client("iam", EAST).create_role(RoleName="day-kept", AssumeRolePolicyDocument="{}", Description="before")
    aws.client("events", EAST).create_event_bus(Name="day-before")
    aws.client("events", EAST).put_rule(Name="day-kept", ScheduleExpression="rate(1 hour)")


def listed(aws):
    """(service, type) → names, as the emulator's own API lists them."""
    ask = lambda service: aws.client(service, EAST)
    last = lambda text: re.split("[:/]", text)[-1]
    return {
        ("sqs", "queue"): {last(url) for url in ask("sqs").list_queues().get("QueueUrls", [])},
        ("sns", "topic"): {last(row["TopicArn"]) for row in ask("sns").list_topics()["Topics"]},
        ("s3", "bucket"): {row["Name"] for row in ask("s3").list_buckets()["Buckets"]},
        ("dynamodb", "table"): set(ask("dynamodb").list_tables()["TableNames"]),
        ("secretsmanager", "secret"): {row["Name"] for row in ask("secretsmanager").list_secrets()["SecretList"]},
        ("ssm", "parameter"): {row["Name"] for row in ask("ssm").describe_parameters(MaxResults=50)["Parameters"]},
        ("iam", "user"): {row["UserName"] for row in ask("iam").list_users()["Users"]},
        ("logs", "log-group"): {row["logGroupName"] for row in ask("logs").describe_log_groups()["logGroups"]},
        ("kinesis", "stream"): set(ask("kinesis").list_streams()["StreamNames"]),
        ("events", "bus"): {row["Name"] for row in ask("events").list_event_buses()["EventBuses"]},
    }


CHANGED = {("sqs", "queue", "world-dead"), ("sns", "topic", "world-news"), ("s3", "bucket", "world-large"),
           ("dynamodb", "table", "day-kept"), ("secretsmanager", "secret", "day/kept"),
           ("ssm", "parameter", "/day/kept"), ("iam", "role", "day-kept"), ("logs", "log-group", "/day/kept"),
           ("kinesis", "stream", "day-kept"), ("events", "rule", "default/day-kept")}


class Day:
    def __init__(self, cli, agent):
        self.cli = cli
        seed.seed(agent.endpoint)
        aws = Aws(agent.endpoint)
        morning(aws)
        cli.ok("commit", "day", "-m", "morning", "--from", agent.endpoint)
        self.before = listed(aws)
        time.sleep(1.1)  # some services date a change by the second
        work(aws)
        self.live = cli.ok("diff", "day", agent.endpoint, "--json").json()["data"]
        cli.ok("commit", "day", "-m", "evening", "--from", agent.endpoint)
        self.after = listed(aws)
        self.difference = cli.ok("diff", "day:1", "day:2", "--json").json()["data"]


@pytest.fixture(scope="module")
def day(start, tmp_path_factory):
    binary = find_podgit()
    if not binary:
        pytest.skip("podgit is not built: neither $PODGIT nor build/*/tools/podgit/podgit")
    agent = start()
    made = Day(Cli(binary, tmp_path_factory.mktemp("day") / "home"), agent)
    agent.kill()
    return made


def resources_of(data, change):
    return {(row["service"], row["type"], row["id"]) for row in data["resources"]
            if row["change"] == change and row["service"] in SERVICES.split(",")}


def test_what_is_added_and_removed_is_what_boto3_lists(day):
    for change, older, newer in (("added", day.before, day.after), ("removed", day.after, day.before)):
        told = resources_of(day.difference, change)
        for place, names in newer.items():
            wanted = {(*place, name) for name in names - older[place]}
            assert wanted == {row for row in told if row[:2] == place}, (change, place)
            assert wanted or (change, place) == ("removed", ("s3", "bucket")), (change, place)


def test_what_is_changed_is_what_was_changed(day):
    changed = resources_of(day.difference, "changed")
    assert CHANGED <= changed, CHANGED - changed
    fields = {(row["service"], row["id"]): {field["path"]: (field["before"], field["after"]) for field in row["fields"]}
              for row in day.difference["resources"]}
    assert any(pair == ("rate(1 hour)".join('""'), "rate(2 hours)".join('""'))
               for pair in fields["events", "default/day-kept"].values())
    assert ("30", "90") in [tuple(text.strip('"') for text in pair if text) for pair in fields["sqs", "world-dead"].values()]
    assert any("7" in (after or "") for _, after in fields["logs", "/day/kept"].values())


def test_a_running_instance_is_compared_as_its_version_would_be(day):
    assert resources_of(day.live, "added") == resources_of(day.difference, "added")
    assert resources_of(day.live, "removed") == resources_of(day.difference, "removed")
    assert resources_of(day.live, "changed") == resources_of(day.difference, "changed")
    assert day.live["to"] is None and day.live["toSource"].startswith("http://")


def test_no_secret_is_shown(day):
    for arguments in (["diff", "day:1", "day:2"], ["diff", "day:1", "day:2", "--json"], ["inspect", "day", "--json"],
                      ["inspect", "day", "--at", "secretsmanager/secret/day/kept", "--json"],
                      ["inspect", "day", "--at", "secretsmanager/secret/day/kept", "--depth", "9"]):
        assert "hunter2" not in day.cli.ok(*arguments).out, arguments
    revealed = day.cli.ok("inspect", "day", "--at", "secretsmanager/secret/day/kept", "--json", "--reveal").out
    assert "hunter2-changed" in revealed


def test_inspect_lists_what_boto3_lists(day):
    for version, wanted in (("day:1", day.before), ("day:2", day.after)):
        data = day.cli.ok("inspect", version, "--json").json()["data"]
        found = {}
        for file in data["files"]:
            if file["account"] == "123456789012" and file["region"] in (EAST, "global"):
                for resource in file["resources"]:
                    found.setdefault((file["service"], resource["type"]), set()).add(resource["id"])
        for place, names in wanted.items():
            assert found.get(place, set()) >= names, (version, place, names - found.get(place, set()))


_DRAWN = [
    (re.compile(r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b"), "<uuid>"),
    (re.compile(r"\b\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)?"), "<moment>"),
    (re.compile(r"\b1[5-9]\d{8}(\.\d+)?\b|\b1[5-9]\d{11}\b"), "<moment>"),
    (re.compile(r"\b[0-9a-f]{32,64}\b"), "<digest>"),
    (re.compile(r"\b[0-9a-f]{8}\b"), "<label>"),
    (re.compile(r"\b(AIDA|AROA|AKIA|ANPA|AGPA|AIPA)[A-Z0-9]{8,}\b"), "<id>"),
    (re.compile(r"(secret:[\w/+=.@-]+-)[A-Za-z0-9]{6}\b"), r"\1<drawn>"),
    (re.compile(r"\b\d{20,}\b"), "<number>"),
]


def told(text, cli):
    text = settled(text, cli.home)
    for pattern, word in _DRAWN:
        text = pattern.sub(word, text)
    text = re.sub(r" *\b\d[\d.]* ([KMG]iB|B)\b", " <size>", text)
    text = re.sub(r"FILES +SIZE", "FILES  SIZE", text)
    # fields of one resource: by drawn ids they stand in another order each time
    return re.sub(r"(?m)(?:^      [-+~] .*\n)+", lambda run: "".join(sorted(run[0].splitlines(keepends=True))), text)


def test_the_difference_reads_as_recorded(day):
    out = day.cli.ok("diff", "day:1", "day:2").out
    compare("day-diff.txt", told(out, day.cli))


def test_the_sums_and_the_log_read_as_recorded(day):
    text = ""
    for arguments in (["diff", "day", "--stat"], ["log", "day", "--stat", "-n", "1"], ["show", "day"], ["verify", "day"]):
        text += f"$ podgit {' '.join(arguments)}\n" + day.cli.ok(*arguments).out + "\n"
    compare("day-sums.txt", told(text, day.cli))


def test_inspect_before_and_after_reads_as_recorded(day):
    text = ""
    for version in ("day:1", "day:2"):
        for service in SERVICES.split(","):
            out = day.cli.ok("inspect", version, "--service", service, "--type", TYPES[service]).out
            text += f"$ podgit inspect {version} --service {service} --type {TYPES[service]}\n{out}\n"
    compare("day-inspect.txt", told(text, day.cli))


TYPES = {"dynamodb": "table", "events": "bus", "iam": "user", "kinesis": "stream", "logs": "log-group", "s3": "bucket",
         "secretsmanager": "secret", "sns": "topic", "sqs": "queue", "ssm": "parameter"}
