"""vLLM is started as the settings say, with nothing that is ours alone, or not at all and with the reason."""

from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

import pytest

from tanren.domain.errors import ValidationFailed
from tanren.serving.engines import vllm_options
from tanren.serving.engines.vllm_options import (
    VllmOptions,
    VllmUnfit,
    find_command,
    has_cuda_device,
    require_vllm,
    serve_arguments,
    serve_environment,
    served_dtype,
)
from tanren.serving.protocol import EngineLimits
from tanren.settings import VLLM_DTYPES, VLLM_LORA_RANKS, Settings
from tanren.weights.base_models import BaseModelFacts, read_facts
from tests.unit.serving.engines.fake_vllm_engine import fake_command
from tests.unit.serving.tiny_base import CONTEXT_LENGTH, write_tiny_base


@pytest.fixture(scope="module")
def facts(tmp_path_factory: pytest.TempPathFactory) -> BaseModelFacts:
    return read_facts(write_tiny_base(tmp_path_factory.mktemp("base") / "base"))


def arguments(facts: BaseModelFacts, options: VllmOptions, limits: EngineLimits = EngineLimits()) -> dict[str, str]:
    """Flag → what follows it."""
    given = serve_arguments(Path("/base"), Path("/s"), facts=facts, options=options, limits=limits)
    assert given[:2] == ["serve", "/base"]
    return {flag: after for flag, after in zip(given, [*given[1:], ""], strict=True) if flag.startswith("--")}


@pytest.mark.parametrize(
    ("bad", "name"),
    [
        ({"dtype": "int8"}, "vllm_dtype"),
        ({"gpu_share": 0.0}, "vllm_gpu_share"),
        ({"gpu_share": 1.5}, "vllm_gpu_share"),
        ({"max_lora_rank": 12}, "vllm_max_lora_rank"),
        ({"batched_adapters": 0}, "vllm_batched_adapters"),
        ({"context_length": -1}, "vllm_context_length"),
        ({"check_gigabytes": -1.0}, "vllm_check_gigabytes"),
        ({"start_seconds": 0.0}, "vllm_start_seconds"),
    ],
)
def test_an_option_that_cannot_be_kept_is_refused_by_its_name(bad: dict[str, Any], name: str):
    with pytest.raises(ValidationFailed, match=name):
        VllmOptions(**bad)


def test_the_settings_have_the_same_defaults_and_bounds():
    settings = Settings()
    assert {each.name: getattr(settings, f"vllm_{each.name}") for each in fields(VllmOptions)} == asdict(VllmOptions())
    assert (VLLM_DTYPES, VLLM_LORA_RANKS) == (vllm_options.DTYPES, vllm_options.LORA_RANKS)


@pytest.mark.parametrize(
    "bad",
    [
        {"vllm_dtype": "int8"},
        {"vllm_gpu_share": 0.0},
        {"vllm_max_lora_rank": 12},
        {"vllm_batched_adapters": 0},
        {"vllm_context_length": -1},
        {"vllm_check_gigabytes": -1.0},
        {"vllm_start_seconds": 0.0},
    ],
    ids=lambda bad: next(iter(bad)),
)
def test_a_setting_that_vllm_could_not_keep_is_refused_at_the_start(bad: dict[str, Any]):
    with pytest.raises(ValidationFailed, match=f"TANREN_{next(iter(bad)).upper()}.*allowed"):
        Settings(**bad)


def test_every_option_reaches_the_server(facts: BaseModelFacts):
    options = VllmOptions(dtype="float16", gpu_share=0.45, max_lora_rank=128, batched_adapters=3, context_length=64)
    given = arguments(facts, options, EngineLimits(max_active=5, max_resident_adapters=9, key_value_megabytes=7))
    assert given["--dtype"] == "float16"
    assert given["--gpu-memory-utilization"] == "0.45"
    assert (given["--max-lora-rank"], given["--max-loras"], given["--max-cpu-loras"]) == ("128", "3", "9")
    assert given["--max-model-len"] == "64"
    assert given["--max-num-seqs"] == "6"  # and one for the canary
    assert given["--kv-cache-memory-bytes"] == "7000000"
    assert given["--generation-config"] == "vllm"


def test_what_is_not_said_is_the_models_own_or_vllms(facts: BaseModelFacts):
    given = arguments(facts, VllmOptions())
    assert given["--max-model-len"] == str(CONTEXT_LENGTH)
    assert given["--dtype"] == "bfloat16"  # the tiny base is stored in float32, for which vLLM has no adapter kernels
    assert "--kv-cache-memory-bytes" not in given


@pytest.mark.parametrize(("stored", "served"), [("BF16", "bfloat16"), ("F16", "float16"), ("F32", "bfloat16")])
def test_weights_are_served_in_the_type_that_is_nearest_to_how_they_are_stored(stored: str, served: str):
    assert served_dtype(VllmOptions(), stored) == served
    assert served_dtype(VllmOptions(dtype="float32"), stored) == "float32"


def test_a_longer_window_than_the_models_is_refused(facts: BaseModelFacts):
    with pytest.raises(ValidationFailed, match=rf"vllm_context_length is 4096.*knows {CONTEXT_LENGTH} tokens"):
        arguments(facts, VllmOptions(context_length=4096))


def test_the_server_sees_no_key_of_ours_and_no_way_to_load_adapters_by_itself():
    inherited = {
        "PATH": "/bin",
        "CUDA_VISIBLE_DEVICES": "1",
        "TANREN_SECRET_KEY": "secret",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "VLLM_LORA_RESOLVER_CACHE_DIR": "/adapters",
        "VLLM_API_KEY": "another",
        "VLLM_LOGGING_LEVEL": "WARNING",
    }
    seen = serve_environment(inherited.items(), key="key")
    assert "secret" not in seen.values()
    assert "VLLM_LORA_RESOLVER_CACHE_DIR" not in seen
    assert (seen["VLLM_API_KEY"], seen["VLLM_ALLOW_RUNTIME_LORA_UPDATING"]) == ("key", "1")
    assert (seen["PATH"], seen["CUDA_VISIBLE_DEVICES"], seen["VLLM_LOGGING_LEVEL"]) == ("/bin", "1", "WARNING")


def test_without_vllm_the_reason_says_where_it_was_looked_for_and_how_to_install_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(vllm_options.sys, "executable", str(tmp_path / "python"))
    with pytest.raises(VllmUnfit, match=r"not installed: there is no .*vllm.*pip install vllm==.*TANREN_VLLM_COMMAND"):
        find_command(VllmOptions())
    command = fake_command(tmp_path)
    assert find_command(VllmOptions()) == command


def test_a_command_that_is_no_program_is_named(tmp_path: Path):
    (tmp_path / "vllm").write_text("no program")
    with pytest.raises(VllmUnfit, match=rf"TANREN_VLLM_COMMAND names {tmp_path}/vllm, which is no executable file"):
        find_command(VllmOptions(command=str(tmp_path / "vllm")))
    assert find_command(VllmOptions(command=str(fake_command(tmp_path)))) == tmp_path / "vllm"


def test_without_a_gpu_vllm_is_refused_with_what_helps(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    options = VllmOptions(command=str(fake_command(tmp_path)))
    monkeypatch.setattr(vllm_options, "has_cuda_device", lambda: False)
    with pytest.raises(VllmUnfit, match=r"needs a CUDA GPU.*TANREN_ENGINE to native"):
        require_vllm(options)
    monkeypatch.setattr(vllm_options, "has_cuda_device", lambda: True)
    assert require_vllm(options) == tmp_path / "vllm"


def test_a_gpu_is_seen_by_its_device_even_where_torch_knows_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(vllm_options.torch.cuda, "is_available", lambda: False)
    (tmp_path / "nvidiactl").touch()
    assert not has_cuda_device(tmp_path)
    (tmp_path / "nvidia0").touch()
    assert has_cuda_device(tmp_path)
