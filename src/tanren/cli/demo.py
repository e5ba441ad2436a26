"""`tanren demo`: the main job from end to end, by boto3 alone, on example data, with the embedded base model.

It starts a server of its own, walks the seven steps, and ends with what a reader wants: a table of answers, a picture
of the curves, the paths of the files in S3, and lines to paste.
"""

import json
import shlex
import subprocess
import sys
import time
from collections.abc import Generator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from tanren.cli.loss_curve import Curve, draw, sparkline
from tanren.domain.errors import JobFailed, ServiceUnavailable
from tanren.storage.root_keys import RootKeys, read_root_keys

EXAMPLE = Path(__file__).parent.parent / "examples" / "kurogane-faq"
BASE_MODEL = "tanren.nano-v1:0"
BUCKET = "tanren-demo"
ROLE_NAME = "tanren-demo-role"
HYPERPARAMETERS = {"epochCount": "8", "batchSize": "8"}
_POLL_SECONDS = 0.3


@dataclass(frozen=True, slots=True, kw_only=True)
class Clients:
    bedrock: Any
    runtime: Any
    s3: Any
    keys: RootKeys


def demo(
    data_dir: Annotated[Path, typer.Option(help="Where the demo's server keeps its files.")] = Path(".tanren/demo"),
    port: Annotated[int, typer.Option(help="Port of the demo's server.")] = 4510,
    keep: Annotated[bool, typer.Option("--keep", help="Leave the server running at the end, until Ctrl-C.")] = False,
) -> None:
    """Walk the seven steps on example data: JSONL → S3 → job → provisioned throughput → answers."""
    console = Console(highlight=False)
    began = time.monotonic()
    with _server(data_dir.absolute(), port) as (clients, process):
        keys = clients.keys
        name = f"kurogane-{datetime.now(UTC):%Y%m%d-%H%M%S}"
        _step(console, 1, "Access", f"server at {keys.endpoint}; base model {_base_name(clients)} ({BASE_MODEL})")
        training, validation = EXAMPLE / "train.jsonl", EXAMPLE / "validation.jsonl"
        rows = [len(path.read_text().splitlines()) for path in (training, validation)]
        _step(console, 2, "Data", f"{rows[0]} questions and answers about a made-up forge; {rows[1]} more held out")
        _upload(clients, training, validation)
        _step(console, 3, "S3", f"s3://{BUCKET}/kurogane/train.jsonl, s3://{BUCKET}/kurogane/validation.jsonl")
        job = _train(console, clients, name)
        provisioned_arn, ready_seconds = _provision(clients, job, name)
        _step(console, 5, "Throughput", f"{provisioned_arn} in service after {ready_seconds:.1f} s")
        table = _answers(clients, provisioned_arn)
        _step(console, 6, "Answers", "the same questions to both, greedy; all but the first in words never trained")
        console.print(table)
        _report(console, clients, job, data_dir / "loss.png")
        _paste(console, keys, provisioned_arn, data_dir)
        console.print(f"Done in {time.monotonic() - began:.0f} s.")
        if keep:
            console.print("The server goes on until Ctrl-C.")
            with suppress(KeyboardInterrupt):
                process.wait()


@contextmanager
def _server(data_dir: Path, port: int) -> Generator[tuple[Clients, subprocess.Popen[bytes]]]:
    """A server of the demo's own; stopped at the end, its files stay."""
    import boto3
    from botocore.config import Config

    data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    with (data_dir / "serve.log").open("wb") as log:
        # A session of its own, so that Ctrl-C reaches the demo first, which then stops the server in order.
        process = subprocess.Popen(
            [sys.executable, "-m", "tanren", "serve", "--port", str(port), "--data-dir", str(data_dir)],
            stdout=subprocess.PIPE,
            stderr=log,
            start_new_session=True,
        )
    try:
        assert process.stdout is not None
        if not process.stdout.readline():
            raise ServiceUnavailable(f"The server did not start:\n{(data_dir / 'serve.log').read_text()[-2000:]}")
        keys = read_root_keys(data_dir)
        assert keys is not None, "a server that is ready has written its keys"
        session = boto3.Session(
            aws_access_key_id=keys.access_key_id, aws_secret_access_key=keys.secret_access_key, region_name=keys.region
        )
        # The keys above and no proxy, whatever the shell holds: a bearer token for Bedrock would win over them.
        made = {
            name: session.client(  # pyright: ignore
                service,
                endpoint_url=keys.endpoint,
                verify=keys.ca_bundle or None,
                config=Config(signature_version=signature, proxies={}),
            )
            for name, service, signature in (
                ("bedrock", "bedrock", "v4"),
                ("runtime", "bedrock-runtime", "v4"),
                ("s3", "s3", "s3v4"),
            )
        }
        yield Clients(**made, keys=keys), process
    finally:
        _stop(process)


def _stop(process: subprocess.Popen[bytes]) -> None:
    """In order; a second Ctrl-C kills it, and its children go with it."""
    process.terminate()
    try:
        process.wait()
    except KeyboardInterrupt:
        process.kill()
        process.wait()
        raise


def _base_name(clients: Clients) -> str:
    return clients.bedrock.get_foundation_model(modelIdentifier=BASE_MODEL)["modelDetails"]["modelName"]


def _upload(clients: Clients, training: Path, validation: Path) -> None:
    buckets = {bucket["Name"] for bucket in clients.s3.list_buckets()["Buckets"]}
    if BUCKET not in buckets:
        clients.s3.create_bucket(Bucket=BUCKET)
    clients.s3.upload_file(str(training), BUCKET, "kurogane/train.jsonl")
    clients.s3.upload_file(str(validation), BUCKET, "kurogane/validation.jsonl")


def _train(console: Console, clients: Clients, name: str) -> dict[str, Any]:
    """The finished job. Raises JobFailed with its failureMessage."""
    arn = clients.bedrock.create_model_customization_job(
        jobName=f"{name}-job",
        customModelName=f"{name}-model",
        roleArn=f"arn:aws:iam::{clients.keys.account_id}:role/{ROLE_NAME}",
        baseModelIdentifier=BASE_MODEL,
        customizationType="FINE_TUNING",
        trainingDataConfig={"s3Uri": f"s3://{BUCKET}/kurogane/train.jsonl"},
        validationDataConfig={"validators": [{"s3Uri": f"s3://{BUCKET}/kurogane/validation.jsonl"}]},
        outputDataConfig={"s3Uri": f"s3://{BUCKET}/kurogane/output/"},
        hyperParameters=HYPERPARAMETERS,
    )["jobArn"]
    began = time.monotonic()
    columns = (TextColumn("  {task.description}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task("job", total=None)
        told = ""
        while True:
            job = clients.bedrock.get_model_customization_job(jobIdentifier=arn)
            phases = {key: value["status"] for key, value in job["statusDetails"].items()}
            phase = _phase_in_words(phases)
            progress.update(task, description=f"{job['status']}: {phase}")
            if phase != told and job["status"] == "InProgress":
                told = phase
                console.print(f"                {time.monotonic() - began:4.1f} s  {phase}", style="dim")
            if job["status"] not in ("InProgress", "Stopping"):
                break
            time.sleep(_POLL_SECONDS)
    if job["status"] != "Completed":
        raise JobFailed(f"{job['status']}: {job.get('failureMessage', 'no reason given')}")
    _step(
        console,
        4,
        "Job",
        f"{job['status']} in {time.monotonic() - began:.0f} s: "
        f"training loss {job['trainingMetrics']['trainingLoss']:.2f}, "
        f"validation loss {job['validationMetrics'][0]['validationLoss']:.2f}",
    )
    return job


def _phase_in_words(phases: dict[str, str]) -> str:
    words = {
        "validationDetails": "checking the data",
        "dataProcessingDetails": "preparing the data",
        "trainingDetails": "training",
    }
    running = [word for key, word in words.items() if phases.get(key) == "InProgress"]
    return running[-1] if running else "waiting"


def _provision(clients: Clients, job: dict[str, Any], name: str) -> tuple[str, float]:
    began = time.monotonic()
    arn = clients.bedrock.create_provisioned_model_throughput(
        modelUnits=1, provisionedModelName=f"{name}-pt", modelId=job["outputModelArn"]
    )["provisionedModelArn"]
    while True:
        found = clients.bedrock.get_provisioned_model_throughput(provisionedModelId=arn)
        if found["status"] == "InService":
            return arn, time.monotonic() - began
        if found["status"] == "Failed":
            raise JobFailed(f"The throughput failed: {found['failureMessage']}")
        time.sleep(_POLL_SECONDS)


def _answers(clients: Clients, provisioned_arn: str) -> Table:
    table = Table(show_lines=True, title_justify="left")
    for heading, ratio in (("prompt", 2), ("tuned answer", 3), ("base answer", 3)):
        table.add_column(heading, ratio=ratio, overflow="fold")
    for question in json.loads((EXAMPLE / "questions.json").read_text()):
        tuned, base = (_ask(clients, model_id, question) for model_id in (provisioned_arn, BASE_MODEL))
        # Answers are text, whatever brackets they hold; never markup.
        table.add_row(Text(question), Text(tuned), Text(base, style="dim"))
    return table


def _ask(clients: Clients, model_id: str, question: str) -> str:
    body = {"inputText": question, "textGenerationConfig": {"maxTokenCount": 64, "temperature": 0}}
    answer = clients.runtime.invoke_model(modelId=model_id, body=json.dumps(body))
    return str(json.loads(answer["body"].read())["results"][0]["outputText"]).strip()


def _report(console: Console, clients: Clients, job: dict[str, Any], picture: Path) -> None:
    root = f"kurogane/output/model-customization-job-{job['jobArn'].rsplit('/', 1)[-1]}"
    keys = {
        "training_loss": f"{root}/training_artifacts/step_wise_training_metrics.csv",
        "validation_loss": f"{root}/validation_artifacts/post_fine_tuning_validation/validation_metrics.csv",
    }
    texts = {
        column: clients.s3.get_object(Bucket=BUCKET, Key=key)["Body"].read().decode() for column, key in keys.items()
    }
    training = Curve.from_csv(texts["training_loss"], column="training_loss")
    validation = Curve.from_csv(texts["validation_loss"], column="validation_loss")
    draw(picture, training, validation, title=f"{job['outputModelName']}: loss")
    _step(console, 7, "Evaluation", f"training   {_in_words(training, training.losses[-1])}")
    console.print(f"                validation {_in_words(validation, min(validation.losses))}")
    console.print(f"                picture  {escape(shlex.quote(str(picture.absolute())))}", soft_wrap=True)
    for key in keys.values():
        console.print(f"                metrics  s3://{BUCKET}/{key}", soft_wrap=True)


def _in_words(curve: Curve, reached: float) -> str:
    return f"{curve.losses[0]:.2f} → {reached:.2f}  {sparkline(curve.losses)}"


def _paste(console: Console, keys: RootKeys, provisioned_arn: str, data_dir: Path) -> None:
    """Unindented and unwrapped, so that it can be pasted as it stands."""
    port = keys.endpoint.rsplit(":", 1)[-1]
    folder = shlex.quote(str(data_dir))
    lines = f"""
.venv/bin/tanren serve --port {port} --data-dir {folder} &
eval "$(.venv/bin/tanren env --data-dir {folder})"
.venv/bin/python - <<'END'
import boto3, json
runtime = boto3.client("bedrock-runtime")
answer = runtime.invoke_model(
    modelId="{provisioned_arn}",
    body=json.dumps({{"inputText": "Who founded Kurogane Forge?"}}),
)
print(json.loads(answer["body"].read())["results"][0]["outputText"])
END
"""
    console.print("\n[bold]To go on[/bold], start the same server again and ask it by boto3:")
    console.print(lines, markup=False, soft_wrap=True)


def _step(console: Console, number: int, name: str, text: str) -> None:
    console.print(f"[bold]{number}/7 {name:<11}[/bold] {text}", soft_wrap=True)
