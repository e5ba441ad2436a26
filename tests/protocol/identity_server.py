"""A server with identities over a real database, and clients of it that sign with whatever keys they were given."""

import json
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tanren.aws.access_keys import StoredAccessKeys
from tanren.aws.bearer_tokens import BedrockApiKeys
from tanren.aws.chain import build_application
from tanren.aws.context import Members, RequestContext
from tanren.aws.signatures import AccessKey
from tanren.control.sessions import refuse
from tanren.domain.identities import root_arn
from tanren.gateway import identity_handlers
from tanren.storage.database import Database
from tanren.storage.identity_database import IdentityDatabase
from tanren.storage.principals import Principals
from tests.protocol import loopback

ACCOUNT = "123456789012"
ROOT = AccessKey(
    access_key_id="AKIAROOTROOTROOTROOT",
    secret_access_key="the root's own secret",
    session_token=None,
    account_id=ACCOUNT,
    principal_arn=root_arn(ACCOUNT),
)


class IdentityServer:
    """Everything that has to do with identities, and one operation of Bedrock that says who has called."""

    def __init__(self, database: Database, *, clock: Callable[[], datetime] | None = None) -> None:
        self.identities = IdentityDatabase(database)
        self.principals = Principals(self.identities)
        self.keys = StoredAccessKeys(ROOT, self.principals)
        self.callers: list[RequestContext] = []
        options = {} if clock is None else {"clock": clock}
        self.app = build_application(
            handlers={
                **identity_handlers(self.identities, self.principals, judge=refuse),
                "bedrock": {"ListFoundationModels": self._note_caller},
            },
            access_keys=self.keys,
            bearer_tokens=BedrockApiKeys(self.keys, self.keys, default_region="us-east-1"),
            neighbourhood=None,
            **options,
        )

    def client(self, service: str, key: AccessKey | Mapping[str, str] = ROOT, **options: Any) -> Any:
        """`key` may be what IAM or STS answered."""
        made = key if isinstance(key, AccessKey) else access_key(key)
        return loopback.client(self.app, service, key=made, **options)

    def arn_of(self, key: AccessKey | Mapping[str, str]) -> str:
        """Whom the server takes the holder of the key for."""
        return self.client("sts", key).get_caller_identity()["Arn"]

    def _note_caller(self, context: RequestContext, params: Members) -> Members:
        self.callers.append(context)
        return {"modelSummaries": []}


def access_key(answer: Mapping[str, str]) -> AccessKey:
    """Of the `AccessKey` of CreateAccessKey, or the `Credentials` of an operation of STS."""
    return AccessKey(
        access_key_id=answer["AccessKeyId"],
        secret_access_key=answer["SecretAccessKey"],
        session_token=answer.get("SessionToken"),
        account_id=ACCOUNT,
        principal_arn="",
    )


def allowing(actions: str | list[str], resource: str = "*") -> str:
    """A policy document."""
    return json.dumps(
        {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": actions, "Resource": resource}]}
    )


def trusting(principal: Mapping[str, Any], **condition: Any) -> str:
    """A trust policy."""
    statement = {"Effect": "Allow", "Principal": principal, "Action": ["sts:AssumeRole", "sts:TagSession"]}
    if condition:
        statement["Condition"] = condition
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def code_of(call: Callable[..., Any], /, **params: Any) -> str:
    """The code of the error that the call must end in."""
    return error_of(call, **params)[0]


def error_of(call: Callable[..., Any], /, **params: Any) -> tuple[str, str, int]:
    """Code, message and HTTP status of the error that the call must end in."""
    with pytest.raises(ClientError) as raised:
        call(**params)
    response = raised.value.response
    return response["Error"]["Code"], response["Error"]["Message"], response["ResponseMetadata"]["HTTPStatusCode"]
