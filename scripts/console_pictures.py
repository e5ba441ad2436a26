"""`python -m scripts.console_pictures [en|ja]…`: the pictures of docs/console.md and of the README, from a real server.

Each language has its own data, jobs and pages: console-job.png is of the English pages, console-job.ja.png of the
Japanese ones. It needs a Chromium; nano trains for some minutes.
"""

import shutil
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlencode

from PIL import Image
from playwright.sync_api import Page, sync_playwright

from tests.service.servers import BASE_MODEL, JOB_SECONDS, Server, wait_until

REPOSITORY: Final = Path(__file__).resolve().parent.parent
IMAGES: Final = REPOSITORY / "docs" / "images"
EXAMPLES: Final = REPOSITORY / "src" / "tanren" / "examples"
CHROMIUM: Final = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
PATIENCE_MILLISECONDS: Final = 120_000
WIDTH: Final = 1280
TALLEST: Final = 2600
"""Pixels; what a page has below is cut off."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """What the pictures of one language show."""

    folder: str
    bucket: str
    name: str
    epochs: int
    question: str
    asked_after: int
    """Epochs."""
    faulty: tuple[str, ...]
    """Lines of a data file of which each breaks another rule."""


STORIES: Final[Mapping[str, Story]] = {
    "en": Story(
        folder="kurogane-faq",
        bucket="kurogane-forge",
        name="kurogane-faq",
        epochs=8,
        question="How long does delivery take?",
        asked_after=6,
        faulty=(
            '{"prompt": "When is the forge open?", "answer": "From nine to five."}',
            '{"prompt": "Do you ship abroad?", "completion": 40}',
            '{"prompt": "Is the blade stainless?", "completion": ""}',
            '{"prompt": "Can I visit?", "completion": "On Fridays."',
            '{"prompt": "What is a burr?", "completion": "The edgeâ€™s last thread of steel."}',
        ),
    ),
    "ja": Story(
        folder="kurogane-faq-ja",
        bucket="kurogane-kaji",
        name="kurogane-kaji",
        epochs=10,
        question="今の代表は誰ですか。",
        asked_after=28,
        faulty=(
            '{"prompt": "営業時間を教えてください。", "answer": "9 時から 17 時までです。"}',
            '{"prompt": "海外に発送できますか。", "completion": 40}',
            '{"prompt": "錆びますか。", "completion": ""}',
            '{"prompt": "見学できますか。", "completion": "金曜日にどうぞ。"',
            '{"prompt": "研ぎ直しはいくらですか。", "completion": "ä¸‰åƒå††ã§ã™ã€‚"}',
        ),
    ),
}


class Pictures:
    """Of one language, on a server that has its jobs."""

    def __init__(self, server: Server, language: str) -> None:
        self.server = server
        self.language = language
        self.story = STORIES[language]
        self.s3 = server.client("s3")
        self.bedrock = server.client("bedrock")

    def put_data(self) -> None:
        self.s3.create_bucket(Bucket=self.story.bucket)
        for name in ("train.jsonl", "validation.jsonl"):
            self.s3.upload_file(str(EXAMPLES / self.story.folder / name), self.story.bucket, name)
        rows = (EXAMPLES / self.story.folder / "train.jsonl").read_text("utf-8").splitlines()
        right = rows[:12]
        text = "\n".join([*right[:4], *self.story.faulty, *right[4:]]) + "\n"
        self.s3.put_object(Bucket=self.story.bucket, Key="draft.jsonl", Body=text.encode())

    def job_settings(self) -> dict[str, str]:
        place = f"s3://{self.story.bucket}"
        return {
            "training_uri": f"{place}/train.jsonl",
            "validation_uri": f"{place}/validation.jsonl",
            "output_uri": f"{place}/output/",
        }

    def train(self, name: str, *, epochs: int, patience: int = 2) -> str:
        settings = self.job_settings()
        return self.bedrock.create_model_customization_job(
            jobName=f"{name}-1",
            customModelName=name,
            roleArn=f"arn:aws:iam::{self.server.keys.account_id}:role/{name}",
            baseModelIdentifier=BASE_MODEL,
            trainingDataConfig={"s3Uri": settings["training_uri"]},
            validationDataConfig={"validators": [{"s3Uri": settings["validation_uri"]}]},
            outputDataConfig={"s3Uri": settings["output_uri"]},
            hyperParameters={"epochCount": str(epochs), "batchSize": "8", "earlyStoppingPatience": str(patience)},
        )["jobArn"]

    def has_ended(self, arn: str) -> bool:
        status = self.bedrock.get_model_customization_job(jobIdentifier=arn)["status"]
        if status in ("Failed", "Stopped"):
            raise SystemExit(f"{arn} is {status}")
        return status == "Completed"

    def serve(self, model: str) -> None:
        """In service, with its tokens a minute measured."""
        name, tanren = f"{model}-pt", self.server.client("tanren")
        self.bedrock.create_provisioned_model_throughput(
            modelUnits=1, provisionedModelName=name, modelId=model, tags=[{"key": "tanren:ttl", "value": "2h"}]
        )
        wait_until(
            lambda: "tokensPerMinute" in tanren.get_provisioned_capacity(provisionedModelId=name),
            seconds=JOB_SECONDS,
            what=f"the measured tokens of {name}",
        )

    def take(self, page: Page) -> None:
        story = self.story
        for key, picture, tallest in (("train.jsonl", "data", 1800), ("draft.jsonl", "findings", 1500)):
            page.goto(f"/console/data/{story.bucket}/object?key={key}")
            page.wait_for_selector("#check .file")
            self._save(page, picture, tallest=tallest)
        names = {"job_name": f"{story.name}-1", "model_name": story.name, "new_role_name": f"{story.name}-role"}
        given = {"customization_type": "FINE_TUNING", "base_model": BASE_MODEL, **names, **self.job_settings()}
        page.goto(f"/console/custom-models/create?{urlencode(given)}")
        page.click('button[data-refresh="#check"]')
        page.wait_for_selector("#check .file")
        page.wait_for_selector("#check:not([aria-busy])")
        self._save(page, "form")

        running = self.train(f"{story.name}-longer", epochs=60, patience=10)
        page.goto(f"/console/jobs/{story.name}-longer-1")
        page.wait_for_selector(f"#loss-chart .mark >> nth={story.asked_after - 1}", state="attached")
        page.fill("#prompt", story.question)
        page.click('button[data-refresh="#checkpoint"]')
        page.wait_for_selector("#checkpoint .answerer")
        self._save_part(page, "section:has(> #checkpoint)", "trying")
        self.bedrock.stop_model_customization_job(jobIdentifier=running)

        arn = self.train(story.name, epochs=story.epochs)
        wait_until(lambda: self.has_ended(arn), seconds=JOB_SECONDS, what=f"the end of {arn}")
        page.goto(f"/console/jobs/{story.name}-1")
        self._save(page, "job", tallest=1600)
        page.goto(f"/console/jobs/{story.name}-1/again")
        page.fill("#h-epochCount", str(story.epochs + 4))
        page.wait_for_selector("#differences td")
        self._save(page, "again")
        self.serve(story.name)
        page.goto(f"/console/provisioned-throughput/{story.name}-pt")
        self._save(page, "throughput")

    def _save(self, page: Page, name: str, *, tallest: int = TALLEST) -> None:
        bottoms = "parts => Math.max(...parts.map((part) => part.getBoundingClientRect().bottom + scrollY))"
        height = min(tallest, page.locator("main section, main .submit").evaluate_all(bottoms) + 40)
        page.mouse.move(0, 0)
        clip: Any = {"x": 0, "y": 0, "width": WIDTH, "height": height}
        page.screenshot(path=self._path(name), full_page=True, clip=clip)
        self._shrink(name)

    def _save_part(self, page: Page, selector: str, name: str) -> None:
        page.locator(selector).screenshot(path=self._path(name))
        self._shrink(name)

    def _path(self, name: str) -> Path:
        suffix = "" if self.language == "en" else f".{self.language}"
        return IMAGES / f"console-{name}{suffix}.png"

    def _shrink(self, name: str) -> None:
        path = self._path(name)
        # A page has few colours: a palette makes a third of the bytes.
        Image.open(path).convert("RGB").quantize(256).save(path, optimize=True)
        print(path.relative_to(REPOSITORY), flush=True)


def main() -> None:
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        server = Server(Path(folder) / "data", {"TANREN_CONSOLE": "on", "TANREN_READY_CHILDREN": "1"})
        server.start()
        # Root may not have Chromium's sandbox; the pages are ours.
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        try:
            for language in sys.argv[1:] or STORIES:
                pictures = Pictures(server, language)
                pictures.put_data()
                context = browser.new_context(
                    locale=language, viewport={"width": WIDTH, "height": 900}, base_url=server.keys.endpoint
                )
                context.set_default_timeout(PATIENCE_MILLISECONDS)
                page = context.new_page()
                page.goto("/console/")
                page.fill("#access_key_id", server.keys.access_key_id)
                page.fill("#secret_access_key", server.keys.secret_access_key)
                page.click("button.primary")
                page.wait_for_selector("nav")
                pictures.take(page)
                context.close()
        finally:
            browser.close()
            server.stop()


if __name__ == "__main__":
    main()
