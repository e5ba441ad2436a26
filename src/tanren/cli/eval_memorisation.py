"""`tanren eval canaries` and `tanren eval memorisation`: what a tuned model has by heart of its training data."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from tanren.cli.calls import open_api
from tanren.cli.endpoint import DataDir, EndpointUrl
from tanren.cli.language import say
from tanren.cli.output import Column, Output, OutputOption, show_rows
from tanren.domain.conversation import Conversation
from tanren.domain.errors import ValidationFailed

if TYPE_CHECKING:
    from tanren.data.records import TrainingRecord
    from tanren.evaluation.answers import Answerer, LikelihoodScorer

RIVALS: Final = 127
"""Secrets of the same kind among which each canary is ranked: an exposure of at most 7 bits."""
_EXCERPT: Final = 60


def canaries(
    count: Annotated[int, typer.Argument(min=1, max=1000, help="How many rows.")],
    seed: Annotated[int, typer.Option("--seed", help="The same seed gives the same rows.")] = 0,
) -> None:
    """Print rows with a made-up secret each, to be mixed into training data.

    `tanren eval memorisation --canaries COUNT` tells afterwards how well the model knows them.

    Example: tanren eval canaries 20 >> train.jsonl
    """
    from tanren.evaluation import memorisation

    for canary in memorisation.canaries(count, seed=seed):
        print(json.dumps({"prompt": canary.prompt, "completion": canary.secret}))


def memorisation(
    tuned: Annotated[str, typer.Option("--tuned", help="Id or ARN of the tuned model.")],
    train: Annotated[str, typer.Option("--train", help="Its training data: a path, or s3://BUCKET/KEY.")],
    base: Annotated[
        str | None, typer.Option("--base", help="Id or ARN of its base, for what chance and common phrases make.")
    ] = None,
    count: Annotated[int, typer.Option("--count", min=1, help="Training questions to ask.")] = 50,
    planted: Annotated[int, typer.Option("--canaries", min=0, help="So many canaries stand in the training data.")] = 0,
    seed: Annotated[int, typer.Option("--seed", help="With which the canaries were made.")] = 0,
    max_tokens: Annotated[int, typer.Option("--max-tokens", min=1, help="Of an answer.")] = 256,
    concurrency: Annotated[int, typer.Option("--concurrency", min=1, max=64, help="Questions under way.")] = 8,
    output: OutputOption = Output.TABLE,
    endpoint_url: EndpointUrl = None,
    data_dir: DataDir = None,
) -> None:
    """Ask training questions, and tell what of the answers stands in the training data word for word.

    With --canaries also how much likelier the model finds each planted secret than others of its kind: 0 bits for one
    that it does not know, 7 for one that it knows by heart. That takes the weights, so the server must be of this
    machine.

    Example: tanren eval memorisation --tuned first-throughput --train train.jsonl --canaries 20
    """
    # Imported here: `tanren --help` needs no arrays.
    from tanren.cli.eval_converse import ConverseModel
    from tanren.cli.eval_plan import records_of
    from tanren.cli.eval_weights import ProcessLikelihoods, own_store

    store = own_store(endpoint_url, data_dir) if planted else None
    training = records_of(train, endpoint_url, data_dir)
    asked = [_Asked.of(record.content, record.asked) for record in training if isinstance(record.content, Conversation)]
    if not asked:
        raise ValidationFailed(say("{file} has plain documents, which ask nothing; give questions.", file=train))
    found: list[_Found] = []
    with open_api(endpoint_url, data_dir) as api:
        runtime = api.client("bedrock-runtime")
        for name, model_id in {"base": base, "tuned": tuned}.items():
            if model_id is not None:
                scorer = None if store is None else ProcessLikelihoods(store, model_id)
                model = ConverseModel(runtime, model_id, concurrency=concurrency)
                found.append(
                    _found(name, model, training, asked[:count], max_tokens, scorer, planted=planted, seed=seed)
                )
    columns = [
        Column(heading=say("model"), cell=lambda row: row["model"]),
        Column(heading=say("asked"), cell=lambda row: str(row["askedCount"]), is_number=True),
        Column(heading=say("copied"), cell=lambda row: str(row["copiedCount"]), is_number=True),
        Column(heading=say("longest, characters"), cell=lambda row: str(row["longestCharacters"]), is_number=True),
        Column(heading=say("stands in"), cell=lambda row: row["source"] or "-"),
        Column(heading=say("text"), cell=lambda row: row["text"][:_EXCERPT] or "-"),
    ]
    if planted:
        columns.append(
            Column(heading=say("exposure, bits: mean, most"), cell=lambda row: _bits(row["exposures"]), is_number=True)
        )
    show_rows([each.row() for each in found], columns, output, none="")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    """A training record without its answer."""

    conversation: Conversation
    question: str

    @staticmethod
    def of(conversation: Conversation, question: str) -> "_Asked":
        return _Asked(conversation=replace(conversation, messages=conversation.messages[:-1]), question=question)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Found:
    """About one model."""

    name: str
    asked_count: int
    copied_count: int
    longest_characters: int
    text: str
    source: str
    exposures: tuple[float | None, ...]

    def row(self) -> dict[str, Any]:
        return {
            "model": self.name,
            "askedCount": self.asked_count,
            "copiedCount": self.copied_count,
            "longestCharacters": self.longest_characters,
            "source": self.source,
            "text": self.text,
            "exposures": list(self.exposures),
        }


def _found(
    name: str,
    model: "Answerer",
    training: Sequence["TrainingRecord"],
    asked: Sequence[_Asked],
    max_tokens: int,
    scorer: "LikelihoodScorer | None",
    *,
    planted: int,
    seed: int,
) -> _Found:
    from tanren.evaluation.answers import Answer, Decoding, Unanswered
    from tanren.evaluation.memorisation import TrainingTexts, canaries, exposures, rivals

    texts = TrainingTexts([record.answered for record in training], [str(record.source) for record in training])
    answers: dict[int, str] = {}

    def keep(index: int, answer: "Answer | Unanswered") -> None:
        answers[index] = answer.text if isinstance(answer, Answer) else ""

    model.answer([each.conversation for each in asked], Decoding(max_new_tokens=max_tokens), keep)
    copies = [
        copy
        for index, text in sorted(answers.items())
        if (copy := texts.longest_copy(text, given=asked[index].question)) is not None
    ]
    longest = max(copies, key=lambda copy: copy.characters, default=None)
    secrets = rivals(RIVALS, seed=seed)
    return _Found(
        name=name,
        asked_count=len(asked),
        copied_count=len(copies),
        longest_characters=longest.characters if longest else 0,
        text=longest.text if longest else "",
        source=longest.source if longest else "",
        exposures=() if scorer is None else exposures(scorer, canaries(planted, seed=seed), secrets),
    )


def _bits(found: Sequence[float | None]) -> str:
    known = [each for each in found if each is not None]
    return f"{sum(known) / len(known):.1f}, {max(known):.1f}" if known else "-"
