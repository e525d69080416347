"""Queues, topics, streams, buses, mail."""

import json

from ..aws import EAST, FIRST, SECOND, WEST


def sqs(aws, handles):
    sqs = aws.client("sqs")
    dead = sqs.create_queue(QueueName="world-dead")["QueueUrl"]
    work = sqs.create_queue(QueueName="world-work", Attributes={
        "VisibilityTimeout": "3600",
        "RedrivePolicy": json.dumps({"deadLetterTargetArn": f"arn:aws:sqs:{EAST}:{FIRST}:world-dead",
                                     "maxReceiveCount": "1"})}, tags={"env": "test"})["QueueUrl"]
    sqs.send_message(QueueUrl=work, MessageBody="in flight", MessageAttributes={
        "colour": {"DataType": "String", "StringValue": "blue"},
        "blob": {"DataType": "Binary", "BinaryValue": b"\x00\xff"}})
    flying = sqs.receive_message(QueueUrl=work, MaxNumberOfMessages=1)["Messages"][0]
    sqs.send_message(QueueUrl=work, MessageBody="waiting")
    sqs.send_message(QueueUrl=work, MessageBody="delayed", DelaySeconds=900)
    doomed = sqs.create_queue(QueueName="world-doomed", Attributes={
        "VisibilityTimeout": "0",
        "RedrivePolicy": json.dumps({"deadLetterTargetArn": f"arn:aws:sqs:{EAST}:{FIRST}:world-dead",
                                     "maxReceiveCount": "1"})})["QueueUrl"]
    sqs.send_message(QueueUrl=doomed, MessageBody="received once, dead at the next look")
    sqs.receive_message(QueueUrl=doomed)

    returning = sqs.create_queue(QueueName="world-returning", Attributes={"VisibilityTimeout": "3600"})["QueueUrl"]
    sqs.send_message(QueueUrl=returning, MessageBody="comes back")
    returned = sqs.receive_message(QueueUrl=returning)["Messages"][0]

    fifo = sqs.create_queue(QueueName="world-orders.fifo", Attributes={"FifoQueue": "true"})["QueueUrl"]
    for n, group in enumerate("abab"):
        sqs.send_message(QueueUrl=fifo, MessageBody=f"{group}{n}", MessageGroupId=group,
                         MessageDeduplicationId=f"once-{n}")
    content = sqs.create_queue(QueueName="world-content.fifo", Attributes={
        "FifoQueue": "true", "ContentBasedDeduplication": "true"})["QueueUrl"]
    sqs.send_message(QueueUrl=content, MessageBody="only once", MessageGroupId="g")

    aws.client("sqs", WEST).create_queue(QueueName="world-west")
    other = aws.client("sqs", EAST, SECOND)
    url = other.create_queue(QueueName="world-second")["QueueUrl"]
    other.send_message(QueueUrl=url, MessageBody="the second account's")
    sqs.create_queue(QueueName="world-mapped")
    return {"flying": flying["ReceiptHandle"], "returning": returned["ReceiptHandle"]}


def sns(aws, handles):
    sns = aws.client("sns")
    sqs = aws.client("sqs")
    topic = sns.create_topic(Name="world-news", Tags=[{"Key": "env", "Value": "test"}])["TopicArn"]
    for name, policy in (("world-red", {"colour": ["red"]}), ("world-all", None)):
        sqs.create_queue(QueueName=name)
        attributes = {"RawMessageDelivery": "true"}
        if policy:
            attributes["FilterPolicy"] = json.dumps(policy)
        sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=f"arn:aws:sqs:{EAST}:{FIRST}:{name}",
                      Attributes=attributes, ReturnSubscriptionArn=True)
    sns.publish(TopicArn=topic, Message="before the capture",
                MessageAttributes={"colour": {"DataType": "String", "StringValue": "red"}})
    sns.set_topic_attributes(TopicArn=topic, AttributeName="DisplayName", AttributeValue="News")
    sns.create_topic(Name="world-ordered.fifo", Attributes={"FifoTopic": "true"})
    app = sns.create_platform_application(Name="world-app", Platform="GCM",
                                          Attributes={"PlatformCredential": "x"})["PlatformApplicationArn"]
    sns.create_platform_endpoint(PlatformApplicationArn=app, Token="phone")
    aws.client("sns", WEST).create_topic(Name="world-west")
    aws.client("sns", EAST, SECOND).create_topic(Name="world-second")
    return {"topic": topic}


def kinesis(aws, handles):
    kinesis = aws.client("kinesis")
    kinesis.create_stream(StreamName="world-clicks", ShardCount=2)
    kinesis.add_tags_to_stream(StreamName="world-clicks", Tags={"env": "test"})
    last = None
    for n in range(6):
        last = kinesis.put_record(StreamName="world-clicks", PartitionKey=f"user-{n}", Data=f"click {n}".encode())
    arn = f"arn:aws:kinesis:{EAST}:{FIRST}:stream/world-clicks"
    kinesis.register_stream_consumer(StreamARN=arn, ConsumerName="world-reader")
    kinesis.increase_stream_retention_period(StreamName="world-clicks", RetentionPeriodHours=48)
    return {"shard": last["ShardId"], "sequence": last["SequenceNumber"]}


def firehose(aws, handles):
    firehose = aws.client("firehose")
    firehose.create_delivery_stream(DeliveryStreamName="world-hose", S3DestinationConfiguration={
        "RoleARN": f"arn:aws:iam::{FIRST}:role/world-service", "BucketARN": "arn:aws:s3:::world-west"})
    firehose.tag_delivery_stream(DeliveryStreamName="world-hose", Tags=[{"Key": "env", "Value": "test"}])


def events(aws, handles):
    events = aws.client("events")
    events.create_event_bus(Name="world-bus")
    events.put_rule(Name="world-rule", EventBusName="world-bus",
                    EventPattern=json.dumps({"source": ["world"], "detail": {"n": [1]}}))
    events.put_targets(Rule="world-rule", EventBusName="world-bus", Targets=[
        {"Id": "to-queue", "Arn": f"arn:aws:sqs:{EAST}:{FIRST}:world-all"}])
    events.put_rule(Name="world-clock", ScheduleExpression="rate(5 minutes)", State="DISABLED")
    events.create_archive(ArchiveName="world-archive",
                          EventSourceArn=f"arn:aws:events:{EAST}:{FIRST}:event-bus/world-bus")
    events.create_connection(Name="world-connection", AuthorizationType="BASIC",
                             AuthParameters={"BasicAuthParameters": {"Username": "u", "Password": "p"}})
    aws.client("events", WEST).create_event_bus(Name="world-west")


def scheduler(aws, handles):
    scheduler = aws.client("scheduler")
    scheduler.create_schedule_group(Name="world-group")
    scheduler.create_schedule(Name="world-schedule", GroupName="world-group", ScheduleExpression="rate(1 day)",
                              FlexibleTimeWindow={"Mode": "OFF"},
                              Target={"Arn": f"arn:aws:sqs:{EAST}:{FIRST}:world-work",
                                      "RoleArn": f"arn:aws:iam::{FIRST}:role/world-service"})


def pipes(aws, handles):
    aws.client("pipes").create_pipe(
        Name="world-pipe", RoleArn=f"arn:aws:iam::{FIRST}:role/world-service",
        Source=f"arn:aws:sqs:{EAST}:{FIRST}:world-work", Target=f"arn:aws:sqs:{EAST}:{FIRST}:world-all")


def ses(aws, handles):
    ses = aws.client("ses")
    ses.verify_email_identity(EmailAddress="sender@example.com")
    ses.verify_domain_identity(Domain="example.com")
    ses.create_template(Template={"TemplateName": "world-hello", "SubjectPart": "Hi {{name}}",
                                  "TextPart": "Hello {{name}}"})
    ses.create_configuration_set(ConfigurationSet={"Name": "world-set"})
    ses.send_email(Source="sender@example.com", Destination={"ToAddresses": ["you@example.com"]},
                   Message={"Subject": {"Data": "s"}, "Body": {"Text": {"Data": "b"}}})


def mq(aws, handles):
    broker = aws.client("mq").create_broker(
        BrokerName="world-broker", EngineType="ACTIVEMQ", EngineVersion="5.16.4", DeploymentMode="SINGLE_INSTANCE",
        HostInstanceType="mq.t3.micro", PubliclyAccessible=False, AutoMinorVersionUpgrade=True,
        Users=[{"Username": "world", "Password": "not-a-secret-1"}])
    return {"broker": broker["BrokerId"]}
