"""OpenVINO GenAI's continuous batching, called bare: ids in, ids out, no HTTP.

Requests under different adapters go in one call for each adapter, since its batches answer with the first one's.
"""

import functools
import json

import numpy as np
import openvino as ov
import openvino_genai as genai

from benchmarks.peers.serving_cases import ANSWER_TOKENS, Ask, arguments, measure

USER, ASSISTANT, SPECIALS = 1, 2, 5
CACHE_GIGABYTES = 2
ADAPTER_SCALE = 2.0


def main() -> None:
    given = arguments()
    config = json.loads((given.folder / "model" / "config.json").read_text())
    scheduler = genai.SchedulerConfig()
    scheduler.cache_size = CACHE_GIGABYTES
    scheduler.enable_prefix_caching = False
    most = max(adapters for _, adapters in given.cases)
    files = [given.folder / "adapters" / f"{number:02d}" / "adapter_model.safetensors" for number in range(most)]
    adapters = [genai.Adapter(str(file)) for file in files]

    @functools.cache
    def pipeline(has_adapters: bool) -> genai.ContinuousBatchingPipeline:
        """Without adapters it is told of none, as whoever has none would do: knowing of them makes it slower."""
        properties = {"adapters": genai.AdapterConfig(adapters)} if has_adapters else {}
        return genai.ContinuousBatchingPipeline(
            str(given.folder / "openvino"), scheduler_config=scheduler, device="CPU", properties=properties
        )

    def settings(adapter: int | None) -> genai.GenerationConfig:
        wanted = genai.GenerationConfig(max_new_tokens=ANSWER_TOKENS, ignore_eos=True, do_sample=False)
        if adapter is not None:
            wanted.adapters = genai.AdapterConfig()
            wanted.adapters.add(adapters[adapter], ADAPTER_SCALE)
        return wanted

    def answer(ask: Ask) -> int:
        asked = [[USER, *words, ASSISTANT] for words in ask.prompts(config["vocab_size"], SPECIALS)]
        tokens = 0
        for adapter, members in ask.by_adapter().items():
            inputs = [ov.Tensor(np.array([asked[index]], dtype=np.int64)) for index in members]
            answers = pipeline(adapter is not None).generate(inputs, [settings(adapter)] * len(members))
            tokens += sum(len(answer.m_generation_ids[0]) for answer in answers)
        return tokens

    measure(given, answer, version=genai.__version__)


if __name__ == "__main__":
    main()
