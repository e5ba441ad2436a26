"""The contract of `serving.engines.stepper.Stepper`, run over every stepper there is, against plain `transformers`."""

import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from transformers import AutoModelForCausalLM

from tanren.domain.errors import ModelFailed, NotImplementedHere
from tanren.serving.engines.native_architecture import read_native_architecture
from tanren.serving.engines.native_library import available_instruction_sets
from tanren.serving.engines.native_stepper import NativeStepper
from tanren.serving.engines.stepper import BLOCK_TOKENS, NO_ADAPTER, NextTokens, Stepper, TokenRows
from tanren.serving.engines.torch_stepper import TorchStepper
from tanren.weights.adapters import read_adapter
from tanren.weights.base_models import load_base_model, read_facts
from tanren.weights.lora import LoraFactors, merge_factors
from tests.numerics import tiny_models
from tests.unit.serving.tiny_base import write_tiny_adapter, write_tiny_base

KEY_VALUE_BYTES = 1_000_000
VOCABULARY = 260
TOLERANCE = 2e-3
"""Of logits between -20 and 20, in float32."""

Opener = Callable[..., Stepper]


def torch_stepper(folder: Path, key_value_bytes: int = KEY_VALUE_BYTES) -> Stepper:
    dtype = "bfloat16" if read_facts(folder).dtype == "BF16" else "float32"
    return TorchStepper(load_base_model(folder, dtype=dtype), key_value_bytes=key_value_bytes)


def native_stepper(instruction_set: str) -> Opener:
    def opened(folder: Path, key_value_bytes: int = KEY_VALUE_BYTES) -> Stepper:
        return NativeStepper(folder, key_value_bytes=key_value_bytes, thread_count=1, instruction_set=instruction_set)

    return opened


STEPPERS: dict[str, Opener] = {
    "torch": torch_stepper,
    **{f"native {name}": native_stepper(name) for name in available_instruction_sets()},
}


@pytest.fixture(params=STEPPERS)
def open_stepper(request: pytest.FixtureRequest) -> Opener:
    return STEPPERS[request.param]


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_base(tmp_path_factory.mktemp("base") / "base")


@pytest.fixture(scope="module")
def adapters(tmp_path_factory: pytest.TempPathFactory, base: Path) -> list[dict[str, LoraFactors]]:
    folder = tmp_path_factory.mktemp("adapters")
    refs = [write_tiny_adapter(folder / str(seed), base, seed=seed) for seed in (1, 2, 3)]
    return [read_adapter(Path(ref.folder)).factors for ref in refs]


@pytest.fixture
def stepper(open_stepper: Opener, base: Path) -> Iterator[Stepper]:
    with closing(open_stepper(base)) as opened:
        yield opened


@dataclass(kw_only=True)
class Part:
    """The rows of one sequence in a call."""

    ids: Sequence[int]
    blocks: Sequence[int]
    start: int = 0
    adapter: int = NO_ADAPTER
    asked: Sequence[int] = (-1,)
    """Rows whose next token is asked for, as indices into `ids`."""


@dataclass
class Answers:
    best: list[list[int]] = field(default_factory=list)
    logits: list[list[NDArray[np.float32]]] = field(default_factory=list)
    """For each part and each of its asked rows."""


def step(stepper: Stepper, *parts: Part, order: Sequence[int] | None = None) -> Answers:
    """One call. `order`: which part each row is of, where they do not stand one part after the other."""
    order = order or [index for index, part in enumerate(parts) for _ in part.ids]
    taken = [0] * len(parts)
    tokens, positions, selected = [], [], dict[tuple[int, int], int]()
    for row, index in enumerate(order):
        part, at = parts[index], taken[index]
        tokens.append(part.ids[at])
        positions.append(part.start + at)
        if at in [each % len(part.ids) for each in part.asked]:
            selected[index, at] = row
        taken[index] += 1
    assert taken == [len(part.ids) for part in parts]
    most = max(len(part.blocks) for part in parts)
    rows = TokenRows(
        tokens_M=np.array(tokens, np.int32),
        positions_M=np.array(positions, np.int32),
        sequences_M=np.array(order, np.int32),
        blocks_QP=np.array([[*part.blocks, *[-1] * (most - len(part.blocks))] for part in parts], np.int32),
        adapters_Q=np.array([part.adapter for part in parts], np.int32),
        selected_S=np.array(list(selected.values()), np.int32),
        with_logits_L=np.arange(len(selected), dtype=np.int32),
    )
    made = stepper.step(rows)
    assert made.best_S.dtype == np.int32
    answers = Answers()
    at_of = {key: index for index, key in enumerate(selected)}
    for index, part in enumerate(parts):
        found = [at_of[index, each % len(part.ids)] for each in part.asked]
        answers.best.append([int(made.best_S[at]) for at in found])
        answers.logits.append([made.logits_LV[at].copy() for at in found])
    assert all(best == int(logits_V.argmax()) for best, logits_V in zip(made.best_S, made.logits_LV, strict=True))
    np.testing.assert_array_equal(made.best_logits_S, made.logits_LV.max(axis=1) if len(selected) else [])
    return answers


def expected_logits(
    folder: Path,
    ids: Sequence[int],
    factors: Mapping[str, LoraFactors] | None = None,
    dtype: torch.dtype = torch.float32,
) -> NDArray[np.float32]:
    """Of plain `transformers` after each of `ids`; an adapter is merged into the weights."""
    model: Any = AutoModelForCausalLM.from_pretrained(folder, dtype=dtype)
    if factors is not None:
        merge_factors(model, factors)
    with torch.inference_mode():
        return model(input_ids=torch.tensor([list(ids)])).logits[0].float().numpy()


def prompt_of(length: int, seed: int = 0) -> list[int]:
    return np.random.default_rng(seed).integers(0, 256, length).tolist()


def close_to(actual: NDArray[np.float32], expected: NDArray[np.float32]) -> None:
    np.testing.assert_allclose(actual, expected, atol=TOLERANCE, rtol=1e-3)


def test_logits_are_those_of_transformers_at_every_position(stepper: Stepper, base: Path):
    ids = prompt_of(50)
    answers = step(stepper, Part(ids=ids, blocks=[5, 2, 9, 0], asked=range(50)))
    close_to(np.array(answers.logits[0]), expected_logits(base, ids))


def test_a_prompt_may_be_cut_into_calls_anywhere(stepper: Stepper, base: Path):
    ids, blocks = prompt_of(50), [3, 1, 7, 4]
    for cuts in ([16, 32], [1, 2, 17, 33, 34], [49], list(range(1, 50))):
        for start, end in zip([0, *cuts], [*cuts, 50], strict=True):
            asked = (-1,) if end == 50 else ()
            answers = step(stepper, Part(ids=ids[start:end], blocks=blocks, start=start, asked=asked))
        close_to(answers.logits[0][0], expected_logits(base, ids)[-1])


def test_each_row_is_computed_under_its_own_adapter_however_they_mix(
    stepper: Stepper, base: Path, adapters: list[dict[str, LoraFactors]]
):
    handles = [NO_ADAPTER, *(stepper.add_adapter(factors) for factors in adapters)]
    factors_of = [None, *adapters]
    lengths = [20, 3, 17, 33]
    parts = [
        Part(ids=prompt_of(length, seed=1), blocks=range(4 * index, 4 * index + 3), adapter=handles[index])
        for index, length in enumerate(lengths)
    ]
    apart = [index for index, length in enumerate(lengths) for _ in range(length)]
    mixed = np.random.default_rng(0).permutation(apart).tolist()
    for order in (apart, mixed):
        answers = step(stepper, *parts, order=order)
        for part, logits, factors in zip(parts, answers.logits, factors_of, strict=True):
            close_to(logits[0], expected_logits(base, part.ids, factors)[-1])


def test_a_sequence_is_not_changed_by_others_of_the_same_call_to_the_last_bit(
    stepper: Stepper, adapters: list[dict[str, LoraFactors]]
):
    handles = [NO_ADAPTER, *(stepper.add_adapter(factors) for factors in adapters)]
    mine = Part(ids=prompt_of(21), blocks=[0, 1], adapter=handles[1], asked=range(21))
    alone = step(stepper, mine)
    for count in (1, 5, 12):
        others = [
            Part(ids=prompt_of(5 + index, seed=index), blocks=[2 + index], adapter=handles[index % 4])
            for index in range(count)
        ]
        together = step(stepper, *others, mine)
        np.testing.assert_array_equal(np.array(together.logits[-1]), np.array(alone.logits[0]))


def test_how_a_prompt_is_cut_changes_no_bit_of_what_the_native_engine_computes(
    base: Path, adapters: list[dict[str, LoraFactors]]
):
    ids, blocks = prompt_of(50), [3, 1, 7, 4]
    for name in available_instruction_sets():
        with closing(native_stepper(name)(base)) as stepper:
            adapter = stepper.add_adapter(adapters[0])
            whole = step(stepper, Part(ids=ids, blocks=blocks, adapter=adapter, asked=range(50))).logits[0]
            for cuts in ([16, 32], [1, 2, 17, 33, 34], list(range(1, 50))):
                for start, end in zip([0, *cuts], [*cuts, 50], strict=True):
                    part = Part(
                        ids=ids[start:end], blocks=blocks, start=start, adapter=adapter, asked=range(end - start)
                    )
                    np.testing.assert_array_equal(np.array(step(stepper, part).logits[0]), np.array(whole[start:end]))


def test_two_sequences_share_a_block_and_go_on_apart(stepper: Stepper, base: Path):
    beginning = prompt_of(2 * BLOCK_TOKENS)
    step(stepper, Part(ids=beginning, blocks=[6, 3], asked=()))
    tails = [prompt_of(4, seed=1), prompt_of(7, seed=2)]
    parts = [Part(ids=tail, blocks=[6, 3, 10 + at], start=2 * BLOCK_TOKENS) for at, tail in enumerate(tails)]
    answers = step(stepper, *parts)
    for tail, logits in zip(tails, answers.logits, strict=True):
        close_to(logits[0], expected_logits(base, [*beginning, *tail])[-1])


def test_keys_and_values_are_read_from_the_blocks_that_are_named_and_from_no_others(stepper: Stepper):
    ids = prompt_of(2 * BLOCK_TOKENS + 1)
    right = step(stepper, Part(ids=ids, blocks=[0, 1, 2])).logits[0][0]
    step(stepper, Part(ids=prompt_of(BLOCK_TOKENS, seed=9), blocks=[8], asked=()))
    last = {"ids": ids[-1:], "start": 2 * BLOCK_TOKENS}
    again = step(stepper, Part(blocks=[0, 1, 2], **last)).logits[0][0]
    close_to(again, right)
    for wrong in ([0, 8, 2], [8, 1, 2]):
        assert np.abs(step(stepper, Part(blocks=wrong, **last)).logits[0][0] - right).max() > 0.05


def test_a_block_may_be_written_anew_for_another_sequence(stepper: Stepper, base: Path):
    step(stepper, Part(ids=prompt_of(30, seed=1), blocks=[4, 5], asked=()))
    ids = prompt_of(10, seed=2)
    close_to(step(stepper, Part(ids=ids, blocks=[4])).logits[0][0], expected_logits(base, ids)[-1])


def test_blocks_may_be_touched_between_two_calls_whatever_is_in_them(stepper: Stepper, base: Path):
    ids = prompt_of(4 * BLOCK_TOKENS)
    expected = expected_logits(base, ids)
    bits = stepper.touch(range(stepper.block_count))
    for start in range(0, len(ids), BLOCK_TOKENS):
        end = start + BLOCK_TOKENS
        answers = step(stepper, Part(ids=ids[start:end], blocks=[3, 0, 2, 1], start=start))
        close_to(answers.logits[0][0], expected[end - 1])
        next(bits, None)
    assert sum(1 for _ in bits) < 100


def test_only_what_is_asked_for_is_answered(stepper: Stepper):
    first, second = prompt_of(5, seed=1), prompt_of(6, seed=2)
    rows = TokenRows(
        tokens_M=np.array([*first, *second], np.int32),
        positions_M=np.array([*range(5), *range(6)], np.int32),
        sequences_M=np.array([0] * 5 + [1] * 6, np.int32),
        blocks_QP=np.array([[0], [1]], np.int32),
        adapters_Q=np.array([NO_ADAPTER] * 2, np.int32),
        selected_S=np.array([4, 2, 10], np.int32),
        with_logits_L=np.array([2], np.int32),
    )
    made: NextTokens = stepper.step(rows)
    assert made.best_S.shape == made.best_logits_S.shape == (3,)
    assert made.logits_LV.shape == (1, VOCABULARY)
    assert int(made.logits_LV[0].argmax()) == made.best_S[2]
    assert made.logits_LV[0].max() == made.best_logits_S[2]


def test_a_call_that_asks_for_nothing_writes_and_answers_nothing(stepper: Stepper, base: Path):
    ids = prompt_of(20)
    assert step(stepper, Part(ids=ids[:16], blocks=[0, 1], asked=())).best == [[]]
    close_to(step(stepper, Part(ids=ids[16:], blocks=[0, 1], start=16)).logits[0][0], expected_logits(base, ids)[-1])


def test_what_is_stored_in_bfloat16_is_computed_about_as_exactly_as_transformers_does(
    open_stepper: Opener, base: Path, tmp_path: Path
):
    folder = shutil.copytree(base, tmp_path / "bfloat16")
    model: Any = AutoModelForCausalLM.from_pretrained(base)
    model.to(torch.bfloat16).save_pretrained(folder)
    ids = prompt_of(40)
    exact = expected_logits(folder, ids)
    allowed = 2 * np.abs(expected_logits(folder, ids, dtype=torch.bfloat16) - exact).mean()
    with closing(open_stepper(folder)) as stepper:
        step(stepper, Part(ids=ids[:20], blocks=[0, 1, 2], asked=()))
        answers = step(stepper, Part(ids=ids[20:], blocks=[0, 1, 2], start=20, asked=range(20)))
    assert np.abs(np.array(answers.logits[0]) - exact[20:]).mean() < allowed


def test_of_equal_tokens_the_lowest_id_is_the_best(open_stepper: Opener, tmp_path: Path):
    flat = write_tiny_base(tmp_path / "flat", writes="")
    with closing(open_stepper(flat)) as stepper:
        assert step(stepper, Part(ids=prompt_of(9), blocks=[0], asked=range(9))).best == [[0] * 9]


def test_a_dropped_adapter_leaves_no_trace_and_its_memory_is_free(
    stepper: Stepper, base: Path, adapters: list[dict[str, LoraFactors]]
):
    ids = prompt_of(12)
    before = step(stepper, Part(ids=ids, blocks=[0])).logits[0][0]
    for _ in range(3):
        first, second = stepper.add_adapter(adapters[0]), stepper.add_adapter(adapters[1])
        assert first != second
        assert stepper.adapter_bytes(first) > 0
        stepper.drop_adapter(first)
        close_to(
            step(stepper, Part(ids=ids, blocks=[1], adapter=second)).logits[0][0],
            expected_logits(base, ids, adapters[1])[-1],
        )
        stepper.drop_adapter(second)
        np.testing.assert_array_equal(step(stepper, Part(ids=ids, blocks=[2])).logits[0][0], before)


def test_an_adapter_may_have_some_layers_only(stepper: Stepper, base: Path, adapters: list[dict[str, LoraFactors]]):
    ids = prompt_of(12)
    for part in ("q_proj", "v_proj", "o_proj", "up_proj", "down_proj"):
        factors = {name: each for name, each in adapters[0].items() if name.endswith(part)}
        answers = step(stepper, Part(ids=ids, blocks=[0], adapter=stepper.add_adapter(factors)))
        close_to(answers.logits[0][0], expected_logits(base, ids, factors)[-1])


def test_a_damaged_adapter_answers_with_no_number_and_spoils_nobody_else(
    stepper: Stepper, base: Path, adapters: list[dict[str, LoraFactors]]
):
    torn = {
        name: LoraFactors(a_RI=each.a_RI * 1e30, b_OR=each.b_OR * 1e30, scale=each.scale)
        for name, each in adapters[0].items()
    }
    handle = stepper.add_adapter(torn)
    ids = prompt_of(12)
    rows = TokenRows(
        tokens_M=np.array([*ids, *ids], np.int32),
        positions_M=np.array([*range(12)] * 2, np.int32),
        sequences_M=np.array([0] * 12 + [1] * 12, np.int32),
        blocks_QP=np.array([[0], [1]], np.int32),
        adapters_Q=np.array([handle, NO_ADAPTER], np.int32),
        selected_S=np.array([11, 23], np.int32),
        with_logits_L=np.array([1], np.int32),
    )
    made = stepper.step(rows)
    assert not np.isfinite(made.best_logits_S[0])
    close_to(made.logits_LV[0], expected_logits(base, ids)[-1])


def test_memory_for_keys_and_values_is_what_it_was_given(open_stepper: Opener, base: Path):
    with closing(open_stepper(base, 200_000)) as small, closing(open_stepper(base, 400_000)) as large:
        assert small.block_count > 2
        assert large.block_count // small.block_count == 2
        last = small.block_count - 1
        ids = prompt_of(12)
        close_to(step(small, Part(ids=ids, blocks=[last])).logits[0][0], expected_logits(base, ids)[-1])
    with pytest.raises((ModelFailed, NotImplementedHere), match="block"):
        open_stepper(base, 100)


def test_a_stepper_says_what_it_is_and_how_large(stepper: Stepper, base: Path):
    model: Any = AutoModelForCausalLM.from_pretrained(base)
    assert stepper.name
    assert stepper.weight_bytes >= 4 * model.num_parameters()


@pytest.mark.parametrize("name", tiny_models.ARCHITECTURES)
def test_every_architecture_is_computed_as_transformers_does_or_refused_by_name(
    open_stepper: Opener, tmp_path: Path, name: str
):
    folder = tiny_models.save_architecture(tmp_path, name, seed=2)
    if open_stepper is not torch_stepper:
        try:
            read_native_architecture(folder)
        except ModelFailed:
            with pytest.raises(ModelFailed):
                open_stepper(folder)
            return
    # Longer than the sliding windows, read in pieces that begin and end within them.
    ids = [token % 90 for token in prompt_of(45)]
    with closing(open_stepper(folder)) as stepper:
        for start, end in ((0, 5), (5, 30), (30, 44)):
            step(stepper, Part(ids=ids[start:end], blocks=[2, 0, 1], start=start, asked=()))
        answers = step(stepper, Part(ids=ids[44:], blocks=[2, 0, 1], start=44))
    close_to(answers.logits[0][0], expected_logits(folder, ids)[-1])
