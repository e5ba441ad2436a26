"""The presigned URLs that boto3 makes by default are accepted, on both ways to name a bucket."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

import boto3
import pytest
from botocore.config import Config

from tanren.aws.errors import WireError
from tanren.aws.signatures import SignedRequest, key_of, read_credential, verify
from tests.protocol.loopback import KEY, OneKey


def presigned(style: str, operation: str, **params: str) -> SignedRequest:
    client = boto3.client(
        "s3",
        region_name="us-east-1",
        endpoint_url="http://localhost:4566",
        aws_access_key_id=KEY.access_key_id,
        aws_secret_access_key=KEY.secret_access_key,
        config=Config(s3={"addressing_style": style}),
    )
    url = client.generate_presigned_url(operation, Params={"Bucket": "my.shelf", "Key": "a b/ü+.txt", **params})
    client.close()
    assert "AWSAccessKeyId=" in url
    parts = urlsplit(url)
    method = "PUT" if operation == "put_object" else "GET"
    return SignedRequest(method=method, raw_path=parts.path, raw_query=parts.query, headers={"host": parts.netloc})


def check(request: SignedRequest, now: datetime | None = None) -> str:
    credential = read_credential(request, default_region="eu-west-1")
    key = key_of(credential, OneKey(), now=now or datetime.now(UTC))
    verify(request, credential, key)
    return credential.region


@pytest.mark.parametrize("style", ["path", "virtual"])
def test_the_default_urls_of_boto3_are_accepted_and_changed_ones_are_not(style: str) -> None:
    get = presigned(style, "get_object", VersionId="v/1", ResponseContentType="text/plain; a=b")
    assert check(get) == "eu-west-1"
    for changed in (
        replace(get, raw_path=get.raw_path + "x"),
        replace(get, method="DELETE"),
        replace(get, raw_query=get.raw_query.replace("versionId=v", "versionId=w")),
        replace(get, headers={**get.headers, "x-amz-acl": "public-read"}),
    ):
        with pytest.raises(WireError, match="InvalidSignatureException"):
            check(changed)


def test_a_header_that_was_presigned_must_be_sent() -> None:
    put = presigned("path", "put_object", ContentType="text/csv")
    check(replace(put, headers={**put.headers, "content-type": "text/csv"}))
    with pytest.raises(WireError, match="InvalidSignatureException"):
        check(replace(put, headers={**put.headers, "content-type": "text/html"}))


def test_an_expired_one_is_refused() -> None:
    request = presigned("path", "get_object")
    with pytest.raises(WireError, match="RequestExpired"):
        check(request, now=datetime.now(UTC) + timedelta(hours=2))
