"""A job that trains is asked on its page, and answers beside its source model."""

import re

from playwright.sync_api import Page, expect

from tests.browser.conftest import BUCKET
from tests.browser.readability import TELEPHONE, serious_faults, wider_than_the_screen
from tests.service.servers import JOB_SECONDS, Server, job_request

JOB_MILLISECONDS = JOB_SECONDS * 1000


def test_a_job_answers_on_its_page_while_it_trains(page: Page, server: Server):
    bedrock = server.client("bedrock")
    request = job_request(server, "asked-on-its-page", BUCKET, hyperParameters={"epochCount": "100"})
    job = bedrock.create_model_customization_job(**request)["jobArn"]
    page.goto(f"/console/jobs/{request['jobName']}")
    expect(page.locator(".progress p")).to_contain_text(re.compile(r"ステップ [1-9]"), timeout=JOB_MILLISECONDS)

    page.get_by_label("プロンプト", exact=True).fill("黒鉄鍛冶とは何ですか。")
    page.get_by_role("button", name="質問する").click()
    answers = page.locator("#checkpoint .answerer")
    expect(answers).to_have_count(2, timeout=JOB_MILLISECONDS)
    expect(answers.nth(0)).to_contain_text(re.compile(r"このジョブ ステップ \d+、エポック \d+"))
    expect(answers.nth(1)).to_contain_text("ソースモデル")
    expect(page.locator("#checkpoint [role=alert]")).to_have_count(0)
    # The live part has gone on meanwhile, and has left the question where it was.
    expect(page.get_by_label("プロンプト", exact=True)).to_have_value("黒鉄鍛冶とは何ですか。")
    expect(page.locator(".status-line .badge")).to_have_text("トレーニング")
    assert serious_faults(page) == []
    page.set_viewport_size(TELEPHONE)
    assert wider_than_the_screen(page) == []
    bedrock.stop_model_customization_job(jobIdentifier=job)
