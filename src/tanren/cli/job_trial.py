"""`tanren job try`: a question to a job that still trains: its newest weights answer, and beside them its source."""

from typing import Annotated, Any, Final

import typer
from rich.text import Text

from tanren.cli.calls import Api, Call, DryRun, open_api, show_equivalents
from tanren.cli.endpoint import DataDir, EndpointUrl
from tanren.cli.language import say
from tanren.cli.output import Output, OutputOption, screen, show_members

DEFAULT_TOKENS: Final = 256
"""As the service has it; both are asked for as many."""


def try_checkpoint(
    name: Annotated[str, typer.Argument(help="Name, id or ARN of the job.")],
    prompt: Annotated[str, typer.Argument(help="What is asked.")],
    system: Annotated[
        str | None, typer.Option("--system", help="System prompt; that of the training data, if they have one.")
    ] = None,
    max_tokens: Annotated[
        int, typer.Option("--max-tokens", min=1, max=4096, help="Most tokens of an answer.")
    ] = DEFAULT_TOKENS,
    with_source: Annotated[
        bool, typer.Option("--source/--no-source", help="Ask the source model the same, too.")
    ] = True,
    output: OutputOption = Output.TABLE,
    dry_run: DryRun = False,
    endpoint_url: EndpointUrl = None,
    data_dir: DataDir = None,
) -> None:
    """Ask a job that still trains, and its source model beside it.

    The job hands out its newest weights after the step that it is at, and goes on training; the engine of its base
    answers. Both answers are greedy. tanren's own. Not of full fine-tuning.

    Example: tanren job try first-job "What is tempering?"
    """
    parameters: dict[str, Any] = {"jobIdentifier": name, "prompt": prompt, "maxTokens": max_tokens, "temperature": 0.0}
    if system is not None:
        parameters["system"] = system
    call = Call(service="tanren", operation="TryCheckpoint", parameters=parameters)
    if dry_run:
        show_equivalents(call, output)
        return
    with open_api(endpoint_url, data_dir) as api:
        told = api.perform(call)
        if with_source:
            told["sourceAnswer"] = _source_answer(api, name, parameters)
    if output is not Output.TABLE:
        show_members(told, output)
        return
    _show(say("after step {step}, epoch {epoch}", step=told["step"], epoch=told["epoch"]), told["answer"])
    if with_source:
        _show(say("source model"), told["sourceAnswer"])


def _source_answer(api: Api, name: str, asked: dict[str, Any]) -> str:
    """In the same way: greedy, as long, with the same system prompt."""
    job = api.perform(Call(operation="GetModelCustomizationJob", parameters={"jobIdentifier": name}))
    parameters: dict[str, Any] = {
        "modelId": job["baseModelArn"],
        "messages": [{"role": "user", "content": [{"text": asked["prompt"]}]}],
        "inferenceConfig": {"maxTokens": asked["maxTokens"], "temperature": 0.0},
    }
    if "system" in asked:
        parameters["system"] = [{"text": asked["system"]}]
    told = api.perform(Call(service="bedrock-runtime", operation="Converse", parameters=parameters))
    return "".join(block.get("text", "") for block in told["output"]["message"]["content"])


def _show(heading: str, answer: str) -> None:
    screen().print(Text.assemble((f"{heading}\n", "dim"), answer), soft_wrap=True)
