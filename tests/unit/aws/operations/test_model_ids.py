"""Every way to name a model answers, however it stands in the path; any other name is refused with the nearest ones."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from tanren.aws.chain import build_application
from tanren.aws.exchange import ASGIApp
from tanren.aws.operations.bedrock_runtime import runtime_handlers
from tanren.catalog.foundation_models import FOUNDATION_MODELS
from tanren.control.custom_model_deployments import NewDeployment
from tanren.control.provisioned_throughputs import NewProvisionedThroughput
from tanren.domain.custom_model_deployments import DeploymentStatus
from tanren.domain.provisioned_throughputs import ProvisionedStatus
from tanren.domain.scope import Scope
from tanren.model_files.store import NANO_FOLDER
from tanren.runtime.inference import Inference, Placed
from tanren.runtime.placement import StoredPlacement
from tanren.storage.engine_hosts import EngineHosts, EngineHostStatus
from tests.protocol.loopback import KEY, OneKey, client, request
from tests.unit.runtime.placed_engine import PlacedEngine

HERE: Final = Scope(account_id=KEY.account_id, region="us-east-1")
BODY: Final = json.dumps({"inputText": "hi"})
MESSAGES: Final = [{"role": "user", "content": [{"text": "hi"}]}]
BASE: Final = "amazon.titan-text-express-v1"


class Placing:
    """The service's own placement; what it places answers in this process."""

    def __init__(self, placement: StoredPlacement) -> None:
        self._placement = placement
        self.adapters: list[str | None] = []

    async def place(self, scope: Scope, model_id: str) -> Placed:
        placed = await self._placement.place(scope, model_id)
        self.adapters.append(None if placed.adapter is None else Path(placed.adapter.folder).name)
        return replace(placed, engine=PlacedEngine())


@pytest.fixture
def placing(plane: Any, database: Any, clock: Callable) -> Placing:
    """With a custom model `tuned`, a throughput `fast` and a deployment `live` of it, all in service."""
    hosts = EngineHosts(database)
    hosts.want(str(NANO_FOLDER), at=clock())
    hosts.set(str(NANO_FOLDER), EngineHostStatus.READY, at=clock(), socket_path="/run/engine.sock")
    plane.has_model(HERE)
    folder: Path = plane.artifacts.resolve("custom-models/tuned")
    folder.mkdir(parents=True)
    (folder / "adapter_config.json").write_text("{}")
    throughput = plane.throughputs.create(
        HERE,
        NewProvisionedThroughput(
            name="fast", model_identifier="tuned", model_units=1, commitment_duration=None, client_request_token=None
        ),
    )
    deployment = plane.deployments.create(
        HERE, NewDeployment(name="live", model_identifier="tuned", description=None, client_request_token=None)
    )
    with database.writing() as connection:
        plane.throughput_rows.change(connection, throughput, status=ProvisionedStatus.IN_SERVICE)
        plane.deployment_rows.change(connection, deployment, status=DeploymentStatus.ACTIVE)
    return Placing(
        StoredPlacement(
            plane.model_rows,
            plane.throughput_rows,
            plane.deployment_rows,
            hosts,
            plane.artifacts,
            plane.weights,
            clock=clock,
            patience_seconds=0.0,
        )
    )


@pytest.fixture
def app(placing: Placing) -> ASGIApp:
    handlers = {"bedrock": {}, "bedrock-runtime": runtime_handlers(Inference(placing))}
    return build_application(handlers=handlers, access_keys=OneKey(), neighbourhood=None)


FORMS: Final[dict[str, tuple[Callable[[Any], str], str | None]]] = {
    "foundation id": (lambda _: BASE, None),
    "foundation ARN": (lambda _: f"arn:aws:bedrock:us-east-1::foundation-model/{BASE}", None),
    "custom-model ARN": (lambda plane: plane.model_rows.names(HERE)[0][0], "tuned"),
    "custom-model ARN by name": (lambda _: "arn:aws:bedrock:us-east-1:123456789012:custom-model/tuned", "tuned"),
    "custom-model name": (lambda _: "tuned", "tuned"),
    "provisioned ARN": (lambda plane: plane.throughput_rows.names(HERE)[0][0], "tuned"),
    "provisioned name": (lambda _: "fast", "tuned"),
    "deployment ARN": (lambda plane: plane.deployment_rows.names(HERE)[0][0], "tuned"),
    "deployment name": (lambda _: "live", "tuned"),
}
"""How to write it, and the adapter that answers."""


@pytest.mark.parametrize("form", FORMS)
def test_every_form_of_an_id_answers_every_operation(plane: Any, app: ASGIApp, placing: Placing, form: str):
    write, adapter = FORMS[form]
    model_id, runtime = write(plane), client(app, "bedrock-runtime")
    whole = runtime.invoke_model(modelId=model_id, body=BODY)
    assert json.loads(whole["body"].read())["results"][0]["outputText"] == "Hello world"
    assert list(runtime.invoke_model_with_response_stream(modelId=model_id, body=BODY)["body"])
    assert runtime.converse(modelId=model_id, messages=MESSAGES)["output"]["message"]["content"]
    assert list(runtime.converse_stream(modelId=model_id, messages=MESSAGES)["stream"])
    assert runtime.count_tokens(modelId=model_id, input={"converse": {"messages": MESSAGES}})["inputTokens"] == 1
    assert placing.adapters == [adapter] * 5


@pytest.mark.parametrize("model_id", sorted(FOUNDATION_MODELS))
def test_every_id_of_the_catalogue_answers_by_itself_and_by_its_arn(app: ASGIApp, placing: Placing, model_id: str):
    runtime = client(app, "bedrock-runtime")
    arn = f"arn:aws:bedrock:us-east-1::foundation-model/{model_id}"
    assert runtime.converse(modelId=model_id, messages=MESSAGES)["stopReason"] == "end_turn"
    if model_id.count(":") > 1:
        # AWS's own pattern for this operation has no ARN with a version and a context length.
        with pytest.raises(runtime.exceptions.ValidationException, match="must satisfy regular expression pattern"):
            runtime.converse(modelId=arn, messages=MESSAGES)
    else:
        assert runtime.converse(modelId=arn, messages=MESSAGES)["stopReason"] == "end_turn"
    assert set(placing.adapters) == {None}


WRITTEN: Final[dict[str, Callable[[str], str]]] = {
    "one encoded segment": lambda model_id: quote(model_id, safe=""),
    "slashes encoded": lambda model_id: model_id.replace("/", "%2F"),
    "colons encoded": lambda model_id: model_id.replace(":", "%3A"),
    "raw": lambda model_id: model_id,
}


@pytest.mark.parametrize("written", WRITTEN)
@pytest.mark.parametrize("form", FORMS)
def test_an_id_is_found_however_it_stands_in_the_path(plane: Any, app: ASGIApp, form: str, written: str):
    model_id = WRITTEN[written](FORMS[form][0](plane))
    for verb, body in (("invoke", BODY), ("converse", json.dumps({"messages": MESSAGES}))):
        url = f"http://127.0.0.1:4566/model/{model_id}/{verb}"
        signed = AWSRequest(method="POST", url=url, data=body, headers={"Host": "127.0.0.1:4566"})
        SigV4Auth(Credentials(KEY.access_key_id, KEY.secret_access_key), "bedrock", "us-east-1").add_auth(signed)
        status, _, content = request(app, "POST", url, list(signed.headers.items()), body.encode())
        assert (status, b"Hello world" in content) == (200, True), content


@pytest.mark.parametrize(
    ("wrong", "nearest"),
    [
        ("tunde", "tuned"),
        ("fasst", "fast"),
        ("amazon.titan-text-exprss-v1", BASE),
        ("eu.anthropic.claude-3-haiku-20240307-v1:0", "anthropic.claude-3-haiku-20240307-v1:0"),
        (f"arn:aws:bedrock:us-east-1::foundation-model/{BASE}:1", BASE),
    ],
)
def test_an_unknown_id_is_refused_with_the_nearest_valid_ones(app: ASGIApp, wrong: str, nearest: str):
    runtime = client(app, "bedrock-runtime")
    refused = (runtime.exceptions.ValidationException, runtime.exceptions.ResourceNotFoundException)
    for call in (
        lambda: runtime.invoke_model(modelId=wrong, body=BODY),
        lambda: runtime.converse_stream(modelId=wrong, messages=MESSAGES),
        lambda: runtime.count_tokens(modelId=wrong, input={"converse": {"messages": MESSAGES}}),
    ):
        with pytest.raises(refused) as raised:
            call()
        said = raised.value.response["Error"]["Message"]
        assert nearest in said.partition("Nearest: ")[2].split(". ")[0].removesuffix(".").split(", ")
