"""Folders that must not be opened: a good one, made by hand, and what somebody did to it. One function each.

Whatever would run leaves a file behind, the canary: `CANARY` in the folder's parent.
"""

import json
import os
import pickle
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from tanren.model_files.architectures import ARCHITECTURES, Dimensions, expected_tensors

CONFIG: dict[str, Any] = {
    "architectures": ["LlamaForCausalLM"],
    "model_type": "llama",
    "hidden_size": 8,
    "intermediate_size": 12,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "num_key_value_heads": 1,
    "vocab_size": 20,
    "max_position_embeddings": 64,
    "tie_word_embeddings": False,
    "rope_theta": 10000.0,
}
TEMPLATE = "{% for m in messages %}<|{{ m['role'] }}|>{{ m['content'] }}<|end|>{% endfor %}"
SIZES = Dimensions(hidden=8, layers=2, heads=2, kv_heads=1, head_dim=4, intermediate=12, vocabulary=20, experts=0)
Q_PROJ = "model.layers.0.self_attn.q_proj.weight"
Entries = dict[str, Any]
Hostile = Callable[[Path], None]


class Canary:
    """As a pickle, it runs a command when it is read."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __reduce__(self) -> Any:
        return os.system, (f"touch '{self.folder.parent / 'CANARY'}'",)


def good_tensors() -> dict[str, np.ndarray[Any, Any]]:
    random = np.random.default_rng(0)
    names = expected_tensors(ARCHITECTURES["LlamaForCausalLM"], SIZES, CONFIG)
    return {name: random.standard_normal(shape).astype(np.float32) for name, shape in names}


def good_folder(folder: Path) -> Path:
    folder.mkdir(parents=True)
    write_json(folder / "config.json", CONFIG)
    write_json(folder / "generation_config.json", {"eos_token_id": 1})
    write_json(folder / "tokenizer_config.json", {"tokenizer_class": "PreTrainedTokenizerFast"})
    tokens = {f"t{number}": number for number in range(18)}
    added = [{"id": 18, "content": "<|end|>", "special": True}]
    write_json(
        folder / "tokenizer.json", {"added_tokens": added, "model": {"type": "BPE", "vocab": tokens, "merges": []}}
    )
    (folder / "chat_template.jinja").write_text(TEMPLATE)
    write_tensors(folder / "model.safetensors", good_tensors())
    return folder


def write_json(file: Path, value: Any) -> None:
    file.write_text(json.dumps(value))


def change_json(file: Path, **changes: Any) -> None:
    write_json(file, {**json.loads(file.read_text()), **changes})


def write_tensors(
    file: Path, tensors: dict[str, np.ndarray[Any, Any]], change: Callable[[Entries], Any] = lambda entries: None
) -> None:
    """A safetensors file; `change` may spoil its header, or give another text for it."""
    entries: Entries = {}
    data = b""
    for name, values in tensors.items():
        raw = values.tobytes()
        kind = {"float32": "F32", "float64": "F64", "uint8": "U8", "uint16": "BF16"}[values.dtype.name]
        entries[name] = {"dtype": kind, "shape": list(values.shape), "data_offsets": [len(data), len(data) + len(raw)]}
        data += raw
    text = change(entries) or json.dumps(entries)
    file.write_bytes(struct.pack("<Q", len(text.encode())) + text.encode() + data)


def weights(change: Callable[[Entries], Any]) -> Hostile:
    return lambda folder: write_tensors(folder / "model.safetensors", good_tensors(), change)


def config(**changes: Any) -> Hostile:
    return lambda folder: change_json(folder / "config.json", **changes)


def template(source: str) -> Hostile:
    def write(folder: Path) -> None:
        (folder / "chat_template.jinja").write_text(source)

    return write


def entry(name: str = Q_PROJ, **changes: Any) -> Hostile:
    return weights(lambda entries: entries[name].update(changes))


def tensors(change: Callable[[dict[str, Any]], Any]) -> Hostile:
    def write(folder: Path) -> None:
        values: dict[str, Any] = good_tensors()
        change(values)
        write_tensors(folder / "model.safetensors", values)

    return write


def put_bad_value(name: str, value: float) -> Hostile:
    def change(values: dict[str, Any]) -> None:
        values[name].flat[5] = value

    return tensors(change)


def bfloat16_infinity(values: dict[str, Any]) -> None:
    for name in values:
        values[name] = (values[name].view(np.uint32) >> 16).astype(np.uint16)
    values["model.norm.weight"][3] = 0x7F80


def pickle_as_safetensors(folder: Path) -> None:
    (folder / "model.safetensors").write_bytes(pickle.dumps(Canary(folder)))


def torch_zip_as_safetensors(folder: Path) -> None:
    with zipfile.ZipFile(folder / "model.safetensors", "w") as archive:
        archive.writestr("archive/data.pkl", pickle.dumps(Canary(folder)))


def pickle_as_json(folder: Path) -> None:
    (folder / "generation_config.json").write_bytes(pickle.dumps(Canary(folder)))


def pickle_only(folder: Path) -> None:
    (folder / "model.safetensors").unlink()
    (folder / "pytorch_model.bin").write_bytes(pickle.dumps(Canary(folder)))


def custom_code(folder: Path) -> None:
    (folder / "modeling_llama.py").write_text(f"open({str(folder.parent / 'CANARY')!r}, 'w')")


def link_out(folder: Path) -> None:
    (folder / "special_tokens_map.json").symlink_to("/etc/passwd")


def link_to_nothing(folder: Path) -> None:
    (folder / "special_tokens_map.json").symlink_to(folder / "nothing")


def pipe(folder: Path) -> None:
    os.mkfifo(folder / "added_tokens.json")


def index(weight_map: Any) -> Hostile:
    def write(folder: Path) -> None:
        (folder / "model.safetensors").rename(folder / "model-00001-of-00001.safetensors")
        names = dict.fromkeys(good_tensors(), "model-00001-of-00001.safetensors")
        write_json(folder / "model.safetensors.index.json", {"weight_map": weight_map(names)})

    return write


def second_weights(folder: Path) -> None:
    write_tensors(folder / "other.safetensors", good_tensors())


def truncated(folder: Path) -> None:
    content = (folder / "model.safetensors").read_bytes()
    (folder / "model.safetensors").write_bytes(content[:-100])


def more_behind(folder: Path) -> None:
    with (folder / "model.safetensors").open("ab") as stream:
        stream.write(b"#!/bin/sh\n")


def header_bomb(folder: Path) -> None:
    (folder / "model.safetensors").write_bytes(struct.pack("<Q", 1 << 62) + b"{}")


def twice_in_header(entries: Entries) -> str:
    text = json.dumps(entries)
    return text[:-1] + f', "{Q_PROJ}": ' + json.dumps(entries[Q_PROJ]) + "}"


def overlap(entries: Entries) -> None:
    first, second = list(entries)[:2]
    size = entries[second]["data_offsets"][1] - entries[second]["data_offsets"][0]
    end = entries[first]["data_offsets"][1]
    entries[second]["data_offsets"] = [end - 4, end - 4 + size]


def hole(entries: Entries) -> None:
    del entries[list(entries)[1]]


def too_many(entries: Entries) -> None:
    for number in range(100_001):
        entries[f"n{number}"] = {"dtype": "F32", "shape": [0], "data_offsets": [0, 0]}


def huge_json(folder: Path) -> None:
    with (folder / "config.json").open("wb") as stream:
        stream.truncate(9 * 1024 * 1024)


def tokenizer_bomb(folder: Path) -> None:
    with (folder / "tokenizer.json").open("wb") as stream:
        stream.truncate(65 * 1024 * 1024)


def deep(folder: Path) -> None:
    (folder / "tokenizer_config.json").write_text('{"a":' * 100_000 + "1" + "}" * 100_000)


def deepish(folder: Path) -> None:
    (folder / "generation_config.json").write_text('{"a":' * 100 + "1" + "}" * 100)


def twice_in_config(folder: Path) -> None:
    text = (folder / "config.json").read_text()
    (folder / "config.json").write_text(text[:-1] + ', "hidden_size": 16}')


def adapter_beside(folder: Path) -> None:
    write_json(folder / "adapter_config.json", {"peft_type": "LORA", "base_model_name_or_path": "/elsewhere"})


def text_as(name: str, text: str) -> Hostile:
    def write(folder: Path) -> None:
        (folder / name).write_text(text)

    return write


def without(name: str) -> Hostile:
    return lambda folder: (folder / name).unlink()


def json_of(name: str, **changes: Any) -> Hostile:
    return lambda folder: change_json(folder / name, **changes)


def big_vocabulary(folder: Path) -> None:
    change_json(folder / "tokenizer.json", added_tokens=[{"id": 20, "content": "<|end|>", "special": True}])


MODELS: dict[str, tuple[Hostile, str]] = {
    # What is no safetensors, whatever it is called.
    "a pickle called model.safetensors": (pickle_as_safetensors, r"model\.safetensors is not .* it is a pickle"),
    "a torch file called model.safetensors": (torch_zip_as_safetensors, r"it is a zip archive, as torch\.save"),
    "a pickle called generation_config.json": (pickle_as_json, r"generation_config\.json is no JSON: .* a pickle"),
    "a pickle alone": (pickle_only, r"it has pytorch_model\.bin, a pickle"),
    "a Git LFS pointer": (
        text_as("model.safetensors", "version https://git-lfs.github.com/spec/v1"),
        "Git LFS pointer",
    ),
    "a few bytes": (text_as("model.safetensors", "abc"), "it has 3 bytes"),
    # Code of its own.
    "auto_map in config.json": (config(auto_map={"AutoModel": "evil.Model"}), r"/config\.json has auto_map"),
    "auto_map deep in a processor": (
        text_as("processor_config.json", '{"x": [{"auto_map": {"AutoProcessor": "evil.P"}}]}'),
        r"processor_config\.json has auto_map",
    ),
    "auto_map in tokenizer_config.json": (
        json_of("tokenizer_config.json", auto_map={"AutoTokenizer": ["evil.T", None]}),
        r"tokenizer_config\.json has auto_map",
    ),
    "custom_generate": (json_of("generation_config.json", custom_generate="evil/repo"), "has custom_generate"),
    "weights named elsewhere": (config(transformers_weights="../../x.safetensors"), "has transformers_weights"),
    "a kernel from a hub": (config(_attn_implementation="evil/kernel"), "a kernel that would be fetched"),
    "Python code": (custom_code, r"modeling_llama\.py is program code"),
    "an adapter beside the base": (adapter_beside, "an adapter lies in a base model's folder"),
    # Files that are no files.
    "a link to /etc/passwd": (link_out, "link that leads out of its folder, to /etc/passwd"),
    "a link to nothing": (link_to_nothing, "a link to nothing"),
    "a pipe": (pipe, "a pipe, socket or device"),
    # The index.
    "an index that leads out": (index(lambda m: {**m, Q_PROJ: "../../x.safetensors"}), r"'\.\./\.\./x\.safetensors'"),
    "an index with an absolute path": (index(lambda m: {**m, Q_PROJ: "/etc/x.safetensors"}), r"'/etc/x\.safetensors'"),
    "an index of a missing part": (index(lambda m: {**m, Q_PROJ: "x.safetensors"}), "which is not there"),
    "an index without a tensor": (index(lambda m: {k: v for k, v in m.items() if k != Q_PROJ}), "does not say that"),
    "an index with one too many": (index(lambda m: {**m, "x": m[Q_PROJ]}), "the tensor 'x', which no file holds"),
    "an index that is none": (index(lambda m: []), "has no object weight_map"),
    "weights stored twice": (second_weights, r"has 2 \.safetensors files"),
    # The header.
    "a header length bomb": (header_bomb, "claims 4611686018427387904 bytes, at most"),
    "a header that is no JSON": (weights(lambda e: "{nonsense"), "header of .* is no JSON"),
    "a header that is a list": (weights(lambda e: "[]"), "its header is no JSON object"),
    "a tensor named twice": (weights(twice_in_header), "header of .* has the key .* twice"),
    "too many tensors": (weights(too_many), "tensors; at most 100000 are read"),
    "metadata that is no text": (weights(lambda e: e.update(__metadata__={"a": 1})), "__metadata__ that is no"),
    "an entry without shape": (weights(lambda e: e[Q_PROJ].pop("shape") and None), "is not described by dtype, shape"),
    "an unknown dtype": (entry(dtype="EVIL"), "dtype 'EVIL', which the format does not know"),
    "a negative size": (entry(shape=[-8, -8]), r"shape \[-8, -8\]; a size is a whole number"),
    "an overflowing shape": (entry(shape=[1 << 40, 1 << 40]), "product overflows"),
    "a shape of many dimensions": (entry(shape=[1] * 9), "no list of at most 8 sizes"),
    "a shape that its bytes do not hold": (entry(shape=[8, 9]), "needs 288 bytes; its offsets span 256"),
    "negative offsets": (entry(data_offsets=[-256, 0]), "data_offsets that are no pair"),
    "overlapping tensors": (weights(overlap), "overlaps the one before it"),
    "a hole": (weights(hole), "has a hole of 256 bytes"),
    "a file cut off": (truncated, "is cut off: tensor"),
    "bytes behind the end": (more_behind, "10 bytes behind its last tensor"),
    # The values.
    "NaN": (put_bad_value(Q_PROJ, float("nan")), r"q_proj\.weight' is not finite at \[0, 5\]"),
    "infinity": (put_bad_value("lm_head.weight", float("-inf")), r"lm_head\.weight' is not finite at \[0, 5\]"),
    "infinity in bfloat16": (tensors(bfloat16_infinity), r"model\.norm\.weight' is not finite at \[3\]"),
    # JSON.
    "a huge config": (huge_json, "has 9437184 bytes; a file of its kind has at most"),
    "JSON nested 100000 deep": (deep, r"tokenizer_config\.json is nested too deep"),
    "JSON nested 100 deep": (deepish, r"generation_config\.json is nested too deep"),
    "a size named twice": (twice_in_config, r"config\.json has the key 'hidden_size' twice"),
    "a config with NaN": (text_as("config.json", '{"hidden_size": NaN}'), "NaN is no JSON number"),
    "a config that is a list": (text_as("config.json", "[]"), r"config\.json is no JSON object"),
    # The config.
    "no config": (without("config.json"), r"config\.json is missing"),
    "a hidden size of 0": (config(hidden_size=0), "hidden_size is 0"),
    "a million layers": (config(num_hidden_layers=10**6), "num_hidden_layers is 1000000"),
    "heads that do not divide": (
        config(num_attention_heads=3, num_key_value_heads=3),
        "does not divide hidden_size",
    ),
    "key heads that do not divide": (config(num_attention_heads=4, num_key_value_heads=3), "num_key_value_heads = 3"),
    "another vocabulary": (config(vocab_size=30), r"embed_tokens\.weight has the shape \[20, 8\]"),
    "a missing layer": (config(num_hidden_layers=3), r"model\.layers\.2\.\S+ is missing"),
    "a layer too many": (config(num_hidden_layers=1), r"holds the tensor 'model\.layers\.1\.\S+', which"),
    "an odd rotation": (config(rope_scaling={"rope_type": "evil"}), "rope_type is 'evil'"),
    "a rotation by nothing": (config(rope_scaling={"rope_type": "linear", "factor": 0}), "factor of the rotary"),
    "no context": (config(max_position_embeddings=-1), "max_position_embeddings is -1"),
    "an unknown architecture": (config(architectures=["EvilForCausalLM"]), "'EvilForCausalLM' is not supported"),
    "another class by model_type": (config(model_type="mistral"), "model_type is 'mistral'"),
    "quantised by config": (config(quantization_config={"quant_method": "gptq"}), r"quantised \(gptq\)"),
    "quantised by dtype": (tensors(lambda t: t.update({Q_PROJ: np.zeros((8, 8), np.uint8)})), "is stored as U8"),
    # The tokenizer.
    "no tokenizer": (without("tokenizer.json"), r"has no tokenizer\.json"),
    "a tokenizer that is no JSON": (text_as("tokenizer.json", "hello"), r"tokenizer\.json is no JSON: Expecting"),
    "a tokenizer bomb": (tokenizer_bomb, r"tokenizer\.json has 68157440 bytes"),
    "a tokenizer without vocabulary": (text_as("tokenizer.json", "{}"), "it is no tokenizer"),
    "more tokens than rows": (big_vocabulary, "id 20; the embedding has 20 rows"),
    "a token with a negative id": (
        json_of("tokenizer.json", added_tokens=[{"id": -1, "content": "x"}]),
        "whose id is no whole number",
    ),
    # The chat template.
    "a template that reaches for classes": (template("{{ ''.__class__.__mro__ }}"), "reaches for '__class__' of str"),
    "a template that reaches by a filter": (
        template("{{ []|attr('__init__') }}"),
        "'__init__' of list",
    ),
    "a template that reaches for globals": (
        template("{{ namespace.__init__.__globals__ }}"),
        "reaches for '__init__' of type",
    ),
    "a template that loops for ever": (
        template("{% for i in range(99999) %}{% for j in range(99999) %}{% endfor %}{% endfor %}"),
        "takes more than 200000 steps",
    ),
    "a template that calls itself": (
        template("{% macro a() %}{{ a() }}{% endmacro %}{{ a() }}"),
        "calls itself without",
    ),
    "a power": (template("{{ 10**9 }}"), r"uses \*\*"),
    "a wide range": (template("{{ range(1000000000)|list }}"), "Range too big"),
    "a template that multiplies text": (template("{{ 'a' * 10000000000 }}"), "makes more text than"),
    "a template that pads by a format": (template("{{ '{:>9999999999}'.format(1) }}"), r"uses str\.format"),
    "a template that pads by %": (template("{{ '%9999999999d' % 1 }}"), "formats with %"),
    "a template that doubles lists": (
        template(
            "{% set n = namespace(x=[1]) %}{% for i in range(99) %}{% set n.x = [n.x, n.x] %}{% endfor %}{{ n.x }}"
        ),
        "makes more lists than",
    ),
    "a template that reads a file": (template("{% include '/etc/passwd' %}"), "uses include"),
    "a template with an unknown filter": (template("{{ 'a'|center(999999999) }}"), "No filter named 'center'"),
    "a template that is none": (template("{% for %}"), "cannot be read: Expected"),
    "a template without end": (template("a" * 300_000), "has 300000 characters"),
}
"""Name → what is done to a good folder, and the reason that is given for it and for no other."""
