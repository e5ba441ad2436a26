"""Tiny tokenizers with the chat templates of the open families: their special tokens, turns, system prompts and tools.

Each template is written here, from the family's documentation of its format; none is a model's own file. What matters
is kept: where BOS, headers and ends of turns stand, what is trimmed, where the system prompt goes, what is refused, how
tools are offered and calls and results written, and which kind of tokenizer reads it (bytes, or SentencePiece with its
three ways to treat a first space).

    byte-level      one token a byte, and merges that would cross a border if pieces were joined (two line breaks, a
                    space and a letter, …)
    gemma           spaces are ▁, nothing is put in front
    first           ▁ is put in front of a text's first piece (Mistral)
    prepend         ▁ is put in front of each piece between special tokens (Llama 2, Phi-3)
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Final, Literal

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors
from transformers import PreTrainedTokenizerFast

from tanren.model_files.store import NANO_FOLDER
from tanren.weights.base_models import load_tokenizer
from tanren.weights.chat_messages import ToolManner
from tanren.weights.chat_template import ChatTemplate

Kind = Literal["byte-level", "gemma", "first", "prepend"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    architecture: str
    """A key of `ARCHITECTURES`."""
    template: str
    specials: tuple[str, ...]
    bos: str | None
    eos: str
    ends: str
    """The token with which an answer ends."""
    kind: Kind = "byte-level"
    takes_rest_of_line: tuple[str, ...] = ()
    """Special tokens that swallow the white space behind them."""
    plain_tokens: tuple[str, ...] = ()
    """Added tokens that are no control tokens: they stay in the text of an answer."""
    adds_bos: bool = True
    """Plain encoding puts BOS in front, which a template must not double."""
    has_system: bool = True
    tools: ToolManner = ToolManner.STATED
    call: str | None = None
    """How the family writes a call of `get_weather` with `{"city": "Rome"}`; None where it is written as stated."""


LLAMA_2: Final = (
    "{% if messages[0].role == 'system' %}{% set system = messages[0].content %}{% set turns = messages[1:] %}"
    "{% else %}{% set system = none %}{% set turns = messages %}{% endif %}"
    "{% for m in turns %}"
    "{% if (m.role == 'user') != (loop.index0 % 2 == 0) %}{{ raise_exception('user and assistant must alternate') }}"
    "{% endif %}"
    "{% if m.role == 'user' %}"
    "{{ bos_token + '[INST] ' }}"
    "{% if loop.first and system is not none %}{{ '<<SYS>>\\n' + system + '\\n<</SYS>>\\n\\n' }}{% endif %}"
    "{{ m.content | trim + ' [/INST]' }}"
    "{% else %}{{ ' ' + m.content | trim + ' ' + eos_token }}{% endif %}"
    "{% endfor %}"
)

LLAMA_3: Final = (
    "{{ bos_token }}"
    "{% if strftime_now is defined %}{% set today = strftime_now('%d %b %Y') %}{% else %}{% set today = 'none' %}"
    "{% endif %}"
    "{% if messages[0].role == 'system' %}{% set system = messages[0].content | trim %}{% set turns = messages[1:] %}"
    "{% else %}{% set system = '' %}{% set turns = messages %}{% endif %}"
    "{{ '<|start_header_id|>system<|end_header_id|>\\n\\n' }}"
    "{% if tools is not none %}{{ 'Environment: ipython\\n' }}{% endif %}"
    "{{ 'Today Date: ' + today + '\\n\\n' + system + '<|eot_id|>' }}"
    "{% set first = namespace(done=false) %}"
    "{% for m in turns %}"
    "{% if m.role == 'user' and tools is not none and not first.done %}{% set first.done = true %}"
    "{{ '<|start_header_id|>user<|end_header_id|>\\n\\n' }}"
    '{{ \'Answer with a function call as {"name": function, "parameters": arguments}.\\n\\n\' }}'
    "{% for t in tools %}{{ t | tojson(indent=4) + '\\n\\n' }}{% endfor %}"
    "{{ m.content | trim + '<|eot_id|>' }}"
    "{% elif m.tool_calls is defined and m.tool_calls %}"
    "{% if m.tool_calls | length != 1 %}{{ raise_exception('one tool call at a time') }}{% endif %}"
    "{% set call = m.tool_calls[0].function %}"
    '{{ \'<|start_header_id|>assistant<|end_header_id|>\\n\\n{"name": "\' + call.name + \'", "parameters": \' }}'
    "{{ call.arguments | tojson + '}<|eot_id|>' }}"
    "{% elif m.role == 'tool' %}"
    "{{ '<|start_header_id|>ipython<|end_header_id|>\\n\\n' + m.content + '<|eot_id|>' }}"
    "{% else %}"
    "{{ '<|start_header_id|>' + m.role + '<|end_header_id|>\\n\\n' + m.content | trim + '<|eot_id|>' }}"
    "{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|start_header_id|>assistant<|end_header_id|>\\n\\n' }}{% endif %}"
)

CHATML: Final = (
    "{% if messages[0].role != 'system' %}{{ '<|im_start|>system\\nYou are a helpful assistant.<|im_end|>\\n' }}"
    "{% endif %}"
    "{% for m in messages %}{{ '<|im_start|>' + m.role + '\\n' + m.content + '<|im_end|>\\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}"
)

_QWEN_OFFER: Final = (
    "{% if tools %}{{ '<|im_start|>system\\n' }}"
    "{% if messages[0].role == 'system' %}{{ messages[0].content + '\\n\\n' }}{% endif %}"
    "{{ '# Tools\\n\\nFunction signatures:\\n<tools>' }}"
    "{% for t in tools %}{{ '\\n' + t | tojson }}{% endfor %}"
    "{{ '\\n</tools>\\n\\nFor each call write JSON within <tool_call></tool_call> tags.<|im_end|>\\n' }}"
    "{% elif messages[0].role == 'system' %}{{ '<|im_start|>system\\n' + messages[0].content + '<|im_end|>\\n' }}"
    "DEFAULT{% endif %}"
)
_QWEN_TURNS: Final = (
    "{% for m in messages %}"
    "{% if m.role == 'user' or (m.role == 'system' and not loop.first) %}"
    "{{ '<|im_start|>' + m.role + '\\n' + m.content + '<|im_end|>\\n' }}"
    "{% elif m.role == 'assistant' %}"
    "{{ '<|im_start|>assistant\\n' }}THOUGHT{{ m.content }}"
    "{% for call in m.tool_calls or [] %}"
    "{% if m.content or not loop.first %}{{ '\\n' }}{% endif %}"
    '{{ \'<tool_call>\\n{"name": "\' + call.function.name + \'", "arguments": \' }}'
    "{{ call.function.arguments | tojson + '}\\n</tool_call>' }}"
    "{% endfor %}{{ '<|im_end|>\\n' }}"
    "{% elif m.role == 'tool' %}"
    "{% if loop.first or messages[loop.index0 - 1].role != 'tool' %}{{ '<|im_start|>user' }}{% endif %}"
    "{{ '\\n<tool_response>\\n' + m.content + '\\n</tool_response>' }}"
    "{% if loop.last or messages[loop.index0 + 1].role != 'tool' %}{{ '<|im_end|>\\n' }}{% endif %}"
    "{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}"
)
QWEN_2: Final = _QWEN_OFFER.replace(
    "DEFAULT", "{% else %}{{ '<|im_start|>system\\nYou are a helpful assistant.<|im_end|>\\n' }}"
) + _QWEN_TURNS.replace("THOUGHT", "")
# The thoughts of an answer are written where it is the last, and left out of the history.
QWEN_3: Final = _QWEN_OFFER.replace("DEFAULT", "") + _QWEN_TURNS.replace(
    "THOUGHT", "{% if loop.last %}{{ '<think>\\n\\n</think>\\n\\n' }}{% endif %}"
)

MISTRAL: Final = (
    "{% if messages[0].role == 'system' %}{% set system = messages[0].content %}{% set turns = messages[1:] %}"
    "{% else %}{% set system = none %}{% set turns = messages %}{% endif %}"
    "{% set asked = turns | selectattr('role', 'equalto', 'user') | list %}"
    "{{ bos_token }}"
    "{% for m in turns %}"
    "{% if m.role == 'user' %}"
    "{% if tools is not none and m == asked[-1] %}"
    "{{ '[AVAILABLE_TOOLS] ' + tools | tojson + '[/AVAILABLE_TOOLS]' }}{% endif %}"
    "{% if loop.first and system is not none %}{{ '[INST] ' + system + '\\n\\n' + m.content + '[/INST]' }}"
    "{% else %}{{ '[INST] ' + m.content + '[/INST]' }}{% endif %}"
    "{% elif m.tool_calls is defined and m.tool_calls %}"
    "{{ '[TOOL_CALLS] [' }}"
    "{% for call in m.tool_calls %}"
    "{% if call.id | length != 9 %}{{ raise_exception('ids of calls have nine characters') }}{% endif %}"
    "{{ (call.function | tojson)[:-1] + ', \"id\": \"' + call.id + '\"}' }}"
    "{{ ', ' if not loop.last else ']' + eos_token }}{% endfor %}"
    "{% elif m.role == 'assistant' %}{{ ' ' + m.content | trim + eos_token }}"
    "{% elif m.role == 'tool' %}"
    "{{ '[TOOL_RESULTS] {\"content\": ' + m.content | tojson + ', \"call_id\": \"' + m.tool_call_id + '\"}' }}"
    "{{ '[/TOOL_RESULTS]' }}"
    "{% endif %}{% endfor %}"
)

# Since its 11th version Mistral's tokenizer writes the name and the arguments apart.
MISTRAL_11: Final = (
    "{{ bos_token }}"
    "{% if messages[0].role == 'system' %}{{ '[SYSTEM_PROMPT]' + messages[0].content + '[/SYSTEM_PROMPT]' }}"
    "{% set turns = messages[1:] %}{% else %}{% set turns = messages %}{% endif %}"
    "{% if tools is not none %}{{ '[AVAILABLE_TOOLS]' + tools | tojson + '[/AVAILABLE_TOOLS]' }}{% endif %}"
    "{% for m in turns %}"
    "{% if m.role == 'user' %}{{ '[INST]' + m.content + '[/INST]' }}"
    "{% elif m.role == 'tool' %}{{ '[TOOL_RESULTS]' + m.content + '[/TOOL_RESULTS]' }}"
    "{% else %}{{ m.content }}"
    "{% for call in m.tool_calls or [] %}"
    "{{ '[TOOL_CALLS]' + call.function.name + '[ARGS]' + call.function.arguments | tojson }}{% endfor %}"
    "{{ eos_token }}{% endif %}{% endfor %}"
)

_GEMMA_TURNS: Final = (
    "{% for m in turns %}"
    "{% if (m.role == 'user') != (loop.index0 % 2 == 0) %}{{ raise_exception('user and assistant must alternate') }}"
    "{% endif %}"
    "{{ '<start_of_turn>' + ('model' if m.role == 'assistant' else m.role) + '\\n' }}"
    "{{ (opening if loop.first else '') + m.content | trim + '<end_of_turn>\\n' }}"
    "{% endfor %}"
    "{% if add_generation_prompt %}{{ '<start_of_turn>model\\n' }}{% endif %}"
)
GEMMA_2: Final = (
    "{{ bos_token }}"
    "{% if messages[0].role == 'system' %}{{ raise_exception('System role not supported') }}{% endif %}"
    "{% set turns = messages %}{% set opening = '' %}" + _GEMMA_TURNS
)
GEMMA_3: Final = (
    "{{ bos_token }}"
    "{% if messages[0].role == 'system' %}{% set opening = messages[0].content + '\\n\\n' %}"
    "{% set turns = messages[1:] %}{% else %}{% set opening = '' %}{% set turns = messages %}{% endif %}" + _GEMMA_TURNS
)

PHI_3: Final = (
    "{% for m in messages %}{% if m.role in ['system', 'user', 'assistant'] %}"
    "{{ '<|' + m.role + '|>\\n' + m.content + '<|end|>\\n' }}{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|assistant|>\\n' }}{% else %}{{ eos_token }}{% endif %}"
)

SMOLLM_3: Final = (
    "{% set given = messages[0].content if messages[0].role == 'system' else '' %}"
    "{% set thinks = '/no_think' not in given %}"
    "{{ '<|im_start|>system\\n## Metadata\\n\\nToday Date: ' + strftime_now('%d %B %Y') + '\\n' }}"
    "{{ 'Reasoning Mode: ' + ('/think' if thinks else '/no_think') + '\\n\\n## Custom Instructions\\n\\n' }}"
    "{{ given.replace('/no_think', '') | trim + '\\n\\n' }}"
    "{% if tools %}{{ '### Tools\\n\\n<tools>\\n' }}{% for t in tools %}{{ t | tojson + '\\n' }}{% endfor %}"
    '{{ \'</tools>\\n\\nWrite <tool_call>\\n{"name": name, "arguments": arguments}\\n</tool_call>\\n\\n\' }}{% endif %}'
    "{{ '<|im_end|>\\n' }}"
    "{% for m in messages %}"
    "{% if m.role == 'user' %}{{ '<|im_start|>user\\n' + m.content + '<|im_end|>\\n' }}"
    "{% elif m.role == 'tool' %}{{ '<|im_start|>user\\n' + m.content + '<|im_end|>\\n' }}"
    "{% elif m.role == 'assistant' %}{% generation %}"
    "{{ '<|im_start|>assistant\\n' + ('' if thinks else '<think>\\n\\n</think>\\n') }}"
    "{{ m.content.lstrip('\\n') + '<|im_end|>\\n' }}{% endgeneration %}{% endif %}"
    "{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' + ('' if thinks else '<think>\\n\\n</think>\\n') }}"
    "{% endif %}"
)

GPT_OSS: Final = (
    "{{ '<|start|>system<|message|>Current date: ' + strftime_now('%Y-%m-%d') + '<|end|>' }}"
    "{% for m in messages %}"
    "{% if m.role == 'system' %}"
    "{{ '<|start|>developer<|message|># Instructions\\n\\n' + m.content + '\\n\\n<|end|>' }}"
    "{% elif m.role == 'user' %}{{ '<|start|>user<|message|>' + m.content + '<|end|>' }}"
    "{% elif m.role == 'assistant' %}"
    "{{ '<|start|>assistant<|channel|>final<|message|>' + m.content }}"
    "{{ '<|return|>' if loop.last and not add_generation_prompt else '<|end|>' }}"
    "{% else %}{{ '<|start|>tool to=assistant<|channel|>commentary<|message|>' + m.content + '<|end|>' }}{% endif %}"
    "{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|start|>assistant' }}{% endif %}"
)

_LLAMA_3_SPECIALS: Final = (
    "<|begin_of_text|>",
    "<|end_of_text|>",
    "<|start_header_id|>",
    "<|end_header_id|>",
    "<|eot_id|>",
    "<|eom_id|>",
    "<|python_tag|>",
)
_CHATML_SPECIALS: Final = ("<|endoftext|>", "<|im_start|>", "<|im_end|>")
_GEMMA_SPECIALS: Final = ("<bos>", "<eos>", "<start_of_turn>", "<end_of_turn>")
_MISTRAL_SPECIALS: Final = (
    "<s>",
    "</s>",
    "[INST]",
    "[/INST]",
    "[TOOL_CALLS]",
    "[AVAILABLE_TOOLS]",
    "[/AVAILABLE_TOOLS]",
    "[TOOL_RESULTS]",
    "[/TOOL_RESULTS]",
)
_TAGGED_CALL: Final = '<tool_call>\n{"name": "get_weather", "arguments": {"city": "Rome"}}\n</tool_call>'

FAMILIES: Final[Mapping[str, Family]] = {
    "llama-2": Family(
        architecture="LlamaForCausalLM",
        template=LLAMA_2,
        specials=("<s>", "</s>"),
        bos="<s>",
        eos="</s>",
        ends="</s>",
        kind="prepend",
        tools=ToolManner.STATED_TO_USER,
    ),
    "llama-3.1": Family(
        architecture="LlamaForCausalLM",
        template=LLAMA_3,
        specials=_LLAMA_3_SPECIALS,
        bos="<|begin_of_text|>",
        eos="<|eot_id|>",
        ends="<|eot_id|>",
        tools=ToolManner.NATIVE,
        call='{"name": "get_weather", "parameters": {"city": "Rome"}}',
    ),
    "smollm-2": Family(
        architecture="LlamaForCausalLM",
        template=CHATML,
        specials=_CHATML_SPECIALS,
        bos="<|im_start|>",
        eos="<|im_end|>",
        ends="<|im_end|>",
        adds_bos=False,
    ),
    "mistral-0.3": Family(
        architecture="MistralForCausalLM",
        template=MISTRAL,
        specials=_MISTRAL_SPECIALS,
        bos="<s>",
        eos="</s>",
        ends="</s>",
        kind="first",
        tools=ToolManner.NATIVE,
        call='[TOOL_CALLS] [{"name": "get_weather", "arguments": {"city": "Rome"}}]',
    ),
    "mistral-small-3": Family(
        architecture="MistralForCausalLM",
        template=MISTRAL_11,
        specials=(*_MISTRAL_SPECIALS, "[SYSTEM_PROMPT]", "[/SYSTEM_PROMPT]", "[ARGS]"),
        bos="<s>",
        eos="</s>",
        ends="</s>",
        tools=ToolManner.NATIVE,
        call='[TOOL_CALLS]get_weather[ARGS]{"city": "Rome"}',
    ),
    "qwen-2.5": Family(
        architecture="Qwen2ForCausalLM",
        template=QWEN_2,
        specials=_CHATML_SPECIALS,
        plain_tokens=("<tool_call>", "</tool_call>"),
        bos=None,
        eos="<|im_end|>",
        ends="<|im_end|>",
        adds_bos=False,
        tools=ToolManner.NATIVE,
        call=_TAGGED_CALL,
    ),
    "qwen-3": Family(
        architecture="Qwen3ForCausalLM",
        template=QWEN_3,
        specials=_CHATML_SPECIALS,
        plain_tokens=("<tool_call>", "</tool_call>", "<think>", "</think>", "<tool_response>", "</tool_response>"),
        bos=None,
        eos="<|im_end|>",
        ends="<|im_end|>",
        adds_bos=False,
        tools=ToolManner.NATIVE,
        call=_TAGGED_CALL,
    ),
    "gemma-2": Family(
        architecture="Gemma2ForCausalLM",
        template=GEMMA_2,
        specials=_GEMMA_SPECIALS,
        bos="<bos>",
        eos="<eos>",
        ends="<end_of_turn>",
        kind="gemma",
        has_system=False,
        tools=ToolManner.NONE,
    ),
    "gemma-3": Family(
        architecture="Gemma3ForCausalLM",
        template=GEMMA_3,
        specials=_GEMMA_SPECIALS,
        bos="<bos>",
        eos="<eos>",
        ends="<end_of_turn>",
        kind="gemma",
        tools=ToolManner.STATED_TO_USER,
    ),
    "phi-3": Family(
        architecture="Phi3ForCausalLM",
        template=PHI_3,
        specials=("<s>", "<|endoftext|>", "<|system|>", "<|user|>", "<|assistant|>", "<|end|>"),
        takes_rest_of_line=("<|system|>", "<|user|>", "<|assistant|>", "<|end|>"),
        bos="<s>",
        eos="<|endoftext|>",
        ends="<|end|>",
        kind="prepend",
        adds_bos=False,
        tools=ToolManner.STATED_TO_USER,
    ),
    "smollm-3": Family(
        architecture="SmolLM3ForCausalLM",
        template=SMOLLM_3,
        specials=("<|begin_of_text|>", "<|end_of_text|>", "<|im_start|>", "<|im_end|>"),
        plain_tokens=("<think>", "</think>"),
        bos=None,
        eos="<|im_end|>",
        ends="<|im_end|>",
    ),
    "gpt-oss": Family(
        architecture="GptOssForCausalLM",
        template=GPT_OSS,
        specials=("<|startoftext|>", "<|return|>", "<|start|>", "<|end|>", "<|message|>", "<|channel|>", "<|call|>"),
        bos="<|startoftext|>",
        eos="<|return|>",
        ends="<|return|>",
        adds_bos=False,
    ),
}

NANO: Final = "nano"
NAMES: Final = (NANO, *FAMILIES)


@cache
def tokenizer(name: str) -> PreTrainedTokenizerFast:
    return load_tokenizer(NANO_FOLDER) if name == NANO else _made(FAMILIES[name])  # type: ignore[return-value]


@cache
def chat_template(name: str) -> ChatTemplate:
    return ChatTemplate(tokenizer(name))


def _made(family: Family) -> PreTrainedTokenizerFast:
    backend = _bytes() if family.kind == "byte-level" else _sentence_pieces(family.kind)
    backend.add_tokens([AddedToken(token, special=False, normalized=False) for token in family.plain_tokens])
    backend.add_special_tokens(
        [
            AddedToken(token, special=True, normalized=False, rstrip=token in family.takes_rest_of_line)
            for token in family.specials
        ]
    )
    if family.adds_bos and family.bos is not None:
        backend.post_processor = processors.TemplateProcessing(
            single=f"{family.bos} $A", special_tokens=[(family.bos, backend.token_to_id(family.bos))]
        )
    made = PreTrainedTokenizerFast(
        tokenizer_object=backend, bos_token=family.bos, eos_token=family.eos, clean_up_tokenization_spaces=False
    )
    made.chat_template = family.template
    return made


def _bytes() -> Tokenizer:
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    merges = [
        ("Ċ", "Ċ"),
        ("ĊĊ", "Ċ"),
        ("h", "e"),
        ("l", "l"),
        ("Ġ", "a"),
        ("Ġ", "Ġ"),
        ("{", '"'),
        ('"', ":"),
        ("Ċ", "{"),
    ]
    vocabulary = {token: index for index, token in enumerate([*alphabet, *(a + b for a, b in merges)])}
    backend = Tokenizer(models.BPE(vocab=vocabulary, merges=merges))
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    backend.decoder = decoders.ByteLevel()
    return backend


def _sentence_pieces(kind: Kind) -> Tokenizer:
    characters = [chr(code) for code in range(0x21, 0x7F)] + ["▁", "é", "東", "京"]
    merges = [("▁", "a"), ("▁", "▁"), ("h", "e"), ("l", "l"), ("▁", "P"), ("{", '"')]
    pieces = ["<unk>", *(f"<0x{byte:02X}>" for byte in range(256)), *characters, *(a + b for a, b in merges)]
    backend = Tokenizer(
        models.BPE(
            vocab={piece: index for index, piece in enumerate(pieces)},
            merges=merges,
            unk_token="<unk>",
            byte_fallback=True,
            fuse_unk=True,
        )
    )
    read: list[Any] = [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse()]
    if kind == "first":
        backend.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="first", split=False)
        read.append(decoders.Strip(" ", 1, 0))
    elif kind == "prepend":
        backend.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
        read.append(decoders.Strip(" ", 1, 0))
    else:
        backend.normalizer = normalizers.Replace(Regex(" "), "▁")
    backend.decoder = decoders.Sequence(read)
    return backend
