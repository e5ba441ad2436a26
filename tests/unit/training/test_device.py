import pytest
import torch

from tanren.domain.errors import JobFailed
from tanren.training.device import chosen_device


@pytest.fixture
def devices(monkeypatch):
    def seen(count):
        monkeypatch.setattr(torch.cuda, "is_available", lambda: count > 0)
        monkeypatch.setattr(torch.cuda, "device_count", lambda: count)

    return seen


def test_auto_is_the_first_cuda_device_and_else_the_processor(devices):
    devices(2)
    assert chosen_device("auto") == "cuda:0"
    devices(0)
    assert chosen_device("auto") == "cpu"


def test_the_processor_is_taken_where_it_is_asked_for(devices):
    devices(2)
    assert chosen_device("cpu") == "cpu"


def test_a_device_that_is_named_is_that_one(devices):
    devices(2)
    assert chosen_device("cuda") == "cuda:0"
    assert chosen_device("cuda:1") == "cuda:1"


@pytest.mark.parametrize(("count", "wanted", "reason"), [(0, "cuda", "sees no CUDA device"), (1, "cuda:1", "sees 1 ")])
def test_a_device_that_is_not_there_fails_the_job_instead_of_moving_it(devices, count, wanted, reason):
    devices(count)
    with pytest.raises(JobFailed, match=reason):
        chosen_device(wanted)
