"""A server with its console, and this machine's Chromium in front of it; without one, all of this is skipped."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, Playwright, StorageState, expect, sync_playwright

from tanren.console.languages import Language, Words
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
        chromium = launched(playwright)
        yield chromium
        chromium.close()


def launched(playwright: Playwright) -> Browser:
    """This machine's Chromium."""
    # Root may not have its sandbox; the pages are ours.
    return playwright.chromium.launch(
        executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]
    )


def sign_in(page: Page, server: Server, *, language: Language) -> None:
    """With root's keys, by the words on the screen."""
    say = Words(language).text
    page.goto("/console/")
    page.get_by_label(say("Access key ID"), exact=True).fill(server.keys.access_key_id)
    page.get_by_label(say("Secret access key")).fill(server.keys.secret_access_key)
    page.get_by_role("button", name=say("Sign in")).click()
    expect(page.get_by_role("heading", name=say("Overview"), level=1)).to_be_visible()


@pytest.fixture(scope="module")
def signed_in(browser: Browser, server: Server) -> StorageState:
    """What a Japanese browser keeps of having signed in."""
    expect.set_options(timeout=PATIENCE_SECONDS * 1000)
    with browser.new_context(locale="ja", base_url=server.keys.endpoint) as context, context.new_page() as page:
        sign_in(page, server, language="ja")
        return context.storage_state()


@pytest.fixture
def page(browser: Browser, server: Server, signed_in: StorageState) -> Iterator[Page]:
    """Of a browser that has signed in."""
    context = browser.new_context(
        locale="ja", viewport={"width": 1280, "height": 900}, base_url=server.keys.endpoint, storage_state=signed_in
    )
    context.set_default_timeout(PATIENCE_SECONDS * 1000)
    opened = context.new_page()
    errors: list[str] = []
    opened.on("pageerror", lambda error: errors.append(str(error)))
    yield opened
    assert errors == []
    context.close()
