"""What is shown of a run while it learns, and that showing it changes nothing."""

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
import torch
from tokenizers import Tokenizer

from tanren.model_files.store import NANO_FOLDER
from tanren.training import samples
from tanren.training.live_view import LiveView
from tanren.training.metrics import StepRecord
from tanren.training.progress import Progress
from tanren.training.run import train
from tanren.training.samples import SHARE_OF_RUN, Answer, Sample, greedy
from tanren.weights.base_models import load_base_model
from tests.numerics.runs import SPEC, Remembering
from tests.numerics.tiny_models import pairs, save_base_model


class Viewer:
    def __init__(self) -> None:
        self.seen: list[Progress] = []
        self.samples: list[Sample] = []

    def progress(self, progress: Progress) -> None:
        self.seen.append(progress)

    def sample(self, sample: Sample) -> None:
        self.samples.append(sample)


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_base_model(tmp_path_factory.mktemp("base"))


def _train(base: Path, work: Path, viewer: Viewer | None, reporter: Any = None, **knobs: Any):
    return train(
        replace(SPEC, epochs=3, lora_dropout=0.1),
        base_folder=base,
        training_records=pairs(10),
        validation_sets=[pairs(4, file="validation.jsonl", start=100)],
        work_folder=work,
        reporter=reporter or Remembering(),
        should_stop=lambda: None,
        viewer=viewer,
        **knobs,
    )


def test_samples_change_no_bit_of_the_model(base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tanren.training.live_view.SHARE_OF_RUN", 100.0)
    plain = _train(base, tmp_path / "plain", None)
    viewer = Viewer()
    watched = _train(base, tmp_path / "watched", viewer, sample_steps=1)
    assert [sample.step for sample in viewer.samples] == list(range(1, 10))
    assert watched.sha256 == plain.sha256
    assert watched.step_records == plain.step_records
    assert watched.validation_records == plain.validation_records
    first = viewer.samples[0].answers
    assert [answer.prompt for answer in first] == [f"what is {n}?" for n in (100, 101, 102)]
    assert first[0].expected == "heo 100"
    assert first[0].is_held_out


def test_progress_comes_before_each_step_and_ends_at_one(base: Path, tmp_path: Path) -> None:
    viewer = Viewer()

    class Ordered(Remembering):
        def step(self, record: StepRecord) -> None:
            assert viewer.seen[-1].step == record.step
            super().step(record)

    _train(base, tmp_path, viewer, Ordered(), sample_steps=0)
    assert [seen.step for seen in viewer.seen] == list(range(9))
    assert viewer.seen[-1].share == 1
    assert viewer.seen[0].total_steps == 9
    assert all(seen.remaining_seconds is not None for seen in viewer.seen)
    assert viewer.samples == []


def test_an_architecture_that_cannot_be_sampled_is_told_and_still_trained(
    base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any, **__: Any) -> Any:
        raise NotImplementedError("no cache")

    monkeypatch.setattr("tanren.training.samples.greedy", broken)
    reporter, viewer = Remembering(), Viewer()
    _train(base, tmp_path, viewer, reporter, sample_steps=1)
    assert [detail for _, detail in reporter.phases if "No more answers" in detail] == [
        "No more answers are shown while it learns: NotImplementedError: no cache."
    ]


def test_answers_in_a_batch_are_those_that_each_prompt_gets_alone(base: Path) -> None:
    model = load_base_model(base, dtype="float32")
    prompts = [[7, 8, 9], [20, 21, 22, 23, 24, 25], [40]]

    def ask(given: list[list[int]]) -> list[list[int]]:
        return greedy(model, given, max_new_tokens=12, end_ids=frozenset(), is_over=lambda: False)

    together = ask(prompts)
    assert together == [ask([prompt])[0] for prompt in prompts]
    ids = list(prompts[0])
    for expected in together[0]:
        with torch.no_grad():
            assert int(model(input_ids=torch.tensor([ids])).logits[0, -1].argmax()) == expected
        ids.append(expected)


def test_answers_end_where_the_model_ends_them(base: Path) -> None:
    model = load_base_model(base, dtype="float32")
    whole = greedy(model, [[7, 8, 9]], max_new_tokens=12, end_ids=frozenset(), is_over=lambda: False)[0]
    end = whole[5]
    cut = greedy(model, [[7, 8, 9]], max_new_tokens=12, end_ids=frozenset({end}), is_over=lambda: False)[0]
    assert cut == whole[: whole.index(end) + 1]


def test_an_answer_that_is_cut_within_a_character_ends_before_it(monkeypatch: pytest.MonkeyPatch) -> None:
    tokenizer = Tokenizer.from_file(str(NANO_FOLDER / "tokenizer.json"))
    whole = tokenizer.encode("How long? 三日で届きます。𠮟", add_special_tokens=False).ids
    assert tokenizer.decode(whole[:-1]).endswith("\ufffd")
    sampler = samples.Sampler(NANO_FOLDER, [], is_held_out=False)
    sampler.prompts = [samples.Prompt(ids=(1,), text="", expected="", is_held_out=False)]
    monkeypatch.setattr(samples, "_end_ids", lambda _model: frozenset())
    monkeypatch.setattr(samples, "greedy", lambda *_, **__: [whole[:-1]])
    (answer,) = sampler.answer(cast(Any, None), seconds=1)
    assert (answer.text, answer.is_whole) == ("How long? 三日で届きます。", False)


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


class SlowSampler:
    """Answers at a fixed cost a token, within the time it is given as the real one is."""

    def __init__(self, clock: Clock, token_seconds: float) -> None:
        self.clock = clock
        self.token_seconds = token_seconds
        self.knows = False

    def expected_seconds(self, tokens: int) -> float:
        return tokens * self.token_seconds if self.knows else 0.0

    def answer(self, model: object, *, seconds: float, clock: Clock) -> tuple[Answer, ...]:
        self.knows = True
        tokens = min(40, int(seconds / self.token_seconds) + 1)
        clock.now += tokens * self.token_seconds
        return (Answer(prompt="", text="", expected="", is_held_out=True, is_whole=tokens == 40),) if tokens > 3 else ()


@pytest.mark.parametrize("token_seconds", [0.001, 0.02, 0.5, 5.0])
@pytest.mark.parametrize("steps", [10, 100, 1000])
def test_samples_take_two_percent_of_a_run_and_one_token_at_most(token_seconds: float, steps: int) -> None:
    clock, viewer = Clock(), Viewer()
    run: Any = SimpleNamespace(
        total_steps=steps,
        model=None,
        validation_sets=(),
        state=SimpleNamespace(step=0, step_records=[], validation_records=[]),
    )
    sampler: Any = SlowSampler(clock, token_seconds)
    view = LiveView(
        run,
        Remembering(),
        viewer,
        sampler,
        training_tokens=steps * 100,
        validation_tokens=0,
        sample_steps=None,
        closing_seconds=0.0,
        clock=clock,
    )
    trained = 0.0
    for step in range(steps):
        clock.now += 0.5
        trained += 0.5
        view.step(
            StepRecord(
                step=step,
                epoch=1,
                training_loss=1.0,
                learning_rate=1.0,
                gradient_norm=1.0,
                tokens=100,
                trained_tokens=50,
                seconds=0.5,
            )
        )
    sampled = clock.now - trained
    assert sampled <= SHARE_OF_RUN * clock.now * 1.1 + token_seconds
    assert len(viewer.samples) <= 11
    if token_seconds <= 0.001:
        assert len(viewer.samples) >= 9 or steps == 10
