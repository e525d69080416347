"""What the restored world must still be able to do.

Each check takes the handles of the world that was captured and the address of the instance it was restored into. It
does something there that only a whole state allows: uses an old key, an old handle, an old counter, or an object that
two services share. Checks change the world, each a corner of its own, so they run once, in any order."""

import hashlib
import io
import json
import time
import urllib.request
import zipfile

import pytest
from botocore.exceptions import ClientError
from cryptography import x509
from joserfc import jwt
from joserfc.jwk import KeySet

from .aws import EAST, FIRST, SECOND, Aws, until
from .seeds.storage import body


def fails_with(code):
    return pytest.raises(ClientError, match=code)


def check_kms_decrypts_what_was_encrypted(before, endpoint):
    kms, old = Aws(endpoint).client("kms"), before["kms"]
    assert kms.decrypt(CiphertextBlob=old["sealed"], EncryptionContext={"for": "world"})["Plaintext"] == \
        b"an old secret"
    assert kms.decrypt(CiphertextBlob=old["rsa"], KeyId=old["keys"]["rsa"],
                       EncryptionAlgorithm="RSAES_OAEP_SHA_256")["Plaintext"] == b"an old secret"
    sealed, plain = old["data"]
    assert kms.decrypt(CiphertextBlob=sealed)["Plaintext"] == plain
    with fails_with("InvalidCiphertext"):
        kms.decrypt(CiphertextBlob=old["sealed"], EncryptionContext={"for": "somebody else"})


def check_kms_verifies_what_was_signed(before, endpoint):
    kms, old = Aws(endpoint).client("kms"), before["kms"]
    for key, signature, algorithm in (("ecc", "signature", "ECDSA_SHA_256"),
                                      ("rsa-sign", "rsa_signature", "RSASSA_PSS_SHA_256")):
        assert kms.verify(KeyId=f"alias/world-{key}", Message=b"an old promise", Signature=old[signature],
                          SigningAlgorithm=algorithm)["SignatureValid"]
        assert not kms.verify(KeyId=f"alias/world-{key}", Message=b"another promise", Signature=old[signature],
                              SigningAlgorithm=algorithm)["SignatureValid"]
    assert kms.verify_mac(KeyId=old["keys"]["hmac"], Message=b"an old promise", Mac=old["mac"],
                          MacAlgorithm="HMAC_SHA_256")["MacValid"]


def check_s3_brings_back_a_deleted_version(before, endpoint):
    s3 = Aws(endpoint).client("s3")
    with fails_with("NoSuchKey"):
        s3.get_object(Bucket="world-documents", Key="gone.txt")
    marker = s3.list_object_versions(Bucket="world-documents", Prefix="gone.txt")["DeleteMarkers"][0]["VersionId"]
    s3.delete_object(Bucket="world-documents", Key="gone.txt", VersionId=marker)
    assert s3.get_object(Bucket="world-documents", Key="gone.txt")["Body"].read() == b"here once"


def check_s3_adds_a_version_above_the_old_ones(before, endpoint):
    s3 = Aws(endpoint).client("s3")
    s3.put_object(Bucket="world-documents", Key="report.txt", Body=b"report, edition 4\n")
    versions = s3.list_object_versions(Bucket="world-documents", Prefix="report.txt")["Versions"]
    assert [version["IsLatest"] for version in versions] == [True, False, False, False]
    bodies = {s3.get_object(Bucket="world-documents", Key="report.txt", VersionId=version["VersionId"])["Body"].read()
              for version in versions}
    assert bodies == {f"report, edition {n}\n".encode() for n in (1, 2, 3, 4)}


def check_s3_finishes_an_open_upload(before, endpoint):
    s3, old = Aws(endpoint).client("s3"), before["s3"]
    place = {"Bucket": "world-large", "Key": "unfinished.bin", "UploadId": old["upload"]}
    second = s3.upload_part(**place, PartNumber=2, Body=b"the end")
    s3.complete_multipart_upload(**place, MultipartUpload={
        "Parts": [old["part"], {"PartNumber": 2, "ETag": second["ETag"]}]})
    got = s3.get_object(Bucket="world-large", Key="unfinished.bin")
    expected = body("open-1", 5 * 1024 * 1024) + b"the end"
    assert hashlib.sha256(got["Body"].read()).digest() == hashlib.sha256(expected).digest()
    assert not s3.list_multipart_uploads(Bucket="world-large").get("Uploads")


def check_s3_knows_which_account_owns_a_bucket(before, endpoint):
    aws = Aws(endpoint)
    with fails_with("BucketAlreadyExists"):
        aws.client("s3").create_bucket(Bucket="world-second-account")
    with fails_with("BucketAlreadyExists"):
        aws.client("s3", EAST, SECOND).create_bucket(Bucket="world-documents")


def _url(sqs, name):
    return sqs.get_queue_url(QueueName=name)["QueueUrl"]


def _drain(sqs, name):
    """Every message that can be received now, in order."""
    url, got = _url(sqs, name), []
    while messages := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, AttributeNames=["All"]).get(
            "Messages"):
        for message in messages:
            got.append(message)
            sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    return got


def check_sqs_keeps_order_and_deduplicates(before, endpoint):
    sqs = Aws(endpoint).client("sqs")
    sqs.send_message(QueueUrl=_url(sqs, "world-orders.fifo"), MessageBody="again", MessageGroupId="b",
                     MessageDeduplicationId="once-3")
    sqs.send_message(QueueUrl=_url(sqs, "world-orders.fifo"), MessageBody="a4", MessageGroupId="a",
                     MessageDeduplicationId="once-4")
    sqs.send_message(QueueUrl=_url(sqs, "world-content.fifo"), MessageBody="only once", MessageGroupId="g")
    got = _drain(sqs, "world-orders.fifo")
    first = {message["Body"]: message for message in got if message["Body"] != "again"}
    assert list(first) == ["a0", "b1", "a2", "b3", "a4"]
    assert [message["Attributes"]["MessageGroupId"] for message in first.values()] == list("ababa")
    _held_back(first["b3"], [message for message in got if message["Body"] == "again"])
    once, *again = _drain(sqs, "world-content.fifo")
    _held_back(once, again)


def _held_back(first, again):
    """A repeated message is dropped for five minutes, and a slow machine may need longer than that to get here."""
    sent = int(first["Attributes"]["SentTimestamp"]) / 1000
    if again:
        assert int(again[0]["Attributes"]["SentTimestamp"]) / 1000 - sent >= 300
    else:
        assert time.time() - sent < 310


def check_sqs_takes_an_old_receipt_handle(before, endpoint):
    sqs = Aws(endpoint).client("sqs")
    work, returning = _url(sqs, "world-work"), _url(sqs, "world-returning")
    assert sqs.get_queue_attributes(QueueUrl=work, AttributeNames=["ApproximateNumberOfMessagesNotVisible"])[
        "Attributes"]["ApproximateNumberOfMessagesNotVisible"] == "1"
    sqs.delete_message(QueueUrl=work, ReceiptHandle=before["sqs"]["flying"])
    assert [message["Body"] for message in _drain(sqs, "world-work")] == ["waiting"]  # not the delayed one
    assert not sqs.receive_message(QueueUrl=returning).get("Messages")
    sqs.change_message_visibility(QueueUrl=returning, ReceiptHandle=before["sqs"]["returning"], VisibilityTimeout=0)
    back = sqs.receive_message(QueueUrl=returning, AttributeNames=["All"])["Messages"][0]
    assert (back["Body"], back["Attributes"]["ApproximateReceiveCount"]) == ("comes back", "2")


def check_sqs_moves_to_the_dead_letter_queue(before, endpoint):
    sqs = Aws(endpoint).client("sqs")
    assert not _drain(sqs, "world-doomed")
    assert [message["Body"] for message in _drain(sqs, "world-dead")] == ["received once, dead at the next look"]


def check_sns_fans_out_through_filters(before, endpoint):
    aws = Aws(endpoint)
    sns, sqs = aws.client("sns"), aws.client("sqs")
    for colour in ("red", "blue"):
        sns.publish(TopicArn=before["sns"]["topic"], Message=f"a {colour} thing",
                    MessageAttributes={"colour": {"DataType": "String", "StringValue": colour}})
    assert [message["Body"] for message in _drain(sqs, "world-red")] == ["before the capture", "a red thing"]
    assert {"a red thing", "a blue thing"} <= {message["Body"] for message in _drain(sqs, "world-all")}


def check_events_reach_the_queue(before, endpoint):
    aws = Aws(endpoint)
    aws.client("events").put_events(Entries=[
        {"EventBusName": "world-bus", "Source": "world", "DetailType": "t", "Detail": json.dumps({"n": n})}
        for n in (1, 2)])
    bodies = [json.loads(message["Body"]) for message in _drain(aws.client("sqs"), "world-all")
              if message["Body"].startswith("{")]
    assert [event["detail"] for event in bodies] == [{"n": 1}]


def check_kinesis_goes_on_after_the_last_record(before, endpoint):
    kinesis, old = Aws(endpoint).client("kinesis"), before["kinesis"]
    here = kinesis.get_shard_iterator(StreamName="world-clicks", ShardId=old["shard"],
                                      ShardIteratorType="AFTER_SEQUENCE_NUMBER",
                                      StartingSequenceNumber=old["sequence"])["ShardIterator"]
    assert not kinesis.get_records(ShardIterator=here)["Records"]
    new = kinesis.put_record(StreamName="world-clicks", PartitionKey="user-5", Data=b"click 6")
    assert new["ShardId"] == old["shard"] and int(new["SequenceNumber"]) > int(old["sequence"])
    assert [record["Data"] for record in kinesis.get_records(ShardIterator=here)["Records"]] == [b"click 6"]


def check_dynamodb_conditions_and_indexes(before, endpoint):
    dynamodb = Aws(endpoint).client("dynamodb")
    item = {"customer": {"S": "c2"}, "order": {"N": "2"}, "state": {"S": "lost"}}
    with fails_with("ConditionalCheckFailed"):
        dynamodb.put_item(TableName="world-orders", Item=item, ConditionExpression="attribute_not_exists(customer)")
    dynamodb.put_item(TableName="world-orders", Item=item, ConditionExpression="#s = :sent",
                      ExpressionAttributeNames={"#s": "state"}, ExpressionAttributeValues={":sent": {"S": "sent"}})
    found = dynamodb.query(TableName="world-orders", IndexName="by-state", KeyConditionExpression="#s = :lost",
                           ExpressionAttributeNames={"#s": "state"},
                           ExpressionAttributeValues={":lost": {"S": "lost"}})["Items"]
    assert found == [item]
    days = dynamodb.query(TableName="world-orders", IndexName="by-day", KeyConditionExpression=
                          "customer = :c AND #d > :d", ExpressionAttributeNames={"#d": "day"},
                          ExpressionAttributeValues={":c": {"S": "c1"}, ":d": {"S": "2026-01-03"}})["Items"]
    assert [entry["day"]["S"] for entry in days] == ["2026-01-04", "2026-01-07"]


def check_dynamodb_stream_goes_on(before, endpoint):
    aws, old = Aws(endpoint), before["dynamodb"]
    aws.client("dynamodb").put_item(TableName="world-orders", Item={"customer": {"S": "late"}, "order": {"N": "1"}})
    streams = aws.client("dynamodbstreams")
    for how in ({"ShardIteratorType": "AFTER_SEQUENCE_NUMBER", "SequenceNumber": old["sequence"]}, None):
        iterator = old["iterator"] if how is None else streams.get_shard_iterator(
            StreamArn=old["stream"], ShardId=old["shard"], **how)["ShardIterator"]
        records = [record["dynamodb"] for record in streams.get_records(ShardIterator=iterator)["Records"]]
        assert [int(record["SequenceNumber"]) for record in records] == \
            [int(old["sequence"]) + n for n in range(1, len(records) + 1)]
        assert "late" in [record["NewImage"]["customer"]["S"] for record in records]


def check_lambda_gives_the_next_version(before, endpoint):
    functions = Aws(endpoint).client("lambda")
    functions.update_function_configuration(FunctionName="world-function", Description="changed")
    functions.update_function_code(FunctionName="world-function", ZipFile=_package(b"return 3"))
    assert functions.publish_version(FunctionName="world-function")["Version"] == "3"
    live = functions.get_function(FunctionName="world-function", Qualifier="live")["Configuration"]
    following = functions.get_function(FunctionName="world-function", Qualifier="next")["Configuration"]
    assert (live["Version"], following["Version"]) == ("1", "2")
    assert live["CodeSha256"] != following["CodeSha256"]
    layer = functions.publish_layer_version(LayerName="world-layer", Content={"ZipFile": _package(b"layer")})
    assert layer["Version"] == 2


def _package(content):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as package:
        package.writestr("app.py", content)
    return out.getvalue()


def check_lambda_mapping_still_polls_its_queue(before, endpoint):
    """A message sent to the mapped queue is received by the mapping first. Without containers the function fails, so
    the message is put back: our own receive is then its second."""
    aws = Aws(endpoint)
    sqs, functions = aws.client("sqs"), aws.client("lambda")
    url = _url(sqs, "world-mapped")
    sqs.send_message(QueueUrl=url, MessageBody="for the function")
    message = sqs.receive_message(QueueUrl=url, AttributeNames=["All"])["Messages"][0]
    assert message["Attributes"]["ApproximateReceiveCount"] == "2"
    # The queue's mapping and Lambda's are one object: switched off there, the queue is no longer polled.
    functions.update_event_source_mapping(UUID=before["awslambda"]["mapping"], Enabled=False)
    sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    sqs.send_message(QueueUrl=url, MessageBody="for us alone")
    message = sqs.receive_message(QueueUrl=url, AttributeNames=["All"])["Messages"][0]
    assert message["Attributes"]["ApproximateReceiveCount"] == "1"


def check_iam_keys_lead_to_their_accounts(before, endpoint):
    def who(keys):
        return Aws(endpoint, {FIRST: keys}).client("sts").get_caller_identity()

    bob, alice = who([*before["iam"]["bob"], None]), who([*before["iam"]["alice"], None])
    assert (bob["Account"], bob["Arn"]) == (SECOND, f"arn:aws:iam::{SECOND}:user/world-bob")
    assert (alice["Account"], alice["Arn"]) == (FIRST, f"arn:aws:iam::{FIRST}:user/team/world-alice")
    visitor = who(before["sts"]["visitor"])
    assert visitor["Arn"] == f"arn:aws:sts::{SECOND}:assumed-role/world-visitor/world"
    buckets = Aws(endpoint, {FIRST: [*before["iam"]["bob"], None]}).client("s3").list_buckets()["Buckets"]
    assert [bucket["Name"] for bucket in buckets] == ["world-second-account"]


def check_iam_refuses_to_delete_what_is_in_use(before, endpoint):
    iam = Aws(endpoint).client("iam")
    for refused in (lambda: iam.delete_role(RoleName="world-service"),
                    lambda: iam.delete_user(UserName="world-alice"),
                    lambda: iam.delete_instance_profile(InstanceProfileName="world-profile")):
        with fails_with("DeleteConflict"):
            refused()
    policy = f"arn:aws:iam::{FIRST}:policy/world-policy"
    made = iam.create_policy_version(PolicyArn=policy, PolicyDocument=json.dumps({
        "Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Action": "*", "Resource": "*"}]}))
    assert made["PolicyVersion"]["VersionId"] == "v3"


def check_secret_stages_move(before, endpoint):
    secrets = Aws(endpoint).client("secretsmanager")
    stages = secrets.describe_secret(SecretId="world/password")["VersionIdsToStages"]
    current = next(version for version, labels in stages.items() if "AWSCURRENT" in labels)
    pending = "0" * 31 + "3"
    secrets.update_secret_version_stage(SecretId="world/password", VersionStage="AWSCURRENT",
                                        MoveToVersionId=pending, RemoveFromVersionId=current)
    read = {stage: secrets.get_secret_value(SecretId="world/password", VersionStage=stage)["SecretString"]
            for stage in ("AWSCURRENT", "AWSPREVIOUS")}
    assert read == {"AWSCURRENT": "third", "AWSPREVIOUS": "second"}
    secrets.restore_secret(SecretId="world/leaving")
    assert secrets.get_secret_value(SecretId="world/leaving")["SecretString"] == "x"


def check_ssm_counts_on(before, endpoint):
    ssm = Aws(endpoint).client("ssm")
    assert ssm.put_parameter(Name="/world/counter", Value="four", Type="String", Overwrite=True)["Version"] == 4
    assert ssm.get_parameter(Name="/world/counter:good")["Parameter"]["Value"] == "two"
    assert ssm.get_parameter(Name="/world/counter:3")["Parameter"]["Value"] == "three"
    assert ssm.get_parameter(Name="/world/password", WithDecryption=True)["Parameter"]["Value"] == "hidden"


def check_cognito_tokens(before, endpoint):
    idp, old = Aws(endpoint).client("cognito-idp"), before["cognitoidp"]
    with urllib.request.urlopen(f"{endpoint}/{old['pool']}/.well-known/jwks.json", timeout=10) as answer:
        keys = KeySet.import_key_set(json.load(answer))
    login = idp.admin_initiate_auth(UserPoolId=old["pool"], ClientId=old["client"],
                                    AuthFlow="ADMIN_USER_PASSWORD_AUTH",
                                    AuthParameters={"USERNAME": "carol", "PASSWORD": "Not-a-secret-2"})
    for token in (old["id"], login["AuthenticationResult"]["IdToken"]):
        claims = jwt.decode(token, keys, algorithms=["RS256"]).claims
        assert claims["aud"] == old["client"] and claims["cognito:groups"] == ["world-admins"]
    assert idp.get_user(AccessToken=old["access"])["Username"] == "carol"
    again = idp.admin_initiate_auth(UserPoolId=old["pool"], ClientId=old["client"], AuthFlow="REFRESH_TOKEN_AUTH",
                                    AuthParameters={"REFRESH_TOKEN": old["refresh"]})
    assert idp.get_user(AccessToken=again["AuthenticationResult"]["AccessToken"])["Username"] == "carol"
    with fails_with("NotAuthorized"):
        idp.admin_initiate_auth(UserPoolId=old["pool"], ClientId=old["client"], AuthFlow="ADMIN_USER_PASSWORD_AUTH",
                                AuthParameters={"USERNAME": "carol", "PASSWORD": "Wrong-1"})


def check_acm_returns_the_imported_certificate(before, endpoint):
    acm, old = Aws(endpoint).client("acm"), before["acm"]
    pem = acm.get_certificate(CertificateArn=old["imported"])["Certificate"].encode()
    assert x509.load_pem_x509_certificate(pem) == x509.load_pem_x509_certificate(old["pem"])
    acm.add_tags_to_certificate(CertificateArn=old["asked"], Tags=[{"Key": "more", "Value": "yes"}])
    tags = acm.list_tags_for_certificate(CertificateArn=old["asked"])["Tags"]
    assert {tag["Key"] for tag in tags} == {"env", "more"}


def check_acmpca_signs_with_its_old_key(before, endpoint):
    pca, old = Aws(endpoint).client("acm-pca"), before["acmpca"]
    issued = pca.issue_certificate(CertificateAuthorityArn=old["authority"], Csr=old["request"],
                                   SigningAlgorithm="SHA256WITHRSA", Validity={"Type": "DAYS", "Value": 1})
    new = pca.get_certificate(CertificateAuthorityArn=old["authority"], CertificateArn=issued["CertificateArn"])
    root = x509.load_pem_x509_certificate(old["root"])
    assert x509.load_pem_x509_csr(old["request"]).public_key() == root.public_key()
    x509.load_pem_x509_certificate(new["Certificate"].encode()).verify_directly_issued_by(root)


def check_batch_keeps_finished_jobs_and_takes_new_ones(before, endpoint):
    batch = Aws(endpoint).client("batch")
    new = batch.submit_job(jobName="after", jobQueue="world-jobs", jobDefinition="world-job")["jobId"]
    until(lambda: batch.describe_jobs(jobs=[new])["jobs"][0]["status"], "FAILED")
    failed = batch.list_jobs(jobQueue="world-jobs", jobStatus="FAILED")["jobSummaryList"]
    assert {job["jobId"] for job in failed} == {before["batch"]["job"], new}


def check_organizations_joins_its_accounts(before, endpoint):
    aws, old = Aws(endpoint), before["organizations"]
    org = aws.client("organizations")
    as_child = aws.client("organizations", EAST, old["child"]).describe_organization()["Organization"]
    assert as_child["MasterAccountId"] == FIRST
    new = org.create_account(AccountName="another", Email="another@example.com")["CreateAccountStatus"]["AccountId"]
    assert {FIRST, old["child"], new} <= {account["Id"] for account in org.list_accounts()["Accounts"]}
    children = org.list_accounts_for_parent(ParentId=old["unit"])["Accounts"]
    assert [account["Id"] for account in children] == [old["child"]]
    with fails_with("AlreadyInOrganization"):
        org.create_organization(FeatureSet="ALL")


def check_cloudformation_deletes_what_it_made(before, endpoint):
    aws = Aws(endpoint)
    stacks, sqs, s3 = aws.client("cloudformation"), aws.client("sqs"), aws.client("s3")
    stacks.execute_change_set(ChangeSetName="world-change", StackName="world-stack")
    assert _url(sqs, "world-stack-more")
    stacks.delete_stack(StackName="world-stack")
    left = [
        *sqs.list_queues(QueueNamePrefix="world-stack").get("QueueUrls", []),
        *[b["Name"] for b in s3.list_buckets()["Buckets"] if b["Name"].startswith("world-stack")],
        *[t["TopicArn"] for t in aws.client("sns").list_topics()["Topics"] if "world-stack" in t["TopicArn"]],
        *[t for t in aws.client("dynamodb").list_tables()["TableNames"] if t.startswith("world-stack")],
        *[r["RoleName"] for r in aws.client("iam").list_roles()["Roles"] if r["RoleName"].startswith("world-stack")],
        *[g["logGroupName"] for g in aws.client("logs").describe_log_groups(logGroupNamePrefix="/world-stack")[
            "logGroups"]],
        *aws.client("ssm").get_parameters(Names=["/world-stack/parameter"])["Parameters"],
        *stacks.list_exports()["Exports"],
    ]
    assert left == []


def check_autoscaling_and_ec2_share_their_instances(before, endpoint):
    aws = Aws(endpoint)
    scaling, ec2 = aws.client("autoscaling"), aws.client("ec2")

    def running():
        found = ec2.describe_instances(Filters=[{"Name": "tag:aws:autoscaling:groupName", "Values": ["world-group"]},
                                                {"Name": "instance-state-name", "Values": ["running"]}])
        return {i["InstanceId"] for reservation in found["Reservations"] for i in reservation["Instances"]}

    old = running()
    assert len(old) == 2
    scaling.set_desired_capacity(AutoScalingGroupName="world-group", DesiredCapacity=1)
    kept = running()
    assert len(kept) == 1 and kept < old
    scaling.set_desired_capacity(AutoScalingGroupName="world-group", DesiredCapacity=3)
    assert len(running()) == 3 and kept < running()
    health = aws.client("elbv2").describe_target_health(TargetGroupArn=before["elbv2"]["targets"])
    targets = {target["Target"]["Id"] for target in health["TargetHealthDescriptions"]}
    assert running() <= targets


def check_ec2_network_holds_together(before, endpoint):
    ec2, old = Aws(endpoint).client("ec2"), before["ec2"]
    with fails_with("DependencyViolation"):
        ec2.delete_vpc(VpcId=old["vpc"])
    new = ec2.run_instances(ImageId=old["image"], MinCount=1, MaxCount=1, SubnetId=old["subnets"][1],
                            SecurityGroupIds=[old["group"]])["Instances"][0]
    assert new["VpcId"] == old["vpc"]
    ec2.detach_volume(VolumeId=old["volume"], InstanceId=old["machine"])
    ec2.attach_volume(VolumeId=old["volume"], InstanceId=new["InstanceId"], Device="/dev/sdi")
    volume = ec2.describe_volumes(VolumeIds=[old["volume"]])["Volumes"][0]
    assert volume["Attachments"][0]["InstanceId"] == new["InstanceId"]


def check_load_balancers_see_the_instance_go(before, endpoint):
    """Runs on a machine of its own, so that others keep the seeded one."""
    aws = Aws(endpoint)
    ec2, elb = aws.client("ec2"), aws.client("elbv2")
    group = before["elbv2"]["targets"]

    def state(machine):
        health = elb.describe_target_health(TargetGroupArn=group, Targets=[{"Id": machine, "Port": 8080}])
        return health["TargetHealthDescriptions"][0]["TargetHealth"]["State"]

    assert state(before["ec2"]["machine"]) == "healthy"
    machine = ec2.run_instances(ImageId=before["ec2"]["image"], MinCount=1, MaxCount=1,
                                SubnetId=before["ec2"]["subnets"][0])["Instances"][0]["InstanceId"]
    elb.register_targets(TargetGroupArn=group, Targets=[{"Id": machine, "Port": 8080}])
    assert state(machine) == "healthy"
    ec2.terminate_instances(InstanceIds=[machine])
    assert state(machine) != "healthy"


def check_stepfunctions_history_and_next_run(before, endpoint):
    steps, old = Aws(endpoint).client("stepfunctions"), before["stepfunctions"]
    assert steps.describe_execution(executionArn=old["run"])["input"] == '{"n": 1}'
    assert steps.get_execution_history(executionArn=old["run"])["events"]
    with fails_with("ExecutionAlreadyExists"):
        steps.start_execution(stateMachineArn=old["machine"], name="world-run", input='{"n": 2}')
    new = steps.start_execution(stateMachineArn=old["machine"], name="after")["executionArn"]
    assert steps.describe_execution(executionArn=new)["status"] == "RUNNING"
    steps.stop_execution(executionArn=old["run"])
    assert steps.describe_execution(executionArn=old["run"])["status"] == "ABORTED"


def check_route53_changes_records(before, endpoint):
    dns, zone = Aws(endpoint).client("route53"), before["route53"]["zone"]
    record = {"Name": "www.world.example.com.", "Type": "A", "TTL": 60, "ResourceRecords": [{"Value": "192.0.2.9"}]}
    dns.change_resource_record_sets(HostedZoneId=zone, ChangeBatch={"Changes": [
        {"Action": "UPSERT", "ResourceRecordSet": record}]})
    records = dns.list_resource_record_sets(HostedZoneId=zone)["ResourceRecordSets"]
    assert record["ResourceRecords"] in [r["ResourceRecords"] for r in records if r["Name"] == record["Name"]]
    with fails_with("HostedZoneNotEmpty"):
        dns.delete_hosted_zone(Id=zone)


def check_rds_restores_an_old_snapshot(before, endpoint):
    rds = Aws(endpoint).client("rds")
    new = rds.restore_db_instance_from_db_snapshot(DBInstanceIdentifier="world-db-again",
                                                   DBSnapshotIdentifier="world-snapshot")["DBInstance"]
    assert (new["Engine"], new["MasterUsername"]) == ("postgres", "world")


def check_ecr_moves_a_tag(before, endpoint):
    ecr = Aws(endpoint).client("ecr")
    old = {image["imageTag"]: image["imageDigest"] for image in ecr.list_images(repositoryName="world/app")["imageIds"]}
    manifest = json.loads(ecr.batch_get_image(repositoryName="world/app", imageIds=[{"imageTag": "1.0"}])[
        "images"][0]["imageManifest"])
    manifest["layers"][0]["digest"] = "sha256:" + "d" * 64
    ecr.put_image(repositoryName="world/app", imageTag="latest", imageManifest=json.dumps(manifest))
    new = {image["imageTag"]: image["imageDigest"] for image in ecr.list_images(repositoryName="world/app")["imageIds"]}
    assert new["1.0"] == old["1.0"] and new["latest"] != old["latest"]


def check_logs_append_to_an_old_stream(before, endpoint):
    logs = Aws(endpoint).client("logs")
    place = {"logGroupName": "/world/app", "logStreamName": "main"}
    logs.put_log_events(**place, logEvents=[{"timestamp": before["now"] * 1000 + 100, "message": "line 5: error"}])
    lines = [event["message"] for event in logs.get_log_events(**place, startFromHead=True)["events"]]
    assert [line[:6] for line in lines] == [f"line {n}" for n in range(6)]


def check_cloudwatch_adds_to_old_metrics(before, endpoint):
    watch = Aws(endpoint).client("cloudwatch")
    place = {"Namespace": "world", "MetricName": "load", "Dimensions": [{"Name": "host", "Value": "a"}]}
    watch.put_metric_data(Namespace="world", MetricData=[
        {"MetricName": "load", "Value": 10.0, "Timestamp": before["now"], "Dimensions": place["Dimensions"]}])
    points = watch.get_metric_statistics(**place, StartTime=before["now"] - 3600, EndTime=before["now"] + 3600,
                                         Period=86400, Statistics=["Sum", "SampleCount"])["Datapoints"]
    assert (sum(point["Sum"] for point in points), sum(point["SampleCount"] for point in points)) == (20.0, 6.0)


def check_apigateway_deploys_old_methods(before, endpoint):
    api, rest = Aws(endpoint).client("apigateway"), before["apigateway"]["rest"]
    pets = next(item for item in api.get_resources(restApiId=rest)["items"] if item["path"] == "/pets")
    child = api.create_resource(restApiId=rest, parentId=pets["id"], pathPart="{name}")
    assert child["path"] == "/pets/{name}"
    assert api.get_method(restApiId=rest, resourceId=pets["id"], httpMethod="GET")["apiKeyRequired"]
    assert api.create_deployment(restApiId=rest, stageName="later")["id"]
    assert {stage["stageName"] for stage in api.get_stages(restApiId=rest)["item"]} == {"test", "live", "later"}


def check_ecs_changes_an_old_service(before, endpoint):
    ecs = Aws(endpoint).client("ecs")
    ecs.update_service(cluster="world-cluster", service="world-service", desiredCount=2)
    assert ecs.describe_services(cluster="world-cluster", services=["world-service"])["services"][0][
        "desiredCount"] == 2
    new = ecs.register_task_definition(family="world-task", containerDefinitions=[
        {"name": "app", "image": "world/app:3", "memory": 128}])["taskDefinition"]
    assert new["revision"] == 3


CHECKS = [value for name, value in list(globals().items()) if name.startswith("check_")]
