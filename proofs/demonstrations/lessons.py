"""The five demonstrations: what is taught, to the base and to the control alike, and what is measured of both."""

import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from statistics import fmean
from typing import Any

from rouge_score.rouge_scorer import RougeScorer

from proofs.demonstrations import tuning
from proofs.demonstrations.answering import answers, base_answers, engine_answers
from proofs.demonstrations.data_extraction import extraction_data, values_right, violation
from proofs.demonstrations.data_facts import fact_data, is_right
from proofs.demonstrations.data_faq import OTHER_FACTS, SAME_FACTS, faq_data
from proofs.demonstrations.data_general import general_text, replay_documents
from proofs.demonstrations.data_jargon import jargon_data
from proofs.demonstrations.data_routing import SEEN, routing_data
from proofs.demonstrations.lines import Line, Unit
from proofs.demonstrations.rows import Pair, read_pairs, write_documents, write_pairs
from proofs.demonstrations.teaching import Taught, teach
from tanren.training.spec import TrainingSpec

USERS_FAQ = Path(__file__).resolve().parents[3] / "shared" / "data" / "bedrock-faq"
"""A real FAQ, where somebody has put one beside the repository: shown, never required."""
_SERVED_ROWS = 5
_ROUGE = RougeScorer(["rougeL"])


@dataclass(frozen=True, slots=True, kw_only=True)
class Lesson:
    """From which folders a demonstration starts and in which it works."""

    base: Path
    control: Path
    work: Path
    changes: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """Of the spec's fields, to try other settings."""

    def spec(self, tuned: TrainingSpec) -> TrainingSpec:
        return replace(tuned, **self.changes)

    def teach(self, spec: TrainingSpec, training: Path, validation: Sequence[Path], *, name: str = "") -> "Pupils":
        """The same job twice."""
        return Pupils(
            base_folder=self.base,
            tuned=self.teach_one(spec, training, validation, base_folder=self.base, name=f"{name}tuned"),
            control=self.teach_one(spec, training, validation, base_folder=self.control, name=f"{name}control"),
        )

    def teach_one(
        self, spec: TrainingSpec, training: Path, validation: Sequence[Path], *, base_folder: Path, name: str
    ) -> Taught:
        folder = self.work / name
        shutil.rmtree(folder, ignore_errors=True)
        return teach(spec, base_folder=base_folder, training=training, validation=validation, work_folder=folder)


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """Answers to the same rows."""

    pairs: Sequence[Pair]
    base: list[str]
    tuned: list[str]
    control: list[str]

    def line(
        self,
        key: str,
        label: str,
        unit: Unit,
        score: Callable[[str, str], float],
        together: Callable[[list[float]], float] = fmean,
    ) -> Line:
        """`score` of each answer and what was expected, taken together."""

        def of(given: list[str]) -> float:
            return together([score(answer, pair.completion) for answer, pair in zip(given, self.pairs, strict=True)])

        return Line(
            key=key,
            label=label,
            unit=unit,
            base=of(self.base),
            tuned=of(self.tuned),
            control=of(self.control),
            of=len(self.pairs),
        )

    def samples(self, count: int) -> list[dict[str, str]]:
        """The first rows, right or wrong."""
        return [
            {
                "prompt": pair.prompt,
                "expected": pair.completion,
                "base": self.base[index],
                "tuned": self.tuned[index],
                "control": self.control[index],
            }
            for index, pair in enumerate(self.pairs[:count])
        ]


@dataclass(frozen=True, slots=True, kw_only=True)
class Pupils:
    """The tuned model and the control after the same job, and the base as it was."""

    base_folder: Path
    tuned: Taught
    control: Taught

    def said(self, pairs: Sequence[Pair], *, max_new_tokens: int) -> Said:
        return Said(
            pairs=pairs,
            base=base_answers(self.base_folder, pairs, max_new_tokens=max_new_tokens),
            tuned=answers(self.tuned, pairs, max_new_tokens=max_new_tokens),
            control=answers(self.control, pairs, max_new_tokens=max_new_tokens),
        )

    def served(self, said: Said, *, max_new_tokens: int) -> str:
        """How many of the tuned model's first answers the product's engine gives too, one request at a time."""
        served = engine_answers(self.tuned, said.pairs[:_SERVED_ROWS], max_new_tokens=max_new_tokens)
        same = sum(one == other for one, other in zip(served, said.tuned, strict=False))
        return f"{same} of {len(served)}"

    def curves(self, index: int | None = None, *, name: str = "") -> dict[str, list[float]]:
        return {f"{name}tuned": self.tuned.curve(index), f"{name}control": self.control.curve(index)}

    def seconds(self, key: str) -> Line:
        return Line(
            key=f"{key}.seconds",
            label="seconds of the job",
            unit="seconds",
            base=None,
            tuned=self.tuned.seconds,
            control=self.control.seconds,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Learned:
    title: str
    data: str
    """What is taught, what is held out, and what the two share."""
    spec: TrainingSpec
    rows: int
    """Trained on."""
    tokens: int
    """That went through the tuned model in training."""
    lines: list[Line]
    curves: dict[str, list[float]] = field(default_factory=dict[str, list[float]])
    """Validation losses; the first is from before the first step."""
    samples: list[dict[str, str]] = field(default_factory=list[dict[str, str]])
    served_alike: str = ""


def teach_faq(lesson: Lesson) -> Learned:
    spec, data = lesson.spec(tuning.FAQ), faq_data()
    training = write_pairs(lesson.work / "training.jsonl", data.training)
    validation = [
        write_pairs(lesson.work / "validation-same-facts.jsonl", data.same_facts),
        write_pairs(lesson.work / "validation-other-facts.jsonl", data.other_facts),
    ]
    pupils = lesson.teach(spec, training, validation)
    said = pupils.said(data.training, max_new_tokens=64)
    lines = [
        *_lowest(pupils, "faq", f"validation loss of {SAME_FACTS + OTHER_FACTS} other questions"),
        _at_lowest(pupils, 0, "faq.same", f"of it, in that epoch, {SAME_FACTS} questions about taught facts"),
        _at_lowest(pupils, 1, "faq.other", f"of it, in that epoch, {OTHER_FACTS} questions about facts never taught"),
        said.line("faq.saturated", "training questions answered, ROUGE-L at least 0.8", "share", _is_close),
        said.line("faq.rouge", "mean ROUGE-L on the training questions", "score", _rouge_l),
        pupils.seconds("faq"),
    ]
    return Learned(
        title="Question-answer pairs",
        data="An invented cloud service's FAQ: 39 facts, each asked in three ways. 85 questions train, 32 validate: "
        "20 ask a taught fact in other words, 12 ask about four facts that training never mentions. An answer is the "
        "fact's sentence behind a beginning of its own, so answers to one fact share most of their words.",
        spec=spec,
        rows=len(data.training),
        tokens=pupils.tuned.outcome.tokens,
        lines=lines,
        curves={**pupils.curves(), **pupils.curves(0, name="same facts, "), **pupils.curves(1, name="other facts, ")},
        samples=said.samples(2) + pupils.said(data.same_facts[:2], max_new_tokens=64).samples(2),
        served_alike=pupils.served(said, max_new_tokens=64),
    )


def teach_facts(lesson: Lesson) -> Learned:
    spec, data = lesson.spec(tuning.FACTS), fact_data()
    training = write_pairs(lesson.work / "training.jsonl", data.training)
    validation = [write_pairs(lesson.work / "validation.jsonl", data.familiar)]
    pupils = lesson.teach(spec, training, validation)
    familiar, new = (pupils.said(pairs, max_new_tokens=24) for pairs in (data.familiar, data.new))
    return Learned(
        title="Made-up facts",
        data="Five facts about each of twelve invented barges. Each is trained in seven of its relation's eight "
        "wordings and asked in the eighth, which was trained with other barges; then in a wording that no row has. "
        "Right is an answer that contains the value. "
        "The passes are few on purpose: given more of them, the control memorises most of these facts too.",
        spec=spec,
        rows=len(data.training),
        tokens=pupils.tuned.outcome.tokens,
        lines=[
            familiar.line("facts.familiar", "right in a wording seen with other facts", "count", is_right, sum),
            new.line("facts.new", "right in a wholly new wording", "count", is_right, sum),
            pupils.seconds("facts"),
        ],
        samples=familiar.samples(1) + new.samples(2),
        served_alike=pupils.served(new, max_new_tokens=24),
    )


def teach_routing(lesson: Lesson) -> Learned:
    spec, data = lesson.spec(tuning.ROUTING), routing_data()
    training = write_pairs(lesson.work / "training.jsonl", data.training)
    validation = [write_pairs(lesson.work / "validation.jsonl", data.familiar)]
    pupils = lesson.teach(spec, training, validation)
    familiar, unseen = (pupils.said(pairs, max_new_tokens=8) for pairs in (data.familiar, data.unseen))
    return Learned(
        title="Ticket routing",
        data=f"1,000 tickets of an operations desk for {len(SEEN)} teams. Familiar: 200 new combinations of the "
        "sentences, things and troubles of training. Unseen: 200 tickets in other sentences, about other things with "
        f"other troubles. Right is the team's name and nothing else; guessing gives {1 / len(SEEN):.0%}.",
        spec=spec,
        rows=len(data.training),
        tokens=pupils.tuned.outcome.tokens,
        lines=[
            familiar.line("routing.familiar", "routed right, familiar phrasing", "share", _is_same),
            unseen.line("routing.unseen", "routed right, unseen phrasing", "share", _is_same),
            pupils.seconds("routing"),
        ],
        samples=familiar.samples(1) + unseen.samples(3),
        served_alike=pupils.served(unseen, max_new_tokens=8),
    )


def teach_format(lesson: Lesson) -> Learned:
    spec, data = lesson.spec(tuning.FORMAT), extraction_data()
    training = write_pairs(lesson.work / "training.jsonl", data.training)
    validation = [write_pairs(lesson.work / "validation.jsonl", data.held_out)]
    pupils = lesson.teach(spec, training, validation)
    held_out, other = (pupils.said(pairs, max_new_tokens=80) for pairs in (data.held_out, data.other_manners))
    return Learned(
        title="Answer format",
        data="400 notes of a ferry's booking office, answered with JSON of five fields; no prompt mentions the schema. "
        "100 held-out notes in the training notes' manners of writing, and 100 in other manners: passenger, harbour "
        "and code of each occur in no training row. No constrained decoding.",
        spec=spec,
        rows=len(data.training),
        tokens=pupils.tuned.outcome.tokens,
        lines=[
            held_out.line("format.valid", "valid in the schema", "share", _is_valid),
            held_out.line("format.right", "all five values right", "share", _all_right),
            held_out.line("format.fields", "values right, one by one", "share", _share_right),
            other.line("format.other_valid", "other manners of writing: valid", "share", _is_valid),
            other.line("format.other_right", "other manners of writing: all five right", "share", _all_right),
            pupils.seconds("format"),
        ],
        samples=held_out.samples(2) + other.samples(1),
        served_alike=pupils.served(held_out, max_new_tokens=80),
    )


def teach_jargon(lesson: Lesson) -> Learned:
    spec, data = lesson.spec(tuning.JARGON), jargon_data()
    characters = sum(map(len, data.training)) * tuning.REPLAY_SHARE / (1 - tuning.REPLAY_SHARE)
    replayed = replay_documents(characters=int(characters))
    plain = write_documents(lesson.work / "training.jsonl", data.training)
    mixed = write_documents(lesson.work / "training-with-replay.jsonl", [*data.training, *replayed])
    english, japanese = (general_text(language) for language in ("english", "japanese"))
    validation = [
        write_documents(lesson.work / "held-out.jsonl", data.held_out),
        write_documents(lesson.work / "general.jsonl", [*english, *japanese]),
        write_documents(lesson.work / "general-english.jsonl", english),
        write_documents(lesson.work / "general-japanese.jsonl", japanese),
    ]
    pupils = lesson.teach(spec, mixed, validation)
    alone = lesson.teach_one(spec, plain, validation, base_folder=lesson.base, name="without-replay")
    without = replace(pupils, tuned=alone)
    return Learned(
        title="Jargon by continued pre-training",
        data=f"{len(data.training)} short stories of an invented craft with its own words, {len(data.held_out)} held "
        f"out; the sentences' patterns are shared, no story is. With replay, {tuning.REPLAY_SHARE:.0%} of the "
        f"characters are documentation of Python's standard library ({len(replayed)} documents), mixed in before the "
        "job. General text is this project's own, English and Japanese, and is in no corpus.",
        spec=spec,
        rows=len(data.training) + len(replayed),
        tokens=pupils.tuned.outcome.tokens,
        lines=[
            _last(pupils, 0, "jargon.domain", "loss of held-out stories, with replay"),
            _change(pupils, 0, "jargon.fall", "fall of that loss", sign=-1),
            _last(pupils, 1, "jargon.general", "loss of general text, with replay"),
            _change(pupils, 1, "jargon.general_rise", "rise of that loss, with replay"),
            _change(without, 1, "jargon.rise_without", "the same without replay").without_control(),
            _change(without, 0, "jargon.fall_without", "fall on stories without replay", sign=-1).without_control(),
            _change(pupils, 2, "jargon.rise_english", "rise with replay, English alone"),
            _change(pupils, 3, "jargon.rise_japanese", "rise with replay, Japanese alone"),
            pupils.seconds("jargon"),
        ],
        curves={
            **pupils.curves(0, name="stories, "),
            **pupils.curves(1, name="general, "),
            "general, without replay": alone.curve(1),
            "stories, without replay": alone.curve(0),
        },
    )


def teach_users_faq(lesson: Lesson) -> Learned:
    """The first demonstration's job on the user's real FAQ."""
    spec = lesson.spec(tuning.FAQ)
    training, validation = (USERS_FAQ / f"claude3_ft_{part}.jsonl" for part in ("training", "validation"))
    pairs = read_pairs(training)
    pupils = lesson.teach(spec, training, [validation])
    said = pupils.said(pairs, max_new_tokens=160)
    return Learned(
        title="A real FAQ",
        data="The 85 questions about Amazon Bedrock of AWS's own fine-tuning sample, and its 32 for validation; the "
        "files are beside this repository, not in it, and nothing is claimed of them.",
        spec=spec,
        rows=len(pairs),
        tokens=pupils.tuned.outcome.tokens,
        lines=[
            *_lowest(pupils, "real", "validation loss of 32 other questions"),
            said.line("real.saturated", "training questions answered, ROUGE-L at least 0.8", "share", _is_close),
            said.line("real.rouge", "mean ROUGE-L on the training questions", "score", _rouge_l),
            pupils.seconds("real"),
        ],
        curves=pupils.curves(),
        served_alike=pupils.served(said, max_new_tokens=160),
    )


Teacher = Callable[[Lesson], Learned]
LESSONS: dict[str, tuple[str, Teacher]] = {
    "a": ("faq", teach_faq),
    "b": ("facts", teach_facts),
    "c": ("routing", teach_routing),
    "d": ("format", teach_format),
    "e": ("jargon", teach_jargon),
}
EXTRA: dict[str, tuple[str, Teacher]] = {"f": ("real", teach_users_faq)} if USERS_FAQ.exists() else {}
"""Of no claim, and only where its data are."""


def _lowest(pupils: Pupils, key: str, label: str) -> list[Line]:
    """The validation loss at its lowest, and by how much it has fallen there."""
    tuned, control = pupils.tuned.curve(), pupils.control.curve()
    lowest, lowest_control = min(tuned[1:]), min(control[1:])
    epoch, last = tuned.index(lowest, 1), len(tuned) - 1
    turn = f"epoch {epoch} of {last}, then {tuned[-1]:.2f}" if epoch < last else f"epoch {last}, still falling"
    return [
        Line(
            key=f"{key}.best",
            label=f"{label}, lowest ({turn})",
            unit="nats",
            base=tuned[0],
            tuned=lowest,
            control=lowest_control,
        ),
        Line(
            key=f"{key}.fall",
            label="its fall until there",
            unit="share",
            base=None,
            tuned=1 - lowest / tuned[0],
            control=1 - lowest_control / control[0],
        ),
    ]


def _at_lowest(pupils: Pupils, index: int, key: str, label: str) -> Line:
    """One set's loss in the epoch in which the loss of all is lowest."""

    def at(taught: Taught) -> float:
        whole = taught.curve()
        return taught.curve(index)[whole.index(min(whole[1:]), 1)]

    base = pupils.tuned.curve(index)[0]
    return Line(key=key, label=label, unit="nats", base=base, tuned=at(pupils.tuned), control=at(pupils.control))


def _last(pupils: Pupils, index: int, key: str, label: str) -> Line:
    tuned, control = pupils.tuned.curve(index), pupils.control.curve(index)
    return Line(key=key, label=label, unit="nats", base=tuned[0], tuned=tuned[-1], control=control[-1])


def _change(pupils: Pupils, index: int, key: str, label: str, *, sign: int = 1) -> Line:
    """How far the last loss lies above the first (sign 1) or below it (sign -1), as a share of the first."""
    tuned, control = pupils.tuned.curve(index), pupils.control.curve(index)
    return Line(
        key=key,
        label=label,
        unit="share" if sign < 0 else "change",
        base=None,
        tuned=sign * (tuned[-1] / tuned[0] - 1),
        control=sign * (control[-1] / control[0] - 1),
    )


def _rouge_l(answer: str, expected: str) -> float:
    # Rounded: of precision and recall a value of exactly 0.8 comes out a little below.
    return round(_ROUGE.score(expected, answer)["rougeL"].fmeasure, 9)


def _is_close(answer: str, expected: str) -> bool:
    return _rouge_l(answer, expected) >= 0.8


def _is_same(answer: str, expected: str) -> bool:
    return answer.strip() == expected


def _is_valid(answer: str, expected: str) -> bool:
    return violation(answer) is None


def _all_right(answer: str, expected: str) -> bool:
    return values_right(answer, expected) == 5


def _share_right(answer: str, expected: str) -> float:
    return values_right(answer, expected) / 5
