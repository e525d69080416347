"""What joins services: APIs, stacks, workflows, names."""

import json

from ..aws import EAST, FIRST, WEST


def apigateway(aws, handles):
    api = aws.client("apigateway")
    rest = api.create_rest_api(name="world-rest", tags={"env": "test"})["id"]
    root = api.get_resources(restApiId=rest)["items"][0]["id"]
    pets = api.create_resource(restApiId=rest, parentId=root, pathPart="pets")["id"]
    api.put_method(restApiId=rest, resourceId=pets, httpMethod="GET", authorizationType="NONE", apiKeyRequired=True)
    api.put_method_response(restApiId=rest, resourceId=pets, httpMethod="GET", statusCode="200")
    api.put_integration(restApiId=rest, resourceId=pets, httpMethod="GET", type="MOCK",
                        requestTemplates={"application/json": '{"statusCode": 200}'})
    api.put_integration_response(restApiId=rest, resourceId=pets, httpMethod="GET", statusCode="200")
    deployment = api.create_deployment(restApiId=rest, stageName="test", description="d")["id"]
    api.create_stage(restApiId=rest, stageName="live", deploymentId=deployment, variables={"a": "b"})
    key = api.create_api_key(name="world-key", enabled=True)["id"]
    plan = api.create_usage_plan(name="world-plan", apiStages=[{"apiId": rest, "stage": "test"}])["id"]
    api.create_usage_plan_key(usagePlanId=plan, keyId=key, keyType="API_KEY")
    api.create_model(restApiId=rest, name="Pet", contentType="application/json", schema='{"type": "object"}')
    api.create_authorizer(restApiId=rest, name="world-auth", type="TOKEN", authorizerUri="arn:aws:x",
                          identitySource="method.request.header.Authorization")
    return {"rest": rest}


def apigatewayv2(aws, handles):
    api = aws.client("apigatewayv2")
    http = api.create_api(Name="world-http", ProtocolType="HTTP", Tags={"env": "test"})["ApiId"]
    integration = api.create_integration(ApiId=http, IntegrationType="HTTP_PROXY", IntegrationMethod="GET",
                                         IntegrationUri="https://example.com",
                                         PayloadFormatVersion="1.0")["IntegrationId"]
    api.create_route(ApiId=http, RouteKey="GET /pets", Target=f"integrations/{integration}")
    api.create_stage(ApiId=http, StageName="test")
    return {"http": http}


_TEMPLATE = {
    "Parameters": {"Name": {"Type": "String", "Default": "world-stack"}},
    "Resources": {
        "Queue": {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": {"Fn::Sub": "${Name}-queue"}}},
        "Bucket": {"Type": "AWS::S3::Bucket", "Properties": {"BucketName": {"Fn::Sub": "${Name}-bucket"}}},
        "Topic": {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": {"Fn::Sub": "${Name}-topic"}}},
        "Table": {"Type": "AWS::DynamoDB::Table", "Properties": {
            "TableName": {"Fn::Sub": "${Name}-table"}, "BillingMode": "PAY_PER_REQUEST",
            "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
            "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}]}},
        "Role": {"Type": "AWS::IAM::Role", "Properties": {
            "RoleName": {"Fn::Sub": "${Name}-role"},
            "AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": []}}},
        "Parameter": {"Type": "AWS::SSM::Parameter", "Properties": {
            "Name": {"Fn::Sub": "/${Name}/parameter"}, "Type": "String", "Value": "from the stack"}},
        "Logs": {"Type": "AWS::Logs::LogGroup", "Properties": {"LogGroupName": {"Fn::Sub": "/${Name}/logs"}}},
    },
    "Outputs": {"QueueUrl": {"Value": {"Ref": "Queue"}, "Export": {"Name": "world-queue-url"}},
                "TableArn": {"Value": {"Fn::GetAtt": ["Table", "Arn"]}}},
}


def cloudformation(aws, handles):
    stacks = aws.client("cloudformation")
    stacks.create_stack(StackName="world-stack", TemplateBody=json.dumps(_TEMPLATE),
                        Tags=[{"Key": "env", "Value": "test"}])
    more = {"More": {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": "world-stack-more"}}}
    stacks.create_change_set(StackName="world-stack", ChangeSetName="world-change", ChangeSetType="UPDATE",
                             TemplateBody=json.dumps(_TEMPLATE | {"Resources": _TEMPLATE["Resources"] | more}))
    stacks.create_stack_set(StackSetName="world-set", TemplateBody=json.dumps({"Resources": {
        "Topic": {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": "world-set-topic"}}}}))
    west = aws.client("cloudformation", WEST)
    west.create_stack(StackName="world-west", TemplateBody=json.dumps({"Resources": {
        "Topic": {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": "world-west-topic"}}}}))


def stepfunctions(aws, handles):
    steps = aws.client("stepfunctions")
    role = f"arn:aws:iam::{FIRST}:role/world-service"
    machine = steps.create_state_machine(
        name="world-machine", roleArn=role, tags=[{"key": "env", "value": "test"}], definition=json.dumps({
            "StartAt": "Done", "States": {"Done": {"Type": "Pass", "Result": {"ok": True}, "End": True}}}))
    arn = machine["stateMachineArn"]
    run = steps.start_execution(stateMachineArn=arn, name="world-run", input='{"n": 1}')["executionArn"]
    ended = steps.start_execution(stateMachineArn=arn, name="world-stopped")["executionArn"]
    steps.stop_execution(executionArn=ended, cause="enough")
    steps.create_activity(name="world-activity")
    return {"machine": arn, "run": run}


def route53(aws, handles):
    dns = aws.client("route53")
    zone = dns.create_hosted_zone(Name="world.example.com.", CallerReference="world")["HostedZone"]["Id"]
    dns.change_resource_record_sets(HostedZoneId=zone, ChangeBatch={"Changes": [
        {"Action": "CREATE", "ResourceRecordSet": {"Name": f"{name}.world.example.com.", "Type": "A", "TTL": 60,
                                                   "ResourceRecords": [{"Value": f"192.0.2.{n}"}]}}
        for n, name in enumerate(("www", "api", "mail"), 1)]})
    dns.create_health_check(CallerReference="world", HealthCheckConfig={
        "Type": "HTTP", "IPAddress": "192.0.2.1", "Port": 80, "ResourcePath": "/"})
    dns.create_hosted_zone(Name="inside.example.com.", CallerReference="inside", VPC={
        "VPCRegion": EAST, "VPCId": handles["ec2"]["vpc"]}, HostedZoneConfig={"PrivateZone": True})
    return {"zone": zone}


def route53resolver(aws, handles):
    aws.client("route53resolver").create_resolver_endpoint(
        CreatorRequestId="world", Name="world-resolver", Direction="INBOUND",
        SecurityGroupIds=[handles["ec2"]["group"]],
        IpAddresses=[{"SubnetId": subnet} for subnet in handles["ec2"]["subnets"]])


def servicediscovery(aws, handles):
    discovery = aws.client("servicediscovery")
    discovery.create_http_namespace(Name="world-names", CreatorRequestId="world")
    namespace = discovery.list_namespaces()["Namespaces"][0]["Id"]
    service = discovery.create_service(Name="world-service", NamespaceId=namespace)["Service"]["Id"]
    discovery.register_instance(ServiceId=service, InstanceId="one", Attributes={"port": "80"})


def cloudfront(aws, handles):
    front = aws.client("cloudfront")
    made = front.create_distribution(DistributionConfig={
        "CallerReference": "world", "Comment": "world", "Enabled": True,
        "Origins": {"Quantity": 1, "Items": [{"Id": "o", "DomainName": "world-large.s3.amazonaws.com",
                                              "S3OriginConfig": {"OriginAccessIdentity": ""}}]},
        "DefaultCacheBehavior": {"TargetOriginId": "o", "ViewerProtocolPolicy": "allow-all", "MinTTL": 0,
                                 "ForwardedValues": {"QueryString": False, "Cookies": {"Forward": "none"}}}})
    front.create_invalidation(DistributionId=made["Distribution"]["Id"], InvalidationBatch={
        "CallerReference": "world", "Paths": {"Quantity": 1, "Items": ["/x"]}})


def appsync(aws, handles):
    sync = aws.client("appsync")
    api = sync.create_graphql_api(name="world-graph", authenticationType="API_KEY")["graphqlApi"]["apiId"]
    sync.create_api_key(apiId=api, description="world", expires=4102444800)


def resourcegroups(aws, handles):
    """Tags over services are read through the tagging service; it keeps nothing itself."""
    groups = aws.client("resource-groups")
    groups.create_group(Name="world-tagged", Description="d", ResourceQuery={
        "Type": "TAG_FILTERS_1_0", "Query": json.dumps({
            "ResourceTypeFilters": ["AWS::AllSupported"], "TagFilters": [{"Key": "env", "Values": ["test"]}]})})
