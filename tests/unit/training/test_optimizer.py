import pytest
import torch
from torch import nn

from tanren.training.optimizer import Optimizer
from tanren.training.spec import TrainingSpec

NAMES = ["adamw", "adafactor", "sgd"]


def parameters() -> dict[str, nn.Parameter]:
    generator = torch.Generator().manual_seed(0)
    shapes = {"matrix": (4, 3), "vector": (3,)}
    return {name: nn.Parameter(torch.randn(shape, generator=generator)) for name, shape in shapes.items()}


def take_steps(optimizer: Optimizer, of: dict[str, nn.Parameter], steps: range) -> None:
    for step in steps:
        generator = torch.Generator().manual_seed(step)
        for parameter in of.values():
            parameter.grad = torch.randn(parameter.shape, generator=generator)
        optimizer.step(0.01)


@pytest.mark.parametrize("name", NAMES)
def test_a_state_written_by_name_goes_on_as_if_nothing_had_been(name: str) -> None:
    spec = TrainingSpec.from_json({"optimizer": name, "weight_decay": 0.1})
    whole, halves = parameters(), parameters()
    take_steps(Optimizer(whole, spec), whole, range(6))
    first = Optimizer(halves, spec)
    assert first.state() == {}
    take_steps(first, halves, range(3))
    state = {key: value.clone() for key, value in first.state().items()}
    assert {key.partition("/")[0] for key in state} == {"matrix", "vector"}
    second = Optimizer(halves, spec)
    second.load_state(state)
    take_steps(second, halves, range(3, 6))
    assert all(torch.equal(whole[key], halves[key]) for key in whole)


@pytest.mark.parametrize("name", NAMES)
def test_decay_shrinks_matrices_by_rate_times_decay_and_leaves_vectors(name: str) -> None:
    before = parameters()
    results: list[dict[str, nn.Parameter]] = []
    for decay in (0.0, 0.5):
        of = parameters()
        take_steps(Optimizer(of, TrainingSpec.from_json({"optimizer": name, "weight_decay": decay})), of, range(1))
        results.append(of)
    plain, decayed = results
    assert torch.equal(plain["vector"], decayed["vector"])
    torch.testing.assert_close(plain["matrix"] - decayed["matrix"], before["matrix"] * 0.01 * 0.5, atol=1e-7, rtol=1e-4)


def test_adafactor_keeps_a_row_and_a_column_of_a_matrix() -> None:
    of = parameters()
    optimizer = Optimizer(of, TrainingSpec(optimizer="adafactor"))
    take_steps(optimizer, of, range(1))
    shapes = {key: tuple(value.shape) for key, value in optimizer.state().items()}
    assert shapes["matrix/rows"] == (4, 1)
    assert shapes["matrix/columns"] == (1, 3)
    assert shapes["vector/squares"] == (3,)
