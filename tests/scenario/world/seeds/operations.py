"""What watches, builds, records and counts."""

import json

from ..aws import FIRST, WEST

def logs(aws, handles):
    logs = aws.client("logs")
    logs.create_log_group(logGroupName="/world/app", tags={"env": "test"})
    logs.put_retention_policy(logGroupName="/world/app", retentionInDays=365)
    logs.create_log_stream(logGroupName="/world/app", logStreamName="main")
    now = handles["now"] * 1000
    logs.put_log_events(logGroupName="/world/app", logStreamName="main", logEvents=[
        {"timestamp": now + n, "message": f"line {n}: {'error' if n % 2 else 'fine'}"} for n in range(5)])
    logs.put_metric_filter(logGroupName="/world/app", filterName="errors", filterPattern="error",
                           metricTransformations=[{"metricName": "errors", "metricNamespace": "world",
                                                   "metricValue": "1"}])
    logs.create_log_group(logGroupName="/world/copied")
    aws.client("logs", WEST).create_log_group(logGroupName="/world/west")


def cloudwatch(aws, handles):
    watch = aws.client("cloudwatch")
    watch.put_metric_alarm(AlarmName="world-alarm", MetricName="errors", Namespace="world", Statistic="Sum", Period=60,
                           EvaluationPeriods=1, Threshold=1.0, ComparisonOperator="GreaterThanThreshold",
                           AlarmActions=[handles["sns"]["topic"]], Tags=[{"Key": "env", "Value": "test"}])
    watch.set_alarm_state(AlarmName="world-alarm", StateValue="ALARM", StateReason="seeded")
    watch.put_metric_data(Namespace="world", MetricData=[
        {"MetricName": "load", "Value": float(n), "Timestamp": handles["now"] - 600 + n * 60,
         "Dimensions": [{"Name": "host", "Value": "a"}]} for n in range(5)])
    watch.put_dashboard(DashboardName="world-board", DashboardBody=json.dumps({"widgets": []}))
    watch.put_insight_rule(RuleName="world-insight", RuleState="ENABLED",
                           RuleDefinition=json.dumps({"Schema": {"Name": "CloudWatchLogRule", "Version": 1}}))


def config(aws, handles):
    config = aws.client("config")
    config.put_configuration_recorder(ConfigurationRecorder={
        "name": "world-recorder", "roleARN": f"arn:aws:iam::{FIRST}:role/world-service",
        "recordingGroup": {"allSupported": True, "includeGlobalResourceTypes": False}})
    config.put_delivery_channel(DeliveryChannel={"name": "world-channel", "s3BucketName": "world-large"})
    config.start_configuration_recorder(ConfigurationRecorderName="world-recorder")
    config.put_config_rule(ConfigRule={"ConfigRuleName": "world-rule", "Source": {
        "Owner": "AWS", "SourceIdentifier": "S3_BUCKET_VERSIONING_ENABLED"},
        "Scope": {"ComplianceResourceTypes": ["AWS::S3::Bucket"]}})


def cloudtrail(aws, handles):
    trail = aws.client("cloudtrail")
    trail.create_trail(Name="world-trail", S3BucketName="world-large")
    trail.start_logging(Name="world-trail")


def codebuild(aws, handles):
    build = aws.client("codebuild")
    build.create_project(name="world-build", serviceRole=f"arn:aws:iam::{FIRST}:role/world-service",
                         source={"type": "S3", "location": "world-large/code.zip"}, artifacts={"type": "NO_ARTIFACTS"},
                         environment={"type": "LINUX_CONTAINER", "image": "x",
                                      "computeType": "BUILD_GENERAL1_SMALL"})
    build.start_build(projectName="world-build")


def codepipeline(aws, handles):
    stage = {"category": "Source", "owner": "AWS", "provider": "S3", "version": "1"}
    aws.client("codepipeline").create_pipeline(pipeline={
        "name": "world-pipeline", "roleArn": f"arn:aws:iam::{FIRST}:role/world-pipeline",
        "artifactStore": {"type": "S3", "location": "world-large"},
        "stages": [{"name": name, "actions": [{"name": name, "actionTypeId": stage}]} for name in ("one", "two")]})


def codecommit(aws, handles):
    aws.client("codecommit").create_repository(repositoryName="world-code", repositoryDescription="d")


def athena(aws, handles):
    athena = aws.client("athena")
    athena.create_work_group(Name="world-group", Description="d", Configuration={
        "ResultConfiguration": {"OutputLocation": "s3://world-west/"}}, Tags=[{"Key": "env", "Value": "test"}])
    athena.create_named_query(Name="world-query", Database="world", QueryString="SELECT 1", WorkGroup="world-group")
    athena.create_data_catalog(Name="world-catalog", Type="GLUE", Parameters={"catalog-id": FIRST})
    run = athena.start_query_execution(QueryString="SELECT 2", WorkGroup="world-group")["QueryExecutionId"]
    return {"run": run}


def glue(aws, handles):
    glue = aws.client("glue")
    glue.create_database(DatabaseInput={"Name": "world"})
    table = {"Name": "events", "StorageDescriptor": {"Columns": [{"Name": "id", "Type": "string"}],
                                                     "Location": "s3://world-large/events"},
             "PartitionKeys": [{"Name": "day", "Type": "string"}]}
    glue.create_table(DatabaseName="world", TableInput=table)
    glue.create_partition(DatabaseName="world", TableName="events", PartitionInput={
        "Values": ["2026-01-01"], "StorageDescriptor": table["StorageDescriptor"]})
    glue.create_crawler(Name="world-crawler", Role="world-service", DatabaseName="world",
                        Targets={"S3Targets": [{"Path": "s3://world-large"}]})
    glue.create_job(Name="world-job", Role="world-service", Command={"Name": "glueetl",
                                                                     "ScriptLocation": "s3://world-large/job.py"})
    glue.create_registry(RegistryName="world-registry")


def emr(aws, handles):
    emr = aws.client("emr")
    emr.run_job_flow(Name="world-flow", ReleaseLabel="emr-6.15.0", Instances={
        "MasterInstanceType": "m5.xlarge", "SlaveInstanceType": "m5.xlarge", "InstanceCount": 2,
        "KeepJobFlowAliveWhenNoSteps": True}, JobFlowRole="world-profile", ServiceRole="world-service")


def quicksight(aws, handles):
    quick = aws.client("quicksight")
    quick.create_group(AwsAccountId=FIRST, Namespace="default", GroupName="world-readers", Description="d")


def guardduty(aws, handles):
    return {"detector": aws.client("guardduty").create_detector(Enable=True)["DetectorId"]}


def iot(aws, handles):
    iot = aws.client("iot")
    iot.create_thing_type(thingTypeName="world-type")
    iot.create_thing(thingName="world-thing", thingTypeName="world-type", attributePayload={
        "attributes": {"a": "b"}})
    made = iot.create_keys_and_certificate(setAsActive=True)
    iot.attach_thing_principal(thingName="world-thing", principal=made["certificateArn"])
    return {"certificate": made["certificateId"]}


def transfer(aws, handles):
    server = aws.client("transfer").create_server(Protocols=["SFTP"], IdentityProviderType="SERVICE_MANAGED")
    return {"server": server["ServerId"]}


def xray(aws, handles):
    aws.client("xray").put_trace_segments(TraceSegmentDocuments=[json.dumps({
        "name": "world", "id": "70de5b6f19ff9a0a", "start_time": 1767225600.0, "end_time": 1767225601.0,
        "trace_id": "1-69560000-1234567890abcdef12345678"})])


def ssoadmin(aws, handles):
    sso = aws.client("sso-admin")
    found = sso.list_instances()["Instances"]
    if found:
        sso.create_permission_set(Name="world-permissions", InstanceArn=found[0]["InstanceArn"])
    return {"instance": found[0]["InstanceArn"] if found else None}
