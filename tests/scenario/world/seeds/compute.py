"""Networks, machines, containers, functions."""

import io
import json
import zipfile

from ..aws import EAST, FIRST, SECOND, WEST, until
from .storage import body


def ec2(aws, handles):
    ec2 = aws.client("ec2")
    tags = [{"ResourceType": "vpc", "Tags": [{"Key": "Name", "Value": "world"}]}]
    vpc = ec2.create_vpc(CidrBlock="10.7.0.0/16", TagSpecifications=tags)["Vpc"]["VpcId"]
    subnets = [ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.7.{n}.0/24", AvailabilityZone=EAST + zone)["Subnet"]
               ["SubnetId"] for n, zone in ((1, "a"), (2, "b"))]
    gateway = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc)
    table = ec2.create_route_table(VpcId=vpc)["RouteTable"]["RouteTableId"]
    ec2.create_route(RouteTableId=table, DestinationCidrBlock="0.0.0.0/0", GatewayId=gateway)
    ec2.associate_route_table(RouteTableId=table, SubnetId=subnets[0])
    group = ec2.create_security_group(GroupName="world-group", Description="d", VpcId=vpc)["GroupId"]
    other = ec2.create_security_group(GroupName="world-other", Description="d", VpcId=vpc)["GroupId"]
    ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[
        {"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "IpRanges": [{"CidrIp": "192.0.2.0/24"}]},
        {"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "UserIdGroupPairs": [{"GroupId": other}]}])
    ec2.create_key_pair(KeyName="world-key")
    image = ec2.describe_images(Owners=["amazon"])["Images"][0]["ImageId"]
    instance = ec2.run_instances(ImageId=image, MinCount=1, MaxCount=1, InstanceType="t3.micro", SubnetId=subnets[0],
                                 SecurityGroupIds=[group], KeyName="world-key", UserData="#!/bin/true",
                                 TagSpecifications=[{"ResourceType": "instance",
                                                     "Tags": [{"Key": "Name", "Value": "world"}]}])
    machine = instance["Instances"][0]["InstanceId"]
    stopped = ec2.run_instances(ImageId=image, MinCount=1, MaxCount=1, SubnetId=subnets[1])["Instances"][0]
    ec2.stop_instances(InstanceIds=[stopped["InstanceId"]])
    volume = ec2.create_volume(AvailabilityZone=EAST + "a", Size=8)["VolumeId"]
    ec2.attach_volume(VolumeId=volume, InstanceId=machine, Device="/dev/sdh")
    ec2.create_snapshot(VolumeId=volume, Description="world")
    address = ec2.allocate_address(Domain="vpc")["AllocationId"]
    ec2.associate_address(AllocationId=address, InstanceId=machine)
    ec2.create_network_interface(SubnetId=subnets[1], Groups=[group], Description="world")
    acl = ec2.create_network_acl(VpcId=vpc)["NetworkAcl"]["NetworkAclId"]
    ec2.create_network_acl_entry(NetworkAclId=acl, RuleNumber=7, Protocol="-1", RuleAction="deny", Egress=False,
                                 CidrBlock="198.51.100.0/24")
    ec2.create_vpc_endpoint(VpcId=vpc, ServiceName=f"com.amazonaws.{EAST}.s3", RouteTableIds=[table])
    spare = ec2.allocate_address(Domain="vpc")["AllocationId"]
    ec2.create_nat_gateway(SubnetId=subnets[0], AllocationId=spare)
    far = ec2.create_vpc(CidrBlock="10.8.0.0/16")["Vpc"]["VpcId"]
    ec2.create_vpc_peering_connection(VpcId=vpc, PeerVpcId=far)
    ec2.create_launch_template(LaunchTemplateName="world-template", LaunchTemplateData={
        "ImageId": image, "InstanceType": "t3.micro"})
    ec2.create_image(InstanceId=machine, Name="world-image")
    ec2.associate_iam_instance_profile(InstanceId=machine, IamInstanceProfile={"Name": "world-profile"})
    ec2.create_flow_logs(ResourceIds=[vpc], ResourceType="VPC", TrafficType="ALL",
                         LogDestinationType="s3", LogDestination="arn:aws:s3:::world-large")
    aws.client("ec2", WEST).create_vpc(CidrBlock="10.9.0.0/16")
    for place in (aws.client("ec2", EAST), aws.client("ec2", WEST), aws.client("ec2", EAST, SECOND)):
        place.describe_vpc_endpoint_services()  # moto makes up their ids when they are first asked for
    aws.client("ec2", EAST, SECOND).create_security_group(GroupName="world-second", Description="d")
    return {"vpc": vpc, "subnets": subnets, "group": group, "image": image, "machine": machine, "volume": volume}


def _code(text):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as package:
        package.writestr(zipfile.ZipInfo("app.py", (2026, 1, 1, 0, 0, 0)), text)
        package.writestr(zipfile.ZipInfo("ballast.bin", (2026, 1, 1, 0, 0, 0)), body(text, 6000))
    return out.getvalue()


def awslambda(aws, handles):
    functions = aws.client("lambda")
    role = f"arn:aws:iam::{FIRST}:role/world-service"
    layer = functions.publish_layer_version(LayerName="world-layer", Content={"ZipFile": _code("layer = 1")},
                                            CompatibleRuntimes=["python3.11"])["LayerVersionArn"]
    functions.create_function(FunctionName="world-function", Runtime="python3.11", Role=role, Handler="app.handler",
                              Code={"ZipFile": _code("def handler(event, context): return 1")}, Layers=[layer],
                              Environment={"Variables": {"STAGE": "test"}}, Tags={"env": "test"})
    first = functions.publish_version(FunctionName="world-function")["Version"]
    functions.update_function_code(FunctionName="world-function",
                                   ZipFile=_code("def handler(event, context): return 2"))
    second = functions.publish_version(FunctionName="world-function")["Version"]
    functions.create_alias(FunctionName="world-function", Name="live", FunctionVersion=first)
    functions.create_alias(FunctionName="world-function", Name="next", FunctionVersion=second)
    functions.add_permission(FunctionName="world-function", StatementId="s3", Action="lambda:InvokeFunction",
                             Principal="s3.amazonaws.com", SourceArn="arn:aws:s3:::world-large")
    mapping = functions.create_event_source_mapping(
        EventSourceArn=f"arn:aws:sqs:{EAST}:{FIRST}:world-mapped", FunctionName="world-function", BatchSize=1)["UUID"]
    functions.create_function_url_config(FunctionName="world-function", AuthType="NONE")
    functions.put_function_concurrency(FunctionName="world-function", ReservedConcurrentExecutions=3)
    return {"first": first, "second": second, "mapping": mapping}


def ecs(aws, handles):
    ecs = aws.client("ecs")
    ecs.create_cluster(clusterName="world-cluster", tags=[{"key": "env", "value": "test"}])
    for n in (1, 2):
        ecs.register_task_definition(family="world-task", containerDefinitions=[
            {"name": "app", "image": f"world/app:{n}", "memory": 128, "cpu": 10}])
    ecs.create_service(cluster="world-cluster", serviceName="world-service", taskDefinition="world-task",
                       desiredCount=1, tags=[{"key": "env", "value": "test"}])
    document = json.dumps({"instanceId": handles["ec2"]["machine"]})
    ecs.register_container_instance(cluster="world-cluster", instanceIdentityDocument=document)
    ecs.run_task(cluster="world-cluster", taskDefinition="world-task:1", launchType="EC2",
                 tags=[{"key": "env", "value": "test"}])


def eks(aws, handles):
    eks = aws.client("eks")
    role = f"arn:aws:iam::{FIRST}:role/world-service"
    eks.create_cluster(name="world-cluster", roleArn=role, tags={"env": "test"},
                       resourcesVpcConfig={"subnetIds": handles["ec2"]["subnets"]})
    eks.create_nodegroup(clusterName="world-cluster", nodegroupName="world-nodes", nodeRole=role,
                         subnets=handles["ec2"]["subnets"], scalingConfig={"minSize": 1, "maxSize": 2,
                                                                           "desiredSize": 1})
    eks.create_fargate_profile(fargateProfileName="world-profile", clusterName="world-cluster",
                               podExecutionRoleArn=role, subnets=handles["ec2"]["subnets"],
                               selectors=[{"namespace": "default"}])


def elb(aws, handles):
    elb = aws.client("elb")
    elb.create_load_balancer(LoadBalancerName="world-classic", AvailabilityZones=[EAST + "a"], Listeners=[
        {"Protocol": "http", "LoadBalancerPort": 80, "InstancePort": 8080}])
    elb.register_instances_with_load_balancer(LoadBalancerName="world-classic",
                                              Instances=[{"InstanceId": handles["ec2"]["machine"]}])
    elb.configure_health_check(LoadBalancerName="world-classic", HealthCheck={
        "Target": "HTTP:8080/", "Interval": 5, "Timeout": 3, "UnhealthyThreshold": 2, "HealthyThreshold": 2})


def elbv2(aws, handles):
    elb = aws.client("elbv2")
    balancer = elb.create_load_balancer(Name="world-balancer", Subnets=handles["ec2"]["subnets"],
                                        SecurityGroups=[handles["ec2"]["group"]])["LoadBalancers"][0]
    group = elb.create_target_group(Name="world-targets", Protocol="HTTP", Port=8080,
                                    VpcId=handles["ec2"]["vpc"])["TargetGroups"][0]["TargetGroupArn"]
    elb.register_targets(TargetGroupArn=group, Targets=[{"Id": handles["ec2"]["machine"], "Port": 8080}])
    listener = elb.create_listener(LoadBalancerArn=balancer["LoadBalancerArn"], Protocol="HTTP", Port=80,
                                   DefaultActions=[{"Type": "forward", "TargetGroupArn": group}])["Listeners"][0]
    elb.create_rule(ListenerArn=listener["ListenerArn"], Priority=5,
                    Conditions=[{"Field": "path-pattern", "Values": ["/x/*"]}],
                    Actions=[{"Type": "forward", "TargetGroupArn": group}])
    return {"targets": group, "balancer": balancer["LoadBalancerArn"]}


def autoscaling(aws, handles):
    scaling = aws.client("autoscaling")
    scaling.create_auto_scaling_group(
        AutoScalingGroupName="world-group", MinSize=0, MaxSize=5, DesiredCapacity=2,
        LaunchTemplate={"LaunchTemplateName": "world-template", "Version": "1"},
        VPCZoneIdentifier=handles["ec2"]["subnets"][0], TargetGroupARNs=[handles["elbv2"]["targets"]],
        Tags=[{"Key": "env", "Value": "test", "PropagateAtLaunch": True}])
    scaling.put_scaling_policy(AutoScalingGroupName="world-group", PolicyName="world-up", AdjustmentType=
                               "ChangeInCapacity", ScalingAdjustment=1)
    scaling.create_launch_configuration(LaunchConfigurationName="world-launch", ImageId=handles["ec2"]["image"],
                                        InstanceType="t3.micro")
    scaling.put_scheduled_update_group_action(AutoScalingGroupName="world-group", ScheduledActionName="world-night",
                                              Recurrence="0 0 * * *", DesiredCapacity=1)


def applicationautoscaling(aws, handles):
    scaling = aws.client("application-autoscaling")
    target = {"ServiceNamespace": "dynamodb", "ResourceId": "table/world-plain",
              "ScalableDimension": "dynamodb:table:ReadCapacityUnits"}
    scaling.register_scalable_target(**target, MinCapacity=1, MaxCapacity=9)
    scaling.put_scaling_policy(PolicyName="world-policy", PolicyType="TargetTrackingScaling", **target,
                               TargetTrackingScalingPolicyConfiguration={"TargetValue": 70.0})


def batch(aws, handles):
    """The job fails for want of containers; what is left of it is a finished thread with its record."""
    batch = aws.client("batch")
    made = batch.create_compute_environment(computeEnvironmentName="world-environment", type="UNMANAGED",
                                            state="ENABLED",
                                            serviceRole=f"arn:aws:iam::{FIRST}:role/world-service")
    batch.create_job_queue(jobQueueName="world-jobs", state="ENABLED", priority=1, computeEnvironmentOrder=[
        {"order": 1, "computeEnvironment": made["computeEnvironmentArn"]}])
    batch.register_job_definition(jobDefinitionName="world-job", type="container", containerProperties={
        "image": "busybox", "vcpus": 1, "memory": 128, "command": ["true"]})
    job = batch.submit_job(jobName="world-run", jobQueue="world-jobs", jobDefinition="world-job")["jobId"]
    until(lambda: batch.describe_jobs(jobs=[job])["jobs"][0]["status"], "FAILED")
    return {"job": job}
