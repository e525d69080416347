"""What plain pickling loses or breaks, one by one, in another process."""

import io
import json
import time
import zipfile

from conftest import Agent, contents, document

ROLE = "arn:aws:iam::123456789012:role/any-role"


def moved(agent: Agent, other: Agent) -> list[str]:
    """The agent's state in the other one; the services captured."""
    pod = agent.capture()
    said = document(pod)["services"]
    assert said["failed"] == []
    status, lines = other.inject(pod)
    assert status == 201 and lines[-1]["status"] == "ok", lines
    return said["captured"]


def test_objects_shared_across_regions_are_one_again(agent: Agent, other: Agent) -> None:
    secrets = agent.client("secretsmanager")
    secrets.create_secret(Name="s", SecretString="v1", AddReplicaRegions=[{"Region": "eu-west-1"}])
    vpc = agent.client("ec2").create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    peer = agent.client("ec2", "eu-west-1").create_vpc(CidrBlock="10.1.0.0/16")["Vpc"]["VpcId"]
    peering = agent.client("ec2").create_vpc_peering_connection(VpcId=vpc, PeerVpcId=peer, PeerRegion="eu-west-1")
    number = peering["VpcPeeringConnection"]["VpcPeeringConnectionId"]

    moved(agent, other)

    other.client("secretsmanager").put_secret_value(SecretId="s", SecretString="v2")
    assert other.client("secretsmanager", "eu-west-1").get_secret_value(SecretId="s")["SecretString"] == "v2"
    other.client("ec2", "eu-west-1").accept_vpc_peering_connection(VpcPeeringConnectionId=number)
    for region in ("us-east-1", "eu-west-1"):
        found = other.client("ec2", region).describe_vpc_peering_connections()["VpcPeeringConnections"]
        assert [p["Status"]["Code"] for p in found] == ["active"], region


def test_a_multi_region_key_is_there_in_both_regions(agent: Agent, other: Agent) -> None:
    key = agent.client("kms").create_key(MultiRegion=True)["KeyMetadata"]["KeyId"]
    agent.client("kms").replicate_key(KeyId=key, ReplicaRegion="eu-west-1")
    moved(agent, other)
    for region in ("us-east-1", "eu-west-1"):
        told = [one.client("kms", region).describe_key(KeyId=key)["KeyMetadata"] for one in (agent, other)]
        assert told[0] == told[1]


def test_a_page_token_goes_on_where_its_generator_stopped(agent: Agent, other: Agent) -> None:
    for number in range(5):
        name = f"bucket-b{number}"
        agent.client("s3").create_bucket(Bucket=name)
        agent.client("s3").put_bucket_tagging(Bucket=name, Tagging={"TagSet": [{"Key": "k", "Value": "v"}]})
    first = agent.client("resourcegroupstaggingapi").get_resources(ResourcesPerPage=2)
    moved(agent, other)
    for one in (agent, other):
        rest = one.client("resourcegroupstaggingapi").get_resources(
            ResourcesPerPage=5, PaginationToken=first["PaginationToken"]
        )
        assert len(rest["ResourceTagMappingList"]) == 3


def test_weak_references_lead_to_their_objects(agent: Agent, other: Agent) -> None:
    beanstalk = agent.client("elasticbeanstalk")
    beanstalk.create_application(ApplicationName="app")
    beanstalk.create_environment(ApplicationName="app", EnvironmentName="my-env")
    moved(agent, other)
    found = other.client("elasticbeanstalk").describe_environments()["Environments"]
    assert [(e["ApplicationName"], e["EnvironmentName"]) for e in found] == [("app", "my-env")]


def _package(body: bytes = b"def handler(e, c): return 1") -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("f.py", body)
        archive.writestr("pad", bytes(range(256)) * 64)
    return out.getvalue()


def test_a_function_is_found_by_its_arn_and_has_its_code(agent: Agent, other: Agent) -> None:
    """The lambda backend finds functions through a weak dictionary; code of 4 KiB and more lies in a blob."""
    agent.client("iam").create_role(RoleName="any-role", AssumeRolePolicyDocument="{}")
    made = agent.client("lambda").create_function(
        FunctionName="f", Runtime="python3.11", Role=ROLE, Handler="f.handler", Code={"ZipFile": _package()}
    )
    assert any(path.startswith("assets/lambda/blobs/") for path in contents(agent.capture("lambda")))
    moved(agent, other)
    found = other.client("lambda").get_function(FunctionName=made["FunctionArn"])["Configuration"]
    assert found["CodeSha256"] == made["CodeSha256"]
    other.client("lambda").update_function_code(FunctionName="f", ZipFile=_package(b"x = 2"))
    assert other.client("lambda").publish_version(FunctionName="f")["Version"] == "1"


def test_default_dicts_default_again(agent: Agent, other: Agent) -> None:
    agent.client("ssm").put_parameter(Name="p", Value="v", Type="String")
    agent.client("xray").put_trace_segments(
        TraceSegmentDocuments=[
            json.dumps({"id": "70de5b6f19ff9a0a", "name": "n", "trace_id": "1-581cf771-a006649127e371903a2de979",
                        "start_time": 1.0, "end_time": 2.0})
        ]
    )
    agent.client("lakeformation").register_resource(ResourceArn="arn:aws:s3:::x", RoleArn=ROLE)
    moved(agent, other)
    other.client("ssm").put_parameter(Name="another", Value="v", Type="String")
    assert other.client("ssm").get_parameter(Name="p")["Parameter"]["Value"] == "v"
    other.client("lakeformation").get_data_lake_settings()


def test_a_thread_that_is_a_model_has_ended(agent: Agent, other: Agent) -> None:
    swf = agent.client("swf")
    swf.register_domain(name="d", workflowExecutionRetentionPeriodInDays="1")
    swf.register_workflow_type(domain="d", name="w", version="1", defaultTaskList={"name": "l"}, defaultChildPolicy="TERMINATE",
                               defaultTaskStartToCloseTimeout="300", defaultExecutionStartToCloseTimeout="300")
    swf.start_workflow_execution(domain="d", workflowId="i", workflowType={"name": "w", "version": "1"})
    task = swf.poll_for_decision_task(domain="d", taskList={"name": "l"})
    swf.respond_decision_task_completed(taskToken=task["taskToken"], decisions=[
        {"decisionType": "StartTimer", "startTimerDecisionAttributes": {"timerId": "t", "startToFireTimeout": "100"}}])
    moved(agent, other)
    assert len(other.client("swf").list_open_workflow_executions(
        domain="d", startTimeFilter={"oldestDate": 0})["executionInfos"]) == 1


def test_organisations_know_their_members(agent: Agent, other: Agent) -> None:
    agent.client("organizations").create_organization(FeatureSet="ALL")
    made = agent.client("organizations").create_account(AccountName="a", Email="a@example.com")["CreateAccountStatus"]
    pod = agent.capture()
    assert "api_states/000000000000/organizations/global/master_accounts.state" in contents(pod)
    other.inject(pod)
    member = other.client("sts").assume_role(RoleArn=f"arn:aws:iam::{made['AccountId']}:role/r", RoleSessionName="me")
    keys = member["Credentials"]
    seen = other.client("organizations", account=keys["AccessKeyId"]).describe_organization()["Organization"]
    assert seen["MasterAccountId"] == "123456789012"


def test_endpoint_services_keep_their_random_names(agent: Agent, other: Agent) -> None:
    def names(one: Agent) -> list[str]:
        found = one.client("ec2").describe_vpc_endpoint_services()["ServiceDetails"]
        return [entry["ServiceId"] for entry in found]

    before = names(agent)
    assert names(other) != before
    moved(agent, other)
    assert names(other) == before


def test_log_events_are_numbered_on(agent: Agent, other: Agent) -> None:
    logs = agent.client("logs")
    logs.create_log_group(logGroupName="g")
    logs.create_log_stream(logGroupName="g", logStreamName="s")
    now = int(time.time() * 1000)
    logs.put_log_events(logGroupName="g", logStreamName="s", logEvents=[{"timestamp": now, "message": "one"}])
    moved(agent, other)
    other.client("logs").put_log_events(logGroupName="g", logStreamName="s", logEvents=[{"timestamp": now, "message": "two"}])
    events = other.client("logs").filter_log_events(logGroupName="g")["events"]
    assert len(events) == 2 and len({e["eventId"] for e in events}) == 2


def test_s3_reset_of_moto_closes_only_what_it_owns_then(agent: Agent, other: Agent) -> None:
    """Injected bodies stay open though S3's own reset closes every object the process has made."""
    agent.client("s3").create_bucket(Bucket="bucket-b1")
    agent.client("s3").put_object(Bucket="bucket-b1", Key="k", Body=b"x" * 10_000)
    pod = agent.capture()
    other.client("s3").create_bucket(Bucket="old-bucket")
    other.client("s3").put_object(Bucket="old-bucket", Key="k", Body=b"old")
    assert other.inject(pod)[1][-1]["status"] == "ok"
    assert other.client("s3").get_object(Bucket="bucket-b1", Key="k")["Body"].read() == b"x" * 10_000
    status, _, _ = other.request("POST", "/moto-api/reset", b"")
    assert status == 200
    assert other.client("s3").list_buckets()["Buckets"] == []
    assert other.inject(pod)[1][-1]["status"] == "ok"
    assert other.client("s3").get_object(Bucket="bucket-b1", Key="k")["Body"].read() == b"x" * 10_000


def test_an_open_upload_goes_on(agent: Agent, other: Agent) -> None:
    s3 = agent.client("s3")
    s3.create_bucket(Bucket="bucket-b1")
    upload = s3.create_multipart_upload(Bucket="bucket-b1", Key="k")["UploadId"]
    place = {"Bucket": "bucket-b1", "Key": "k", "UploadId": upload}
    first = s3.upload_part(**place, PartNumber=1, Body=b"a" * (5 << 20))["ETag"]
    moved(agent, other)
    s3 = other.client("s3")
    second = s3.upload_part(**place, PartNumber=2, Body=b"end")["ETag"]
    s3.complete_multipart_upload(**place, MultipartUpload={"Parts": [
        {"PartNumber": 1, "ETag": first}, {"PartNumber": 2, "ETag": second}]})
    assert s3.get_object(Bucket="bucket-b1", Key="k")["Body"].read() == b"a" * (5 << 20) + b"end"


def test_real_step_functions_executions(agent: Agent, other: Agent) -> None:
    """With execution switched on, moto runs state machines in threads; what has ended comes back."""
    for one in (agent, other):
        one.request("POST", "/moto-api/config", json.dumps({"stepfunctions": {"execute_state_machine": True}}).encode())
    try:
        step = agent.client("stepfunctions")
        machine = step.create_state_machine(
            name="m", roleArn=ROLE, definition=json.dumps({"StartAt": "A", "States": {"A": {"Type": "Pass", "End": True}}})
        )["stateMachineArn"]
        run = step.start_execution(stateMachineArn=machine, input="{}")["executionArn"]
        for _ in range(100):
            if step.describe_execution(executionArn=run)["status"] != "RUNNING":
                break
            time.sleep(0.05)
        pod = agent.capture("stepfunctions_parser")
        assert document(pod)["services"]["failed"] == []
        assert other.inject(pod)[1][-1]["status"] == "ok"
        there = other.client("stepfunctions")
        assert there.describe_execution(executionArn=run)["status"] == "SUCCEEDED"
        assert there.describe_state_machine(stateMachineArn=machine)["name"] == "m"
    finally:
        for one in (agent, other):
            one.request("POST", "/moto-api/config", json.dumps({"stepfunctions": {"execute_state_machine": False}}).encode())
