"""Makes the world in a running emulator: `seed(endpoint)`, or `python3 -m world.seed ENDPOINT > handles.json`.

Names and inputs are fixed; what the emulator draws by chance (ids, keys, tokens) and what only the moment of creation
shows (ciphertexts, receipt handles) comes back as handles, one member a service."""

import base64
import json
import sys
import time

from .aws import EAST, SECOND, Aws
from .seeds import compute, databases, identity, integration, messaging, operations, storage

# In this order: a service may use what an earlier one made.
SERVICES = (
    identity.iam, identity.kms, storage.s3, compute.ec2, storage.ecr, storage.efs, storage.backup, storage.glacier,
    messaging.sqs, messaging.sns, messaging.kinesis, messaging.firehose, messaging.events, messaging.scheduler,
    messaging.pipes, messaging.ses, messaging.mq,
    databases.dynamodb, databases.rds, databases.opensearch, databases.elasticache, databases.redshift,
    databases.memorydb,
    identity.secretsmanager, identity.ssm, identity.acm, identity.acmpca, identity.cognitoidp, identity.cognitoidentity,
    identity.organizations, identity.wafv2,
    compute.awslambda, compute.ecs, compute.eks, compute.elb, compute.elbv2, compute.autoscaling,
    compute.applicationautoscaling, compute.batch,
    integration.apigateway, integration.apigatewayv2, integration.cloudformation, integration.stepfunctions,
    integration.route53, integration.route53resolver, integration.servicediscovery, integration.cloudfront,
    integration.appsync, integration.resourcegroups,
    operations.logs, operations.cloudwatch, operations.config, operations.cloudtrail, operations.codebuild,
    operations.codepipeline, operations.codecommit, operations.athena, operations.glue, operations.emr,
    operations.quicksight, operations.guardduty, operations.iot, operations.transfer, operations.xray,
    operations.ssoadmin,
)


def seed(endpoint, services=SERVICES):
    """Creates every resource of the world and returns the handles. The emulator must be empty."""
    visit = Aws(endpoint).client("sts", EAST).assume_role(
        RoleArn=f"arn:aws:iam::{SECOND}:role/world-visitor", RoleSessionName="world")["Credentials"]
    visitor = [visit["AccessKeyId"], visit["SecretAccessKey"], visit["SessionToken"]]
    aws = Aws(endpoint, {SECOND: visitor})
    handles = {"now": int(time.time()), "sts": {"visitor": visitor}}
    for service in services:
        handles[service.__name__] = service(aws, handles) or {}
    return handles


def to_text(handles):
    return json.dumps(handles, indent=1, default=lambda value: {"bytes": base64.b64encode(value).decode()})


def from_text(text):
    return json.loads(text, object_hook=lambda value: base64.b64decode(value["bytes"])
                      if list(value) == ["bytes"] else value)


if __name__ == "__main__":
    print(to_text(seed(sys.argv[1])))
