import pytest
import torch
from torch import nn

from tanren.training.adafactor import Adafactor


@pytest.mark.parametrize("shape", [(7,), (5, 7), (16, 3)])
def test_it_moves_as_torchs_does_where_that_leaves_the_rate_alone(shape: tuple[int, ...]) -> None:
    """torch scales the rate by max(eps2, size of the weights): with eps2 of 1 and small weights, by 1."""
    ours, theirs = (nn.Parameter(torch.full(shape, 0.1)) for _ in range(2))
    one = Adafactor([{"params": [ours], "weight_decay": 0.1}], lr=0.01)
    other = torch.optim.Adafactor([theirs], lr=0.01, eps=(1e-30, 1.0), weight_decay=0.1)
    for step in range(20):
        gradient = torch.randn(shape, generator=torch.Generator().manual_seed(step)) * (step + 1)
        ours.grad, theirs.grad = gradient.clone(), gradient.clone()
        one.step()
        other.step()
    torch.testing.assert_close(ours, theirs, rtol=1e-5, atol=1e-6)


def test_a_matrix_that_begins_at_zero_moves_by_the_rate() -> None:
    weight = nn.Parameter(torch.zeros(4, 4))
    weight.grad = torch.ones(4, 4)
    Adafactor([{"params": [weight]}], lr=0.01).step()
    torch.testing.assert_close(weight.detach(), torch.full((4, 4), -0.01))


def test_rows_without_a_gradient_stand_still() -> None:
    weight = nn.Parameter(torch.ones(3, 2))
    weight.grad = torch.tensor([[1.0, 2.0], [0.0, 0.0], [3.0, 4.0]])
    Adafactor([{"params": [weight]}], lr=0.01).step()
    assert torch.isfinite(weight).all()
    assert torch.equal(weight[1], torch.ones(2))
