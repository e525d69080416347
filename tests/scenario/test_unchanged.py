"""Unchanged is unchanged: the same state in two processes, whose sets have another order, has the same bytes."""

from world import seed
from world.aws import EAST, Aws

# Services whose state does not move by itself; in the others jobs end, certificates are issued, deliveries are tried.
STILL = {"sqs", "sns", "dynamodb", "iam", "kms", "secretsmanager", "kinesis", "route53", "apigateway", "events", "lambda",
         "ecr", "efs", "glue", "stepfunctions"}


def still(rows):
    return [(row["service"], row["type"], row["id"], row["change"]) for row in rows if row["service"] in STILL]


def changed_files(rows):
    return [row["path"] for row in rows if row["path"].split("/")[2] in STILL]


def test_another_process_has_the_same_state_and_only_what_moved_is_named(podgit, start):
    first = start()
    seed.seed(first.endpoint)
    podgit.ask("commit", "world", "--from", first.endpoint)
    first.kill()
    second = start()
    podgit.ask("inject", "world", "--into", second.endpoint, "--strategy", "overwrite")

    again = podgit.ask("commit", "world", "--from", second.endpoint)
    if again["data"]["created"]:
        diff = podgit.ask("diff", "world:1", "world:2")["data"]
        assert not still(diff["resources"]), podgit.run("diff", "world:1", "world:2").stdout
        files = podgit.ask("diff", "world:1", "world:2", "--files")["data"]
        assert not changed_files(files["files"])

    Aws(second.endpoint).client("sqs", EAST).create_queue(QueueName="one-more")
    podgit.ask("commit", "world", "--from", second.endpoint)
    diff = podgit.ask("diff", "world:1", "world")["data"]
    assert still(diff["resources"]) == [("sqs", "queue", "one-more", "added")]
