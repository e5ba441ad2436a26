"""The walk of the long article in a browser, in Japanese, by the words on the screen."""

import os
import re
import signal
from typing import Any

import botocore.session
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tanren.aws.sdk_overlay import MODELS_FOLDER
from tests.browser.conftest import BUCKET
from tests.service.servers import BASE_MODEL, JOB_SECONDS, Server

JOB_MILLISECONDS = JOB_SECONDS * 1000
TWO_SECONDS = 2000


def tanren_client(server: Server) -> Any:
    """The service of tanren's own operations, whose model boto3 does not have."""
    session = botocore.session.Session()
    session.get_component("data_loader").search_paths.append(str(MODELS_FOLDER))
    return session.create_client(
        "tanren",
        endpoint_url=server.keys.endpoint,
        region_name=server.keys.region,
        aws_access_key_id=server.keys.access_key_id,
        aws_secret_access_key=server.keys.secret_access_key,
    )


def console_processes(server: Server) -> set[int]:
    return {pid for pid, command in server.processes().items() if command.endswith("tanren.console_process")}


def test_from_signing_in_to_a_tuned_answer(page: Page):
    page.get_by_role("navigation", name="コンソール").get_by_role("link", name="カスタムモデル").click()
    page.get_by_text("モデルをカスタマイズ").click()
    page.get_by_role("link", name="微調整ジョブを作成").first.click()
    page.get_by_role("button", name="モデルを選択").click()
    page.get_by_role("radio", name=re.compile(re.escape(BASE_MODEL))).check()
    page.get_by_role("button", name="適用").click()
    page.get_by_label("微調整されたモデル名").fill("claude-3-haiku-ft-model")
    page.get_by_label("ジョブ名").fill("claude-3-haiku-ft-job")
    page.get_by_label("トレーニングデータ").fill(f"s3://{BUCKET}/train.jsonl")
    page.get_by_label("検証データ").fill(f"s3://{BUCKET}/validation.jsonl")
    page.get_by_label("エポック", exact=True).fill("2")
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
    page.get_by_role("button", name="実行").click()
    tuned, base = page.locator(".answerer").all()[:2]
    for column in (tuned, base):
        expect(column.locator("small", has_text="トークン")).to_be_visible()
    assert tuned.locator(".turn.assistant").inner_text() != base.locator(".turn.assistant").inner_text()


def test_a_job_that_boto3_made_is_there_and_its_steps_are_shown_within_two_seconds(page: Page, server: Server):
    bedrock = server.client("bedrock")
    bedrock.create_model_customization_job(
        jobName="made-by-boto3",
        customModelName="made-by-boto3",
        roleArn=f"arn:aws:iam::{server.keys.account_id}:role/tuning",
        baseModelIdentifier=BASE_MODEL,
        trainingDataConfig={"s3Uri": f"s3://{BUCKET}/train.jsonl"},
        outputDataConfig={"s3Uri": f"s3://{BUCKET}/output/"},
        hyperParameters={"epochCount": "3"},
    )
    page.goto("/console/custom-models?tab=jobs")
    page.get_by_role("link", name="made-by-boto3").first.click()
    shown = page.locator(".progress p")
    expect(shown).to_contain_text(re.compile(r"ステップ [1-9]"), timeout=JOB_MILLISECONDS)

    done = tanren_client(server).get_job_metrics(jobIdentifier="made-by-boto3")["progress"]["stepsDone"]
    page.wait_for_function(
        "done => Number(document.querySelector('.progress p').textContent.match(/\\d+/)[0]) >= done",
        arg=done,
        timeout=TWO_SECONDS,
    )
    expect(page.locator(".status-line .badge")).to_have_text("完了", timeout=JOB_MILLISECONDS)


def test_pages_have_no_serious_fault_for_those_who_read_them_otherwise(page: Page):
    for path in (
        "/console/custom-models",
        "/console/custom-models?tab=jobs",
        "/console/custom-models/create?customization_type=FINE_TUNING&base_model=" + BASE_MODEL,
        "/console/provisioned-throughput/create",
        "/console/playground?model=" + BASE_MODEL,
        "/console/models/nobody",
    ):
        for theme in ("light", "dark"):
            page.emulate_media(color_scheme=theme)
            page.goto(path)
            found = Axe().run(page).response["violations"]
            serious = [
                (each["id"], [node["html"] for node in each["nodes"]])
                for each in found
                if each["impact"] in ("serious", "critical")
            ]
            assert serious == [], (path, theme)


def test_nothing_is_wider_than_a_telephone(page: Page):
    page.set_viewport_size({"width": 360, "height": 740})
    for path in ("/console/custom-models", "/console/custom-models/create", "/console/playground?model=" + BASE_MODEL):
        page.goto(path)
        assert page.evaluate("document.documentElement.scrollWidth") <= 360, path


def test_a_console_that_was_killed_comes_back_with_its_users_and_with_what_was_typed(page: Page, server: Server):
    page.goto("/console/custom-models/create")
    page.get_by_label("ジョブ名").fill("typed-before")
    for pid in console_processes(server):
        os.kill(pid, signal.SIGKILL)
    # The page that says that the console is away asks again by itself.
    page.reload()
    expect(page.get_by_label("ジョブ名")).to_have_value("typed-before")
