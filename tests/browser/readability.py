"""Whether a page can be read by those who use no eyes, no colours, or a telephone."""

from typing import Any

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

TELEPHONE = {"width": 360, "height": 740}
_DESK = {"width": 1280, "height": 900}
_SERIOUS = ("serious", "critical")


def assert_readable(page: Page, path: str, *, ready: str = "main") -> None:
    """Loads the page on a telephone, where nothing may be wider than the screen, and asks axe about it on a desk, in
    the light theme about everything and in the dark one about its colours. `ready`: what it waits for."""
    page.set_viewport_size(TELEPHONE)
    page.emulate_media(color_scheme="light")
    page.goto(path)
    page.locator(ready).first.wait_for()
    assert wider_than_the_screen(page) == [], path
    page.set_viewport_size(_DESK)
    assert serious_faults(page) == [], path
    page.emulate_media(color_scheme="dark")
    assert serious_faults(page, rules=["color-contrast"]) == [], path


def serious_faults(page: Page, *, rules: list[str] | None = None) -> list[Any]:
    """What axe holds against it, with the elements; None for all of its rules."""
    options = {"runOnly": {"type": "rule", "values": rules}} if rules else None
    found = Axe().run(page, options=options).response["violations"]
    return [(each["id"], [node["html"] for node in each["nodes"]]) for each in found if each["impact"] in _SERIOUS]


def wider_than_the_screen(page: Page) -> list[str]:
    """The innermost elements that reach beyond the right edge, where the page can be pushed sideways."""
    return page.evaluate(
        """() => {
          const width = document.documentElement.clientWidth;
          if (document.documentElement.scrollWidth <= width) return [];
          const isBeyond = (element) => element.getBoundingClientRect().right > width;
          const beyond = [...document.querySelectorAll("body *")].filter(isBeyond);
          const isInnermost = (element) => !beyond.some((other) => other !== element && element.contains(other));
          return beyond.filter(isInnermost).map((element) => element.outerHTML);
        }"""
    )
