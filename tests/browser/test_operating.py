"""What is done beside the walk: the overview, an evaluation with its report, lineage, access, audit and status."""

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import BUCKET
from tests.browser.readability import assert_readable
from tests.service.servers import BASE_MODEL, JOB_SECONDS, Server, finished, job_request

JOB_MILLISECONDS = JOB_SECONDS * 1000
MODEL_PAGE = "/console/models/…"


@pytest.fixture(scope="module")
def model(server: Server) -> str:
    """The name of a tuned model."""
    bedrock = server.client("bedrock")
    request = job_request(server, "operated", BUCKET, hyperParameters={"epochCount": "1", "batchSize": "8"})
    ended = finished(bedrock, bedrock.create_model_customization_job(**request)["jobArn"])
    assert ended["status"] == "Completed"
    return request["customModelName"]


def test_a_model_is_evaluated_beside_its_source_and_a_comment_goes_out_with_the_table(page: Page, model: str):
    page.goto(f"/console/models/{model}")
    expect(page.get_by_role("heading", name="系譜")).to_be_visible()
    expect(page.locator("svg.lineage")).to_contain_text(BASE_MODEL)
    page.get_by_role("link", name="評価する").click()
    page.get_by_label("評価名").fill("operated-1")
    page.get_by_label("S3 URI").fill(f"s3://{BUCKET}/validation.jsonl")
    page.get_by_label("最大トークン数").fill("16")
    page.get_by_label("出力データの場所").fill(f"s3://{BUCKET}/evaluations/")
    page.get_by_role("button", name="確認").click()
    expect(page.locator("#check")).to_contain_text("create_evaluation_job")
    page.get_by_role("button", name="評価を開始").click()

    # The page itself turns into the report.
    expect(page.get_by_role("heading", name="結果")).to_be_visible(timeout=JOB_MILLISECONDS)
    expect(page.locator("table.figures svg.interval").first).to_be_visible()
    page.get_by_label("1 行目へのコメント").fill("前より良い")
    page.get_by_role("button", name="コメントを保存").click()
    expect(page.get_by_label("1 行目へのコメント")).to_have_value("前より良い")
    with page.expect_download() as download:
        page.get_by_role("link", name="Markdown").click()
    assert "| 前より良い |" in download.value.path().read_text("utf-8")


def test_access_is_requested_and_the_request_is_in_the_audit_log(page: Page):
    page.goto(f"/console/foundation-models/{BASE_MODEL}")
    page.get_by_label("このアカウントとしてライセンスに同意します。").check()
    page.get_by_role("button", name="アクセスをリクエスト").click()
    expect(page.get_by_text("アクセスが付与されました")).to_be_visible()

    page.get_by_role("link", name="監査").click()
    page.get_by_label("操作", exact=True).fill("CreateFoundationModelAgreement")
    page.get_by_role("button", name="検索").click()
    expect(page.locator(".audit > li")).to_have_count(1)
    page.locator(".audit summary").click()
    expect(page.locator(".audit pre")).to_contain_text("tanren-console")


def test_the_status_page_says_that_everything_answers(page: Page):
    page.goto("/console/status")
    expect(page.get_by_text("すべて応答しています。")).to_be_visible()
    expect(page.get_by_text("Apache-2.0").first).to_be_visible()


def test_the_audit_log_can_be_read_whatever_its_calls_were_about(page: Page, server: Server):
    """Buckets, whose ARNs have no path; names as long as they may be; who was refused, with all of the reason."""
    s3, iam = server.client("s3"), server.client("iam")
    s3.put_object(Bucket=BUCKET, Key="k" * 200, Body=b"")
    s3.head_bucket(Bucket=BUCKET)
    iam.create_user(UserName="u" * 64, Path=f"/{'p' * 100}/")
    key = iam.create_access_key(UserName="u" * 64)["AccessKey"]
    bedrock = server.client(
        "bedrock", aws_access_key_id=key["AccessKeyId"], aws_secret_access_key=key["SecretAccessKey"]
    )
    with pytest.raises(bedrock.exceptions.AccessDeniedException):
        bedrock.get_custom_model(modelIdentifier="m" * 63)
    assert_readable(page, "/console/audit?kind=all")
    expect(page.get_by_role("link", name=BUCKET, exact=True).first).to_be_visible()


@pytest.mark.parametrize(
    "path",
    [
        "/console/overview",
        "/console/evaluations",
        "/console/evaluations/create",
        MODEL_PAGE,
        f"/console/foundation-models/{BASE_MODEL}",
        "/console/status",
    ],
)
def test_pages_can_be_read_otherwise_and_on_a_telephone(page: Page, model: str, path: str):
    assert_readable(page, path.replace(MODEL_PAGE, f"/console/models/{model}"))
