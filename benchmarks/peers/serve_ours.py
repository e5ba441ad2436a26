"""Tanren: a whole server and boto3 over HTTP; under adapters, the engine host's socket, as the gateway speaks to it.

All answers are whole ones, as InvokeModel gives them and as the peers do.
"""

import asyncio
import json
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from benchmarks.peers.serving_cases import ANSWER_TOKENS, MOST_CONCURRENT, Ask, arguments, measure
from tanren.catalog.weights import WeightsCatalogue
from tanren.domain.conversation import user_turn
from tanren.domain.generation import GenerationEnd, GenerationRequest
from tanren.model_files.adapter_inspection import ORIGIN_FILE
from tanren.serving.client import EngineClient
from tanren.serving.protocol import AdapterRef
from tanren.storage.database import Database, sqlite_url
from tanren.storage.engine_hosts import EngineHosts
from tests.service.servers import Server

SPECIALS = 5
MODEL_ID = "amazon.titan-text-express-v1"


def main() -> None:
    given = arguments()
    config = json.loads((given.folder / "model" / "config.json").read_text())
    vocabulary = config["vocab_size"]
    adapters = [_adapter(folder) for folder in sorted((given.folder / "adapters").glob("[0-9]*"))]
    with tempfile.TemporaryDirectory() as scratch:
        data_dir = Path(scratch) / "data"
        data_dir.mkdir(mode=0o700)
        weights = WeightsCatalogue(data_dir)
        stored = weights.store.import_folder(given.folder / "model")
        weights.file.write_text(f'[stand-ins]\n"{MODEL_ID}" = "{stored.key}"\n')
        server = Server(data_dir)
        server.start()
        try:
            runtime = server.client("bedrock-runtime")
            _invoke(runtime, "w5")
            engine = _engine(server)
            with ThreadPoolExecutor(MOST_CONCURRENT) as pool:

                def answer(ask: Ask) -> int:
                    asked = [" ".join(f"w{word}" for word in words) for words in ask.prompts(vocabulary, SPECIALS)]
                    if not ask.adapters:
                        return sum(pool.map(lambda text: _invoke(runtime, text), asked))
                    return asyncio.run(_at_once(engine, asked, adapters[: ask.adapters]))

                described = asyncio.run(engine.describe())
                measure(given, answer, engine=described.engine, weight_bytes=described.weight_bytes)
        finally:
            server.stop()


def _adapter(folder: Path) -> AdapterRef:
    origin = json.loads((folder / ORIGIN_FILE).read_text())
    return AdapterRef(folder=str(folder.resolve()), sha256=origin["sha256"])


def _engine(server: Server) -> EngineClient:
    database = Database(sqlite_url(server.data_dir / "tanren.db"))
    (host,) = EngineHosts(database).every()
    database.close()
    return EngineClient(host.socket_path)


def _invoke(runtime: Any, text: str) -> int:
    body = {"inputText": text, "textGenerationConfig": {"maxTokenCount": ANSWER_TOKENS, "temperature": 0}}
    answer = runtime.invoke_model(modelId=MODEL_ID, body=json.dumps(body))
    return int(answer["ResponseMetadata"]["HTTPHeaders"]["x-amzn-bedrock-output-token-count"])


async def _at_once(engine: EngineClient, asked: list[str], adapters: list[AdapterRef]) -> int:
    async def one(index: int) -> int:
        request = GenerationRequest(
            conversation=user_turn(asked[index]), max_new_tokens=ANSWER_TOKENS, temperature=0.0, is_streamed=False
        )
        async for event in engine.generate(request, adapters[index % len(adapters)]):
            if isinstance(event, GenerationEnd):
                return event.output_token_count
        raise AssertionError("an answer without an end")

    return sum(await asyncio.gather(*(one(index) for index in range(len(asked)))))


if __name__ == "__main__":
    main()
