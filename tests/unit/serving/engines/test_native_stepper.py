"""The native engine's forward pass against plain transformers, and against itself in other batches.

Tolerances   a float32 checkpoint: 1e-4, the same sums in another order. A bfloat16 one: no farther from the model
             computed in float32 than transformers' own bfloat16 is, which rounds the same weights' products more often.
"""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from tanren.domain.errors import ModelFailed
from tanren.serving.engines.native_stepper import NativeStepper
from tanren.serving.engines.stepper import BLOCK_TOKENS, NO_ADAPTER, TokenRows
from tanren.weights.lora import LoraFactors
from tests.numerics.tiny_models import ARCHITECTURES, save_architecture
from tests.unit.serving.engines.native_calls import (
    INSTRUCTION_SETS,
    Stretch,
    expected_logits,
    logits_of,
    open_stepper,
    rows_of,
    some_factors,
    some_tokens,
)
from tests.unit.serving.tiny_base import write_tiny_base

pytestmark = pytest.mark.skipif(not INSTRUCTION_SETS, reason="the native library is not here")

COMPUTED = [name for name in ARCHITECTURES if name != "gpt-oss"]
TOLERANCE = 1e-4
LENGTH = 50
"""Longer than three blocks, than the sliding windows, and no multiple of either."""
BLOCKS = [7, 2, 9, 4]


@pytest.fixture(scope="module")
def base_of(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    torch.set_num_threads(1)
    made: dict[tuple[str, torch.dtype], Path] = {}

    def base(name: str, dtype: torch.dtype = torch.float32) -> Path:
        if (name, dtype) not in made:
            made[name, dtype] = save_architecture(tmp_path_factory.mktemp(name), name, seed=2, dtype=dtype)
        return made[name, dtype]

    return base


@pytest.mark.parametrize("instruction_set", INSTRUCTION_SETS)
@pytest.mark.parametrize("name", COMPUTED)
def test_logits_are_those_of_transformers(base_of: Callable[..., Path], name: str, instruction_set: str) -> None:
    tokens = some_tokens(LENGTH)
    stepper = open_stepper(base_of(name), instruction_set=instruction_set)
    ours = logits_of(stepper, Stretch(tokens, BLOCKS))
    stepper.close()
    assert np.abs(ours - expected_logits(base_of(name), tokens)).max() < TOLERANCE


@pytest.mark.parametrize("instruction_set", INSTRUCTION_SETS)
@pytest.mark.parametrize("name", COMPUTED)
def test_bfloat16_is_no_farther_from_the_exact_model_than_that_of_transformers(
    base_of: Callable[..., Path], name: str, instruction_set: str
) -> None:
    base, tokens = base_of(name, torch.bfloat16), some_tokens(LENGTH)
    exact = expected_logits(base, tokens)
    theirs = np.abs(expected_logits(base, tokens, dtype=torch.bfloat16) - exact).mean()
    stepper = open_stepper(base, instruction_set=instruction_set)
    ours = np.abs(logits_of(stepper, Stretch(tokens, BLOCKS)) - exact).mean()
    stepper.close()
    assert ours <= theirs


@pytest.mark.parametrize("instruction_set", INSTRUCTION_SETS)
@pytest.mark.parametrize("name", COMPUTED)
def test_an_adapter_adds_what_the_reference_engine_adds(
    base_of: Callable[..., Path], name: str, instruction_set: str
) -> None:
    base, tokens = base_of(name), some_tokens(LENGTH)
    factors = some_factors(base, seed=1)
    expected = expected_logits(base, tokens, factors)
    stepper = open_stepper(base, instruction_set=instruction_set)
    ours = logits_of(stepper, Stretch(tokens, BLOCKS, adapter=stepper.add_adapter(factors)))
    stepper.close()
    assert np.abs(ours - expected).max() < TOLERANCE
    assert np.abs(expected - expected_logits(base, tokens)).max() > 100 * TOLERANCE, "the adapter changes the answer"


@pytest.mark.parametrize("instruction_set", INSTRUCTION_SETS)
def test_a_bfloat16_adapter_is_no_farther_from_the_exact_one_than_the_reference_engines(
    base_of: Callable[..., Path], instruction_set: str
) -> None:
    base, tokens = base_of("llama-3", torch.bfloat16), some_tokens(LENGTH)
    factors = some_factors(base, seed=1)
    exact = expected_logits(base, tokens, factors)
    theirs = np.abs(expected_logits(base, tokens, factors, dtype=torch.bfloat16) - exact).mean()
    stepper = open_stepper(base, instruction_set=instruction_set)
    ours = logits_of(stepper, Stretch(tokens, BLOCKS, adapter=stepper.add_adapter(factors)))
    stepper.close()
    assert np.abs(ours - exact).mean() <= theirs


@pytest.mark.parametrize("rank", [1, 16, 17, 40])
@pytest.mark.parametrize("only", ["k_proj", "mlp.", "down_proj"])
def test_an_adapter_may_have_any_rank_and_some_layers_only(base_of: Callable[..., Path], rank: int, only: str) -> None:
    base, tokens = base_of("qwen-2"), some_tokens(LENGTH)
    factors = some_factors(base, seed=1, rank=rank, only=only)
    stepper = open_stepper(base)
    ours = logits_of(stepper, Stretch(tokens, BLOCKS, adapter=stepper.add_adapter(factors)))
    stepper.close()
    assert np.abs(ours - expected_logits(base, tokens, factors)).max() < TOLERANCE


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=["float32", "bfloat16"])
@pytest.mark.parametrize("instruction_set", INSTRUCTION_SETS)
@pytest.mark.parametrize("name", ["llama-3", "gemma-2"])
def test_a_row_is_the_same_to_the_last_bit_whatever_it_is_computed_with(
    base_of: Callable[..., Path], name: str, instruction_set: str, dtype: torch.dtype
) -> None:
    """Whole, in pieces, token by token, beside others under other adapters, in other blocks, by one thread or more."""
    base = base_of(name, dtype)
    prompts = [some_tokens(LENGTH, seed=1), some_tokens(37, seed=2), some_tokens(20, seed=3), some_tokens(9, seed=4)]
    sides = [[0, 1, 2, 3], [10, 11, 12], [20, 21], [30]]
    factors = [some_factors(base, seed=seed, rank=rank) for seed, rank in ((1, 4), (2, 20))]
    one = open_stepper(base, instruction_set=instruction_set, thread_count=1)
    handles = [one.add_adapter(each) for each in factors]
    adapters = [handles[1], -1, handles[0], handles[1]]
    alone = [
        logits_of(one, Stretch(tokens, blocks, adapter=adapter))
        for tokens, blocks, adapter in zip(prompts, sides, adapters, strict=True)
    ]
    one.close()

    two = open_stepper(base, instruction_set=instruction_set, thread_count=2)
    assert [two.add_adapter(each) for each in factors] == handles
    whole = [Stretch(prompts[index], sides[index], adapter=adapters[index]) for index in range(4)]
    together = logits_of(two, *whole)
    assert np.array_equal(together, np.concatenate(alone))

    pieces = [
        logits_of(two, replace(whole[0], tokens=prompts[0][a:b], start=a)) for a, b in ((0, 1), (1, 23), (23, LENGTH))
    ]
    assert np.array_equal(np.concatenate(pieces), alone[0])
    elsewhere = [[40, 35, 50, 33], [60, 41, 34]]
    for position in range(37):
        step = (
            logits_of(
                two,
                *(
                    Stretch([prompts[index][position]], elsewhere[index], start=position, adapter=adapters[index])
                    for index in (1, 0)
                ),
            )
            if position
            else logits_of(
                two,
                *(Stretch([prompts[index][0]], elsewhere[index], adapter=adapters[index]) for index in (1, 0)),
            )
        )
        assert np.array_equal(step, np.stack([alone[1][position], alone[0][position]]))
    two.close()


def test_two_sequences_share_the_blocks_of_a_common_beginning(base_of: Callable[..., Path]) -> None:
    base = base_of("llama-2")
    beginning, ends = some_tokens(2 * BLOCK_TOKENS), [some_tokens(5, seed=5), some_tokens(12, seed=6)]
    stepper = open_stepper(base)
    whole = [logits_of(stepper, Stretch([*beginning, *end], [0, 1, 2])) for end in ends]
    logits_of(stepper, Stretch(beginning, [20, 31]))
    shared = logits_of(
        stepper, *(Stretch(end, [20, 31, 40 + index], start=len(beginning)) for index, end in enumerate(ends))
    )
    stepper.close()
    assert np.array_equal(shared, np.concatenate([each[len(beginning) :] for each in whole]))


def test_a_call_of_more_rows_than_are_computed_at_once_is_cut(base_of: Callable[..., Path]) -> None:
    base = base_of("mistral")
    prompts = [some_tokens(length, seed=length) for length in (200, 130, 170, 33)]
    blocks = np.random.default_rng(0).permutation(64).reshape(4, 16).tolist()
    stepper = open_stepper(base)
    adapter = stepper.add_adapter(some_factors(base, seed=3))
    stretches = [
        Stretch(tokens, own, adapter=adapter if index % 2 else -1)
        for index, (tokens, own) in enumerate(zip(prompts, blocks, strict=True))
    ]
    together = logits_of(stepper, *stretches)
    alone = [logits_of(stepper, each) for each in stretches]
    stepper.close()
    assert np.array_equal(together, np.concatenate(alone))


def test_only_what_is_asked_for_is_answered(base_of: Callable[..., Path]) -> None:
    tokens = some_tokens(LENGTH)
    stepper = open_stepper(base_of("smollm"))
    every = logits_of(stepper, Stretch(tokens, BLOCKS))
    rows = rows_of(Stretch(tokens, BLOCKS), selected=[49, 3, 3, 20])
    answer = stepper.step(replace(rows, with_logits_L=np.array([2, 0], dtype=np.int32)))
    assert answer.best_S.tolist() == every.argmax(axis=1)[[49, 3, 3, 20]].tolist()
    assert np.array_equal(answer.logits_LV, every[[3, 49]])
    nothing = stepper.step(rows_of(Stretch(tokens[:20], BLOCKS), selected=[]))
    assert (nothing.best_S.size, nothing.logits_LV.shape) == (0, (0, every.shape[1]))
    assert stepper.step(rows_of()).best_S.size == 0
    stepper.close()


@pytest.mark.parametrize("instruction_set", INSTRUCTION_SETS)
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=["float32", "bfloat16"])
@pytest.mark.parametrize("name", ["llama-2", "gemma-2", "qwen-2"])
def test_rows_of_unlike_adapters_are_the_same_to_the_last_bit_side_by_side(
    base_of: Callable[..., Path], name: str, instruction_set: str, dtype: torch.dtype
) -> None:
    """However few or many they are: with some the engine goes by adapter, with others by panel."""
    base = base_of(name, dtype)
    stepper = open_stepper(base, instruction_set=instruction_set)
    kinds = [(4, ""), (20, ""), (4, "mlp"), (40, "q_proj"), (16, "layers.1"), (1, "v_proj"), (4, ""), (33, "down_proj")]
    handles = [
        stepper.add_adapter(some_factors(base, seed=seed, rank=rank, only=only))
        for seed, (rank, only) in enumerate(kinds)
    ]
    for length in (1, 2):
        stretches = [
            Stretch([seed + 1, seed + 5][:length], [seed], adapter=handle)
            for seed, handle in enumerate([NO_ADAPTER, *handles])
        ]
        alone = [logits_of(stepper, each) for each in stretches]
        assert len({each.tobytes() for each in alone}) == len(alone)
        for beside in (slice(1, 3), slice(0, 3), slice(1, 5), slice(2, 7), slice(0, 8), slice(1, 9), slice(0, 9)):
            assert np.array_equal(logits_of(stepper, *stretches[beside]), np.concatenate(alone[beside]))
    stepper.close()


@pytest.mark.parametrize("thread_count", [1, 2, 5])
def test_what_is_done_meanwhile_is_done_once_and_changes_nothing(
    base_of: Callable[..., Path], thread_count: int
) -> None:
    tokens, done = some_tokens(LENGTH), []
    stepper = open_stepper(base_of("smollm"), thread_count=thread_count)
    before = logits_of(stepper, Stretch(tokens, BLOCKS))
    for count in range(1, 50):
        answer = stepper.step(rows_of(Stretch(tokens, BLOCKS)), meanwhile=lambda: done.append(0))
        assert np.array_equal(answer.logits_LV, before)
        assert len(done) == count
    stepper.close()


def test_what_fails_meanwhile_is_raised_when_the_step_is_over(base_of: Callable[..., Path]) -> None:
    tokens = some_tokens(LENGTH)
    stepper = open_stepper(base_of("smollm"))
    before = logits_of(stepper, Stretch(tokens, BLOCKS))

    def failing() -> None:
        raise KeyError("meanwhile")

    with pytest.raises(KeyError, match="meanwhile"):
        stepper.step(rows_of(Stretch(tokens, BLOCKS)), meanwhile=failing)
    with pytest.raises(ModelFailed, match="vocabulary"):
        stepper.step(rows_of(Stretch([10**6], BLOCKS)), meanwhile=failing)
    assert np.array_equal(logits_of(stepper, Stretch(tokens, BLOCKS)), before)
    stepper.close()


def test_of_equally_probable_tokens_the_one_with_the_lowest_id_is_the_best(tmp_path: Path) -> None:
    stepper = open_stepper(write_tiny_base(tmp_path, writes=""))
    answer = stepper.step(rows_of(Stretch(some_tokens(5), [0])))
    stepper.close()
    assert answer.best_S.tolist() == [0] * 5


@pytest.mark.parametrize("instruction_set", INSTRUCTION_SETS)
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=["float32", "bfloat16"])
@pytest.mark.parametrize("layer", ["model.layers.0.self_attn.v_proj", "model.layers.1.mlp.down_proj"])
def test_a_damaged_adapter_shows_in_its_own_rows_and_in_no_later_one(
    base_of: Callable[..., Path], instruction_set: str, dtype: torch.dtype, layer: str
) -> None:
    base, tokens = base_of("llama-2", dtype), some_tokens(LENGTH)
    factors = some_factors(base, seed=1, only="layers")
    factors[layer].b_OR[1, 1] = torch.nan
    stepper = open_stepper(base, instruction_set=instruction_set)
    before = logits_of(stepper, Stretch(tokens, BLOCKS))
    damaged = stepper.add_adapter(factors)
    beside = stepper.step(rows_of(Stretch(tokens, BLOCKS, adapter=damaged), Stretch(tokens, [20, 21, 22, 23])))
    assert not np.isfinite(beside.best_logits_S[:LENGTH]).any()
    assert np.array_equal(beside.logits_LV[LENGTH:], before)
    # In the blocks that hold what the damaged one has written.
    assert np.array_equal(logits_of(stepper, Stretch(tokens, BLOCKS)), before)
    step_by_step = [logits_of(stepper, Stretch([token], BLOCKS, start=at)) for at, token in enumerate(tokens)]
    assert np.array_equal(np.concatenate(step_by_step), before)
    sound = [stepper.add_adapter(some_factors(base, seed=seed, rank=4)) for seed in (2, 3, 4)]
    ones = [
        Stretch([tokens[0]], [30 + at], adapter=adapter) for at, adapter in enumerate([damaged, *sound, NO_ADAPTER])
    ]
    alone = [logits_of(stepper, each) for each in ones[1:]]
    together = stepper.step(rows_of(*ones))
    assert not np.isfinite(together.best_logits_S[0])
    assert np.array_equal(together.logits_LV[1:], np.concatenate(alone))
    stepper.close()


def test_sizes_need_not_fit_the_panels_of_the_library(tmp_path: Path) -> None:
    base = write_tiny_base(tmp_path, hidden_size=56, seed=3)
    tokens = some_tokens(30)
    expected = expected_logits(base, tokens)
    for instruction_set in INSTRUCTION_SETS:
        stepper = open_stepper(base, instruction_set=instruction_set)
        # Initialised with large values, so larger logits than elsewhere.
        assert np.allclose(logits_of(stepper, Stretch(tokens, [0, 1])), expected, rtol=1e-4, atol=1e-3)
        stepper.close()


@pytest.mark.parametrize("instruction_set", INSTRUCTION_SETS)
@pytest.mark.parametrize(("heads", "kv_heads", "head_dim"), [(4, 2, 64), (3, 1, 32), (2, 2, 80), (20, 1, 48)])
def test_heads_may_have_any_size_and_share_keys_with_any_number(
    tmp_path: Path, heads: int, kv_heads: int, head_dim: int, instruction_set: str
) -> None:
    """Over more positions than attention goes through at once."""
    length = 150
    base = save_architecture(
        tmp_path,
        "llama-2",
        dtype=torch.bfloat16,
        hidden_size=16 * heads,
        num_attention_heads=heads,
        num_key_value_heads=kv_heads,
        head_dim=head_dim,
    )
    tokens, blocks = some_tokens(length), list(range(10))
    exact = expected_logits(base, tokens)
    theirs = np.abs(expected_logits(base, tokens, dtype=torch.bfloat16) - exact).mean()
    stepper = open_stepper(base, instruction_set=instruction_set)
    ours = logits_of(stepper, Stretch(tokens, blocks))
    assert np.abs(ours - exact).mean() <= theirs
    last = logits_of(stepper, Stretch(tokens[-1:], blocks, start=length - 1))
    assert np.array_equal(last, ours[-1:])
    stepper.close()


@pytest.mark.skipif("amxbf16" not in INSTRUCTION_SETS, reason="weights are compressed for AMX-BF16")
@pytest.mark.parametrize("name", ["llama-2", "gemma-2", "qwen-2"])
def test_compressed_weights_give_the_same_bits_from_three_quarters_of_the_memory(tmp_path: Path, name: str) -> None:
    base = save_architecture(tmp_path, name, seed=2, dtype=torch.bfloat16)
    file, random = base / "model.safetensors", torch.Generator().manual_seed(3)
    tensors = load_file(file)
    for tensor in tensors.values():
        if tensor.ndim != 2:
            continue
        # What a codebook of sixteen has no place for, and as anything else would be seen in the logits.
        for rare in (0.0, -0.0, 1e-40, -1e-30, 1e-8, -4.0):
            at = torch.randint(tensor.numel(), (2,), generator=random)
            tensor.view(-1)[at] = rare
    save_file(tensors, file, metadata={"format": "pt"})
    bits, sizes = [], []
    for compresses in (False, True):
        stepper = open_stepper(base, instruction_set="amxbf16", compresses_weights=compresses, block_count=200)
        prompts = [Stretch(some_tokens(LENGTH, seed), range(4 * seed, 4 * seed + 4)) for seed in range(7)]
        whole = logits_of(stepper, *prompts)
        single = logits_of(stepper, Stretch([5], [50]))
        some = logits_of(stepper, *(Stretch([at], [60 + at]) for at in range(20)))
        bits.append(np.concatenate([whole, single, some]).tobytes())
        sizes.append(stepper.weight_bytes)
        stepper.close()
    assert bits[0] == bits[1]
    assert sizes[1] < 0.85 * sizes[0], "three quarters, and what makes a matrix this small full units"


@pytest.mark.skipif("amxbf16" not in INSTRUCTION_SETS, reason="weights are compressed for AMX-BF16")
def test_weights_of_all_magnitudes_stay_as_they_are(tmp_path: Path) -> None:
    base = save_architecture(tmp_path, "llama-2", seed=2, dtype=torch.bfloat16)
    file, random = base / "model.safetensors", torch.Generator().manual_seed(3)
    tensors = load_file(file)
    for name, tensor in tensors.items():
        if tensor.ndim == 2:
            tensors[name] = tensor * torch.exp2(torch.randint(-60, 3, tensor.shape, generator=random)).bfloat16()
    save_file(tensors, file, metadata={"format": "pt"})
    answers = []
    for compresses in (False, True):
        stepper = open_stepper(base, instruction_set="amxbf16", compresses_weights=compresses)
        logits = logits_of(stepper, Stretch(some_tokens(LENGTH), BLOCKS))
        answers.append((logits.tobytes(), stepper.weight_bytes))
        stepper.close()
    assert answers[0] == answers[1]


@pytest.mark.skipif("amxbf16" not in INSTRUCTION_SETS, reason="factors are compressed for AMX-BF16")
@pytest.mark.parametrize("rank", [1, 2, 4, 16, 33])
@pytest.mark.parametrize("magnitudes", [0, 1, 60], ids=["alike", "some rare ones", "all magnitudes"])
def test_compressed_factors_give_the_same_bits_from_less_memory(tmp_path: Path, rank: int, magnitudes: int) -> None:
    base = save_architecture(
        tmp_path, "llama-2", seed=2, dtype=torch.bfloat16, hidden_size=96, intermediate_size=200, num_hidden_layers=1
    )
    random = torch.Generator().manual_seed(3)
    adapters = [some_factors(base, seed=seed, rank=rank) for seed in range(9)]
    for each in (tensor for factors in adapters for lora in factors.values() for tensor in (lora.a_RI, lora.b_OR)):
        if magnitudes == 60:
            each *= torch.exp2(torch.randint(-60, 3, each.shape, generator=random))
        elif magnitudes:
            for rare in (0.0, -0.0, 1e-40, -1e-30):
                each.view(-1)[torch.randint(each.numel(), (1,), generator=random)] = rare
    bits, sizes = [], []
    for compresses in (False, True):
        stepper = open_stepper(base, instruction_set="amxbf16", compresses_weights=compresses, block_count=200)
        handles = [stepper.add_adapter(factors) for factors in adapters]
        # Many adapters of a row each, one of many rows, and one alone: three ways through the factors.
        lone = logits_of(stepper, *(Stretch([at], [at], adapter=handle) for at, handle in enumerate(handles)))
        prompts = logits_of(
            stepper,
            Stretch(some_tokens(LENGTH), range(20, 24), adapter=handles[0]),
            Stretch([7], [30], adapter=handles[1]),
            Stretch([7], [31]),
        )
        alone = logits_of(stepper, Stretch([5], [40], adapter=handles[2]))
        bits.append(np.concatenate([lone, prompts, alone]).tobytes())
        sizes.append(stepper.adapter_bytes(handles[0]))
        stepper.close()
    assert bits[0] == bits[1]
    assert sizes[1] == sizes[0] if magnitudes == 60 else sizes[1] < (0.85 if rank >= 16 else 1) * sizes[0]


def test_float16_weights_are_computed_in_float32(base_of: Callable[..., Path], tmp_path: Path) -> None:
    base = save_architecture(tmp_path, "llama-2", seed=4)
    file = base / "model.safetensors"
    halves = {name: tensor.to(torch.float16) for name, tensor in load_file(file).items()}
    save_file(halves, file, metadata={"format": "pt"})
    tokens = some_tokens(LENGTH)
    stepper = open_stepper(base)
    ours = logits_of(stepper, Stretch(tokens, BLOCKS))
    stepper.close()
    assert np.abs(ours - expected_logits(base, tokens)).max() < TOLERANCE


def test_adapters_come_and_go(base_of: Callable[..., Path]) -> None:
    base, tokens = base_of("llama-2"), some_tokens(10)
    stepper = open_stepper(base)
    first, second = some_factors(base, seed=1, rank=4), some_factors(base, seed=2, rank=8)
    handles = [stepper.add_adapter(first), stepper.add_adapter(second)]
    answers = [logits_of(stepper, Stretch(tokens, BLOCKS, adapter=handle)) for handle in handles]
    assert 0 < stepper.adapter_bytes(handles[0]) < stepper.weight_bytes
    stepper.drop_adapter(handles[0])
    for use in (stepper.adapter_bytes, stepper.drop_adapter):
        with pytest.raises(ModelFailed, match="no adapter with this handle"):
            use(handles[0])
    with pytest.raises(ModelFailed, match="no adapter with this handle"):
        logits_of(stepper, Stretch(tokens, BLOCKS, adapter=handles[0]))
    assert np.array_equal(logits_of(stepper, Stretch(tokens, BLOCKS, adapter=handles[1])), answers[1])
    again = stepper.add_adapter(first)
    assert np.array_equal(logits_of(stepper, Stretch(tokens, BLOCKS, adapter=again)), answers[0])
    stepper.close()


def test_an_adapter_of_a_layer_that_has_none_here_is_refused_and_leaves_nothing(base_of: Callable[..., Path]) -> None:
    base = base_of("llama-2")
    stepper = open_stepper(base)
    head = {"lm_head": LoraFactors(a_RI=torch.ones(2, 32), b_OR=torch.ones(268, 2), scale=1.0)}
    with pytest.raises(ModelFailed, match="no adapter for lm_head"):
        stepper.add_adapter({**some_factors(base, seed=1), **head})
    wide = {"model.layers.0.mlp.up_proj": LoraFactors(a_RI=torch.ones(2, 33), b_OR=torch.ones(48, 2), scale=1.0)}
    with pytest.raises(ModelFailed, match=r"goes from 32 to 48 features"):
        stepper.add_adapter(wide)
    with pytest.raises(ModelFailed, match="no such layer"):
        stepper.add_adapter({"model.layers.7.mlp.up_proj": some_factors(base, seed=1)["model.layers.0.mlp.up_proj"]})
    with pytest.raises(ModelFailed, match="no adapter with this handle"):
        stepper.drop_adapter(0)
    stepper.close()


def _with(rows: TokenRows, field: str, index: int | tuple[int, int], value: int) -> TokenRows:
    array = getattr(rows, field).copy()
    array[index] = value
    return replace(rows, **{field: array})


@pytest.mark.parametrize(
    ("field", "index", "value", "reason"),
    [
        ("tokens_M", 3, -1, "not in the vocabulary"),
        ("tokens_M", 3, 2**31 - 1, "not in the vocabulary"),
        ("positions_M", 4, 9, "successive positions"),
        ("positions_M", 0, -5, "beyond the context"),
        ("positions_M", 19, 256, "beyond the context"),
        ("sequences_M", 0, 2, "not in the call"),
        ("sequences_M", 0, -1, "not in the call"),
        ("blocks_QP", (0, 0), -1, "does not exist"),
        ("blocks_QP", (0, 1), 64, "does not exist"),
        ("adapters_Q", 0, 0, "no adapter with this handle"),
        ("adapters_Q", 0, -2, "no adapter with this handle"),
        ("selected_S", 2, 25, "selected row is not in the call"),
        ("selected_S", 2, -1, "selected row is not in the call"),
        ("with_logits_L", 0, 25, "row that is not selected"),
        ("with_logits_L", 0, 1, "asked for twice"),
    ],
)
def test_a_call_that_breaks_a_rule_is_refused_with_the_rule(
    base_of: Callable[..., Path], field: str, index: int | tuple[int, int], value: int, reason: str
) -> None:
    stepper = open_stepper(base_of("llama-2"))
    rows = rows_of(Stretch(some_tokens(20), [0, 1]), Stretch(some_tokens(5), [2]))
    good = stepper.step(rows).logits_LV.copy()
    with pytest.raises(ModelFailed, match=reason):
        stepper.step(_with(rows, field, index, value))
    assert np.array_equal(stepper.step(rows).logits_LV, good)
    stepper.close()


def test_a_sequence_without_a_block_for_its_positions_is_refused(base_of: Callable[..., Path]) -> None:
    stepper = open_stepper(base_of("llama-2"))
    with pytest.raises(ModelFailed, match="no block for a row's position"):
        stepper.step(rows_of(Stretch(some_tokens(17), [0])))
    with pytest.raises(ModelFailed, match="does not exist"):
        stepper.step(rows_of(Stretch(some_tokens(1), [-1, 5], start=20)))
    stepper.close()


def test_arrays_of_another_kind_are_refused(base_of: Callable[..., Path]) -> None:
    stepper = open_stepper(base_of("llama-2"))
    rows = rows_of(Stretch(some_tokens(20), [0, 1]))
    for changed in (
        replace(rows, tokens_M=rows.tokens_M.astype(np.int64)),
        replace(rows, positions_M=rows.positions_M[:5]),
        replace(rows, blocks_QP=np.asfortranarray(np.zeros((3, 2), dtype=np.int32))),
    ):
        with pytest.raises(ModelFailed, match="takes int32, C-contiguous"):
            stepper.step(changed)
    stepper.close()


def test_a_closed_stepper_says_so(base_of: Callable[..., Path]) -> None:
    stepper = open_stepper(base_of("llama-2"))
    stepper.close()
    stepper.close()
    with pytest.raises(ModelFailed, match="has been closed"):
        stepper.step(rows_of(Stretch([1], [0])))


def test_too_little_memory_for_one_block_is_refused(base_of: Callable[..., Path]) -> None:
    with pytest.raises(ModelFailed, match="not one block"):
        NativeStepper(base_of("llama-2"), key_value_bytes=100, thread_count=1)
