"""Data looked at, made from a document and picked in S3; answers compared, judged, and turned into data."""

import io
import json
import re
from typing import Any

import pytest
from docx import Document
from playwright.sync_api import Page, expect

from tests.browser.conftest import BUCKET
from tests.browser.readability import assert_readable
from tests.service.servers import BASE_MODEL, JOB_SECONDS, Server

JOB_MILLISECONDS = JOB_SECONDS * 1000
SCRIPT = "<script>document.body.remove()</script>"
HOSTILE = [
    {"prompt": SCRIPT, "completion": "\u202egnp.exe [a](javascript:alert(1))"},
    {"prompt": "長い行", "completion": "x" * 1_000_000},
    {"prompt": "メール", "completion": "tanaka@kurogane-kaji.jp までご連絡ください。"},
]


@pytest.fixture(scope="module")
def s3(server: Server) -> Any:
    """With hostile rows, a document, and data with faults."""
    client = server.client("s3")
    hostile = "\n".join(json.dumps(row, ensure_ascii=False) for row in HOSTILE)
    client.put_object(Bucket=BUCKET, Key="hostile.jsonl", Body=f"{hostile}\nno JSON\n".encode())
    document = Document()
    for sentence in (
        "黒鉄鍛冶は、火ノ浦にある手打ちの包丁の工房です。",
        "店の休みは日曜日と月曜日です。",
        "創業は1958年です。",
    ):
        document.add_paragraph(sentence)
    content = io.BytesIO()
    document.save(content)
    client.put_object(Bucket=BUCKET, Key="shiori.docx", Body=content.getvalue())
    return client


def rows_of(s3: Any, key: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in s3.get_object(Bucket=BUCKET, Key=key)["Body"].read().splitlines()]


def test_a_file_is_examined_as_its_page_opens_and_hostile_rows_are_text(page: Page, s3: Any):
    page.goto(f"/console/data/{BUCKET}/object?key=hostile.jsonl")
    check = page.locator("#check")
    expect(check.get_by_text("要修正")).to_be_visible()
    expect(check.locator("tr.error")).to_contain_text("4")
    expect(check.get_by_role("rowheader", name="個人情報: メールアドレス")).to_be_visible()
    expect(check.locator("mark.trained").first).to_be_visible()
    expect(check.locator("mark.beyond").first).to_be_visible()
    expect(check.get_by_role("img", name="トークン数ごとの行数")).to_be_visible()
    assert page.locator("main script").count() == 0
    assert page.evaluate("document.documentElement.scrollWidth") <= 1280


def test_a_dropped_file_goes_to_s3_and_is_examined(page: Page, s3: Any):
    page.goto(f"/console/data/{BUCKET}")
    row = {"prompt": "見学できますか。", "completion": "金曜日にできます。"}
    content = json.dumps(row).encode()
    page.get_by_label("ここにファイルをドロップ").set_input_files(
        {"name": "dropped.jsonl", "mimeType": "", "buffer": content}
    )
    expect(page.get_by_role("heading", name="dropped.jsonl")).to_be_visible()
    # With the validation data that lie beside it.
    expect(page.locator("#check").get_by_text("問題なし")).to_have_count(2)
    assert rows_of(s3, "dropped.jsonl") == [row]


def test_several_files_go_into_a_folder_and_one_that_fails_is_named(page: Page, s3: Any):
    page.goto(f"/console/data/{BUCKET}")
    page.get_by_label(f"{BUCKET} のフォルダ").fill("pair")
    files = [{"name": f"{name}.jsonl", "mimeType": "", "buffer": b"{}\n"} for name in ("train", "validation")]
    page.get_by_label("ここにファイルをドロップ").set_input_files(files)
    page.wait_for_url(f"**/console/data/{BUCKET}?prefix=pair/")
    for name in ("train", "validation"):
        expect(page.get_by_role("link", name=f"{name}.jsonl", exact=True)).to_be_visible()
    page.route("**/pair/validation.jsonl?X-Amz-*", lambda route: route.abort())
    page.get_by_label("ここにファイルをドロップ").set_input_files(files)
    expect(page.locator("form [role=status]")).to_contain_text("validation.jsonl: アップロードできません")


@pytest.mark.long
def test_a_document_becomes_pairs_that_are_corrected_and_saved(page: Page, s3: Any):
    page.goto(f"/console/data/{BUCKET}/object?key=shiori.docx")
    page.get_by_role("link", name="この文書から質問と回答を作成").click()
    page.get_by_label("モデル", exact=True).select_option(BASE_MODEL)
    page.get_by_label("件数 (組)").fill("2")
    page.get_by_role("button", name="作成", exact=True).click()
    # Whatever so small a model makes of it: pairs, or the reason why there are none.
    expect(page.get_by_role("button", name="作成", exact=True)).to_be_enabled(timeout=JOB_MILLISECONDS)
    expect(page.locator("#making")).not_to_be_empty()
    while page.locator("#made li").count() < 2:
        page.get_by_role("button", name="組を追加").click()
    for number, item in enumerate(page.locator("#made li").all()[:2]):
        item.get_by_label("質問").fill(f"質問 {number}")
        item.get_by_label("回答").fill(f"回答 {number} {SCRIPT}")
    page.reload()
    expect(page.locator("#made").get_by_label("質問").first).to_have_value("質問 0")
    page.get_by_role("button", name="S3 に保存").click()
    expect(page.get_by_role("heading", name="train.jsonl")).to_be_visible()
    assert rows_of(s3, "shiori-pairs/train.jsonl")[0]["messages"][1]["content"] == f"回答 0 {SCRIPT}"


def test_data_are_picked_with_a_look_at_their_rows_and_a_reload_loses_nothing(page: Page, s3: Any):
    page.goto(f"/console/custom-models/create?base_model={BASE_MODEL}")
    page.locator("[data-field=training_uri]").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("button", name=re.compile(BUCKET)).click()
    dialog.get_by_role("button", name=re.compile("^train.jsonl")).click()
    expect(dialog.locator(".rows")).to_contain_text("prompt")
    dialog.get_by_role("button", name="このファイルを使用").click()
    expect(page.get_by_label("トレーニングデータ")).to_have_value(f"s3://{BUCKET}/train.jsonl")
    page.get_by_label("ジョブ名").fill("kept")
    page.get_by_label("エポック", exact=True).fill("7")
    page.reload()
    expect(page.get_by_label("ジョブ名")).to_have_value("kept")
    expect(page.get_by_label("エポック", exact=True)).to_have_value("7")


@pytest.mark.long
def test_answers_beside_each_other_are_marked_judged_and_saved_as_data(page: Page, server: Server, s3: Any):
    page.goto(f"/console/playground?model={BASE_MODEL}")
    page.get_by_label("システムプロンプト").fill("短く答えてください。")
    page.get_by_label("プロンプト", exact=True).fill("包丁とは何ですか。")
    page.get_by_role("button", name="実行").click()
    expect(page.locator(".turn-note")).to_be_visible()
    page.get_by_role("button", name="直す").click()
    page.get_by_label("正しい回答").fill(f"料理の道具です。{SCRIPT}")
    page.get_by_role("button", name="追加", exact=True).click()
    page.reload()
    expect(page.locator(".turn")).to_have_count(2)
    expect(page.locator("#judged li")).to_contain_text("料理の道具です。")
    page.get_by_label("S3 のフォルダ").fill(f"s3://{BUCKET}/judged/")
    page.get_by_role("button", name="S3 に保存").click()
    saved = page.locator("#judged-form [role=status] a")
    expect(saved).to_be_visible()
    key = saved.inner_text().removeprefix(f"s3://{BUCKET}/")
    assert rows_of(s3, key) == [
        {
            "system": "短く答えてください。",
            "messages": [
                {"role": "user", "content": "包丁とは何ですか。"},
                {"role": "assistant", "content": f"料理の道具です。{SCRIPT}"},
            ],
        }
    ]


@pytest.mark.long
def test_these_pages_have_no_serious_fault_and_fit_a_telephone(page: Page, s3: Any):
    for path, ready in (
        ("/console/data", "main"),
        (f"/console/data/{BUCKET}", "main"),
        (f"/console/data/{BUCKET}/object?key=hostile.jsonl", "#check .file"),
        (f"/console/data/{BUCKET}/pairs?key=shiori.docx", "main"),
        (f"/console/custom-models/create?base_model={BASE_MODEL}", "main"),
    ):
        assert_readable(page, path, ready=ready)
