"""What `--dry-run` prints is true: the boto3 code makes the same request, the AWS CLI understands the command."""

import json
import shlex
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

import boto3
import botocore.session
import pytest
from botocore.awsrequest import AWSResponse

from tanren.aws.sdk_overlay import MODELS_FOLDER
from tanren.cli.calls import Api, Call, aws_command, boto3_code
from tanren.cli.endpoint import Endpoint
from tests.unit.cli.fake_services import FakeServices

AWS_CLI_PYTHON = Path(__file__).resolve().parents[3] / ".clients" / "bin" / "python"

# Each with --dry-run; every kind of member that our commands send.
COMMANDS = (
    "job create --job-name j --custom-model-name m --base-model amazon.titan-text-express-v1 "
    "--role-arn arn:aws:iam::123456789012:role/R --training-data s3://b/t.jsonl --validation-data s3://b/v.jsonl "
    "--output-data s3://b/o/ --customization-type FINE_TUNING --epochs 3 --learning-rate 0.00001 "
    "--hyper loraRank=8 --tag 'team=日本 語' --model-tag cost=1 --client-request-token t-1",
    "job list --status InProgress --name-contains x",
    "job get first-job",
    "job stop first-job",
    "model get first-model",
    "model get arn:aws:bedrock:us-east-1:123456789012:imported-model/aaaaaaaaaaaa",
    "model delete first-model",
    "model import llama s3://b/llama/ --role-arn arn:aws:iam::123456789012:role/R --job-name bring",
    "model copy arn:aws:bedrock:us-east-1:123456789012:custom-model/amazon.titan/aaaaaaaaaaaa second",
    "model lineage first-model",
    "provision create first-model pt --units 2 --ttl 50m --commitment OneMonth",
    "provision list",
    "provision get pt",
    "provision delete pt",
    "deployment create arn:aws:bedrock:us-east-1:123456789012:custom-model/amazon.titan/aaaaaaaaaaaa d "
    '--description "Don\'t ask" --tag a=b',
    "deployment list",
    "deployment get d",
    "deployment delete d",
    "batch create --job-name b --model-id amazon.titan-text-express-v1 --role-arn arn:aws:iam::123456789012:role/R "
    "--input-data s3://b/in.jsonl --output-data s3://b/out/ --timeout-hours 24 --converse --tag a=b",
    "batch list --status Completed",
    "batch get aaaaaaaaaaaa",
    "batch stop aaaaaaaaaaaa",
    "chat 'What does \"it\" cost?' -m amazon.titan-text-express-v1 --system 'Be brief.' --temperature 0.5",
)


@pytest.fixture(scope="module")
def dry_runs(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """What each command prints under JSON, with nobody to be asked."""
    from typer.testing import CliRunner

    from tanren.cli.main import app

    found = []
    for command in COMMANDS:
        result = CliRunner().invoke(app, [*shlex.split(command), "--dry-run", "--output", "json"])
        assert result.exit_code == 0, f"{command}: {result.output} {result.exception}"
        found.append(json.loads(result.stdout))
    return found


class Wire:
    """boto3's real clients, whose requests are kept, and answered with nothing before they leave."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, str, bytes]] = []
        core = botocore.session.Session()
        core.set_config_variable("data_path", str(MODELS_FOLDER))
        self._session = boto3.Session(
            botocore_session=core, region_name="us-east-1", aws_access_key_id="AKIA", aws_secret_access_key="x"
        )
        self._session.events.register("before-send", self._answer)
        self.client = cache(self._client)

    def _client(self, service: str) -> Any:
        return self._session.client(service, endpoint_url="http://127.0.0.1:1")

    def _answer(self, request: Any, **_: Any) -> AWSResponse:
        self.sent.append((request.method, request.url, request.body or b""))
        return AWSResponse(request.url, 200, {}, _Empty())


class _Empty:
    def stream(self) -> list[bytes]:
        return [b"{}"]


@pytest.fixture(scope="module")
def wire() -> Wire:
    return Wire()


@pytest.mark.parametrize("place", range(len(COMMANDS)), ids=[each.split(" --")[0] for each in COMMANDS])
def test_the_printed_code_sends_what_the_command_would_send(
    place: int, dry_runs: list[dict[str, Any]], wire: Wire, monkeypatch: pytest.MonkeyPatch
):
    told = dry_runs[place]
    monkeypatch.setattr(boto3, "client", wire.client)
    # boto3 makes a new token for each call; here the same for both.
    monkeypatch.setattr("botocore.handlers.uuid.uuid4", lambda: "the-same")
    wire.sent.clear()
    exec(told["boto3"], {})
    call = Call(service=told["service"], operation=told["operation"], parameters=told["parameters"])
    endpoint = Endpoint(url="", bedrock=wire.client("bedrock"), is_aws=False, is_own=True, open_client=wire.client)
    Api(endpoint=endpoint).perform(call)
    by_code, by_command = wire.sent
    assert by_code == by_command


PARSER = """
import json, os, sys
os.environ.update(AWS_ACCESS_KEY_ID="AKIA", AWS_SECRET_ACCESS_KEY="x", AWS_DEFAULT_REGION="us-east-1")
os.environ.update(AWS_ENDPOINT_URL="http://127.0.0.1:1", AWS_CONFIG_FILE="/nowhere", AWS_PAGER="")
from unittest.mock import Mock
from awscli.clidriver import create_clidriver

seen = []
driver = create_clidriver()

def keep(params, model, **_):
    seen.append([model.name, params])

driver.session.register("provide-client-params", keep)
driver.session.register("before-call", lambda **_: (Mock(status_code=200), {}))
for arguments in json.load(sys.stdin):
    before = len(seen)
    code = driver.main(arguments)
    if code or len(seen) == before:
        sys.exit(f"{arguments}: {code}")
    del seen[before + 1 :]
print("\\n" + json.dumps(seen))
"""


def test_the_real_aws_cli_reads_every_printed_command_as_the_same_call(dry_runs: list[dict[str, Any]]):
    assert AWS_CLI_PYTHON.is_file(), "the AWS CLI is not there: `make clients` installs it"
    commands = [shlex.split(told["awsCli"].replace("\\\n", " ")) for told in dry_runs]
    arguments = [words[words.index("aws") + 1 :] for words in commands]
    done = subprocess.run(
        [str(AWS_CLI_PYTHON), "-c", PARSER],
        input=json.dumps(arguments),
        capture_output=True,
        text=True,
        check=False,
        env={"PATH": "/usr/bin:/bin", "HOME": "/nowhere", "AWS_DATA_PATH": str(MODELS_FOLDER)},
    )
    assert done.returncode == 0, done.stderr[-3000:]
    seen = json.loads(done.stdout.splitlines()[-1])
    for (operation, parameters), told in zip(seen, dry_runs, strict=True):
        if "clientRequestToken" not in told["parameters"]:
            parameters.pop("clientRequestToken", None)  # some are made before the call
        assert (operation, parameters) == (told["operation"], told["parameters"])


def test_a_call_of_tanrens_own_service_says_what_it_needs():
    call = Call(service="tanren", operation="GetModelLineage", parameters={"modelIdentifier": "m"})
    assert "tanren sdk path" in boto3_code(call)
    assert aws_command(call).startswith('AWS_DATA_PATH="$(tanren sdk path)" aws tanren get-model-lineage')


def test_a_list_is_read_page_after_page(at_tanren: FakeServices):
    pages = {None: {"modelSummaries": [{"n": 1}], "nextToken": "2"}, "2": {"modelSummaries": [{"n": 2}]}}
    at_tanren.answers["ListCustomModels"] = lambda parameters: pages[parameters.get("nextToken")]
    endpoint = Endpoint(url="", bedrock=at_tanren.client("bedrock"), is_aws=False)
    found = Api(endpoint=endpoint).every(
        Call(operation="ListCustomModels", parameters={"nameContains": "x"}), "modelSummaries"
    )
    assert [each["n"] for each in found] == [1, 2]
    assert [call.get("nameContains") for call in at_tanren.made("ListCustomModels")] == ["x", "x"]


def test_what_only_tanren_has_is_not_asked_of_another_bedrock(elsewhere: FakeServices, tanren):
    for command in (["job", "events", "x"], ["job", "checkpoints", "x"], ["model", "lineage", "x"]):
        elsewhere.answers["GetModelCustomizationJob"] = {"status": "Completed"}
        result = tanren(*command)
        assert "is tanren's own, and http://other:1 is no tanren server" in str(result.exception)
