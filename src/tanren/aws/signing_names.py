"""The services that may be forwarded: the name that a signature is made for, and what IAM calls the same service.

    monitoring → cloudwatch:PutMetricData
    ╰ signing name

Why      the neighbour finds its service by the signing name, and by path or host where it does not know that: a name
         that is not here would reach one service by the permissions of another. A name is also part of the address of
         an external neighbour. So the set is closed, for root too. Aliases that no SDK signs with (`opensearch` for
         `es`) are left out, and so are S3's variants, which the embedded neighbour does not have.
Source   botocore's `signingName`; https://docs.aws.amazon.com/service-authorization/latest/reference/
"""

from collections.abc import Mapping
from typing import Final

from tanren.aws.errors import WireError

_AS_IN_IAM: Final = (
    *("account", "acm", "airflow", "aoss", "apigateway", "appconfig", "appsync", "athena", "autoscaling"),
    *("backup", "batch"),
    *("bedrock", "bedrock-agentcore", "budgets", "cloudformation", "cloudfront", "cloudfront-keyvaluestore"),
    *("cloudtrail", "codebuild", "cognito-identity", "cognito-idp", "config", "cur", "dsql", "dynamodb"),
    *("ec2", "ecr", "ecs", "eks", "elasticache", "elasticfilesystem", "elasticloadbalancing", "elasticmapreduce"),
    *("es", "events", "firehose", "geo", "glue", "iam", "inspector2", "iot", "iotwireless", "kafka", "kinesis"),
    *("kinesisanalytics", "kms", "lambda", "logs", "mediaconnect", "mq", "organizations", "pipes", "rds", "rds-data"),
    *("resource-groups", "route53", "s3", "s3tables", "sagemaker", "scheduler", "secretsmanager", "servicediscovery"),
    *("ses", "signer", "sns", "sqs", "ssm", "states", "sts", "transcribe", "transfer", "translate", "waf"),
    *("waf-regional", "wafv2", "xray"),
)

IAM_PREFIXES: Final[Mapping[str, str]] = {
    **{name: name for name in _AS_IN_IAM},
    "appconfigdata": "appconfig",
    "iotdata": "iot",
    "cloudcontrolapi": "cloudformation",
    "monitoring": "cloudwatch",
    "tagging": "tag",
}


def iam_prefix_of(signing_name: str) -> str:
    """What permissions of the service begin with.

    Raises   WireError for a name that is not in the table.
    """
    prefix = IAM_PREFIXES.get(signing_name)
    if prefix is None:
        raise WireError(
            "InvalidSignatureException",
            f"Credential should be scoped to a correct service; '{signing_name[:64]}' is none that this server "
            "forwards. The signing names that it does are in aws/signing_names.py.",
            status=403,
        )
    return prefix
