"""The console as an ASGI application: who asks, which page, and what every answer carries.

    cookie → session → Visit → page function → template
    no session  → sign-in, and back to where one wanted to go
    a form      → its token is the session's, or it is refused
    ApiRefusal  → a page that says what, where and how to put it right, with the status of the API's answer

Why      the pages hold keys that may do everything their user may, so nothing of another origin is ever loaded, no
         script or style stands in a page, and what models and files say goes through the templates' escaping as text.
"""

import hmac
import logging
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final, Protocol, cast
from urllib.parse import quote

from jinja2 import ChainableUndefined, Environment, FileSystemLoader
from starlette.applications import Starlette
from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tanren.console.api import Api, ApiRefusal, Credentials, RememberingApi
from tanren.console.display import FILTERS
from tanren.console.languages import Words, language_of
from tanren.console.pages import (
    audit_events,
    checkpoint_trials,
    custom_models,
    customization_jobs,
    document_pairs,
    evaluation_jobs,
    file_picker,
    foundation_models,
    overview,
    playground,
    provisioned_throughputs,
    service_status,
    training_data,
)
from tanren.console.sealed_sessions import SealedSessions, SignedIn
from tanren.console.visits import (
    LANGUAGE_COOKIE,
    THEME_COOKIE,
    THEMES,
    Appearance,
    Visit,
    came_from,
    csrf_token,
    is_for_a_page,
    is_same_origin,
    path_and_query,
    texts,
)

logger = logging.getLogger(__name__)

HOME: Final = "/console/overview"
SIGN_IN: Final = "/console/sign-in"
SESSION_COOKIE: Final = "tanren-console-session"
_FOLDER: Final = Path(__file__).parent
_YEAR_SECONDS: Final = 365 * 86400
_REMEMBERED_USERS: Final = 64
_HEADERS: Final = {
    "content-security-policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; font-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}

Page = Callable[[Visit], Awaitable[Response]]


class ApiMaker(Protocol):
    """What the console needs of `api.ApiClients`."""

    def signed(self, credentials: Credentials) -> Api: ...


class Console:
    """The pages over one endpoint."""

    def __init__(
        self, apis: ApiMaker, sessions: SealedSessions, *, endpoint_url: str, default_region: str, is_https: bool
    ) -> None:
        self._apis = apis
        self._sessions = sessions
        self._endpoint_url = endpoint_url
        self._default_region = default_region
        self._is_https = is_https
        self._remembered: OrderedDict[str, tuple[SignedIn, Api]] = OrderedDict()
        """By session token, so that a user's clients are made once."""
        self._templates = Environment(
            loader=FileSystemLoader(_FOLDER / "templates"),
            autoescape=True,
            # Most members of an answer are optional: one that is absent is shown as a dash, or not at all.
            undefined=ChainableUndefined,
            # Those of the version that runs, also while a new one is being laid in its place.
            auto_reload=False,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._templates.filters.update(FILTERS)

    def application(self) -> ASGIApp:
        def page(path: str, handler: Page, method: str) -> Route:
            return Route(path, self._signed_in(handler), methods=[method])

        return _with_headers(
            Starlette(
                routes=[
                    Mount("/console/static", StaticFiles(directory=_FOLDER / "static")),
                    Route("/console", self._home),
                    Route("/console/", self._home),
                    Route("/console/health", _health),
                    Route(SIGN_IN, self._sign_in, methods=["GET", "POST"]),
                    Route("/console/preferences", self._prefer, methods=["POST"]),
                    page("/console/sign-out", self._sign_out, "POST"),
                    *(page(path, handler, method) for path, handler, method in PAGES),
                ]
            )
        )

    async def _home(self, _request: Request) -> Response:
        return RedirectResponse(HOME, status_code=303)

    def _signed_in(self, handler: Page) -> Callable[[Request], Awaitable[Response]]:
        async def answer(request: Request) -> Response:
            token = request.cookies.get(SESSION_COOKIE, "")
            user_and_api = self._user_of(token)
            if user_and_api is None:
                # A form that was sent cannot be sent again, and a part is no page; the page that they are of is there.
                is_page = request.method == "GET" and is_for_a_page(request)
                wanted = path_and_query(request) if is_page else came_from(request) or HOME
                return RedirectResponse(f"{SIGN_IN}?next={quote(wanted)}", status_code=303)
            visit = Visit(
                request=request,
                templates=self._templates,
                appearance=_appearance(request),
                user=user_and_api[0],
                api=RememberingApi(user_and_api[1]),
                csrf_token=csrf_token(token),
            )
            if request.method != "GET" and not await _is_ours(request, visit.csrf_token):
                return visit.form_is_stale()
            try:
                return await handler(visit)
            except ApiRefusal as refusal:
                if refusal.code in _KEYS_ARE_GONE:
                    self._forget(token)
                return visit.refused(refusal)

        return answer

    def _user_of(self, token: str) -> tuple[SignedIn, Api] | None:
        if not token or (user := self._sessions.open(token)) is None:
            self._remembered.pop(token, None)
            return None
        if token not in self._remembered:
            self._remembered[token] = (user, self._apis.signed(user.credentials))
            if len(self._remembered) > _REMEMBERED_USERS:
                self._remembered.popitem(last=False)
        self._remembered.move_to_end(token)
        return self._remembered[token]

    def _forget(self, token: str) -> None:
        self._sessions.forget(token)
        self._remembered.pop(token, None)

    async def _sign_in(self, request: Request) -> Response:
        """Signs in whoever the endpoint knows by these keys: it is asked who they are."""
        wanted = _inside(request.query_params.get("next", ""))
        if request.method == "GET":
            return self._sign_in_page(request, wanted)
        if not is_same_origin(request):
            raise HTTPException(403, "Keys are taken from the console's own page only.")
        given = texts(await request.form())
        words = Words(_appearance(request).language)
        missing = [name for name in ("access_key_id", "secret_access_key", "region") if not given.get(name)]
        if missing:
            message = words.text("Access key ID, secret access key and region are needed.")
            return self._sign_in_page(request, wanted, given=given, message=message, status=400)
        credentials = Credentials(
            access_key_id=given["access_key_id"],
            secret_access_key=given["secret_access_key"],
            session_token=given.get("session_token") or None,
            region=given["region"],
        )
        try:
            caller = await self._apis.signed(credentials).ask("sts", "GetCallerIdentity")
        except ApiRefusal as refusal:
            return self._sign_in_page(request, wanted, given=given, message=str(refusal), is_refused=True, status=403)
        user = SignedIn(credentials=credentials, account_id=caller["Account"], principal_arn=caller["Arn"])
        answer = RedirectResponse(wanted, status_code=303)
        answer.set_cookie(
            SESSION_COOKIE,
            self._sessions.keep(user),
            path="/console",
            httponly=True,
            secure=self._is_https,
            samesite="lax",
        )
        return answer

    def _sign_in_page(
        self,
        request: Request,
        wanted: str,
        *,
        given: dict[str, str] | None = None,
        message: str | None = None,
        is_refused: bool = False,
        status: int = 200,
    ) -> Response:
        appearance = _appearance(request)
        words = Words(appearance.language)
        text = self._templates.get_template("sign_in.html").render(
            title=words.text("Sign in"),
            t=words.text,
            appearance=appearance,
            here_with_query=path_and_query(request),
            wanted=wanted,
            endpoint_url=self._endpoint_url,
            region=(given or {}).get("region") or self._default_region,
            access_key_id=(given or {}).get("access_key_id", ""),
            message=message,
            is_refused=is_refused,
        )
        return Response(text, status_code=status, media_type="text/html")

    async def _sign_out(self, visit: Visit) -> Response:
        self._forget(visit.request.cookies.get(SESSION_COOKIE, ""))
        answer = RedirectResponse(SIGN_IN, status_code=303)
        answer.delete_cookie(SESSION_COOKIE, path="/console")
        return answer

    async def _prefer(self, request: Request) -> Response:
        """Keeps language or theme in a cookie, and shows the same page again."""
        if not is_same_origin(request):
            raise HTTPException(403, "Preferences are changed by the console's own pages only.")
        given = texts(await request.form())
        answer = RedirectResponse(_inside(given.get("back", "")), status_code=303)
        for cookie, value in ((LANGUAGE_COOKIE, given.get("language")), (THEME_COOKIE, given.get("theme"))):
            if value in ("en", "ja", *THEMES):
                answer.set_cookie(
                    cookie,
                    value,
                    path="/console",
                    max_age=_YEAR_SECONDS,
                    httponly=True,
                    secure=self._is_https,
                    samesite="lax",
                )
        return answer


PAGES: Final[tuple[tuple[str, Page, str], ...]] = (
    ("/console/overview", overview.show_overview, "GET"),
    ("/console/overview/live", overview.live_overview, "GET"),
    ("/console/foundation-models", foundation_models.list_models, "GET"),
    ("/console/foundation-models/{model_id}", foundation_models.show_model, "GET"),
    ("/console/foundation-models/{model_id}/access", foundation_models.request_access, "POST"),
    ("/console/foundation-models/{model_id}/withdraw", foundation_models.withdraw_access, "POST"),
    ("/console/custom-models", custom_models.list_models, "GET"),
    ("/console/custom-models/create", customization_jobs.new_job, "GET"),
    ("/console/custom-models/create", customization_jobs.create_job, "POST"),
    ("/console/custom-models/create/hyperparameters", customization_jobs.hyperparameters, "POST"),
    ("/console/custom-models/create/check", customization_jobs.check_job, "POST"),
    ("/console/custom-models/create/differences", customization_jobs.differences, "POST"),
    ("/console/pick-file", file_picker.pick_file, "GET"),
    ("/console/jobs/{name}", customization_jobs.show_job, "GET"),
    ("/console/jobs/{name}/live", customization_jobs.live_job, "GET"),
    ("/console/jobs/{name}/try", checkpoint_trials.try_checkpoint, "POST"),
    ("/console/jobs/{name}/losses.csv", customization_jobs.metrics_csv, "GET"),
    ("/console/jobs/{name}/again", customization_jobs.train_again, "GET"),
    ("/console/jobs/{name}/stop", customization_jobs.stop_job, "POST"),
    ("/console/models", custom_models.find_model, "GET"),
    ("/console/models/{name}", custom_models.show_model, "GET"),
    ("/console/models/{name}/tags", custom_models.change_tags, "POST"),
    ("/console/models/{name}/delete", custom_models.delete_model, "POST"),
    ("/console/evaluations", evaluation_jobs.list_jobs, "GET"),
    ("/console/evaluations/create", evaluation_jobs.new_job, "GET"),
    ("/console/evaluations/create", evaluation_jobs.create_job, "POST"),
    ("/console/evaluations/create/check", evaluation_jobs.check_job, "POST"),
    ("/console/evaluations/{id}", evaluation_jobs.show_job, "GET"),
    ("/console/evaluations/{id}/live", evaluation_jobs.live_job, "GET"),
    ("/console/evaluations/{id}/report", evaluation_jobs.download_report, "GET"),
    ("/console/evaluations/{id}/table.md", evaluation_jobs.export_markdown, "GET"),
    ("/console/evaluations/{id}/table.csv", evaluation_jobs.export_csv, "GET"),
    ("/console/evaluations/{id}/comments", evaluation_jobs.save_comments, "POST"),
    ("/console/evaluations/{id}/stop", evaluation_jobs.stop_job, "POST"),
    ("/console/evaluations/{id}/delete", evaluation_jobs.delete_job, "POST"),
    ("/console/provisioned-throughput", provisioned_throughputs.list_throughputs, "GET"),
    ("/console/provisioned-throughput/create", provisioned_throughputs.new_throughput, "GET"),
    ("/console/provisioned-throughput/create", provisioned_throughputs.buy_throughput, "POST"),
    ("/console/provisioned-throughput/confirm", provisioned_throughputs.confirm_throughput, "GET"),
    ("/console/provisioned-throughput/{name}", provisioned_throughputs.show_throughput, "GET"),
    ("/console/provisioned-throughput/{name}/delete", provisioned_throughputs.delete_throughput, "POST"),
    ("/console/data", training_data.list_buckets, "GET"),
    ("/console/data", training_data.make_bucket, "POST"),
    ("/console/data/{bucket}", training_data.list_objects, "GET"),
    ("/console/data/{bucket}/upload", training_data.permit_upload, "POST"),
    ("/console/data/{bucket}/object", training_data.show_object, "GET"),
    ("/console/data/{bucket}/check", training_data.examine_object, "POST"),
    ("/console/audit", audit_events.list_events, "GET"),
    ("/console/status", service_status.show_status, "GET"),
    ("/console/data/{bucket}/pairs", document_pairs.show_wizard, "GET"),
    ("/console/data/{bucket}/pairs", document_pairs.make_pairs, "POST"),
    ("/console/data/{bucket}/pairs/save", document_pairs.save_pairs, "POST"),
    ("/console/playground", playground.show_playground, "GET"),
    ("/console/playground/answer", playground.answer_question, "POST"),
    ("/console/playground/rows", playground.save_rows, "POST"),
)
"""Every page of somebody who has signed in. A form's answer is a page of its own, at the form's path."""

_KEYS_ARE_GONE: Final = frozenset(
    {"UnrecognizedClientException", "InvalidClientTokenId", "ExpiredTokenException", "ExpiredToken"}
)


def _appearance(request: Request) -> Appearance:
    return Appearance(
        language=language_of(request.cookies.get(LANGUAGE_COOKIE), request.headers.get("accept-language", "")),
        theme=THEMES.get(request.cookies.get(THEME_COOKIE, ""), "auto"),
    )


def _inside(wanted: str) -> str:
    """`wanted` where it is a page of the console, else the first page: no link leads through us to somebody else's."""
    is_inside = wanted.startswith("/console/") and "\\" not in wanted and not wanted.startswith(SIGN_IN)
    return wanted if is_inside else HOME


async def _is_ours(request: Request, token: str) -> bool:
    given = request.headers.get("x-csrf-token") or texts(await request.form()).get("csrf_token", "")
    return is_same_origin(request) and hmac.compare_digest(given.encode(), token.encode())


async def _health(_request: Request) -> Response:
    return PlainTextResponse("ok")


def _with_headers(application: ASGIApp) -> ASGIApp:
    """Every answer tells the browser what its page may load and do; only what lies in `static` is kept."""

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(raw=message["headers"])
                for name, value in _HEADERS.items():
                    headers[name] = value
                is_static = cast(str, scope["path"]).startswith("/console/static/")
                headers["cache-control"] = "no-cache" if is_static else "no-store"
            await send(message)

        await application(scope, receive, with_headers)

    return answer
