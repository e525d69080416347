"""Objects, images, file systems, backups."""

import hashlib
import json

from ..aws import EAST, SECOND, WEST


def body(name, size):
    """Bytes that do not compress and are the same in every run."""
    out = bytearray()
    block = name.encode()
    while len(out) < size:
        block = hashlib.sha256(block).digest()
        out += block
    return bytes(out[:size])


def s3(aws, handles):
    east = aws.client("s3", EAST)
    east.create_bucket(Bucket="world-documents")
    east.put_bucket_versioning(Bucket="world-documents", VersioningConfiguration={"Status": "Enabled"})
    for n in (1, 2, 3):
        east.put_object(Bucket="world-documents", Key="report.txt", Body=f"report, edition {n}\n".encode(),
                        ContentType="text/plain", Metadata={"edition": str(n)})
    east.put_object(Bucket="world-documents", Key="gone.txt", Body=b"here once")
    east.delete_object(Bucket="world-documents", Key="gone.txt")
    east.put_object(Bucket="world-documents", Key="deep/er/ä b+c%d.txt", Body=b"a name that needs quoting",
                    Tagging="kind=odd&team=blue")
    east.put_object_tagging(Bucket="world-documents", Key="report.txt",
                            Tagging={"TagSet": [{"Key": "state", "Value": "final"}]})
    east.put_bucket_tagging(Bucket="world-documents", Tagging={"TagSet": [{"Key": "env", "Value": "test"}]})
    east.put_bucket_policy(Bucket="world-documents", Policy=json.dumps({
        "Version": "2012-10-17",
        "Statement": [{"Sid": "read", "Effect": "Allow", "Principal": "*", "Action": "s3:GetObject",
                       "Resource": "arn:aws:s3:::world-documents/*"}]}))
    east.put_bucket_lifecycle_configuration(Bucket="world-documents", LifecycleConfiguration={
        "Rules": [{"ID": "old", "Status": "Enabled", "Filter": {"Prefix": "logs/"}, "Expiration": {"Days": 30}}]})
    east.put_bucket_encryption(Bucket="world-documents", ServerSideEncryptionConfiguration={
        "Rules": [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}]})
    east.put_bucket_cors(Bucket="world-documents", CORSConfiguration={
        "CORSRules": [{"AllowedMethods": ["GET"], "AllowedOrigins": ["https://example.com"]}]})

    east.create_bucket(Bucket="world-large")
    east.put_object(Bucket="world-large", Key="ten-megabytes.bin", Body=body("ten", 10 * 1024 * 1024))
    east.put_object(Bucket="world-large", Key="five-kilobytes.bin", Body=body("five", 5 * 1024))
    east.put_object(Bucket="world-large", Key="empty.bin", Body=b"")
    part = 5 * 1024 * 1024
    done = east.create_multipart_upload(Bucket="world-large", Key="in-parts.bin", ACL="private")["UploadId"]
    parts = []
    for number, content in ((1, body("part-1", part)), (2, body("part-2", 1000))):
        answer = east.upload_part(Bucket="world-large", Key="in-parts.bin", UploadId=done, PartNumber=number,
                                  Body=content)
        parts.append({"PartNumber": number, "ETag": answer["ETag"]})
    east.complete_multipart_upload(Bucket="world-large", Key="in-parts.bin", UploadId=done,
                                   MultipartUpload={"Parts": parts})
    still_open = east.create_multipart_upload(Bucket="world-large", Key="unfinished.bin", ACL="private")["UploadId"]
    first = east.upload_part(Bucket="world-large", Key="unfinished.bin", UploadId=still_open, PartNumber=1,
                             Body=body("open-1", part))

    west = aws.client("s3", WEST)
    west.create_bucket(Bucket="world-west", CreateBucketConfiguration={"LocationConstraint": WEST})
    west.put_object(Bucket="world-west", Key="k", Body=b"west")
    second = aws.client("s3", EAST, SECOND)
    second.create_bucket(Bucket="world-second-account")
    second.put_object(Bucket="world-second-account", Key="k", Body=b"the second account's")
    return {"upload": still_open, "part": {"PartNumber": 1, "ETag": first["ETag"]}}


def ecr(aws, handles):
    ecr = aws.client("ecr")
    ecr.create_repository(repositoryName="world/app", imageTagMutability="MUTABLE",
                          tags=[{"Key": "env", "Value": "test"}])
    for layer, tag in (("b", "1.0"), ("c", "latest")):
        ecr.put_image(repositoryName="world/app", imageTag=tag, imageManifest=json.dumps({
            "schemaVersion": 2, "mediaType": "application/vnd.docker.distribution.manifest.v2+json",
            "config": {"mediaType": "application/vnd.docker.container.image.v1+json", "size": 7,
                       "digest": "sha256:" + "a" * 64},
            "layers": [{"mediaType": "application/vnd.docker.image.rootfs.diff.tar.gzip", "size": 32654,
                        "digest": "sha256:" + layer * 64}]}))
    ecr.put_lifecycle_policy(repositoryName="world/app", lifecyclePolicyText=json.dumps({
        "rules": [{"rulePriority": 1, "selection": {"tagStatus": "untagged", "countType": "imageCountMoreThan",
                                                    "countNumber": 5}, "action": {"type": "expire"}}]}))
    ecr.set_repository_policy(repositoryName="world/app", policyText=json.dumps({
        "Version": "2012-10-17", "Statement": [{"Sid": "pull", "Effect": "Allow", "Principal": "*",
                                                "Action": "ecr:BatchGetImage"}]}))


def efs(aws, handles):
    efs = aws.client("efs")
    system = efs.create_file_system(CreationToken="world-files", Encrypted=True,
                                    Tags=[{"Key": "Name", "Value": "world"}])["FileSystemId"]
    efs.create_mount_target(FileSystemId=system, SubnetId=handles["ec2"]["subnets"][0],
                            SecurityGroups=[handles["ec2"]["group"]])
    efs.create_access_point(ClientToken="world-access", FileSystemId=system)
    return {"system": system}


def backup(aws, handles):
    backup = aws.client("backup")
    backup.create_backup_vault(BackupVaultName="world-vault", BackupVaultTags={"env": "test"})
    plan = backup.create_backup_plan(BackupPlan={
        "BackupPlanName": "world-plan",
        "Rules": [{"RuleName": "daily", "TargetBackupVaultName": "world-vault",
                   "ScheduleExpression": "cron(0 5 ? * * *)"}]})
    return {"plan": plan["BackupPlanId"]}


def glacier(aws, handles):
    glacier = aws.client("glacier")
    glacier.create_vault(vaultName="world-vault")
    return {"archive": glacier.upload_archive(vaultName="world-vault", body=body("ice", 6000))["archiveId"]}
