"""Values that differ between two reads of one instance: computed, or moved on, while they are read.

Each line is (service, operation, where in the answer, why); `*` stands for any index or name. A test shows that the
list is needed and enough: the same instance asked twice differs in exactly these places (DRAWN: or not)."""

import re

NOISE = (
    ("athena", "list_work_groups", "WorkGroups > * > CreationTime", "moto answers with the time of the request"),
    ("athena", "get_work_group", "WorkGroup > CreationTime", "moto answers with the time of the request"),
    ("cloudtrail", "get_trail_status", "LatestDeliveryTime", "the time of the request"),
    ("cloudtrail", "get_trail_status", "LatestDeliveryAttemptTime", "the time of the request"),
    ("codebuild", "batch_get_builds", "builds > * > phases", "each read appends the phases of a whole build"),
    ("codebuild", "batch_get_builds", "builds > * > endTime", "the time of the request and some minutes"),
    ("cognito-idp", "describe_user_pool_domain", "DomainDescription > AWSAccountId", "drawn for each answer"),
    ("ecr", "get_lifecycle_policy", "lastEvaluatedAt", "the time of the request"),
    ("ecs", "describe_tasks", "tasks > * > lastStatus", "each read moves the task to its next state"),
    ("efs", "describe_file_systems", "FileSystems > * > SizeInBytes > Timestamp", "the time of the request"),
    ("rds", "describe_db_clusters", "DBClusters > * > LatestRestorableTime", "the time of the request"),
    ("rds", "describe_db_instances", "DBInstances > * > LatestRestorableTime", "the time of the request"),
    ("secretsmanager", "list_secret_version_ids", "Versions > * > CreatedDate", "the time of the request"),
    ("secretsmanager", "list_secret_version_ids", "Versions > * > LastAccessedDate", "the time of the request"),
    ("ses", "get_send_statistics", "SendDataPoints > * > Timestamp", "the time of the request"),
    ("xray", "get_trace_summaries", "ApproximateTime", "the time of the request"),
)

# Drawn at random from so few that two reads may agree.
DRAWN = {line for line in NOISE if line[:3] == ("codebuild", "batch_get_builds", "builds > * > endTime")}


def _matcher(service, operation, where):
    inside = re.escape(where).replace(r"\*", "[^>]+")
    return re.compile(rf"\d+/[a-z0-9-]+/{re.escape(service)}/{operation}\(.*\) > {inside}( > .*)?", re.DOTALL)


_MATCHERS = [(line, _matcher(*line[:3])) for line in NOISE]


def explain(path):
    """The line of the list that a difference falls under, or None."""
    return next((line for line, matcher in _MATCHERS if matcher.fullmatch(path)), None)


def unexplained(differences):
    return [difference for difference in differences if explain(difference[0]) is None]
