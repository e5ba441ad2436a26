"""A server with its console, and this machine's Chromium in front of it; without one, all of this is skipped."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.service.servers import Server

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
PATIENCE_SECONDS = 60
"""For one step. It takes a fraction of a second on an idle machine; the suite runs in two processes."""
JAPANESE_TRAINING = Path(__file__).resolve().parents[2] / "src" / "tanren" / "examples" / "kurogane-faq-ja"
BUCKET = "bedrock-faq"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.service)
            if CHROMIUM is None:
                item.add_marker(pytest.mark.skip(reason="the console is not walked through: there is no Chromium here"))


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """With training and validation data of a Japanese FAQ in S3."""
    made = Server(tmp_path_factory.mktemp("console") / "data", {"TANREN_CONSOLE": "on"})
    made.start()
    s3 = made.client("s3")
    s3.create_bucket(Bucket=BUCKET)
    for name in ("train.jsonl", "validation.jsonl"):
        s3.upload_file(str(JAPANESE_TRAINING / name), BUCKET, name)
    yield made
    made.stop()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Of a module, not of the session: while it lives, its event loop runs in this thread, and no other can."""
    with sync_playwright() as playwright:
        # Root may not have Chromium's sandbox; the pages are ours.
        launched = playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]
        )
        yield launched
        launched.close()


@pytest.fixture
def page(browser: Browser, server: Server) -> Iterator[Page]:
    """A Japanese browser that has signed in with root's keys."""
    expect.set_options(timeout=PATIENCE_SECONDS * 1000)
    context = browser.new_context(locale="ja", viewport={"width": 1280, "height": 900}, base_url=server.keys.endpoint)
    context.set_default_timeout(PATIENCE_SECONDS * 1000)
    opened = context.new_page()
    errors: list[str] = []
    opened.on("pageerror", lambda error: errors.append(str(error)))
    opened.goto("/console/")
    opened.get_by_label("アクセスキー ID", exact=True).fill(server.keys.access_key_id)
    opened.get_by_label("シークレットアクセスキー").fill(server.keys.secret_access_key)
    opened.get_by_role("button", name="サインイン").click()
    expect(opened.get_by_role("heading", name="概要", level=1)).to_be_visible()
    yield opened
    assert errors == []
    context.close()
