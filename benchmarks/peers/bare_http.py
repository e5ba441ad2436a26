"""The least that an HTTP request costs here: our server with an application that reads the body and answers with it.

python -m benchmarks.peers.bare_http PORT
"""

import sys
from typing import Any

from tanren.aws.server import ServerSettings, serve


def application() -> Any:
    async def answer(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            await receive()
            await send({"type": "lifespan.startup.complete"})
            await receive()
            await send({"type": "lifespan.shutdown.complete"})
            return
        message = await receive()
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"application/json")]})
        await send({"type": "http.response.body", "body": message.get("body", b""), "more_body": False})

    return answer


if __name__ == "__main__":
    serve(ServerSettings(factory="benchmarks.peers.bare_http:application", host="127.0.0.1", port=int(sys.argv[1])))
