"""Every architecture that we say we load: inspected, trained, served, and equal to plain transformers and peft.

Its checkpoint is made here, tiny and random; longer prompts than its sliding window, so that the window takes part.
"""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from tanren.domain.conversation import user_turn
from tanren.domain.generation import GenerationRequest
from tanren.model_files.adapter_inspection import inspect_adapter_folder
from tanren.model_files.architectures import ARCHITECTURES, linear_layers
from tanren.model_files.inspection import inspect_model_folder, read_config
from tanren.serving.engines.adapter_switch import AdapterSwitch
from tanren.serving.engines.reference import ReferenceEngine
from tanren.serving.engines.reference_base import load_reference_base
from tanren.serving.protocol import AdapterRef
from tests.numerics import tiny_models
from tests.numerics.runs import small_run
from tests.numerics.tiny_models import pairs, save_architecture
from tests.unit.serving.listening import listen

pytestmark = pytest.mark.filterwarnings("ignore:`is_gradient_checkpointing` is deprecated:FutureWarning")

NEW_TOKENS = 24
PROMPT = user_turn("what is hello, and what is all of it?")
TOLERANCE = 1e-4


@pytest.fixture(scope="module")
def base_of(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    torch.set_num_threads(1)
    made: dict[str, Path] = {}

    def base(name: str) -> Path:
        if name not in made:
            made[name] = save_architecture(tmp_path_factory.mktemp(name), name, seed=2)
        return made[name]

    return base


def test_every_architecture_of_the_table_is_tried_here() -> None:
    tried = {model_type for model_type, _ in tiny_models.ARCHITECTURES.values()}
    assert tried == {architecture.model_type for architecture in ARCHITECTURES.values()}


@pytest.mark.parametrize("name", tiny_models.ARCHITECTURES)
def test_an_adapter_trained_here_answers_alike_here_and_in_peft(
    base_of: Callable[[str], Path], tmp_path: Path, name: str
) -> None:
    from peft import PeftModel

    base = base_of(name)
    facts = inspect_model_folder(base)
    assert (facts.context_length, facts.layer_count, facts.has_chat_template) == (256, 2, True)

    outcome = small_run(base, tmp_path, pairs(4), epochs=1, batch_size=2, learning_rate=3e-2)
    assert outcome.steps == 2
    adapter_facts = inspect_adapter_folder(outcome.folder, base_folder=base)
    _, architecture, sizes = read_config(base)
    assert len(adapter_facts.layers) == 2 * len(linear_layers(architecture, sizes))

    reference = load_reference_base(base)
    plain_base: Any = AutoModelForCausalLM.from_pretrained(base)
    assert facts.parameter_count == plain_base.num_parameters()
    tokenizer: Any = AutoTokenizer.from_pretrained(base)
    prompt = tokenizer.apply_chat_template(
        [{"role": "user", "content": PROMPT.messages[0].text}], add_generation_prompt=True, return_dict=False
    )
    assert reference.prompt_ids(PROMPT) == prompt
    assert prompt.count(tokenizer.bos_token_id) == 1
    ids = torch.tensor([prompt])
    with torch.no_grad():
        base_logits = plain_base(ids).logits
        assert torch.allclose(reference.model(input_ids=ids).logits, base_logits, atol=TOLERANCE)
        plain: Any = PeftModel.from_pretrained(plain_base, outcome.folder).eval()
        expected = plain(ids).logits
    adapter = AdapterRef(folder=str(outcome.folder), sha256=outcome.sha256)
    resident = reference.load_adapter(adapter)
    with torch.no_grad(), AdapterSwitch(reference.model).on(resident):
        ours = reference.model(input_ids=ids).logits
    difference = (ours - expected).abs().max().item()
    print(f"{name}: logits of peft and ours differ by at most {difference:.2g} in {expected.abs().max().item():.2g}")
    assert difference < TOLERANCE
    assert (expected - base_logits).abs().max().item() > 100 * TOLERANCE, "the adapter changes the answer"

    greedy = plain.generate(input_ids=ids, max_new_tokens=NEW_TOKENS, do_sample=False, pad_token_id=0)
    expected_ids = [id for id in greedy[0, len(prompt) :].tolist() if id not in reference.stop_ids]
    assert len(expected_ids) > 2, "an answer that ends at once would show little"
    assert served(base, adapter) == expected_ids


@pytest.mark.parametrize("name", ["qwen-2", "gemma-2", "phi-3", "gpt-oss"])
def test_a_fully_tuned_model_answers_alike_here_and_in_transformers(
    base_of: Callable[[str], Path], tmp_path: Path, name: str
) -> None:
    outcome = small_run(base_of(name), tmp_path, pairs(4), epochs=1, batch_size=2, method="full", learning_rate=3e-3)
    inspect_model_folder(outcome.folder)
    reference = load_reference_base(outcome.folder)
    plain: Any = AutoModelForCausalLM.from_pretrained(outcome.folder)
    ids = torch.tensor([reference.prompt_ids(PROMPT)])
    with torch.no_grad():
        assert torch.allclose(reference.model(input_ids=ids).logits, plain(ids).logits, atol=TOLERANCE)
    greedy = plain.generate(input_ids=ids, max_new_tokens=NEW_TOKENS, do_sample=False, pad_token_id=0)
    expected_ids = [id for id in greedy[0, ids.shape[1] :].tolist() if id not in reference.stop_ids]
    assert served(outcome.folder, None) == expected_ids


def served(base: Path, adapter: AdapterRef | None) -> list[int]:
    """The ids of a greedy answer of the reference engine; its text is made to tell them."""
    reference = load_reference_base(base)
    engine = ReferenceEngine(replace(reference, decode=lambda ids: "".join(chr(0x4E00 + id) for id in ids)))
    try:
        request = GenerationRequest(conversation=PROMPT, max_new_tokens=NEW_TOKENS, temperature=0)
        return [ord(character) - 0x4E00 for character in listen(engine, request, adapter).text]
    finally:
        engine.close()
