"""Tables, relational and search engines, caches."""

from ..aws import EAST, FIRST, SECOND, WEST, until


def dynamodb(aws, handles):
    dynamodb = aws.client("dynamodb")
    dynamodb.create_table(
        TableName="world-orders",
        KeySchema=[{"AttributeName": "customer", "KeyType": "HASH"}, {"AttributeName": "order", "KeyType": "RANGE"}],
        AttributeDefinitions=[{"AttributeName": "customer", "AttributeType": "S"},
                              {"AttributeName": "order", "AttributeType": "N"},
                              {"AttributeName": "state", "AttributeType": "S"},
                              {"AttributeName": "day", "AttributeType": "S"}],
        GlobalSecondaryIndexes=[{"IndexName": "by-state", "Projection": {"ProjectionType": "ALL"},
                                 "KeySchema": [{"AttributeName": "state", "KeyType": "HASH"},
                                               {"AttributeName": "order", "KeyType": "RANGE"}]}],
        LocalSecondaryIndexes=[{"IndexName": "by-day", "Projection": {"ProjectionType": "KEYS_ONLY"},
                                "KeySchema": [{"AttributeName": "customer", "KeyType": "HASH"},
                                              {"AttributeName": "day", "KeyType": "RANGE"}]}],
        BillingMode="PAY_PER_REQUEST",
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"},
        Tags=[{"Key": "env", "Value": "test"}])
    for n in range(1, 11):
        dynamodb.put_item(TableName="world-orders", Item={
            "customer": {"S": f"c{n % 3}"}, "order": {"N": str(n)}, "state": {"S": "open" if n % 2 else "sent"},
            "day": {"S": f"2026-01-{n:02}"}, "expires": {"N": "4102444800"}})
    dynamodb.put_item(TableName="world-orders", Item={
        "customer": {"S": "every-type"}, "order": {"N": "-12345678901234567890.123456789"},
        "text": {"S": "ünï\u0000code"}, "binary": {"B": b"\x00\x01\xff"}, "yes": {"BOOL": True}, "no": {"NULL": True},
        "texts": {"SS": ["x", "y", "z"]}, "numbers": {"NS": ["1", "2.5"]}, "binaries": {"BS": [b"\x01", b"\x02"]},
        "list": {"L": [{"S": "a"}, {"L": [{"N": "1"}]}]}, "map": {"M": {"inner": {"M": {"deep": {"S": "er"}}}}}})
    dynamodb.update_item(TableName="world-orders", Key={"customer": {"S": "c1"}, "order": {"N": "1"}},
                         UpdateExpression="SET #s = :sent ADD visits :one",
                         ExpressionAttributeNames={"#s": "state"},
                         ExpressionAttributeValues={":sent": {"S": "sent"}, ":one": {"N": "1"}})
    dynamodb.delete_item(TableName="world-orders", Key={"customer": {"S": "c1"}, "order": {"N": "10"}})
    dynamodb.update_time_to_live(TableName="world-orders",
                                 TimeToLiveSpecification={"Enabled": True, "AttributeName": "expires"})
    dynamodb.update_continuous_backups(TableName="world-orders", PointInTimeRecoverySpecification={
        "PointInTimeRecoveryEnabled": True})
    dynamodb.create_backup(TableName="world-orders", BackupName="world-backup")
    export = dynamodb.export_table_to_point_in_time(
        TableArn=f"arn:aws:dynamodb:{EAST}:{FIRST}:table/world-orders", S3Bucket="world-west",
        S3Prefix="exports")["ExportDescription"]["ExportArn"]
    until(lambda: dynamodb.describe_export(ExportArn=export)["ExportDescription"]["ExportStatus"], "COMPLETED")
    for place in (aws.client("dynamodb", WEST), aws.client("dynamodb", EAST, SECOND)):
        place.create_table(TableName="world-plain", BillingMode="PROVISIONED",
                           ProvisionedThroughput={"ReadCapacityUnits": 2, "WriteCapacityUnits": 1},
                           KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
                           AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}])
        place.put_item(TableName="world-plain", Item={"id": {"S": "one"}})
    streams = aws.client("dynamodbstreams")
    arn = streams.list_streams(TableName="world-orders")["Streams"][0]["StreamArn"]
    shard = streams.describe_stream(StreamArn=arn)["StreamDescription"]["Shards"][0]["ShardId"]
    iterator = streams.get_shard_iterator(StreamArn=arn, ShardId=shard, ShardIteratorType="TRIM_HORIZON")
    page = streams.get_records(ShardIterator=iterator["ShardIterator"])
    return {"stream": arn, "shard": shard, "iterator": page["NextShardIterator"],
            "sequence": page["Records"][-1]["dynamodb"]["SequenceNumber"]}


def rds(aws, handles):
    rds = aws.client("rds")
    rds.create_db_subnet_group(DBSubnetGroupName="world-subnets", DBSubnetGroupDescription="d",
                               SubnetIds=handles["ec2"]["subnets"])
    rds.create_db_parameter_group(DBParameterGroupName="world-parameters", DBParameterGroupFamily="postgres15",
                                  Description="d")
    rds.create_db_instance(DBInstanceIdentifier="world-db", Engine="postgres", DBInstanceClass="db.t3.micro",
                           AllocatedStorage=20, MasterUsername="world", MasterUserPassword="not-a-secret-1",
                           DBSubnetGroupName="world-subnets", Tags=[{"Key": "env", "Value": "test"}])
    rds.create_db_snapshot(DBSnapshotIdentifier="world-snapshot", DBInstanceIdentifier="world-db")
    rds.create_db_cluster(DBClusterIdentifier="world-cluster", Engine="aurora-postgresql", MasterUsername="world",
                          MasterUserPassword="not-a-secret-1")


def opensearch(aws, handles):
    opensearch = aws.client("opensearch")
    opensearch.create_domain(DomainName="world-search", EngineVersion="OpenSearch_2.11",
                             ClusterConfig={"InstanceType": "t3.small.search", "InstanceCount": 1},
                             TagList=[{"Key": "env", "Value": "test"}])


def elasticache(aws, handles):
    cache = aws.client("elasticache")
    cache.create_cache_cluster(CacheClusterId="world-cache", Engine="redis", CacheNodeType="cache.t3.micro",
                               NumCacheNodes=1)
    cache.create_user(UserId="world-user", UserName="world", Engine="redis", AccessString="on ~* +@all",
                      NoPasswordRequired=True)


def redshift(aws, handles):
    redshift = aws.client("redshift")
    redshift.create_cluster(ClusterIdentifier="world-warehouse", NodeType="ra3.xlplus", ClusterType="single-node",
                            DBName="world", MasterUsername="world", MasterUserPassword="Not-a-secret-1")
    redshift.create_cluster_snapshot(SnapshotIdentifier="world-snapshot", ClusterIdentifier="world-warehouse")


def memorydb(aws, handles):
    aws.client("memorydb").create_cluster(ClusterName="world-memory", NodeType="db.t4g.small", ACLName="open-access")
