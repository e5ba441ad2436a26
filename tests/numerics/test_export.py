"""An exported model is the custom model: opened by others, without tanren and without a network."""

import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM, AutoTokenizer

from tanren.domain.errors import Conflict, JobFailed
from tanren.model_files.atomic_folders import file_digest
from tanren.serving.engines.reference_base import load_reference_base
from tanren.serving.engines.vllm_canary import CanaryOracle, rms
from tanren.serving.protocol import AdapterRef
from tanren.training.run import TrainingOutcome
from tanren.weights import export
from tanren.weights.adapters import WEIGHTS_FILE
from tanren.weights.base_models import read_facts
from tanren.weights.canary import read_expectation
from tanren.weights.export import ExportReport, export_custom_model
from tests.numerics.runs import small_run
from tests.numerics.tiny_models import pairs, save_architecture

pytestmark = pytest.mark.filterwarnings("ignore:`is_gradient_checkpointing` is deprecated:FutureWarning")


def tuned(base: Path, work: Path, **knobs: Any) -> TrainingOutcome:
    return small_run(base, work, pairs(4), epochs=1, batch_size=2, **{"learning_rate": 3e-2, **knobs})


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.set_num_threads(1)
    return save_architecture(tmp_path_factory.mktemp("base"), "llama-3")


@pytest.fixture(scope="module")
def adapter(base: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tuned(base, tmp_path_factory.mktemp("work")).folder


def agrees(report: ExportReport) -> None:
    assert (report.prompt_count, report.last_token_agreement, report.greedy_agreement) == (20, 20, 20)
    assert report.position_agreement == 1.0
    assert report.rounding_ties == ()
    assert report.max_logit_difference < 1e-4
    assert "20/20" in "\n".join(report.lines())
    json.dumps(asdict(report))


def test_training_leaves_beside_an_adapter_what_engines_must_come_to(base: Path, adapter: Path) -> None:
    expected = read_expectation(adapter, read_facts(base).vocabulary_size)
    assert expected is not None
    assert rms(expected.change) > 0.01
    served = load_reference_base(base)
    read = served.load_adapter(AdapterRef(folder=str(adapter), sha256=file_digest(adapter / WEIGHTS_FILE)))
    computed = CanaryOracle(served.model).expected(read, expected.prompt_ids)
    assert computed.base_logprobs == pytest.approx(expected.base_logprobs, abs=1e-4)
    assert computed.logprobs == pytest.approx(expected.logprobs, abs=1e-4)


def test_an_adapter_opens_in_plain_peft(base: Path, adapter: Path, tmp_path: Path) -> None:
    from peft import AutoPeftModelForCausalLM

    report = export_custom_model(base, adapter, None, tmp_path / "out", merged=False)
    agrees(report)
    plain: Any = AutoPeftModelForCausalLM.from_pretrained(tmp_path / "out", local_files_only=True)
    assert plain.active_adapters == ["default"]
    assert AutoTokenizer.from_pretrained(tmp_path / "out", local_files_only=True).chat_template
    readme = (tmp_path / "out" / "README.md").read_text()
    assert report.base_weights_sha256 in readme
    assert str(base) in readme


@pytest.mark.parametrize("name", ["llama-3", "phi-3", "gemma-2", "gpt-oss"])
def test_a_merged_model_opens_in_plain_transformers(tmp_path: Path, name: str) -> None:
    other = save_architecture(tmp_path / "base", name)
    report = export_custom_model(other, tuned(other, tmp_path / "w").folder, None, tmp_path / "out", merged=True)
    agrees(report)
    assert report.kind == "merged"
    plain: Any = AutoModelForCausalLM.from_pretrained(tmp_path / "out", local_files_only=True)
    assert plain.dtype == torch.float32
    assert plain.generation_config.eos_token_id == json.loads((other / "config.json").read_text())["eos_token_id"]
    assert AutoTokenizer.from_pretrained(tmp_path / "out", local_files_only=True).chat_template


def test_a_fully_tuned_model_is_exported_as_it_is(base: Path, tmp_path: Path) -> None:
    outcome = tuned(base, tmp_path / "w", method="full", learning_rate=3e-3)
    report = export_custom_model(outcome.folder, None, outcome.folder, tmp_path / "out", merged=False)
    agrees(report)
    assert (report.kind, report.sha256) == ("full", outcome.sha256)
    assert report.max_logit_difference == 0.0


@pytest.mark.parametrize("merged", [False, True])
def test_rounding_to_bfloat16_is_told(tmp_path: Path, merged: bool) -> None:
    base = save_architecture(tmp_path / "base", "llama-2", dtype=torch.bfloat16)
    outcome = tuned(base, tmp_path / "w", dtype="bfloat16")
    report = export_custom_model(base, outcome.folder, None, tmp_path / "out", merged=merged)
    assert report.dtype == "bfloat16"
    assert 0 < report.max_logit_difference < 0.3
    assert report.last_token_agreement + len(report.rounding_ties) == 20
    assert report.position_agreement > 0.9


def test_nothing_is_overwritten(base: Path, adapter: Path, tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("x")
    with pytest.raises(Conflict, match="is not empty"):
        export_custom_model(base, adapter, None, tmp_path, merged=False)
    with pytest.raises(Conflict, match="is no folder"):
        export_custom_model(base, adapter, None, tmp_path / "mine", merged=False)
    (tmp_path / "empty").mkdir()
    export_custom_model(base, adapter, None, tmp_path / "empty", merged=False)


def test_a_folder_that_answers_otherwise_is_not_left_behind(
    base: Path, adapter: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def forgetful(model: Any, factors: Any) -> None:
        """Merges nothing."""

    monkeypatch.setattr(export, "merge_factors", forgetful)
    with pytest.raises(JobFailed, match="does not answer as the custom model"):
        export_custom_model(base, adapter, None, tmp_path / "out", merged=True)
    assert list(tmp_path.iterdir()) == []


def test_an_adapter_of_another_base_is_not_exported(adapter: Path, tmp_path: Path) -> None:
    other = save_architecture(tmp_path / "other", "llama-3", seed=1)
    with pytest.raises(JobFailed, match="trained on base weights"):
        export_custom_model(other, adapter, None, tmp_path / "out", merged=False)


@pytest.fixture(scope="module")
def merged_of(base: Path, adapter: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[[torch.dtype], Path]:
    """The weights file of a merged export, in a dtype."""

    def file(dtype: torch.dtype) -> Path:
        folder = tmp_path_factory.mktemp("merged")
        export_custom_model(base, adapter, None, folder / "out", merged=True)
        written = load_file(folder / "out" / "model.safetensors")
        save_file({name: tensor.to(dtype) for name, tensor in written.items()}, folder / "weights.safetensors")
        return folder / "weights.safetensors"

    return file


def test_numpy_reads_the_same_values(merged_of: Callable[[torch.dtype], Path]) -> None:
    from safetensors.numpy import load_file as load_numpy

    file = merged_of(torch.float32)
    ours = load_file(file)
    read = load_numpy(file)
    assert read.keys() == ours.keys()
    assert all(np.array_equal(read[name], ours[name].numpy()) for name in ours)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_jax_reads_the_same_values(merged_of: Callable[[torch.dtype], Path], dtype: torch.dtype) -> None:
    """bfloat16 goes through ml_dtypes, which jax brings: numpy itself does not know it."""
    pytest.importorskip("jax")
    pytest.importorskip("flax")
    from safetensors.flax import load_file as load_jax

    file = merged_of(dtype)
    ours = load_file(file)
    read = load_jax(file)
    assert all(np.array_equal(np.asarray(read[name], np.float32), ours[name].float().numpy()) for name in ours)


def test_tensorflow_reads_the_same_values(merged_of: Callable[[torch.dtype], Path]) -> None:
    pytest.importorskip("tensorflow")
    from safetensors.tensorflow import load_file as load_tensorflow

    file = merged_of(torch.float32)
    ours = load_file(file)
    read = load_tensorflow(str(file))
    assert all(np.array_equal(read[name].numpy(), ours[name].numpy()) for name in ours)
