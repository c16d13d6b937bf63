"""Names as the SDK for Java spells them: of recorded executions, and of its public classes."""

import pytest

from statebag.aws_sdk.java_names import exception_name, pascal_case, service_name


@pytest.mark.parametrize(
    ("name", "spelled"),
    [
        ("DBInstances", "DbInstances"),
        ("DBInstanceIdentifier", "DbInstanceIdentifier"),
        ("SSEKMSKeyId", "SsekmsKeyId"),
        ("ETag", "ETag"),
        ("MD5OfBody", "Md5OfBody"),
        ("VPCId", "VpcId"),
        ("ARN", "Arn"),
        ("stateMachineArn", "StateMachineArn"),
        ("Contents", "Contents"),
        ("NextContinuationToken", "NextContinuationToken"),
        ("ScannedCount", "ScannedCount"),
    ],
)
def test_members(name, spelled):
    assert pascal_case(name) == spelled
    assert pascal_case(spelled) == spelled


@pytest.mark.parametrize(
    ("service_id", "name"),
    [
        ("S3", "S3"),
        ("DynamoDB", "DynamoDb"),
        ("SFN", "Sfn"),
        ("Secrets Manager", "SecretsManager"),
        ("CloudWatch Logs", "CloudWatchLogs"),
        ("IoT Data Plane", "IotDataPlane"),
        ("EC2", "Ec2"),
        ("RDS Data", "RdsData"),
        ("Elastic Load Balancing v2", "ElasticLoadBalancingV2"),
        ("ApiGatewayV2", "ApiGatewayV2"),
        ("SESv2", "SesV2"),
        ("WAFV2", "Wafv2"),
        ("Config Service", "Config"),
        ("Database Migration Service", "DatabaseMigration"),
    ],
)
def test_services(service_id, name):
    assert service_name(service_id) == name


@pytest.mark.parametrize(
    ("service_id", "shape", "name"),
    [
        ("S3", "NoSuchBucket", "S3.NoSuchBucketException"),
        ("Secrets Manager", None, "SecretsManager.SecretsManagerException"),
        ("DynamoDB", None, "DynamoDb.DynamoDbException"),
        ("DynamoDB", "ResourceNotFoundException", "DynamoDb.ResourceNotFoundException"),
        ("Lambda", "ResourceNotFoundException", "Lambda.ResourceNotFoundException"),
        ("RDS", "DBInstanceNotFoundFault", "Rds.DbInstanceNotFoundException"),
        ("SFN", "ExecutionDoesNotExist", "Sfn.ExecutionDoesNotExistException"),
    ],
)
def test_errors(service_id, shape, name):
    assert exception_name(service_id, shape) == name
