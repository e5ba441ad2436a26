"""One request of somebody who has signed in, with what every page needs: the API with their keys, language, theme.

A page is a function of a visit; it keeps nothing between two of them, so it may be asked for again at any time, by a
browser that was away or after the console has been started anew.
"""

import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal
from urllib.parse import urlencode, urlsplit

from jinja2 import Environment
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response

from tanren.console.api import ApiRefusal, RememberingApi
from tanren.console.languages import Language, Words
from tanren.console.navigation import NAVIGATION
from tanren.console.sealed_sessions import SignedIn

Theme = Literal["auto", "light", "dark"]
THEMES: Final[Mapping[str, Theme]] = {"auto": "auto", "light": "light", "dark": "dark"}
"""By what a cookie says."""
LANGUAGE_COOKIE: Final = "tanren-console-language"
THEME_COOKIE: Final = "tanren-console-theme"


@dataclass(frozen=True, slots=True, kw_only=True)
class Appearance:
    """What a page looks like, signed in or not."""

    language: Language
    theme: Theme


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    request: Request
    templates: Environment
    appearance: Appearance
    user: SignedIn
    api: RememberingApi
    csrf_token: str
    """What a form of this session carries, and no page of another origin can know."""

    @property
    def words(self) -> Words:
        return Words(self.appearance.language)

    def page(self, template: str, /, *, title: str, status: int = 200, **values: Any) -> HTMLResponse:
        """A whole page. `title` is in the user's language.

        What it had to do without is told at its end, unless the refusal is among its values.
        """
        told = [each for each in values.values() if isinstance(each, ApiRefusal)]
        untold = [each for each in self.api.refused if each not in told]
        text = self.render(template, **{"title": title, "untold": untold, **values})
        return HTMLResponse(text, status_code=status)

    def fragment(self, template: str, /, *, status: int = 200, **values: Any) -> HTMLResponse:
        """A part of a page, which the browser puts where the old one was."""
        return HTMLResponse(self.render(template, **values), status_code=status)

    def render(self, template: str, /, **values: Any) -> str:
        shared = {
            "appearance": self.appearance,
            "user": self.user,
            "csrf_token": self.csrf_token,
            "navigation": NAVIGATION,
            "here": self.request.url.path,
            "here_with_query": path_and_query(self.request),
        }
        words = self.words
        return self.templates.get_template(template).render(
            **shared, t=words.text, say=words.say, told=words.told, **values
        )

    def go(self, path: str, **query: str) -> Response:
        """After a form: the browser asks for `path`, so that a reload does not send the form again."""
        return RedirectResponse(path + ("?" + urlencode(query) if query else ""), status_code=303)

    def refused(self, refusal: ApiRefusal) -> HTMLResponse:
        status = 404 if refusal.lacks_service else refusal.status if 400 <= refusal.status < 600 else 502
        title = self.words.text("This did not work")
        return self.page("refusal.html", title=title, status=status, refusal=refusal, came_from=came_from(self.request))

    def form_is_stale(self) -> Response:
        """A form of an earlier session, or of somebody else's page: nothing of it is done."""
        message = self.words.text(
            "This form was opened before you signed in; nothing was sent. Reload its page: what you typed is there."
        )
        if not is_for_a_page(self.request):
            return PlainTextResponse(message, status_code=403)
        title = self.words.text("This did not work")
        return self.page("stale_form.html", title=title, status=403, message=message, came_from=came_from(self.request))


def is_for_a_page(request: Request) -> bool:
    """Whether the browser shows the answer as a page, and does not hand it to a script."""
    return request.headers.get("sec-fetch-dest", "document") == "document"


def came_from(request: Request) -> str:
    """The page of this console that the browser was on; empty where it was on none."""
    referer = urlsplit(request.headers.get("referer", ""))
    if not referer.path.startswith("/console/"):
        return ""
    return referer.path + (f"?{referer.query}" if referer.query else "")


def csrf_token(session_token: str) -> str:
    return hmac.new(session_token.encode(), b"tanren console form", "sha256").hexdigest()


def is_same_origin(request: Request) -> bool:
    """Whether the browser says that a page of this very origin sends this, or says nothing, as no browser does."""
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        return site in ("same-origin", "none")
    origin = request.headers.get("origin")
    return origin is None or origin.partition("://")[2] == request.headers.get("host")


def path_and_query(request: Request) -> str:
    return request.url.path + (f"?{request.url.query}" if request.url.query else "")


def texts(form: FormData) -> dict[str, str]:
    """A form's fields that are text, trimmed; of one that comes twice, the last."""
    return {name: value.strip() for name, value in form.items() if isinstance(value, str)}


def next_page(request: Request, token: str | None) -> str | None:
    """This page's URL with another `page` token: deep, as all of them. None where nothing follows."""
    if not token:
        return None
    query: Mapping[str, str] = {**request.query_params, "page": token}
    return f"{request.url.path}?{urlencode(query)}"
