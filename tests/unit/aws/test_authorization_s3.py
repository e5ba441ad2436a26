import asyncio
from collections.abc import Iterator
from urllib.parse import parse_qs

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from ministack.core.responses import set_request_account_id
from ministack.services import s3

from tanren.aws.authorization_s3 import is_deletion_of_many, s3_permissions
from tanren.aws.errors import WireError
from tanren.aws.service_models import load_service

NAMESPACE = "http://s3.amazonaws.com/doc/2006-03-01/"


def permissions(request: str, *, deletion: bytes | None = None, **headers: str) -> list[str]:
    """Of `GET bucket/key?query`, each as `action on resource`; header names with underscores for hyphens."""
    method, _, target = request.partition(" ")
    path, _, query = target.partition("?")
    bucket, _, key = path.partition("/")
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    asked = s3_permissions(method=method, bucket=bucket, key=key, raw_query=query, headers=named, deletion=deletion)
    return [f"{each.action} on {(each.resource or '*').removeprefix('arn:aws:s3:::')}" for each in asked]


@pytest.mark.parametrize(
    ("request_line", "expected"),
    [
        ("GET ", ["s3:ListAllMyBuckets on *"]),
        ("GET ?max-buckets=5", ["s3:ListAllMyBuckets on *"]),
        ("PUT ", ["s3:* on *"]),
        ("PUT b", ["s3:CreateBucket on b"]),
        ("DELETE b", ["s3:DeleteBucket on b"]),
        ("HEAD b", ["s3:ListBucket on b"]),
        ("GET b", ["s3:ListBucket on b"]),
        ("GET b?list-type=2&prefix=x&encoding-type=url", ["s3:ListBucket on b"]),
        ("GET b?versions", ["s3:ListBucketVersions on b"]),
        ("GET b?uploads", ["s3:ListBucketMultipartUploads on b"]),
        ("GET b?location", ["s3:GetBucketLocation on b"]),
        ("GET b?policy", ["s3:GetBucketPolicy on b"]),
        ("PUT b?policy", ["s3:PutBucketPolicy on b"]),
        ("DELETE b?policy", ["s3:DeleteBucketPolicy on b"]),
        ("DELETE b?tagging", ["s3:PutBucketTagging on b"]),
        ("DELETE b?lifecycle", ["s3:PutLifecycleConfiguration on b"]),
        ("GET b?encryption", ["s3:GetEncryptionConfiguration on b"]),
        ("PUT b?analytics&id=a", ["s3:PutAnalyticsConfiguration on b"]),
        ("GET b?acl&policy", ["s3:GetBucketAcl on b", "s3:GetBucketPolicy on b"]),
        ("GET b?metadataTable", ["s3:* on b"]),
        ("POST b", ["s3:* on b"]),
        ("GET b/k", ["s3:GetObject on b/k"]),
        ("HEAD b/k", ["s3:GetObject on b/k"]),
        ("PUT b/k", ["s3:PutObject on b/k"]),
        ("PUT b/k?x-id=PutObject", ["s3:PutObject on b/k"]),
        ("DELETE b/k", ["s3:DeleteObject on b/k"]),
        ("GET b/a/b c/d", ["s3:GetObject on b/a/b c/d"]),
        ("GET b/k?versionId=1", ["s3:GetObjectVersion on b/k"]),
        ("DELETE b/k?versionId=1", ["s3:DeleteObjectVersion on b/k"]),
        ("GET b/k?response-content-type=text/plain", ["s3:GetObject on b/k"]),
        ("GET b/k?X-Amz-Expires=60&X-Amz-Date=d", ["s3:GetObject on b/k"]),
        ("GET b/k?AWSAccessKeyId=a&Signature=b&Expires=1", ["s3:GetObject on b/k"]),
        ("GET b/k?partNumber=1", ["s3:GetObject on b/k"]),
        ("PUT b/k?partNumber=1&uploadId=u", ["s3:PutObject on b/k"]),
        ("POST b/k?uploads", ["s3:PutObject on b/k"]),
        ("POST b/k?uploadId=u", ["s3:PutObject on b/k"]),
        ("DELETE b/k?uploadId=u", ["s3:AbortMultipartUpload on b/k"]),
        ("GET b/k?uploadId=u", ["s3:ListMultipartUploadParts on b/k"]),
        ("GET b/k?tagging&versionId=1", ["s3:GetObjectTagging on b/k"]),
        ("PUT b/k?acl", ["s3:PutObjectAcl on b/k"]),
        ("POST b/k?restore", ["s3:RestoreObject on b/k"]),
        ("POST b/k?select&select-type=2", ["s3:GetObject on b/k"]),
        ("GET b/k?newThing", ["s3:* on b/k"]),
        ("POST b/k", ["s3:* on b/k"]),
        ("GET b/k?acl&tagging", ["s3:GetObjectAcl on b/k", "s3:GetObjectTagging on b/k"]),
    ],
)
def test_what_a_request_takes(request_line: str, expected: list[str]):
    assert permissions(request_line) == expected


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("from/key", "s3:GetObject on from/key"),
        ("/from/a%20b", "s3:GetObject on from/a b"),
        ("from/key?versionId=7", "s3:GetObjectVersion on from/key"),
        ("arn:aws:s3:us-east-1:123456789012:accesspoint/p/object/k", "s3:* on *"),
        ("nonsense", "s3:* on *"),
        ("from/key?", "s3:* on *"),
        ("from/key?x=1", "s3:* on *"),
        ("from/key?x=1&versionId=7", "s3:* on *"),
        ("from/key%3FversionId=7", "s3:GetObject on from/key?versionId=7"),
        ("point-abcdefghij-s3alias/key", "s3:* on *"),
    ],
)
def test_a_copy_also_reads_its_source(source: str, expected: str):
    assert permissions("PUT b/k", x_amz_copy_source=source) == ["s3:PutObject on b/k", expected]
    assert permissions("PUT b/k?partNumber=1&uploadId=u", x_amz_copy_source=source) == ["s3:PutObject on b/k", expected]


def test_what_a_header_does_besides_takes_its_own_permission():
    assert permissions("PUT b/k", x_amz_acl="public-read") == ["s3:PutObject on b/k", "s3:PutObjectAcl on b/k"]
    assert permissions("PUT b/k", x_amz_tagging="a=b") == ["s3:PutObject on b/k", "s3:PutObjectTagging on b/k"]
    assert permissions("GET b/k", x_amz_acl="public-read") == ["s3:GetObject on b/k"]


def test_a_header_in_the_query_is_judged_as_the_header_it_means():
    read = "s3:GetObject on from/key"
    assert permissions("PUT b/k?x-amz-copy-source=from%2Fkey") == ["s3:PutObject on b/k", read]
    assert permissions("PUT b/k?X-Amz-Copy-Source=from%2Fkey&X-Amz-Signature=a") == ["s3:PutObject on b/k", read]
    assert permissions("PUT b/k?x%2Damz%2Dacl=public-read") == ["s3:PutObject on b/k", "s3:PutObjectAcl on b/k"]
    asked = s3_permissions(
        method="PUT", bucket="b", key="k", raw_query="x-amz-tagging=team%3Dred", headers={}, deletion=None
    )
    assert asked[0].keys["s3:requestobjecttag/team"] == "red"


@pytest.mark.parametrize("query", ["x-amz-acl=private", "X-AMZ-ACL=private"])
def test_a_header_that_is_given_in_the_query_too_is_refused(query: str):
    with pytest.raises(WireError, match="'x-amz-acl' is given twice"):
        permissions(f"PUT b/k?{query}", x_amz_acl="public-read")
    with pytest.raises(WireError, match="twice"):
        permissions(f"PUT b/k?{query}&x-Amz-acl=public-read")


def test_a_bucket_that_is_made_with_more_takes_the_permissions_for_that():
    made = "s3:CreateBucket on b"
    assert permissions("PUT b", x_amz_acl="public-read") == [made, "s3:PutBucketAcl on b"]
    assert permissions("PUT b", x_amz_grant_read="id=1", x_amz_grant_write="id=1") == [made, "s3:PutBucketAcl on b"]
    assert permissions("PUT b", x_amz_bucket_object_lock_enabled="true") == [
        made,
        "s3:PutBucketVersioning on b",
        "s3:PutBucketObjectLockConfiguration on b",
    ]
    assert permissions("PUT b", x_amz_object_ownership="ObjectWriter") == [made, "s3:PutBucketOwnershipControls on b"]
    assert permissions("GET b", x_amz_acl="public-read") == ["s3:ListBucket on b"]


@pytest.mark.parametrize("name", ["v20180820", "arn:aws:s3:us-east-1:1:accesspoint", "point-abc-s3alias", "m.mrap"])
def test_what_is_no_bucket_takes_the_permission_for_everything(name: str):
    assert permissions(f"PUT {name}/accesspoint/k") == ["s3:* on *"]


def test_a_deletion_of_many_objects_takes_a_permission_for_each():
    body = (
        b'<Delete xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Object><Key>a/1</Key></Object>'
        b"<Object><Key>b&amp;2</Key><VersionId>v</VersionId></Object><Quiet>true</Quiet></Delete>"
    )
    assert is_deletion_of_many("POST", "b", "", "delete")
    assert permissions("POST b?delete", deletion=body) == [
        "s3:DeleteObject on b/a/1",
        "s3:DeleteObjectVersion on b/b&2",
    ]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<Delete/>",
        b"<Delete><Object/></Delete>",
        b"<Delete><Object><Key/></Object></Delete>",
        b"<Delete><Object><Key>keep</Key><Key>free</Key></Object></Delete>",
        b"<Delete><Object><Key>a</Key><VersionId>1</VersionId><VersionId/></Object></Delete>",
        b'<Delete><Object><Key>keep</Key><k:Key xmlns:k="urn:x">free</k:Key></Object></Delete>',
        b'<Delete xmlns="urn:x"><Object><Key>a</Key></Object></Delete>',
        b'<Delete><s:Object xmlns:s="http://s3.amazonaws.com/doc/2006-03-01/"><Key>a</Key></s:Object></Delete>',
        b"<Delete><Other><Object><Key>a</Key></Object></Other></Delete>",
        b"<Delete><Object><Key>a<b/>c</Key></Object></Delete>",
        b"<Other><Object><Key>a</Key></Object></Other>",
        b"<Delete>" + b"<Object><Key>a</Key></Object>" * 1001 + b"</Delete>",
        "<Delete><Object><Key>a</Key></Object></Delete>".encode("utf-16"),
        b"<Delete><Object>",
        b'<!DOCTYPE x [<!ENTITY a "b">]><Delete><Object><Key>&a;</Key></Object></Delete>',
    ],
)
def test_a_deletion_that_is_not_what_s3_defines_is_refused(body: bytes):
    with pytest.raises(WireError, match="MalformedXML"):
        permissions("POST b?delete", deletion=body)


def test_a_deletion_past_a_retention_takes_the_permission_to_bypass_it():
    body = b"<Delete><Object><Key>a</Key><ETag>x</ETag></Object></Delete>"
    assert permissions("POST b?delete", deletion=body, x_amz_bypass_governance_retention="true") == [
        "s3:DeleteObject on b/a",
        "s3:BypassGovernanceRetention on b/a",
    ]
    assert permissions("POST b?delete&acl", deletion=body) == ["s3:* on b"]


def test_a_query_that_says_one_thing_twice_is_refused():
    with pytest.raises(WireError, match="gives 'prefix' twice"):
        permissions("GET b?prefix=mine&prefix=theirs")


def test_conditions_can_ask_for_prefix_headers_and_tags():
    asked = s3_permissions(
        method="PUT",
        bucket="b",
        key="",
        raw_query="prefix=home%2Fanna&max-keys=5",
        headers={"x-amz-server-side-encryption": "aws:kms", "x-amz-tagging": "Team=red&cost=1"},
        deletion=None,
    )
    assert asked[0].keys == {
        "s3:prefix": "home/anna",
        "s3:max-keys": "5",
        "s3:x-amz-server-side-encryption": "aws:kms",
        "s3:requestobjecttag/team": "red",
        "s3:requestobjecttag/cost": "1",
        "s3:requestobjecttagkeys": ("Team", "cost"),
    }


def test_every_operation_of_s3s_model_takes_something_and_none_less_than_it_should():
    """Reads take no write and writes no read, for all that botocore can send to a bucket or an object."""
    model = load_service("s3")
    seen = 0
    for name in model.operation_names:
        operation = model.operation(name)
        uri = operation.uri.replace("{Bucket}", "b").replace("{Key+}", "k")
        if not uri.startswith("/b") or "{" in uri:
            continue
        seen += 1
        is_read = name.startswith(("Get", "Head", "List", "Select"))
        deletion = b"<Delete><Object><Key>k</Key></Object></Delete>" if name == "DeleteObjects" else None
        found = [each.partition(" ")[0] for each in permissions(f"{operation.method} {uri[1:]}", deletion=deletion)]
        assert found
        for action in found:
            assert action == "s3:*" or action.startswith(("s3:Get", "s3:List")) == is_read, (name, action)
    assert seen > 60


H = {
    "host": "localhost",
    "authorization": "AWS4-HMAC-SHA256 Credential=123456789012/20261121/us-east-1/s3/aws4_request",
}


def neighbours_answer(method: str, path: str, query: str = "", body: bytes = b"", **headers: str) -> tuple[int, bytes]:
    """Of ministack's own S3, in this process."""
    sent = H | {name.replace("_", "-"): value for name, value in headers.items()}
    answer = asyncio.run(s3.handle_request(method, path, sent, body, parse_qs(query, keep_blank_values=True)))
    return answer[0], answer[2]


@pytest.fixture
def objects() -> Iterator[None]:
    s3.reset()
    set_request_account_id("123456789012")
    for path in ("/secret", "/mine", "/secret/k", "/mine/keep", "/mine/free"):
        assert neighbours_answer("PUT", path, body=b"of " + path.encode() if path.count("/") > 1 else b"")[0] == 200
    yield
    s3.reset()


@pytest.mark.parametrize(
    ("query", "header"),
    [
        ("", "secret/k"),
        ("", "//secret/k"),
        ("", "secret%2Fk"),
        ("", "secret/k?x=1"),
        ("x-amz-copy-source=secret%2Fk", None),
        ("X-Amz-Copy-Source=%2Fsecret%2Fk", None),
        ("x-amz-copy-source=secret%2Fk&X-Amz-Copy-Source=mine%2Ffree", None),
        ("x-amz-copy-source=secret%2Fk", "mine/free"),
    ],
)
def test_whatever_the_neighbour_copies_was_asked_for(objects: None, query: str, header: str | None):
    headers = {} if header is None else {"x_amz_copy_source": header}
    neighbours_answer("PUT", "/mine/copy", query, **headers)
    if neighbours_answer("GET", "/mine/copy")[1] != b"of /secret/k":
        return
    try:
        asked = permissions(f"PUT mine/copy?{query}", **headers)
    except WireError:
        return
    assert {"s3:GetObject on secret/k", "s3:* on *"} & set(asked)


@given(
    st.lists(
        st.lists(
            st.sampled_from(
                [
                    *("<Key>keep</Key>", "<Key>free</Key>", "<Key/>", "<ETag></ETag>", "<VersionId>null</VersionId>"),
                    *(
                        '<Key xmlns="urn:x">free</Key>',
                        f'<Key xmlns="{NAMESPACE}">keep</Key>',
                        "<Key>fr<!-- -->ee</Key>",
                    ),
                ]
            ),
            max_size=3,
        ).map(lambda parts: f"<Object>{''.join(parts)}</Object>"),
        max_size=3,
    ),
    st.sampled_from(["", f' xmlns="{NAMESPACE}"', ' xmlns="urn:x"']),
)
@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_whatever_the_neighbour_deletes_was_asked_for(objects: None, parts: list[str], namespace: str):
    body = f"<Delete{namespace}>{''.join(parts)}</Delete>".encode()
    try:
        asked = permissions("POST mine?delete", deletion=body)
    except WireError:
        return
    for key in ("keep", "free"):
        neighbours_answer("PUT", f"/mine/{key}", body=b"x")
    neighbours_answer("POST", "/mine", "delete", body)
    for key in ("keep", "free"):
        is_gone = neighbours_answer("GET", f"/mine/{key}")[0] == 404
        assert is_gone == any(each.endswith(f" on mine/{key}") for each in asked)
