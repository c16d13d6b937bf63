"""The same as main.tf for the AWS CDK: `cdk deploy --app 'python stack.py'`, in this folder."""

import os
from pathlib import Path

from aws_cdk import App, Duration, RemovalPolicy, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as functions
from aws_cdk import aws_logs as logs
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_stepfunctions as states
from constructs import Construct

_HERE = Path(__file__).resolve().parent
_PREFIX = "state"
_LAYER = "../../build/lambda/statebag-layer-arm64-python3.13.zip"  # `make lambda-package`


class Meters(Stack):
    """Bucket, functions, state machine, and the rights of a step."""

    def __init__(self, scope: Construct, name: str, layer_zip: str) -> None:
        super().__init__(scope, name)
        bucket = s3.Bucket(
            self,
            "State",
            versioned=True,  # an earlier version repairs a lost or damaged object
            encryption=s3.BucketEncryption.S3_MANAGED,
            enforce_ssl=True,
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            removal_policy=RemovalPolicy.RETAIN,
            lifecycle_rules=[
                # Deletes old versions, never a current object.
                s3.LifecycleRule(
                    noncurrent_version_expiration=Duration.days(30),
                    expired_object_delete_marker=True,
                )
            ],
        )
        layer = functions.LayerVersion(
            self,
            "Statebag",
            code=functions.Code.from_asset(layer_zip),
            compatible_runtimes=[functions.Runtime.PYTHON_3_13],
            compatible_architectures=[functions.Architecture.ARM_64],
        )
        # A log group that Lambda creates keeps its logs for ever.
        log_group = logs.LogGroup(self, "Logs", retention=logs.RetentionDays.ONE_MONTH)
        arns: dict[str, str] = {}
        steps: list[functions.Function] = []
        for placeholder, function in (
            ("ReadPageArn", "read_page"),
            ("CheckMeterArn", "check_meter"),
            ("ReportArn", "report"),
        ):
            step = functions.Function(
                self,
                placeholder.removesuffix("Arn"),
                code=functions.Code.from_asset(str(_HERE / "after"), exclude=["*.json"]),
                handler=f"meters.{function}",
                runtime=functions.Runtime.PYTHON_3_13,
                architecture=functions.Architecture.ARM_64,
                layers=[layer],
                memory_size=1769,
                timeout=Duration.seconds(60),
                log_group=log_group,
                # Running executions keep calling the version with which they began.
                current_version_options=functions.VersionOptions(
                    removal_policy=RemovalPolicy.RETAIN
                ),
                environment={
                    "STATEBAG_STORE": f"s3://{bucket.bucket_name}/{_PREFIX}",
                    "STATEBAG_CONTROL": "$.more,$.meters",
                    "STATEBAG_MOVABLE": "$.readings",
                },
            )
            for statement in self.rights(bucket):
                step.add_to_role_policy(statement)
            steps.append(step)
            arns[placeholder] = step.current_version.function_arn
        machine = states.StateMachine(
            self,
            "Meters",
            definition_body=states.DefinitionBody.from_file(str(_HERE / "after/meters.asl.json")),
            definition_substitutions=arns,
        )
        for step in steps:
            step.grant_invoke(machine)

    def rights(self, bucket: s3.Bucket) -> list[iam.PolicyStatement]:
        """Least privilege: one prefix of a bucket of this account, and nothing is deleted."""
        own = {"StringEquals": {"aws:ResourceAccount": self.account}}
        return [
            iam.PolicyStatement(
                sid="Objects",
                actions=["s3:GetObject", "s3:GetObjectVersion", "s3:PutObject"],
                resources=[bucket.arn_for_objects(f"{_PREFIX}/*")],
                conditions=own,
            ),
            iam.PolicyStatement(
                sid="MissingObjectsAnswer404",
                actions=["s3:ListBucket", "s3:ListBucketVersions"],
                resources=[bucket.bucket_arn],
                conditions={**own, "StringLike": {"s3:prefix": f"{_PREFIX}/*"}},
            ),
        ]


if __name__ == "__main__":
    app = App()
    Meters(app, "Meters", os.environ.get("STATEBAG_LAYER", str(_HERE / _LAYER)))
    app.synth()
