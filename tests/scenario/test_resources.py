"""What the metamodel lists of the world's state is what the emulator lists when boto3 asks it."""

import glob
import io
import json
import os
import subprocess
import zipfile

import pytest

from conftest import ROOT
from world import seed
from world.aws import EAST, FIRST, SECOND, WEST, Aws


def find_model_of():
    built = glob.glob(str(ROOT / "build" / "*" / "tests" / "conformance" / "model_of"))
    return os.environ.get("MODEL_OF") or max(built, key=os.path.getmtime, default=None)


class Models:
    """The models of an archive's state files: by account, service, region and type, the resources by id."""

    def __init__(self, archive, folder):
        binary = find_model_of()
        if not binary:
            pytest.skip("model_of is not built: neither $MODEL_OF nor build/*/tests/conformance/model_of")
        with zipfile.ZipFile(io.BytesIO(archive)) as pod:
            pod.extractall(folder, [name for name in pod.namelist() if name.startswith("api_states/")])
        done = subprocess.run([binary, str(folder)], capture_output=True, text=True, timeout=300)
        assert done.returncode == 0, done.stderr
        self.files = dict(line.split("\t", 1) for line in done.stdout.splitlines())
        self.models = {path: json.loads(text) for path, text in self.files.items()}

    def of(self, service, kind, region=EAST, account=FIRST):
        model = self.models[f"api_states/{account}/{service}/{region}/backend.state"]
        assert "not_read" not in model, model["not_read"]
        return model.get("resources", {}).get(kind, {})


class World:
    def __init__(self, agent, folder):
        self.handles = seed.seed(agent.endpoint)
        self.models = Models(agent.capture(), folder)
        self.aws = Aws(agent.endpoint)


@pytest.fixture(scope="module")
def world(start, tmp_path_factory):
    return World(start(), tmp_path_factory.mktemp("states"))


def every(client, operation, key, name=None, **arguments):
    """All pages of a list; `name` picks what is compared."""
    found = []
    if client.can_paginate(operation):
        for page in client.get_paginator(operation).paginate(**arguments):
            found.extend(page.get(key, []))
    else:
        found.extend(getattr(client, operation)(**arguments).get(key, []))
    return {entry if name is None else entry[name] for entry in found}


def tail(arn):
    return arn.replace(":", "/").rsplit("/", 1)[1]


# What to compare: service, type, where, what boto3 says, and what of a resource (its id, or an attribute) says the same.
IDS = object()
LISTS = [
    ("s3", "bucket", "global", lambda c: every(c, "list_buckets", "Buckets", "Name"), IDS),
    ("sqs", "queue", EAST, lambda c: {url.rsplit("/", 1)[1] for url in every(c, "list_queues", "QueueUrls")}, IDS),
    ("sqs", "queue", WEST, lambda c: {url.rsplit("/", 1)[1] for url in every(c, "list_queues", "QueueUrls")}, IDS),
    ("sns", "topic", EAST, lambda c: every(c, "list_topics", "Topics", "TopicArn"), "arn"),
    ("sns", "subscription", EAST, lambda c: every(c, "list_subscriptions", "Subscriptions", "SubscriptionArn"), "arn"),
    ("dynamodb", "table", EAST, lambda c: every(c, "list_tables", "TableNames"), IDS),
    ("kinesis", "stream", EAST, lambda c: every(c, "list_streams", "StreamNames"), IDS),
    ("lambda", "function", EAST, lambda c: every(c, "list_functions", "Functions", "FunctionArn"), "arn"),
    ("lambda", "layer", EAST, lambda c: every(c, "list_layers", "Layers", "LayerName"), IDS),
    ("lambda", "event-source", EAST, lambda c: every(c, "list_event_source_mappings", "EventSourceMappings", "UUID"), IDS),
    ("iam", "user", "global", lambda c: every(c, "list_users", "Users", "Arn"), "arn"),
    ("iam", "role", "global", lambda c: every(c, "list_roles", "Roles", "Arn"), "arn"),
    ("iam", "group", "global", lambda c: every(c, "list_groups", "Groups", "GroupName"), IDS),
    ("iam", "policy", "global", lambda c: every(c, "list_policies", "Policies", "Arn", Scope="Local"), "arn"),
    ("iam", "instance-profile", "global", lambda c: every(c, "list_instance_profiles", "InstanceProfiles", "Arn"), "arn"),
    ("secretsmanager", "secret", EAST,
     lambda c: every(c, "list_secrets", "SecretList", "ARN", IncludePlannedDeletion=True), "arn"),
    ("ssm", "parameter", EAST, lambda c: every(c, "describe_parameters", "Parameters", "Name"), IDS),
    ("kms", "key", EAST, lambda c: every(c, "list_keys", "Keys", "KeyArn"), "arn"),
    ("kms", "alias", EAST,
     lambda c: {name for name in every(c, "list_aliases", "Aliases", "AliasName") if not name.startswith("alias/aws/")}, IDS),
    ("apigateway", "api", EAST, lambda c: every(c, "get_rest_apis", "items", "id"), "api_id"),
    ("apigateway", "api-key", EAST, lambda c: every(c, "get_api_keys", "items", "id"), "key_id"),
    ("apigatewayv2", "api", EAST, lambda c: every(c, "get_apis", "Items", "ApiId"), "api_id"),
    ("cloudformation", "stack", EAST, lambda c: every(c, "describe_stacks", "Stacks", "StackId"), "arn"),
    ("cloudformation", "export", EAST, lambda c: every(c, "list_exports", "Exports", "Name"), IDS),
    ("stepfunctions", "state-machine", EAST, lambda c: every(c, "list_state_machines", "stateMachines", "stateMachineArn"), "arn"),
    ("logs", "log-group", EAST, lambda c: every(c, "describe_log_groups", "logGroups", "logGroupName"), IDS),
    ("ec2", "instance", EAST, lambda c: {instance["InstanceId"] for page in c.get_paginator("describe_instances").paginate()
                                         for one in page["Reservations"] for instance in one["Instances"]}, IDS),
    ("ec2", "vpc", EAST, lambda c: every(c, "describe_vpcs", "Vpcs", "VpcId"), IDS),
    ("ec2", "subnet", EAST, lambda c: every(c, "describe_subnets", "Subnets", "SubnetId"), IDS),
    ("ec2", "security-group", EAST, lambda c: every(c, "describe_security_groups", "SecurityGroups", "GroupId"), IDS),
    ("ec2", "volume", EAST, lambda c: every(c, "describe_volumes", "Volumes", "VolumeId"), IDS),
    ("ec2", "key-pair", EAST, lambda c: every(c, "describe_key_pairs", "KeyPairs", "KeyName"), IDS),
    ("ec2", "image", EAST, lambda c: every(c, "describe_images", "Images", "ImageId", Owners=["self"]), IDS),
    ("ec2", "snapshot", EAST, lambda c: {one["SnapshotId"] for page in c.get_paginator("describe_snapshots").paginate()
                                         for one in page["Snapshots"] if one["OwnerId"] == FIRST}, IDS),
    ("ec2", "route-table", EAST, lambda c: every(c, "describe_route_tables", "RouteTables", "RouteTableId"), IDS),
    ("ec2", "network-interface", EAST, lambda c: every(c, "describe_network_interfaces", "NetworkInterfaces", "NetworkInterfaceId"),
     IDS),
    ("route53", "zone", "global", lambda c: {tail(zone) for zone in every(c, "list_hosted_zones", "HostedZones", "Id")}, "zone_id"),
    ("ecr", "repository", EAST, lambda c: every(c, "describe_repositories", "repositories", "repositoryName"), IDS),
    ("ecs", "cluster", EAST, lambda c: every(c, "list_clusters", "clusterArns"), "arn"),
    ("ecs", "task-definition", EAST, lambda c: every(c, "list_task_definitions", "taskDefinitionArns"), "arn"),
    ("events", "bus", EAST, lambda c: every(c, "list_event_buses", "EventBuses", "Name"), IDS),
    ("acm", "certificate", EAST, lambda c: every(c, "list_certificates", "CertificateSummaryList", "CertificateArn"), "arn"),
    ("cognito-idp", "user-pool", EAST, lambda c: every(c, "list_user_pools", "UserPools", "Id", MaxResults=60), "pool_id"),
    ("cloudwatch", "alarm", EAST, lambda c: every(c, "describe_alarms", "MetricAlarms", "AlarmName"), IDS),
    ("rds", "db", EAST, lambda c: every(c, "describe_db_instances", "DBInstances", "DBInstanceArn"), "arn"),
    ("rds", "cluster", EAST, lambda c: every(c, "describe_db_clusters", "DBClusters", "DBClusterArn"), "arn"),
    ("opensearch", "domain", EAST, lambda c: every(c, "list_domain_names", "DomainNames", "DomainName"), IDS),
    ("elbv2", "balancer", EAST, lambda c: every(c, "describe_load_balancers", "LoadBalancers", "LoadBalancerArn"), "arn"),
    ("elbv2", "target-group", EAST, lambda c: every(c, "describe_target_groups", "TargetGroups", "TargetGroupArn"), "arn"),
    ("autoscaling", "group", EAST,
     lambda c: every(c, "describe_auto_scaling_groups", "AutoScalingGroups", "AutoScalingGroupARN"), "arn"),
    ("firehose", "stream", EAST, lambda c: every(c, "list_delivery_streams", "DeliveryStreamNames"), IDS),
    ("glue", "database", EAST, lambda c: every(c, "get_databases", "DatabaseList", "Name"), IDS),
    ("glue", "job", EAST, lambda c: every(c, "list_jobs", "JobNames"), IDS),
    ("ses", "identity", EAST, lambda c: every(c, "list_identities", "Identities"), IDS),
    ("batch", "job-queue", EAST, lambda c: every(c, "describe_job_queues", "jobQueues", "jobQueueArn"), "arn"),
    ("efs", "file-system", EAST, lambda c: every(c, "describe_file_systems", "FileSystems", "FileSystemArn"), "arn"),
    ("eks", "cluster", EAST, lambda c: every(c, "list_clusters", "clusters"), IDS),
    ("redshift", "cluster", EAST, lambda c: every(c, "describe_clusters", "Clusters", "ClusterIdentifier"), IDS),
    ("elasticache", "cluster", EAST, lambda c: every(c, "describe_cache_clusters", "CacheClusters", "ARN"), "arn"),
    ("wafv2", "web-acl", EAST, lambda c: every(c, "list_web_acls", "WebACLs", "ARN", Scope="REGIONAL"), "arn"),
    ("scheduler", "schedule", EAST, lambda c: every(c, "list_schedules", "Schedules", "Arn"), "arn"),
    ("organizations", "account", "global", lambda c: every(c, "list_accounts", "Accounts", "Id"), "account_id"),
    ("cloudtrail", "trail", EAST, lambda c: every(c, "list_trails", "Trails", "TrailARN"), "arn"),
]


@pytest.mark.parametrize("service, kind, region, ask, what", LISTS, ids=lambda value: value if isinstance(value, str) else "")
def test_resources_are_those_that_the_emulator_lists(world, service, kind, region, ask, what):
    listed = ask(world.aws.client(service, EAST if region == "global" else region))
    resources = world.models.of(service, kind, region)
    said = {
        id if what is IDS else resource["arn"] if what == "arn" else resource["attrs"][what] for id, resource in resources.items()
    }
    assert listed, "the world has none: nothing would be compared"
    assert said == listed


def test_at_least_25_services_were_asked():
    assert len({service for service, *_ in LISTS}) >= 25


def test_the_other_account_is_listed_too(world):
    names = {url.rsplit("/", 1)[1] for url in every(world.aws.client("sqs", EAST, SECOND), "list_queues", "QueueUrls")}
    assert set(world.models.of("sqs", "queue", account=SECOND)) == names


def test_counts_are_the_emulators(world):
    sqs, s3, dynamodb = (world.aws.client(service) for service in ("sqs", "s3", "dynamodb"))
    for name, queue in world.models.of("sqs", "queue").items():
        url = sqs.get_queue_url(QueueName=name)["QueueUrl"]
        attributes = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
        messages = sum(int(attributes[key]) for key in attributes if key.startswith("ApproximateNumberOfMessages"))
        assert queue["counts"]["messages"] == messages, name
    for name, bucket in world.models.of("s3", "bucket", "global").items():
        objects = s3.list_objects_v2(Bucket=name).get("Contents", [])
        assert bucket["counts"]["objects"] == len(objects), name
        versions = s3.list_object_versions(Bucket=name)
        assert bucket["counts"]["versions"] == len(versions.get("Versions", []) + versions.get("DeleteMarkers", [])), name
        assert bucket.get("bytes", 0) == sum(version["Size"] for version in versions.get("Versions", [])), name
    for name, table in world.models.of("dynamodb", "table").items():
        assert table["counts"]["items"] == dynamodb.scan(TableName=name)["Count"], name


def test_tags_are_the_emulators(world):
    def pairs(tags, key="Key", value="Value"):
        return {tag[key]: tag[value] for tag in tags}

    s3 = world.aws.client("s3")
    assert world.models.of("s3", "bucket", "global")["world-documents"]["tags"] == \
        pairs(s3.get_bucket_tagging(Bucket="world-documents")["TagSet"])
    kms = world.aws.client("kms")
    tagged = 0
    for id, key in world.models.of("kms", "key").items():
        tags = pairs(kms.list_resource_tags(KeyId=id)["Tags"], "TagKey", "TagValue")
        assert key.get("tags", {}) == tags
        tagged += len(tags)
    assert tagged > 0


def test_the_emulators_own_does_not_drown_the_users(world):
    model = world.models.models[f"api_states/{FIRST}/ec2/{EAST}/backend.state"]
    assert model["unmapped"]["image (stock)"] > 1000
    assert sum(len(resources) for resources in model["resources"].values()) < 100


def test_what_was_seeded_as_a_secret_stands_in_no_model(world):
    secrets = ["not-a-secret-1", "Not-a-secret-1", "Not-a-secret-2", "PRIVATE KEY"]
    for path, text in world.models.files.items():
        for secret in secrets:
            assert secret not in text, path
    parameter = world.aws.client("ssm").get_parameter(Name="/world/password", WithDecryption=True)["Parameter"]["Value"]
    key = next(iter(world.aws.client("apigateway").get_api_keys(includeValues=True)["items"]))["value"]
    user = world.aws.client("cognito-idp").list_user_pools(MaxResults=60)["UserPools"][0]["Id"]
    client = world.aws.client("cognito-idp").list_user_pool_clients(UserPoolId=user, MaxResults=60)["UserPoolClients"][0]
    secret = world.aws.client("cognito-idp").describe_user_pool_client(
        UserPoolId=user, ClientId=client["ClientId"])["UserPoolClient"].get("ClientSecret")
    for path, text in world.models.files.items():
        for value in filter(None, (parameter, key, secret)):
            assert value not in text, path
    # Its value is a word that may stand elsewhere.
    value = world.aws.client("secretsmanager").get_secret_value(SecretId="world/password")["SecretString"]
    assert json.dumps(value) not in json.dumps(world.models.of("secretsmanager", "secret"))
