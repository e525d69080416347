"""Who may do what: users, keys, secrets, certificates, organisations."""

import datetime
import json

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from ..aws import EAST, FIRST, SECOND, WEST

_TRUST = json.dumps({"Version": "2012-10-17", "Statement": [
    {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}]})
_POLICY = json.dumps({"Version": "2012-10-17", "Statement": [
    {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]})


def iam(aws, handles):
    iam = aws.client("iam")
    iam.create_user(UserName="world-alice", Path="/team/", Tags=[{"Key": "env", "Value": "test"}])
    key = iam.create_access_key(UserName="world-alice")["AccessKey"]
    iam.create_login_profile(UserName="world-alice", Password="not-a-secret-1")
    iam.create_role(RoleName="world-service", AssumeRolePolicyDocument=_TRUST, Description="for services")
    iam.create_role(RoleName="world-pipeline",
                    AssumeRolePolicyDocument=_TRUST.replace("lambda.amazonaws.com", "codepipeline.amazonaws.com"))
    policy = iam.create_policy(PolicyName="world-policy", PolicyDocument=_POLICY)["Policy"]["Arn"]
    iam.create_policy_version(PolicyArn=policy, PolicyDocument=_POLICY.replace("s3:*", "s3:Get*"), SetAsDefault=True)
    iam.attach_role_policy(RoleName="world-service", PolicyArn=policy)
    iam.attach_user_policy(UserName="world-alice", PolicyArn=policy)
    iam.put_role_policy(RoleName="world-service", PolicyName="inline", PolicyDocument=_POLICY)
    iam.put_user_policy(UserName="world-alice", PolicyName="inline", PolicyDocument=_POLICY)
    iam.create_group(GroupName="world-team")
    iam.add_user_to_group(GroupName="world-team", UserName="world-alice")
    iam.attach_group_policy(GroupName="world-team", PolicyArn=policy)
    iam.create_instance_profile(InstanceProfileName="world-profile")
    iam.add_role_to_instance_profile(InstanceProfileName="world-profile", RoleName="world-service")
    iam.create_account_alias(AccountAlias="world-account")
    iam.update_account_password_policy(MinimumPasswordLength=14)
    iam.create_open_id_connect_provider(Url="https://oidc.example.com", ClientIDList=["world"],
                                        ThumbprintList=["a" * 40])
    second = aws.client("iam", EAST, SECOND)
    second.create_user(UserName="world-bob")
    other = second.create_access_key(UserName="world-bob")["AccessKey"]
    second.create_role(RoleName="world-visitor", AssumeRolePolicyDocument=_TRUST)
    return {"alice": [key["AccessKeyId"], key["SecretAccessKey"]],
            "bob": [other["AccessKeyId"], other["SecretAccessKey"]]}


def secretsmanager(aws, handles):
    secrets = aws.client("secretsmanager")
    secrets.create_secret(Name="world/password", SecretString="first", Description="d",
                          Tags=[{"Key": "env", "Value": "test"}])
    secrets.put_secret_value(SecretId="world/password", SecretString="second")
    secrets.put_secret_value(SecretId="world/password", SecretString="third", VersionStages=["AWSPENDING"],
                             ClientRequestToken="0" * 31 + "3")
    secrets.create_secret(Name="world/binary", SecretBinary=b"\x00\x01\x02\xff")
    secrets.create_secret(Name="world/leaving", SecretString="x")
    secrets.delete_secret(SecretId="world/leaving", RecoveryWindowInDays=10)
    secrets.put_resource_policy(SecretId="world/password", ResourcePolicy=json.dumps({
        "Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Principal": "*",
                                                "Action": "secretsmanager:DeleteSecret", "Resource": "*"}]}))
    aws.client("secretsmanager", EAST, SECOND).create_secret(Name="world/second", SecretString="the second account's")


def ssm(aws, handles):
    ssm = aws.client("ssm")
    for value in ("one", "two", "three"):
        ssm.put_parameter(Name="/world/counter", Value=value, Type="String", Overwrite=True)
    ssm.label_parameter_version(Name="/world/counter", ParameterVersion=2, Labels=["good"])
    ssm.put_parameter(Name="/world/password", Value="hidden", Type="SecureString")
    ssm.put_parameter(Name="/world/list", Value="a,b,c", Type="StringList", Tags=[{"Key": "env", "Value": "test"}])
    document = json.dumps({"schemaVersion": "2.2", "description": "d", "mainSteps": [
        {"action": "aws:runShellScript", "name": "s", "inputs": {"runCommand": ["true"]}}]})
    ssm.create_document(Name="world-document", Content=document, DocumentType="Command", DocumentFormat="JSON")
    ssm.update_document(Name="world-document", Content=document.replace("true", "false"), DocumentVersion="$LATEST")
    window = ssm.create_maintenance_window(Name="world-window", Schedule="cron(0 2 ? * SUN *)", Duration=2, Cutoff=1,
                                           AllowUnassociatedTargets=True)["WindowId"]
    baseline = ssm.create_patch_baseline(Name="world-baseline")["BaselineId"]
    aws.client("ssm", WEST).put_parameter(Name="/world/west", Value="west", Type="String")
    aws.client("ssm", EAST, SECOND).put_parameter(Name="/world/second", Value="second", Type="String")
    return {"window": window, "baseline": baseline}


def kms(aws, handles):
    kms = aws.client("kms")
    made = {}
    for name, spec, usage in (("plain", "SYMMETRIC_DEFAULT", "ENCRYPT_DECRYPT"), ("rsa", "RSA_2048", "ENCRYPT_DECRYPT"),
                              ("rsa-sign", "RSA_2048", "SIGN_VERIFY"), ("ecc", "ECC_NIST_P256", "SIGN_VERIFY"),
                              ("hmac", "HMAC_256", "GENERATE_VERIFY_MAC")):
        made[name] = kms.create_key(KeySpec=spec, KeyUsage=usage, Description=f"world {name}",
                                    Tags=[{"TagKey": "env", "TagValue": "test"}])["KeyMetadata"]["KeyId"]
        kms.create_alias(AliasName=f"alias/world-{name}", TargetKeyId=made[name])
    kms.enable_key_rotation(KeyId=made["plain"])
    kms.create_grant(KeyId=made["plain"], GranteePrincipal=f"arn:aws:iam::{FIRST}:role/world-service",
                     Operations=["Encrypt", "Decrypt"], Name="world-grant")
    leaving = kms.create_key(Description="world leaving")["KeyMetadata"]["KeyId"]
    kms.schedule_key_deletion(KeyId=leaving, PendingWindowInDays=7)
    sealed = kms.encrypt(KeyId=made["plain"], Plaintext=b"an old secret", EncryptionContext={"for": "world"})
    rsa = kms.encrypt(KeyId=made["rsa"], Plaintext=b"an old secret", EncryptionAlgorithm="RSAES_OAEP_SHA_256")
    signed = kms.sign(KeyId=made["ecc"], Message=b"an old promise", SigningAlgorithm="ECDSA_SHA_256")
    sealed_by_rsa = kms.sign(KeyId=made["rsa-sign"], Message=b"an old promise",
                             SigningAlgorithm="RSASSA_PSS_SHA_256")
    data = kms.generate_data_key(KeyId=made["plain"], KeySpec="AES_256")
    mac = kms.generate_mac(KeyId=made["hmac"], Message=b"an old promise", MacAlgorithm="HMAC_SHA_256")
    aws.client("kms", EAST, SECOND).create_key(Description="the second account's")
    return {"keys": made, "sealed": sealed["CiphertextBlob"], "rsa": rsa["CiphertextBlob"],
            "signature": signed["Signature"], "rsa_signature": sealed_by_rsa["Signature"],
            "data": [data["CiphertextBlob"], data["Plaintext"]], "mac": mac["Mac"]}


def acm(aws, handles):
    acm = aws.client("acm")
    asked = acm.request_certificate(DomainName="world.example.com", ValidationMethod="DNS",
                                    SubjectAlternativeNames=["www.world.example.com", "api.world.example.com"],
                                    Tags=[{"Key": "env", "Value": "test"}])["CertificateArn"]
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "imported.example.com")])
    certificate = (x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
                   .serial_number(4711).not_valid_before(datetime.datetime(2024, 1, 1))
                   .not_valid_after(datetime.datetime(2100, 1, 1)).sign(key, hashes.SHA256()))
    pem = certificate.public_bytes(serialization.Encoding.PEM)
    imported = acm.import_certificate(Certificate=pem, PrivateKey=key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption()))["CertificateArn"]
    acm.describe_certificate(CertificateArn=asked)  # a read may turn it ISSUED: have that behind us
    return {"asked": asked, "imported": imported, "pem": pem}


def acmpca(aws, handles):
    pca = aws.client("acm-pca")
    authority = pca.create_certificate_authority(
        CertificateAuthorityType="ROOT", Tags=[{"Key": "env", "Value": "test"}],
        CertificateAuthorityConfiguration={"KeyAlgorithm": "RSA_2048", "SigningAlgorithm": "SHA256WITHRSA",
                                           "Subject": {"CommonName": "world.example.com"}})["CertificateAuthorityArn"]
    request = pca.get_certificate_authority_csr(CertificateAuthorityArn=authority)["Csr"]
    issued = pca.issue_certificate(
        CertificateAuthorityArn=authority, Csr=request.encode(), SigningAlgorithm="SHA256WITHRSA",
        TemplateArn="arn:aws:acm-pca:::template/RootCACertificate/V1",
        Validity={"Type": "YEARS", "Value": 10})["CertificateArn"]
    root = pca.get_certificate(CertificateAuthorityArn=authority, CertificateArn=issued)["Certificate"]
    pca.import_certificate_authority_certificate(CertificateAuthorityArn=authority, Certificate=root.encode())
    return {"authority": authority, "request": request.encode(), "issued": issued, "root": root.encode()}


def cognitoidp(aws, handles):
    idp = aws.client("cognito-idp")
    pool = idp.create_user_pool(PoolName="world-pool", UserPoolTags={"env": "test"}, Policies={
        "PasswordPolicy": {"MinimumLength": 8}})["UserPool"]["Id"]
    client = idp.create_user_pool_client(UserPoolId=pool, ClientName="world-client", ExplicitAuthFlows=[
        "ALLOW_ADMIN_USER_PASSWORD_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"])["UserPoolClient"]["ClientId"]
    idp.create_user_pool_domain(Domain="world-domain", UserPoolId=pool)
    idp.create_group(GroupName="world-admins", UserPoolId=pool, Precedence=1)
    idp.admin_create_user(UserPoolId=pool, Username="carol", TemporaryPassword="Not-a-secret-1",
                          UserAttributes=[{"Name": "email", "Value": "carol@example.com"}])
    idp.admin_set_user_password(UserPoolId=pool, Username="carol", Password="Not-a-secret-2", Permanent=True)
    idp.admin_add_user_to_group(UserPoolId=pool, Username="carol", GroupName="world-admins")
    idp.create_resource_server(UserPoolId=pool, Identifier="world-api", Name="api",
                               Scopes=[{"ScopeName": "read", "ScopeDescription": "r"}])
    login = idp.admin_initiate_auth(UserPoolId=pool, ClientId=client, AuthFlow="ADMIN_USER_PASSWORD_AUTH",
                                    AuthParameters={"USERNAME": "carol", "PASSWORD": "Not-a-secret-2"})
    tokens = login["AuthenticationResult"]
    return {"pool": pool, "client": client, "id": tokens["IdToken"], "access": tokens["AccessToken"],
            "refresh": tokens["RefreshToken"]}


def cognitoidentity(aws, handles):
    identity = aws.client("cognito-identity")
    pool = identity.create_identity_pool(IdentityPoolName="world-identities",
                                         AllowUnauthenticatedIdentities=True)["IdentityPoolId"]
    return {"pool": pool, "identity": identity.get_id(IdentityPoolId=pool)["IdentityId"]}


def organizations(aws, handles):
    org = aws.client("organizations")
    org.create_organization(FeatureSet="ALL")
    root = org.list_roots()["Roots"][0]["Id"]
    unit = org.create_organizational_unit(ParentId=root, Name="world-unit")["OrganizationalUnit"]["Id"]
    account = org.create_account(AccountName="world-child", Email="child@example.com")
    child = account["CreateAccountStatus"]["AccountId"]
    org.move_account(AccountId=child, SourceParentId=root, DestinationParentId=unit)
    policy = org.create_policy(Name="world-limit", Description="d", Type="SERVICE_CONTROL_POLICY",
                               Content=_POLICY)["Policy"]["PolicySummary"]["Id"]
    org.attach_policy(PolicyId=policy, TargetId=unit)
    return {"unit": unit, "child": child, "policy": policy}


def wafv2(aws, handles):
    waf = aws.client("wafv2")
    waf.create_ip_set(Name="world-addresses", Scope="REGIONAL", IPAddressVersion="IPV4", Addresses=["192.0.2.0/24"])
    made = waf.create_web_acl(Name="world-acl", Scope="REGIONAL", DefaultAction={"Allow": {}}, Rules=[],
                              VisibilityConfig={"SampledRequestsEnabled": False, "CloudWatchMetricsEnabled": False,
                                                "MetricName": "m"})["Summary"]
    return {"acl": [made["Name"], made["Id"], made["LockToken"]]}
