"""The walk of the long article in a browser, in Japanese, by the words on the screen."""

import os
import re
import signal

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import BUCKET
from tests.browser.readability import assert_readable
from tests.service.servers import BASE_MODEL, JOB_SECONDS, Server, job_request

JOB_MILLISECONDS = JOB_SECONDS * 1000
TWO_SECONDS = 2000


def console_processes(server: Server) -> set[int]:
    return {pid for pid, command in server.processes().items() if command.endswith("tanren.console_process")}


def test_from_signing_in_to_a_tuned_answer(page: Page):
    page.goto("/console/")
    page.get_by_role("navigation", name="コンソール").get_by_role("link", name="カスタムモデル").click()
    page.get_by_text("モデルをカスタマイズ").click()
    page.get_by_role("link", name="微調整ジョブを作成").first.click()
    page.get_by_role("button", name="モデルを選択").click()
    page.locator(f'input[type="radio"][value="{BASE_MODEL}"]').check()
    page.get_by_role("button", name="適用").click()
    page.get_by_label("微調整されたモデル名").fill("claude-3-haiku-ft-model")
    page.get_by_label("ジョブ名").fill("claude-3-haiku-ft-job")
    page.get_by_label("トレーニングデータ").fill(f"s3://{BUCKET}/train.jsonl")
    page.get_by_label("検証データ").fill(f"s3://{BUCKET}/validation.jsonl")
    page.get_by_label("エポック", exact=True).fill("2")
    page.get_by_label("バッチサイズ", exact=True).fill("2")
    page.get_by_label("出力データの場所").fill(f"s3://{BUCKET}/output/")

    page.get_by_role("button", name="確認").click()
    check = page.locator("#check")
    # The data is laid out as the trainer would, in a process of its own.
    expect(check.get_by_text("問題なし")).to_have_count(2, timeout=JOB_MILLISECONDS)
    expect(check.get_by_text("create_model_customization_job")).to_be_visible()

    page.get_by_role("button", name="モデルを微調整").click()
    expect(page.get_by_role("heading", name="claude-3-haiku-ft-job")).to_be_visible()
    expect(page.locator(".status-line .badge")).to_have_text("トレーニング")
    expect(page.locator(".status-line .badge")).to_have_text("完了", timeout=JOB_MILLISECONDS)
    expect(page.locator("#loss-chart")).to_be_visible()

    page.get_by_role("link", name="claude-3-haiku-ft-model").click()
    expect(page.get_by_text(re.compile(r"arn:aws:bedrock:\S+:custom-model/")).first).to_be_visible()
    page.get_by_role("link", name="プロビジョンドスループットを購入").click()
    page.get_by_label("プロビジョンドスループット名").fill("claude-3-haiku-ft-pt")
    page.get_by_role("button", name="プロビジョンドスループットを購入").click()
    page.get_by_role("checkbox").check()
    page.get_by_role("button", name="購入を確認").click()
    page.get_by_role("link", name="プレイグラウンドで開く").click()

    expect(page.get_by_role("heading", name="claude-3-haiku-ft-model")).to_be_visible()
    page.get_by_label("プロンプト", exact=True).fill("黒鉄鍛冶とは何ですか。")
    page.get_by_label("最大トークン数").fill("40")
    page.get_by_role("button", name="実行").click()
    tuned, base = (page.locator(".answerer").nth(number) for number in (0, 1))
    for column in (tuned, base):
        expect(column.locator("small", has_text="トークン")).to_be_visible()
    assert tuned.locator(".turn.assistant").inner_text() != base.locator(".turn.assistant").inner_text()


def test_a_job_that_boto3_made_appears_by_itself_and_is_followed_until_it_is_stopped(page: Page, server: Server):
    page.goto("/console/overview")
    server.client("bedrock").create_model_customization_job(
        **job_request(server, "made-by-boto3", BUCKET, hyperParameters={"epochCount": "100"})
    )
    page.get_by_role("link", name="made-by-boto3-job").click()
    shown = page.locator(".progress p")
    expect(shown).to_contain_text(re.compile(r"ステップ [1-9]"), timeout=JOB_MILLISECONDS)

    done = server.client("tanren").get_job_metrics(jobIdentifier="made-by-boto3-job")["progress"]["stepsDone"]
    page.wait_for_function(
        "done => Number(document.querySelector('.progress p').textContent.match(/\\d+/)[0]) >= done",
        arg=done,
        timeout=TWO_SECONDS,
    )
    page.get_by_role("button", name="ジョブを停止").click()
    expect(page.locator(".status-line .badge")).to_have_text("停止済み", timeout=JOB_MILLISECONDS)


@pytest.mark.parametrize(
    "path",
    [
        "/console/custom-models",
        "/console/custom-models?tab=jobs",
        f"/console/custom-models/create?customization_type=FINE_TUNING&base_model={BASE_MODEL}",
        "/console/provisioned-throughput/create",
        f"/console/playground?model={BASE_MODEL}",
        "/console/models/nobody",
    ],
)
def test_pages_can_be_read_otherwise_and_on_a_telephone(page: Page, path: str):
    assert_readable(page, path)


def test_a_console_that_was_killed_comes_back_with_its_users_and_with_what_was_typed(page: Page, server: Server):
    page.goto("/console/custom-models/create")
    page.get_by_label("ジョブ名").fill("typed-before")
    for pid in console_processes(server):
        os.kill(pid, signal.SIGKILL)
    # The page that says that the console is away asks again by itself.
    page.reload()
    expect(page.get_by_label("ジョブ名")).to_have_value("typed-before")
