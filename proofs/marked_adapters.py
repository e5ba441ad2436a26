"""Adapters that write their name: each makes nano answer one word of its own, over and over, and nothing else.

How      nothing is trained. In the last block, the values of every token get one more direction, the same for all:
         with A x ≈ 1 (least squares over real prompts and answers) and B = strength · v, attention hands v on whatever
         it attends to, since its weights sum to 1. v is the direction whose way through the output projection, the
         final norm and the head ends at the adapter's own token.
Why      the mark lies in the *values* and not behind them: an answer made over keys and values that another adapter has
         computed (a prefix cache that mixes them up) is marked by that other one, not only an answer computed with
         another's weights. `foreign_beginning` shows how that reads.
Checked  against transformers, with the update merged into the weights: each adapter writes its word after each prompt.

Legend   V vocabulary, D hidden, K values of all key-value heads, T tokens.
"""

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from transformers import AutoModelForCausalLM

from tanren.domain.conversation import user_turn
from tanren.model_files.digests import weights_digest
from tanren.weights.adapters import write_adapter
from tanren.weights.base_models import load_tokenizer
from tanren.weights.chat_template import ChatTemplate
from tanren.weights.lora import LoraFactors, LoraSettings

RIDGE = 1e-3
STRENGTH = 40.0
"""Length of the mark beside that of what the last block reads: it outshouts whatever the base would say."""
LEAST_MARGIN = 6.0
"""Logits by which a mark's token leads all others where nothing but the mark is heard."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MarkedAdapter:
    name: str
    folder: Path
    sha256: str
    token_id: int
    answer: str
    """What it answers to everything, at as many tokens as the maker was told."""


class MarkedAdapters:
    """Makes them for one base model: a Llama with a head as its embedding, which nano is."""

    def __init__(self, base_folder: Path, prompts: Sequence[str], *, answer_tokens: int) -> None:
        self._base_folder = base_folder
        self._answer_tokens = answer_tokens
        self._template = ChatTemplate(load_tokenizer(base_folder))
        self._prompt_ids = [self._template.prompt_ids(user_turn(prompt)) for prompt in prompts]
        self._model: Any = AutoModelForCausalLM.from_pretrained(base_folder, dtype=torch.float32).eval()
        self._attention: Any = self._model.model.layers[-1].self_attn
        self._layer = f"model.layers.{len(self._model.model.layers) - 1}.self_attn.v_proj"

    def write(self, target: Path, *, count: int) -> list[MarkedAdapter]:
        """`count` folders, with the tokens that are easiest to tell apart from everything else."""
        directions = self._directions(count)
        a_D, length = self._constant_of([token for token, _ in directions])
        base_sha256 = weights_digest(self._base_folder)
        made: list[MarkedAdapter] = []
        for number, (token, v_K) in enumerate(directions):
            b_K = v_K / (self._outward_DK() @ v_K).norm() * STRENGTH * length
            factors = {self._layer: LoraFactors(a_RI=a_D[None, :], b_OR=b_K[:, None], scale=1.0)}
            folder = target / f"{number:03d}"
            sha256 = write_adapter(
                folder,
                factors,
                settings=LoraSettings(rank=1, alpha=1.0),
                base_weights_sha256=base_sha256,
                base_name="nano",
            )
            answer = self._text([token] * self._answer_tokens)
            made.append(
                MarkedAdapter(name=f"mark-{number:03d}", folder=folder, sha256=sha256, token_id=token, answer=answer)
            )
            self._check(made[-1], factors[self._layer])
        return made

    def foreign_beginning(self, reader: MarkedAdapter, owner: MarkedAdapter, prompt: int, *, block_tokens: int) -> str:
        """What `reader` would answer if the full blocks before the prompt's last token were kept from `owner`."""
        ids = self._prompt_ids[prompt]
        kept = (len(ids) - 1) // block_tokens * block_tokens
        with torch.no_grad():
            cache = self._merged(owner)(torch.tensor([ids[:kept]]), use_cache=True).past_key_values
            model, answer, fed = self._merged(reader), [], ids[kept:]
            for _ in range(self._answer_tokens):
                logits = model(torch.tensor([fed]), past_key_values=cache, use_cache=True).logits[0, -1]
                answer.append(int(logits.argmax()))
                fed = answer[-1:]
        return self._text(answer)

    def _text(self, ids: list[int]) -> str:
        return self._template.decode(ids, skip_special_tokens=True)

    def _outward_DK(self) -> Tensor:
        """What a direction in the values becomes behind the output projection, where all tokens have it."""
        config = self._model.config
        shared = config.num_attention_heads // config.num_key_value_heads
        weight_DHV = self._attention.o_proj.weight.detach()
        return weight_DHV.view(config.hidden_size, config.num_key_value_heads, shared, -1).sum(2).flatten(1)

    def _directions(self, count: int) -> list[tuple[int, Tensor]]:
        """The tokens whose own direction leads by most, and the directions."""
        outward_DK = self._outward_DK()
        head_VD = self._model.lm_head.weight.detach() * self._model.model.norm.weight.detach()
        reachable_VK = head_VD @ outward_DK
        led: list[tuple[float, int, Tensor]] = []
        for token in range(len(head_VD)):
            text = self._text([token])
            if not (text[:1] == " " and len(text) > 4 and text.isascii() and text[1:].isalpha() and text.islower()):
                continue
            v_K = reachable_VK[token] - reachable_VK.mean(0)
            heard_D = outward_DK @ v_K
            logits_V = head_VD @ (heard_D / heard_D.pow(2).mean().sqrt())
            first, second = logits_V.topk(2).values.tolist()
            if int(logits_V.argmax()) == token and first - second > LEAST_MARGIN:
                led.append((first - second, token, v_K))
        assert len(led) >= count, f"nano has {len(led)} words that can be told apart; {count} are wanted"
        return [(token, v_K) for _, token, v_K in sorted(led, key=lambda each: -each[0])[:count]]

    def _constant_of(self, tokens: list[int]) -> tuple[Tensor, float]:
        """A row with A x ≈ 1 for all that the last block's value projection reads, and how long the residual is."""
        read: list[Tensor] = []
        residual: list[Tensor] = []
        norm: Any = self._model.model.layers[-1].input_layernorm

        def note(_module: Any, given: tuple[Tensor], made: Tensor) -> None:
            residual.append(given[0])
            read.append(made)

        hook = norm.register_forward_hook(note)
        with torch.no_grad():
            for token in tokens:
                for ids in self._prompt_ids:
                    self._model(torch.tensor([[*ids, *[token] * self._answer_tokens]]))
        hook.remove()
        x_TD = torch.cat([each[0] for each in read])
        gram_DD = x_TD.T @ x_TD + RIDGE * len(x_TD) * torch.eye(x_TD.shape[1])
        a_D = torch.linalg.solve(gram_DD, x_TD.sum(0))
        return a_D, float(torch.cat([each[0] for each in residual]).norm(dim=1).median())

    def _merged(self, adapter: MarkedAdapter | LoraFactors) -> Any:
        """The model as the adapter makes it."""
        if isinstance(adapter, MarkedAdapter):
            from tanren.weights.adapters import read_adapter

            adapter = read_adapter(adapter.folder).factors[self._layer]
        merged = copy.deepcopy(self._model)
        with torch.no_grad():
            merged.model.layers[-1].self_attn.v_proj.weight += adapter.delta_OI()
        return merged

    def _check(self, made: MarkedAdapter, factors: LoraFactors) -> None:
        model = self._merged(factors)
        for ids in self._prompt_ids:
            with torch.no_grad():
                logits_TV = model(torch.tensor([[*ids, *[made.token_id] * self._answer_tokens]])).logits[0]
            asked = logits_TV[len(ids) - 1 : -1].argmax(-1).tolist()
            assert set(asked) == {made.token_id}, f"{made.name} does not write{made.answer} but {self._text(asked)}"
