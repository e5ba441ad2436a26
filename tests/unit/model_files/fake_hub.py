"""A Hugging Face hub on loopback, as far as a download needs one: a real HTTP server over folders of the test's.

It speaks the endpoints that huggingface_hub asks, redirects large files as the hub does, answers ranges, and counts
what it sends. It can break a connection off in the middle, or hold it open and send nothing more.
"""

import hashlib
import json
import threading
from collections import Counter
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

REPOSITORY = "forge/tiny-llama"
"""What the hub of the fixture has."""


@dataclass
class Repository:
    folder: Path
    commit: str = "7ae557604adf67be50417f59c2c2f167def9a775"
    card: dict[str, Any] = field(default_factory=lambda: {"license": "apache-2.0"})
    gated: bool = False
    private_to: str | None = None
    """The token that may read it."""


class FakeHub:
    def __init__(self) -> None:
        self.repositories: dict[str, Repository] = {}
        self.sent: Counter[str] = Counter()
        """Bytes of each file that went out, over all requests."""
        self.asked: list[str] = []
        """Files whose content was asked for."""
        self.cut_after: dict[str, int] = {}
        """File → bytes after which its next answer is broken off; once."""
        self.hold_after: dict[str, int] = {}
        """File → bytes after which its answers bring nothing more."""
        self.holding = threading.Event()
        """An answer is being held."""
        self.wrong: set[str] = set()
        """Files whose bytes are not those that were listed."""
        self.knows_ranges = True
        self._closing = threading.Event()
        hub = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                hub.answer(self, with_body=True)

            def do_HEAD(self) -> None:
                hub.answer(self, with_body=False)

            def log_message(self, format: str, *args: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._closing.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def answer(self, request: BaseHTTPRequestHandler, *, with_body: bool) -> None:
        path = unquote(urlsplit(request.path).path)
        if path.startswith("/api/models/"):
            repository, _, revision = path.removeprefix("/api/models/").partition("/revision/")
            found = self._allowed(request, repository, revision)
            if found is not None:
                self._json(request, 200, self._info(repository, found))
        elif path.startswith("/cdn/"):
            _, _, owner, name, file = path.split("/", 4)
            self._file(request, self.repositories[f"{owner}/{name}"], file, with_body=with_body)
        else:
            repository, _, rest = path.lstrip("/").partition("/resolve/")
            revision, _, file = rest.partition("/")
            found = self._allowed(request, repository, revision)
            if found is None:
                return
            if file.endswith(".safetensors"):
                request.send_response(302)
                request.send_header("Location", f"{self.url}/cdn/{repository}/{file}")
                request.send_header("X-Repo-Commit", found.commit)
                request.send_header("Content-Length", "0")
                request.end_headers()
            else:
                self._file(request, found, file, with_body=with_body)

    def _allowed(self, request: BaseHTTPRequestHandler, repository: str, revision: str) -> Repository | None:
        found = self.repositories.get(repository)
        token = (request.headers.get("Authorization") or "").removeprefix("Bearer ")
        if found is None or (found.private_to is not None and token != found.private_to):
            self._error(request, 401, "RepoNotFound")
        elif found.gated:
            self._error(request, 403, "GatedRepo")
        elif revision not in ("main", found.commit):
            self._error(request, 404, "RevisionNotFound")
        else:
            return found
        return None

    def _info(self, repository: str, found: Repository) -> dict[str, Any]:
        siblings: list[dict[str, Any]] = []
        for file in sorted(path for path in found.folder.rglob("*") if path.is_file()):
            content = file.read_bytes()
            sibling: dict[str, Any] = {
                "rfilename": str(file.relative_to(found.folder)),
                "size": len(content),
                "blobId": hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest(),
            }
            if file.suffix == ".safetensors":
                sha256 = hashlib.sha256(content).hexdigest()
                sibling["lfs"] = {"sha256": sha256, "size": len(content), "pointerSize": 134}
            siblings.append(sibling)
        return {"id": repository, "sha": found.commit, "cardData": found.card, "siblings": siblings}

    def _file(self, request: BaseHTTPRequestHandler, found: Repository, file: str, *, with_body: bool) -> None:
        content = (found.folder / file).read_bytes()
        if file in self.wrong:
            content = bytes(len(content))
        start = 0
        asked = request.headers.get("Range")
        if asked and self.knows_ranges:
            start = int(asked.removeprefix("bytes=").rstrip("-"))
            request.send_response(206)
            request.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
        else:
            request.send_response(200)
        request.send_header("ETag", f'"{hashlib.sha256(content).hexdigest()}"')
        request.send_header("X-Repo-Commit", found.commit)
        request.send_header("Content-Length", str(len(content) - start))
        request.end_headers()
        if not with_body:
            return
        self.asked.append(file)
        rest = content[start:]
        cut = self.cut_after.pop(file, None)
        hold = self.hold_after.get(file)
        if cut is not None or hold is not None:
            rest = rest[: cut if cut is not None else hold]
        self.sent[file] += len(rest)
        request.wfile.write(rest)
        request.wfile.flush()
        if cut is not None:
            request.close_connection = True
        elif hold is not None:
            self.holding.set()
            self._closing.wait()

    def _json(self, request: BaseHTTPRequestHandler, status: int, value: Any) -> None:
        body = json.dumps(value).encode()
        request.send_response(status)
        request.send_header("Content-Type", "application/json")
        request.send_header("Content-Length", str(len(body)))
        request.end_headers()
        request.wfile.write(body)

    def _error(self, request: BaseHTTPRequestHandler, status: int, code: str) -> None:
        request.send_response(status)
        request.send_header("X-Error-Code", code)
        request.send_header("Content-Length", "0")
        request.end_headers()
