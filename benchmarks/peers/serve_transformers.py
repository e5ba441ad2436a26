"""transformers: `generate` on a batch, in bfloat16; under an adapter by peft, one call for each adapter."""

import json

import torch
import transformers
from transformers import AutoModelForCausalLM

from benchmarks.peers.serving_cases import ANSWER_TOKENS, Ask, arguments, measure

USER, ASSISTANT, SPECIALS = 1, 2, 5


def main() -> None:
    given = arguments()
    torch.set_num_threads(2)
    config = json.loads((given.folder / "model" / "config.json").read_text())
    model = AutoModelForCausalLM.from_pretrained(given.folder / "model", dtype=torch.bfloat16)
    model.eval()
    named: set[int] = set()

    def under(adapter: int) -> None:
        nonlocal model
        from peft import PeftModel

        folder, name = str(given.folder / "adapters" / f"{adapter:02d}"), str(adapter)
        if not named:
            model = PeftModel.from_pretrained(model, folder, adapter_name=name)
        elif adapter not in named:
            model.load_adapter(folder, adapter_name=name)
        named.add(adapter)
        model.set_adapter(name)

    @torch.inference_mode()
    def answer(ask: Ask) -> int:
        asked = [[USER, *words, ASSISTANT] for words in ask.prompts(config["vocab_size"], SPECIALS)]
        tokens = 0
        for adapter, members in ask.by_adapter().items():
            if adapter is not None:
                under(adapter)
            ids_BT = torch.tensor([asked[index] for index in members])
            made = model.generate(
                input_ids=ids_BT,
                attention_mask=torch.ones_like(ids_BT),
                max_new_tokens=ANSWER_TOKENS,
                min_new_tokens=ANSWER_TOKENS,
                do_sample=False,
            )
            tokens += made[:, ids_BT.shape[1] :].numel()
        return tokens

    measure(given, answer, version=transformers.__version__)


if __name__ == "__main__":
    main()
