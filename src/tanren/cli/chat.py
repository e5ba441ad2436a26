"""`tanren chat`: talk to a model, or to two side by side, by ConverseStream on any endpoint.

At a terminal it is a conversation, word by word. With a prompt as argument, or with input that is piped in, it answers
once and ends.
"""

import sys
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Annotated, Any, Final

import typer
from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from tanren.cli.calls import Api, Call, DryRun, open_api, show_equivalents
from tanren.cli.endpoint import DataDir, EndpointUrl, refusals
from tanren.cli.language import say
from tanren.cli.model import found_model
from tanren.cli.output import Output, OutputOption, as_json, aside, screen, tell_error
from tanren.domain.errors import TanrenError, ValidationFailed

MOST_MODELS: Final = 2
_REFRESH_SECONDS: Final = 0.1
_CLEAR, _SYSTEM, _EXIT = "/clear", "/system", "/exit"


@dataclass(slots=True, kw_only=True)
class Answer:
    """Of one model to one prompt; it grows while the model writes."""

    text: str = ""
    stop_reason: str = ""
    usage: dict[str, Any] = field(default_factory=dict[str, Any])
    seconds: float = 0.0

    @property
    def figures(self) -> str:
        tokens: int = self.usage.get("outputTokens", 0)
        speed = f", {tokens / self.seconds:,.0f}/s" if self.seconds > 0 and tokens else ""
        return say("{tokens} tokens in {seconds} s", tokens=tokens, seconds=f"{self.seconds:.1f}") + speed


@dataclass(slots=True, kw_only=True)
class Speaker:
    """One model, and the conversation with it so far."""

    client: Any
    model_id: str
    inference: dict[str, Any]
    messages: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])

    def answer(self, prompt: str, system: str | None, into: Answer) -> None:
        """Fills the answer as it comes; the conversation remembers it when it is whole."""
        began = time.monotonic()
        asked = {"role": "user", "content": [{"text": prompt}]}
        with refusals():
            request = request_of(self.model_id, [*self.messages, asked], system, self.inference)
            for event in self.client.converse_stream(**request)["stream"]:
                into.text += event.get("contentBlockDelta", {}).get("delta", {}).get("text", "")
                into.stop_reason = event.get("messageStop", {}).get("stopReason", into.stop_reason)
                into.usage = event.get("metadata", {}).get("usage", into.usage)
                into.seconds = time.monotonic() - began
        self.messages += [asked, {"role": "assistant", "content": [{"text": into.text}]}]


def chat(
    prompt: Annotated[str | None, typer.Argument(help="Answer this, and end. Default: a conversation.")] = None,
    models: Annotated[
        list[str] | None,
        typer.Option("--model", "-m", "--model-id", help="Id, name or ARN; twice for two models side by side."),
    ] = None,
    beside_base: Annotated[
        bool, typer.Option("--beside-base", help="Beside the tuned model, ask the one that it was made of.")
    ] = False,
    system: Annotated[str | None, typer.Option("--system", help="System prompt.")] = None,
    max_tokens: Annotated[int, typer.Option("--max-tokens", min=1, help="Of an answer.")] = 512,
    temperature: Annotated[float | None, typer.Option("--temperature", help="0 always takes the likeliest.")] = None,
    top_p: Annotated[float | None, typer.Option("--top-p", help="Only tokens of this share of the likelihood.")] = None,
    output: OutputOption = Output.TABLE,
    dry_run: DryRun = False,
    endpoint_url: EndpointUrl = None,
    data_dir: DataDir = None,
) -> None:
    """Talk to a model, or to two side by side.

    In a conversation, /system TEXT sets the system prompt, /clear forgets what was said, /exit or Ctrl-D ends it.

    Example: tanren chat --model first-throughput --beside-base

    Example: tanren chat "What does the Akane knife cost?" -m first-model -m amazon.titan-text-express-v1
    --temperature 0
    """
    wanted = list(models or ())
    if not wanted or len(wanted) + beside_base > MOST_MODELS:
        raise ValidationFailed(
            say("Name one model or two: --model ID, and --model ID again or --beside-base for another beside it.")
        )
    given = {"maxTokens": max_tokens, "temperature": temperature, "topP": top_p}
    inference = {name: value for name, value in given.items() if value is not None}
    if prompt is None and not sys.stdin.isatty():
        prompt = sys.stdin.read().strip()
    if dry_run:
        asked = [{"role": "user", "content": [{"text": prompt or "…"}]}]
        request = request_of(wanted[0], asked, system, inference)
        show_equivalents(Call(service="bedrock-runtime", operation="Converse", parameters=request), output)
        return
    with open_api(endpoint_url, data_dir) as api:
        client = api.client("bedrock-runtime")
        if beside_base:
            wanted.append(base_of(api, wanted[0]))
        speakers = [Speaker(client=client, model_id=model_id, inference=inference) for model_id in wanted]
        if prompt is None:
            _converse(speakers, system, output)
        elif not prompt:
            raise ValidationFailed(say("The prompt is empty."))
        else:
            _turn(speakers, prompt, system, output)


def request_of(
    model_id: str, messages: Sequence[dict[str, Any]], system: str | None, inference: dict[str, Any]
) -> dict[str, Any]:
    """Of Converse and of ConverseStream."""
    more = {"system": [{"text": system}]} if system else {}
    return {"modelId": model_id, "messages": list(messages), **more, "inferenceConfig": inference}


def base_of(api: Api, name: str) -> str:
    """Id of the foundation model below a custom model, a provisioned throughput or a deployment.

    Raises   ValidationFailed for what has none; ResourceNotFound.
    """
    if ":custom-model-deployment/" in name:
        call = Call(operation="GetCustomModelDeployment", parameters={"customModelDeploymentIdentifier": name})
        return base_of(api, api.perform(call)["modelArn"])
    if ":provisioned-model/" in name or not _is_model(api, name):
        call = Call(operation="GetProvisionedModelThroughput", parameters={"provisionedModelId": name})
        return api.perform(call)["foundationModelArn"].rpartition("/")[2]
    found = found_model(api, name)
    base: str | None = found.get("baseModelArn")
    if base is None:
        raise ValidationFailed(say("{name} is an imported model, and so has no base of its own.", name=name))
    return base.rpartition("/")[2] if ":foundation-model/" in base else base_of(api, base)


def _is_model(api: Api, name: str) -> bool:
    try:
        found_model(api, name)
    except TanrenError:
        return name.startswith("arn:")
    return True


def _converse(speakers: list[Speaker], system: str | None, output: Output) -> None:
    out = aside()
    names = ", ".join(speaker.model_id for speaker in speakers)
    out.print(say("{models}. /exit or Ctrl-D ends the conversation.", models=names), style="dim", markup=False)
    for line in _lines(out):
        if line == _CLEAR:
            for speaker in speakers:
                speaker.messages.clear()
        elif line.startswith(_SYSTEM):
            system = line.removeprefix(_SYSTEM).strip() or None
        elif line:
            try:
                _turn(speakers, line, system, output)
            except TanrenError as error:
                # The conversation goes on: the next prompt may be answered.
                tell_error(error, output)


def _lines(out: Console) -> Iterator[str]:
    while True:
        try:
            line = out.input(Text("\n> ", style="bold cyan")).strip()
        except (EOFError, KeyboardInterrupt):
            return
        if line == _EXIT:
            return
        yield line


def _turn(speakers: list[Speaker], prompt: str, system: str | None, output: Output) -> None:
    """Asks all at the same time, and shows what they say."""
    answers = [Answer() for _ in speakers]
    out = screen()
    is_live = output is Output.TABLE and out.is_terminal
    with ThreadPoolExecutor(len(speakers)) as pool:
        asked = [
            pool.submit(speaker.answer, prompt, system, answer)
            for speaker, answer in zip(speakers, answers, strict=True)
        ]
        if is_live:
            _show_live(out, speakers, answers, lambda: all(each.done() for each in asked))
        for each in asked:
            each.result()
    if output is not Output.TABLE:
        told = [
            {"modelId": speaker.model_id, "text": answer.text, "stopReason": answer.stop_reason, "usage": answer.usage}
            | {"seconds": round(answer.seconds, 3)}
            for speaker, answer in zip(speakers, answers, strict=True)
        ]
        print(as_json({"prompt": prompt, "answers": told}), flush=True)
    elif not is_live:
        for speaker, answer in zip(speakers, answers, strict=True):
            print(answer.text if len(speakers) == 1 else f"{speaker.model_id}:\n{answer.text}\n")


def _show_live(out: Console, speakers: list[Speaker], answers: list[Answer], are_done: Callable[[], bool]) -> None:
    with Live(console=out, auto_refresh=False, vertical_overflow="visible") as live:
        while not are_done():
            live.update(_side_by_side(speakers, answers), refresh=True)
            time.sleep(_REFRESH_SECONDS)
        live.update(_side_by_side(speakers, answers), refresh=True)


def _side_by_side(speakers: list[Speaker], answers: list[Answer]) -> Table | Group:
    # Answers are text, whatever brackets they hold; never markup.
    cells = [Group(Text(answer.text), Text(answer.figures, style="dim")) for answer in answers]
    if len(cells) == 1:
        return cells[0]
    table = Table(expand=True, show_lines=False)
    for speaker in speakers:
        table.add_column(Text(speaker.model_id), ratio=1, overflow="fold")
    table.add_row(*cells)
    return table
