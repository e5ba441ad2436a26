import threading
from pathlib import Path
from typing import Any

import pytest
import torch

from tanren.training.lanes import LANE_GRADIENT_BYTES, MOST_LANES, Lanes, lane_count, why_one_lane
from tanren.weights.base_models import load_base_model
from tanren.weights.lora import LoraSettings, attach_lora
from tests.numerics.tiny_models import save_base_model


def test_results_come_in_the_order_of_the_items_whichever_is_done_first() -> None:
    second_is_done = threading.Event()

    def work(item: int) -> int:
        if item == 1:
            assert second_is_done.wait(timeout=30)
        else:
            second_is_done.set()
        return item * 10

    with Lanes(2, threads=2) as lanes:
        assert lanes.map(work, [1, 2]) == [10, 20]


def test_a_failure_is_raised_when_all_have_ended() -> None:
    ended = threading.Event()

    def work(item: int) -> None:
        if item == 1:
            raise KeyError(item)
        ended.set()
        raise ValueError(item)

    with Lanes(2, threads=2) as lanes, pytest.raises(KeyError):
        lanes.map(work, [1, 2])
    assert ended.is_set()


def test_each_lane_computes_with_its_share_of_the_threads_and_the_caller_with_its_own() -> None:
    before = torch.get_num_threads()
    with Lanes(2, threads=4) as lanes:
        assert lanes.map(lambda _: torch.get_num_threads(), range(2)) == [2, 2]
    with Lanes(3, threads=3) as lanes:
        assert lanes.map(lambda _: torch.get_num_threads(), range(3)) == [1, 1, 1]
    assert torch.get_num_threads() == before


def test_a_lane_keeps_its_threads_whatever_the_caller_sets_before_its_first_computation() -> None:
    """As a resume does: the lanes are there, and it takes the number of threads of the run that it continues."""
    before = torch.get_num_threads()
    both_are_there = threading.Barrier(2)
    try:
        with Lanes(2, threads=2) as lanes:
            lanes.map(lambda _: both_are_there.wait(timeout=30), range(2))
            torch.set_num_threads(4)

            def threads(_: int) -> int:
                both_are_there.wait(timeout=30)
                return torch.get_num_threads()

            assert lanes.map(threads, range(2)) == [1, 1]
    finally:
        torch.set_num_threads(before)


def test_one_lane_is_the_calling_thread() -> None:
    with Lanes() as lanes:
        assert lanes.map(lambda _: threading.current_thread(), [0]) == [threading.current_thread()]


def test_a_thread_has_a_lane_up_to_the_most() -> None:
    assert [lane_count(threads) for threads in (1, 2, 3, MOST_LANES, 16)] == [1, 2, 3, MOST_LANES, MOST_LANES]


def test_what_would_not_compute_alike_in_several_lanes_has_one(tmp_path: Path) -> None:
    base = save_base_model(tmp_path)

    def reason(dropout: float = 0.0, trained: int = 1000, device: str = "cpu", rope: str = "default") -> Any:
        model = load_base_model(base, dtype="float32")
        attach_lora(model, LoraSettings(rank=2, alpha=4, dropout=dropout), seed=0)
        model.config.rope_parameters["rope_type"] = rope
        return why_one_lane(model, trained_count=trained, device=device)

    assert reason() is None
    assert "dropout" in reason(dropout=0.1)
    assert "memory" in reason(trained=LANE_GRADIENT_BYTES)
    assert "longrope" in reason(rope="longrope")
    assert "cuda" in reason(device="cuda:0")
