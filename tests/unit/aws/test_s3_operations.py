"""Requests of S3 have the names that CloudTrail gives them."""

import pytest

from tanren.aws.s3_operations import s3_call

HOSTS = ("localhost", "tuning.example")


@pytest.mark.parametrize(
    ("method", "path", "query", "operation", "bucket", "key"),
    [
        ("GET", "/", "", "ListBuckets", "", ""),
        ("PUT", "/data", "", "CreateBucket", "data", ""),
        ("HEAD", "/data", "", "HeadBucket", "data", ""),
        ("DELETE", "/data/", "", "DeleteBucket", "data", ""),
        ("GET", "/data", "list-type=2&prefix=a%2F", "ListObjectsV2", "data", ""),
        ("GET", "/data", "prefix=a", "ListObjects", "data", ""),
        ("GET", "/data", "versions", "ListObjectVersions", "data", ""),
        ("GET", "/data", "uploads", "ListMultipartUploads", "data", ""),
        ("GET", "/data", "location", "GetBucketLocation", "data", ""),
        ("PUT", "/data", "policy", "PutBucketPolicy", "data", ""),
        ("POST", "/data", "delete", "DeleteObjects", "data", ""),
        ("GET", "/data/a/b%20c.jsonl", "", "GetObject", "data", "a/b c.jsonl"),
        ("HEAD", "/data/a", "", "HeadObject", "data", "a"),
        ("PUT", "/data/a", "x-id=PutObject", "PutObject", "data", "a"),
        ("PUT", "/data/a", "tagging=", "PutObjectTagging", "data", "a"),
        ("GET", "/data/a", "acl", "GetObjectAcl", "data", "a"),
        ("POST", "/data/a", "uploads", "CreateMultipartUpload", "data", "a"),
        ("PUT", "/data/a", "partNumber=1&uploadId=x", "UploadPart", "data", "a"),
        ("POST", "/data/a", "uploadId=x", "CompleteMultipartUpload", "data", "a"),
        ("DELETE", "/data/a", "uploadId=x", "AbortMultipartUpload", "data", "a"),
        ("GET", "/data/a", "uploadId=x", "ListParts", "data", "a"),
        ("DELETE", "/data/a", "", "DeleteObject", "data", "a"),
    ],
)
def test_the_operation_is_read_off_the_request(
    method: str, path: str, query: str, operation: str, bucket: str, key: str
):
    call = s3_call(method, path, query, {"host": "127.0.0.1:4500"}, HOSTS)
    assert (call.operation, call.bucket, call.key) == (operation, bucket, key)


def test_a_copy_is_told_by_its_header():
    headers = {"host": "h", "x-amz-copy-source": "/other/a"}
    assert s3_call("PUT", "/data/a", "", headers, HOSTS).operation == "CopyObject"
    assert s3_call("PUT", "/data/a", "uploadId=x&partNumber=1", headers, HOSTS).operation == "UploadPartCopy"


@pytest.mark.parametrize("name", ["x-amz-copy-source", "X-Amz-Copy-Source", "X%2DAmz-Copy-Source"])
def test_a_copy_is_told_by_its_header_in_the_query_of_a_presigned_url_too(name: str):
    query = f"{name}=other%2Fa&X-Amz-Signature=0"
    assert s3_call("PUT", "/data/a", query, {"host": "h"}, HOSTS).operation == "CopyObject"


@pytest.mark.parametrize("host", ["data.localhost:4500", "Data.tuning.example", "data.s3.localhost"])
def test_a_bucket_may_stand_in_the_host_below_the_servers_own_names(host: str):
    call = s3_call("GET", "/a/b", "", {"host": host}, HOSTS)
    assert (call.operation, call.bucket, call.key) == ("GetObject", "data", "a/b")


@pytest.mark.parametrize("host", ["s3.localhost:4500", "localhost", "tuning.example", "other.elsewhere.example"])
def test_any_other_host_is_no_bucket_and_is_told_as_it_came(host: str):
    call = s3_call("GET", "/data/a", "", {"host": host}, HOSTS)
    assert call.parameters == {"bucketName": "data", "key": "a", "Host": host}
