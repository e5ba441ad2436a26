"""The contract of `serving.protocol.Engine`, run over every engine there is."""

import random
import string
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoModelForCausalLM, PreTrainedTokenizerFast

from tanren.domain.conversation import Conversation, Message, Role, user_turn
from tanren.domain.errors import ModelFailed, ServiceUnavailable, TanrenError, Throttled, ValidationFailed
from tanren.domain.generation import FinishReason, GenerationEnd, GenerationStart
from tanren.serving.engines.batching import BatchingEngine
from tanren.serving.engines.native_library import available_instruction_sets
from tanren.serving.engines.native_stepper import NativeStepper
from tanren.serving.engines.reference import ReferenceEngine
from tanren.serving.engines.reference_base import load_reference_base
from tanren.serving.engines.served_base import load_served_base
from tanren.serving.engines.torch_stepper import TorchStepper
from tanren.serving.protocol import AdapterRef, Engine, EngineLimits
from tests.unit.serving.engines.fake_vllm_engine import open_fake_vllm
from tests.unit.serving.listening import asked, listen, started
from tests.unit.serving.tiny_base import CONTEXT_LENGTH, END, write_tiny_adapter, write_tiny_base

PRINTABLE = string.ascii_letters + string.digits + " .,;"
KEY_VALUE_BYTES = 2_000_000
PROMPTS = ("hello", "The quick brown fox jumps over the lazy dog", "é😀 and 日本", "1 + 1 = ")


def reference(folder: Path, limits: EngineLimits) -> Engine:
    return ReferenceEngine(load_reference_base(folder), limits)


def batching_torch(folder: Path, limits: EngineLimits) -> Engine:
    base = load_reference_base(folder)
    return BatchingEngine(base, TorchStepper(base.model, key_value_bytes=KEY_VALUE_BYTES), limits)


def batching_native(folder: Path, limits: EngineLimits) -> Engine:
    stepper = NativeStepper(folder, key_value_bytes=KEY_VALUE_BYTES, thread_count=1)
    return BatchingEngine(load_served_base(folder), stepper, limits)


ENGINES = {
    "reference": reference,
    "batching over torch": batching_torch,
    **({"batching over native": batching_native} if available_instruction_sets() else {}),
    "vllm, its server a fake": open_fake_vllm,
}

Opener = Callable[..., Any]


@pytest.fixture(params=ENGINES)
def open_engine(request: pytest.FixtureRequest) -> Opener:
    """A context manager: the engine over a base folder, closed afterwards."""

    @contextmanager
    def opened(folder: Path, **limits: int) -> Iterator[Engine]:
        engine = ENGINES[request.param](folder, EngineLimits(**limits))
        try:
            yield engine
        finally:
            engine.close()

    return opened


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Its answers are printable, so that two that differ look different."""
    return write_tiny_base(tmp_path_factory.mktemp("base") / "base", writes=PRINTABLE)


@pytest.fixture(scope="module")
def adapters(tmp_path_factory: pytest.TempPathFactory, base: Path) -> list[AdapterRef]:
    folder = tmp_path_factory.mktemp("adapters")
    return [write_tiny_adapter(folder / str(seed), base, seed=seed) for seed in (1, 2, 3)]


@pytest.fixture(scope="module")
def sixteen_adapters(tmp_path_factory: pytest.TempPathFactory, base: Path) -> list[AdapterRef]:
    folder = tmp_path_factory.mktemp("sixteen")
    return [write_tiny_adapter(folder / str(seed), base, seed=100 + seed) for seed in range(16)]


@pytest.fixture
def engine(open_engine: Opener, base: Path) -> Iterator[Engine]:
    with open_engine(base) as opened:
        yield opened


def transformers_answer(model: Any, folder: Path, prompt: str, max_new_tokens: int) -> tuple[str, int]:
    """Text and token count of `transformers`' own greedy generation, by the folder's own template."""
    tokenizer = PreTrainedTokenizerFast.from_pretrained(folder)
    messages = [{"role": "user", "content": prompt}]
    ids = tokenizer.apply_chat_template(messages, add_generation_prompt=True, return_tensors="pt")["input_ids"]
    with torch.inference_mode():
        whole = model.generate(
            ids, attention_mask=torch.ones_like(ids), max_new_tokens=max_new_tokens, do_sample=False, pad_token_id=0
        )
    answer = whole[0, ids.shape[1] :].tolist()
    return tokenizer.decode(answer, skip_special_tokens=True), len(answer)


def test_greedy_answers_are_those_of_transformers_token_for_token(engine: Engine, base: Path):
    model = AutoModelForCausalLM.from_pretrained(base)
    for prompt in PROMPTS:
        listener = listen(engine, asked(prompt, max_new_tokens=40))
        text, count = transformers_answer(model, base, prompt, 40)
        assert listener.text == text
        assert listener.end().output_token_count == count


@pytest.mark.filterwarnings("ignore:.is_gradient_checkpointing:FutureWarning")  # peft asks transformers so
def test_greedy_answers_with_an_adapter_are_those_of_peft(engine: Engine, base: Path, adapters: list[AdapterRef]):
    from peft import PeftModel

    for adapter in adapters:
        model = PeftModel.from_pretrained(AutoModelForCausalLM.from_pretrained(base), adapter.folder)
        for prompt in PROMPTS:
            text = listen(engine, asked(prompt), adapter).text
            assert text == transformers_answer(model, base, prompt, 24)[0]
            assert text != listen(engine, asked(prompt)).text


def test_adapters_never_mix_however_their_requests_interleave(engine: Engine, adapters: list[AdapterRef]):
    choices = [None, *adapters]
    alone = {
        (prompt, index): listen(engine, asked(prompt), adapter).text
        for prompt in PROMPTS
        for index, adapter in enumerate(choices)
    }
    assert len(set(alone.values())) == len(alone)
    jobs = list(alone) * 4
    random.Random(7).shuffle(jobs)

    def answer(job: tuple[str, int]) -> str:
        return listen(engine, asked(job[0]), choices[job[1]]).text

    with ThreadPoolExecutor(12) as pool:
        assert list(pool.map(answer, jobs)) == [alone[job] for job in jobs]


def test_sixteen_adapters_answer_hundreds_of_requests_each_for_itself(
    open_engine: Opener, base: Path, sixteen_adapters: list[AdapterRef]
):
    prompts = ("the same question", "the same question, at such length that it fills more than one block")
    with open_engine(base, max_queued=300) as engine:
        alone = {
            (prompt, adapter): listen(engine, asked(prompt, max_new_tokens=8), adapter).text
            for prompt in prompts
            for adapter in sixteen_adapters
        }
        assert len(set(alone.values())) == len(alone)
        jobs = list(alone) * 8
        random.Random(9).shuffle(jobs)
        listeners = [listen(engine, asked(prompt, max_new_tokens=8), adapter) for prompt, adapter in jobs]
        assert [each.text for each in listeners] == [alone[job] for job in jobs]


def test_a_seed_decides_an_answer_whatever_else_is_running(engine: Engine, adapters: list[AdapterRef]):
    drawn = asked("draw", temperature=1.0, top_p=0.95, top_k=40, seed=11)
    quiet = listen(engine, drawn, adapters[0]).text
    noise = [listen(engine, asked(prompt, temperature=0.9), adapter) for prompt in PROMPTS for adapter in adapters]
    busy = [listen(engine, drawn, adapters[0]).text for _ in range(3)]
    assert busy == [quiet] * 3
    assert listen(engine, asked("draw", temperature=1.0, top_p=0.95, top_k=40, seed=12), adapters[0]).text != quiet
    for listener in noise:
        listener.end()


def test_without_a_seed_two_answers_differ(engine: Engine):
    assert listen(engine, asked(temperature=1.0)).text != listen(engine, asked(temperature=1.0)).text


def test_a_start_comes_first_then_text_as_it_is_made_then_one_end(engine: Engine):
    listener = listen(engine, asked(max_new_tokens=12))
    end = listener.end()
    assert isinstance(listener.heard[0], GenerationStart)
    assert [delta.output_token_count for delta in listener.deltas] == list(range(1, 13))
    assert (end.finish_reason, end.output_token_count) == (FinishReason.MAX_TOKENS, 12)
    assert end.input_token_count == listener.heard[0].input_token_count
    assert 0 <= end.first_token_ms <= end.total_ms
    assert listener.events.empty()


def test_counted_input_tokens_are_those_that_an_answer_reports(engine: Engine):
    conversation = Conversation(
        system="Be brief.",
        messages=(
            Message(role=Role.USER, text="a"),
            Message(role=Role.ASSISTANT, text="b"),
            Message(role=Role.USER, text="c"),
        ),
    )
    from dataclasses import replace

    listener = listen(engine, replace(asked(), conversation=conversation))
    assert engine.count_input_tokens(conversation) == listener.end().input_token_count


def test_an_answer_stops_before_any_stop_sequence_that_it_would_have_held(engine: Engine):
    whole = listen(engine, asked()).text
    for start, length in ((0, 1), (0, 3), (5, 4), (9, 2), (len(whole) - 3, 3)):
        stop = whole[start : start + length]
        listener = listen(engine, asked(stop_sequences=("never to be seen", stop)))
        assert listener.text == whole[: whole.index(stop)]
        end = listener.end()
        assert (end.finish_reason, end.stop_sequence) == (FinishReason.STOP_SEQUENCE, stop)
        assert end.output_token_count == whole.index(stop) + len(stop)


def test_a_stop_sequence_that_only_begins_is_part_of_the_answer(engine: Engine):
    whole = listen(engine, asked()).text
    listener = listen(engine, asked(stop_sequences=(whole[-4:] + "\n",)))
    assert listener.text == whole
    assert listener.end().finish_reason is FinishReason.MAX_TOKENS


def test_the_end_of_a_turn_ends_an_answer_and_is_not_in_it(open_engine: Opener, tmp_path: Path):
    folder = write_tiny_base(tmp_path / "flat", writes="")
    with open_engine(folder) as engine:
        ends = [listen(engine, asked(temperature=1.0, seed=seed, max_new_tokens=150)) for seed in range(8)]
        ended = [each for each in ends if each.end().finish_reason is FinishReason.END_TURN]
    assert ended
    assert all(END not in each.text and each.end().output_token_count < 150 for each in ended)


def test_no_delta_holds_half_a_character(open_engine: Opener, tmp_path: Path):
    # This base writes any bytes; most of what it writes is no UTF-8 at all, some of it is.
    folder = write_tiny_base(tmp_path / "bytes", seed=3, writes="é😀日本aé")
    model = AutoModelForCausalLM.from_pretrained(folder)
    with open_engine(folder) as engine:
        for prompt in PROMPTS:
            listener = listen(engine, asked(prompt, max_new_tokens=60))
            text, _ = transformers_answer(model, folder, prompt, 60)
            assert listener.text == text.rstrip("\ufffd")


def test_a_prompt_that_fills_the_window_is_refused(engine: Engine):
    longest = CONTEXT_LENGTH - engine.count_input_tokens(user_turn("")) - 1
    with pytest.raises(ValidationFailed, match=f"Input is too long.*{CONTEXT_LENGTH} tokens"):
        listen(engine, asked("x" * (longest + 1)))
    listener = listen(engine, asked("x" * longest))
    assert listener.end().finish_reason is FinishReason.CONTEXT_FULL
    assert listener.end().output_token_count == 1


def test_an_answer_ends_where_the_window_is_full(engine: Engine, base: Path):
    listener = listen(engine, asked("x" * 100, max_new_tokens=1000))
    end = listener.end()
    assert end.finish_reason is FinishReason.CONTEXT_FULL
    assert end.input_token_count + end.output_token_count == CONTEXT_LENGTH
    model = AutoModelForCausalLM.from_pretrained(base)
    assert listener.text == transformers_answer(model, base, "x" * 100, end.output_token_count)[0]


@pytest.mark.parametrize("bad", [{"max_new_tokens": 0}, {"temperature": -1.0}, {"top_p": 1.5}, {"top_k": 0}])
def test_a_request_out_of_bounds_is_refused(engine: Engine, bad: dict[str, Any]):
    with pytest.raises(ValidationFailed, match=next(iter(bad))):
        listen(engine, asked(**bad))


def test_a_cancelled_answer_gives_its_place_to_the_next(open_engine: Opener, base: Path):
    with open_engine(base, max_active=1) as engine:
        first = started(listen(engine, asked(max_new_tokens=140)))
        second, third = listen(engine, asked("second")), listen(engine, asked("third"))
        second.generation.cancel()
        first.generation.cancel()
        assert third.end().finish_reason is FinishReason.MAX_TOKENS
        first.generation.cancel()
        description = engine.describe()
    assert (description.active_count, description.queued_count) == (0, 0)
    assert not any(isinstance(event, GenerationEnd) for event in [*first.heard, *second.heard])


def test_a_full_queue_throttles_and_leaves_the_others_alone(open_engine: Opener, base: Path):
    with open_engine(base, max_active=1, max_queued=2) as engine:
        running = started(listen(engine, asked(max_new_tokens=140)))
        waiting = [listen(engine, asked(prompt)) for prompt in ("a", "b")]
        with pytest.raises(Throttled, match="Too many requests"):
            listen(engine, asked("c"))
        assert engine.describe().queued_count == 2
        running.generation.cancel()
        assert all(listener.end().finish_reason is FinishReason.MAX_TOKENS for listener in waiting)
        assert listen(engine, asked("c")).text


def test_an_adapter_with_another_digest_is_refused_and_nothing_answers_for_it(
    engine: Engine, adapters: list[AdapterRef]
):
    wrong = AdapterRef(folder=adapters[0].folder, sha256=adapters[1].sha256)
    with pytest.raises(ValidationFailed, match="SHA-256"):
        engine.load_adapter(wrong)
    with pytest.raises(ValidationFailed, match="SHA-256"):
        listen(engine, asked(), wrong)
    assert engine.describe().resident_adapters == ()


def test_an_adapter_that_cannot_be_used_is_refused(engine: Engine, base: Path, tmp_path: Path):
    other_base = write_tiny_base(tmp_path / "other", seed=9)
    wider = write_tiny_base(tmp_path / "wider", hidden_size=64)
    refused: list[tuple[AdapterRef, type[TanrenError], str]] = [
        (AdapterRef(folder=str(tmp_path / "nothing"), sha256="0"), ModelFailed, "not there"),
        (write_tiny_adapter(tmp_path / "a", other_base, seed=1), ValidationFailed, "trained on base weights"),
        (
            write_tiny_adapter(tmp_path / "b", wider, seed=1, base_sha256=base_digest(base)),
            ValidationFailed,
            "64 to 64 features",
        ),
    ]
    torn = write_tiny_adapter(tmp_path / "c", base, seed=1)
    file = Path(torn.folder) / "adapter_model.safetensors"
    file.write_bytes(file.read_bytes()[:-8])
    refused.append((torn, ValidationFailed, "cannot be used"))
    for adapter, error, text in refused:
        for use in (engine.load_adapter, lambda adapter: listen(engine, asked(), adapter)):
            with pytest.raises(error, match=text):
                use(adapter)
    assert listen(engine, asked()).text


def test_adapters_beyond_the_limit_are_dropped_and_come_back(
    open_engine: Opener, base: Path, adapters: list[AdapterRef]
):
    with open_engine(base, max_resident_adapters=2) as engine:
        texts = [listen(engine, asked(), adapter).text for adapter in adapters]
        assert engine.describe().resident_adapters == (adapters[1].sha256, adapters[2].sha256)
        assert [listen(engine, asked(), adapter).text for adapter in adapters] == texts


def test_an_unloaded_adapter_finishes_what_it_began(engine: Engine, adapters: list[AdapterRef]):
    whole = listen(engine, asked(max_new_tokens=60), adapters[0]).text
    running = started(listen(engine, asked(max_new_tokens=60), adapters[0]))
    engine.unload_adapter(adapters[0])
    engine.unload_adapter(adapters[0])
    assert engine.describe().resident_adapters == ()
    assert running.text == whole


def test_a_description_says_what_is_in_memory(engine: Engine, base: Path, adapters: list[AdapterRef]):
    engine.load_adapter(adapters[0])
    engine.load_adapter(adapters[0])
    description = engine.describe()
    assert description.base_folder == str(base)
    assert description.context_length == CONTEXT_LENGTH
    assert description.weight_bytes >= description.parameter_count * 4  # an engine may hold them in wider rows
    assert description.used_block_count == 0
    assert description.resident_adapters == (adapters[0].sha256,)
    assert description.adapter_bytes > 0


def test_a_closed_engine_ends_its_answers_with_an_error(open_engine: Opener, base: Path):
    with open_engine(base, max_active=1) as engine:
        running = started(listen(engine, asked(max_new_tokens=140)))
        waiting = listen(engine, asked())
        engine.close()
        for listener in (running, waiting):
            with pytest.raises(ServiceUnavailable, match="stopping"):
                listener.end()
        with pytest.raises(ServiceUnavailable, match="stopping"):
            listen(engine, asked())


def base_digest(folder: Path) -> str:
    from tanren.model_files.digests import weights_digest

    return weights_digest(folder)
