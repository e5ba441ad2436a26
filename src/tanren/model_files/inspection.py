"""A model folder from elsewhere, looked at before anything opens it: may it be opened, and what is it?

    names and kinds of files → config → index and headers of the weights → every value → tokenizer → chat template

Nothing in the folder is executed and no tensor library is imported; files are read within bounds and judged by their
content, not their names. Pickles beside safetensors are left unread: the loader takes safetensors only.

Cost     one pass over the weights for their values, at the disk's speed; without it some milliseconds, and a second for
         a large tokenizer.
"""

import math
import os
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, cast

from jinja2 import TemplateError

from tanren.domain.errors import UnsafeModel
from tanren.model_files.architectures import ARCHITECTURES, Architecture, Dimensions, expected_tensors
from tanren.model_files.bounded_templates import TEMPLATE_CHARACTERS_CAP, BoundedTemplate, TemplateOverrun
from tanren.model_files.digests import weight_files
from tanren.model_files.safetensors_files import PLAIN_DTYPES, StoredTensor, first_bad_value, read_header
from tanren.model_files.untrusted_json import containers, read_bounded, read_object

INDEX_FILE: Final = "model.safetensors.index.json"
SINGLE_FILE: Final = "model.safetensors"
_INDEX_BYTES_CAP: Final = 32 * 1024 * 1024
_TOKENIZER_BYTES_CAP: Final = 64 * 1024 * 1024
"""Gemma 3's, the largest known, has 33 MB."""
_ENTRIES_CAP: Final = 2000
_PICKLE_ENDINGS: Final = (".bin", ".pt", ".pth", ".pkl", ".ckpt")
_CODE_ENDINGS: Final = (".py", ".pyc", ".pyd", ".so", ".pth.py")
_CODE_KEYS: Final = ("auto_map", "custom_pipelines", "trust_remote_code", "custom_generate", "transformers_weights")
_LOADED_BY_NAME: Final = ("attn_implementation", "_attn_implementation", "experts_implementation")
_KERNELS: Final = ("eager", "sdpa", "flash_attention_2", "flash_attention_3", "flex_attention")
_MOST: Final = {
    "hidden_size": 65_536,
    "num_hidden_layers": 1024,
    "num_attention_heads": 1024,
    "num_key_value_heads": 1024,
    "head_dim": 4096,
    "intermediate_size": 1_048_576,
    "vocab_size": 4_194_304,
    "max_position_embeddings": 268_435_456,
    "num_local_experts": 4096,
}
"""Above what any open model has; a larger number is a slip or an attack."""
_ROPE_TYPES: Final = ("default", "linear", "dynamic", "llama3", "yarn", "longrope")
_PROBES: Final = (
    ({"role": "user", "content": "a"},),
    ({"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}),
    ({"role": "system", "content": "s"}, {"role": "user", "content": "a"}),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelFolderFacts:
    architecture: str
    """Such as LlamaForCausalLM."""
    parameter_count: int
    """Stored parameters; tied ones count once."""
    context_length: int
    """Tokens that prompt and answer may have together."""
    vocabulary_size: int
    hidden_size: int
    layer_count: int
    weights_size_bytes: int
    dtype: str
    """Of most of the stored parameters, as safetensors spells it: F32, BF16."""
    has_chat_template: bool
    """Without one the model can be neither tuned nor served; `ChatTemplate` says so."""


def inspect_model_folder(folder: Path, *, scan_values: bool = True) -> ModelFolderFacts:
    """What the folder holds. Raises UnsafeModel, with file, rule and remedy, where it must not or cannot be opened.

    Takes    scan_values: looks for infinities and NaN in all weights; off where the folder was scanned when it came.
    """
    _check_files(folder)
    config = _config(folder)
    name, architecture = _architecture(folder, config)
    sizes = dimensions_of(folder / "config.json", architecture, config)
    tensors = _tensors(folder)
    _check_tensors(folder, name, architecture, sizes, config, {key: each for key, (_, each) in tensors.items()})
    if scan_values:
        for file, tensor in tensors.values():
            check_values(file, tensor)
    _check_tokenizer(folder, sizes.vocabulary)
    counts: dict[str, int] = {}
    for _, tensor in tensors.values():
        counts[tensor.dtype] = counts.get(tensor.dtype, 0) + tensor.count
    return ModelFolderFacts(
        architecture=name,
        parameter_count=sum(counts.values()),
        context_length=int(config["max_position_embeddings"]),
        vocabulary_size=sizes.vocabulary,
        hidden_size=sizes.hidden,
        layer_count=sizes.layers,
        weights_size_bytes=sum(file.stat().st_size for file in weight_files(folder)),
        dtype=max(counts, key=lambda dtype: counts[dtype]),
        has_chat_template=_check_chat_templates(folder),
    )


def check_values(file: Path, tensor: StoredTensor) -> None:
    """Raises UnsafeModel with tensor and index of the first value that is infinite or not a number."""
    bad = first_bad_value(file, tensor)
    if bad is not None:
        raise UnsafeModel(
            f"{file}: tensor {tensor.name!r} is not finite at {list(bad)}: NaN or infinity. The weights are damaged or "
            "diverged in training; a model that has them answers nothing. Fetch them again."
        )


def check_no_code(file: Path, config: dict[str, Any]) -> None:
    """Raises UnsafeModel where a key, at any depth, asks for code or for another file to be loaded."""
    for _, found in containers(config):
        if not isinstance(found, dict):
            continue
        for key in _CODE_KEYS:
            if found.get(key):
                raise UnsafeModel(
                    f"{file} has {key}: the model wants to run code of its own, or to load from elsewhere. Only "
                    f"architectures that transformers has built in are loaded. If this one is ({_supported()}), "
                    f"remove {key} from the file."
                )
        for key in _LOADED_BY_NAME:
            if found.get(key) not in (None, *_KERNELS):
                raise UnsafeModel(
                    f"{file} has {key} = {str(found[key])[:60]!r}, a kernel that would be fetched and run. Remove it."
                )


def check_kinds(folder: Path) -> None:
    """Raises UnsafeModel for links that lead out, for what is no plain file, and for code."""
    if not folder.is_dir():
        raise UnsafeModel(f"{folder} is no folder; give one with config.json, *.safetensors and tokenizer.json.")
    inside = folder.resolve()
    for number, entry in enumerate(_entries(folder)):
        if number >= _ENTRIES_CAP:
            raise UnsafeModel(f"{folder} has more than {_ENTRIES_CAP} files and folders; a model has a few dozen.")
        path = Path(entry.path)
        if entry.is_symlink():
            target = path.resolve()
            if not target.is_relative_to(inside):
                raise UnsafeModel(
                    f"{path} is a link that leads out of its folder, to {target}. Put the file itself in its place."
                )
            if not target.exists():
                raise UnsafeModel(f"{path} is a link to nothing. Put the file itself in its place.")
            continue
        mode = entry.stat(follow_symlinks=False).st_mode
        if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
            raise UnsafeModel(f"{path} is no regular file (a pipe, socket or device). Remove it.")
        if entry.name.lower().endswith(_CODE_ENDINGS):
            raise UnsafeModel(
                f"{path} is program code. A model is data here; only architectures that transformers has built in are "
                "loaded. Remove the file if the model is one of them."
            )


def dimensions_of(file: Path, architecture: Architecture, config: Mapping[str, Any]) -> Dimensions:
    """Raises UnsafeModel where a size is missing, absurd, or does not go with the others."""

    def size(key: str, otherwise: int | None = None) -> int:
        value = config.get(key)
        value = otherwise if value is None else value
        if type(value) is not int or not 1 <= value <= _MOST[key]:
            raise UnsafeModel(f"{file}: {key} is {str(value)[:40]}; it is a whole number from 1 to {_MOST[key]}.")
        return value

    hidden, heads = size("hidden_size"), size("num_attention_heads")
    kv_heads = size("num_key_value_heads", heads)
    if heads % kv_heads:
        raise UnsafeModel(f"{file}: num_key_value_heads = {kv_heads} does not divide num_attention_heads = {heads}.")
    otherwise = architecture.head_dim_by_default
    if config.get("head_dim") is None and otherwise is None:
        if hidden % heads:
            raise UnsafeModel(f"{file}: num_attention_heads = {heads} does not divide hidden_size = {hidden}.")
        otherwise = hidden // heads
    head_dim = size("head_dim", otherwise)
    if head_dim % 2:
        raise UnsafeModel(f"{file}: head_dim is {head_dim}; rotary positions need an even number.")
    size("max_position_embeddings")
    _check_rope(file, config)
    return Dimensions(
        hidden=hidden,
        layers=size("num_hidden_layers"),
        heads=heads,
        kv_heads=kv_heads,
        head_dim=head_dim,
        intermediate=size("intermediate_size"),
        vocabulary=size("vocab_size"),
        experts=size("num_local_experts") if architecture.has_experts else 0,
    )


def read_config(folder: Path) -> tuple[str, Architecture, Dimensions]:
    """Architecture and sizes of a folder's config.json, checked. Raises UnsafeModel."""
    config = _config(folder)
    name, architecture = _architecture(folder, config)
    return name, architecture, dimensions_of(folder / "config.json", architecture, config)


def _entries(folder: Path) -> Iterator["os.DirEntry[str]"]:
    waiting = [folder]
    while waiting:
        with os.scandir(waiting.pop()) as found:
            for entry in found:
                yield entry
                if entry.is_dir(follow_symlinks=False):
                    waiting.append(Path(entry.path))


def _check_files(folder: Path) -> None:
    check_kinds(folder)
    if not (folder / "config.json").is_file():
        raise UnsafeModel(f"{folder} is no base model: config.json is missing.")
    if (folder / "adapter_config.json").exists():
        raise UnsafeModel(
            f"{folder / 'adapter_config.json'}: an adapter lies in a base model's folder, and transformers would load "
            "the base that it names instead of this one. Keep adapters in folders of their own."
        )
    if not weight_files(folder):
        pickles = sorted(file.name for file in folder.iterdir() if file.suffix in _PICKLE_ENDINGS)
        found = f"it has {pickles[0]}, a pickle, which could run code" if pickles else "it has no weights"
        raise UnsafeModel(f"{folder} has no .safetensors file: {found}. Convert the weights to safetensors.")


def _config(folder: Path) -> dict[str, Any]:
    config = read_object(folder / "config.json")
    check_no_code(folder / "config.json", config)
    for file in sorted(folder.glob("*.json")):
        if file.name not in ("config.json", "tokenizer.json", INDEX_FILE):
            check_no_code(file, read_object(file))
    return config


def _architecture(folder: Path, config: Mapping[str, Any]) -> tuple[str, Architecture]:
    file = folder / "config.json"
    named: Any = config.get("architectures")
    name = str(cast("list[Any]", named)[0]) if isinstance(named, list) and named else "none"
    quantised = config.get("quantization_config")
    if quantised:
        method = cast("dict[str, Any]", quantised).get("quant_method") if isinstance(quantised, dict) else quantised
        raise UnsafeModel(
            f"{file}: the weights are quantised ({str(method)[:40]}), and only F32, BF16 and F16 are loaded. Take the "
            "model's full-precision release, or write one: dequantize() in transformers, then save_pretrained."
        )
    if name not in ARCHITECTURES:
        raise UnsafeModel(f"{file}: the architecture {name[:80]!r} is not supported. Supported: {_supported()}.")
    architecture = ARCHITECTURES[name]
    if config.get("model_type") != architecture.model_type:
        raise UnsafeModel(
            f"{file}: model_type is {str(config.get('model_type'))[:40]!r}, but {name} has "
            f"{architecture.model_type!r}; transformers would load another class than the file names."
        )
    return name, architecture


def _supported() -> str:
    return ", ".join(f"{name} ({each.models})" for name, each in ARCHITECTURES.items())


def _check_rope(file: Path, config: Mapping[str, Any]) -> None:
    given: Any = config.get("rope_parameters") or config.get("rope_scaling") or {}
    if not isinstance(given, dict):
        raise UnsafeModel(f"{file}: the rotary positions' parameters are no object.")
    kinds = cast(dict[str, Any], given)
    nested = [cast(dict[str, Any], each) for each in kinds.values() if isinstance(each, dict)]
    for each in nested or [kinds]:
        kind = each.get("rope_type", each.get("type", "default"))
        if kind not in _ROPE_TYPES:
            raise UnsafeModel(f"{file}: rope_type is {str(kind)[:40]!r}; known are {', '.join(_ROPE_TYPES)}.")
        for key in ("factor", "rope_theta", "low_freq_factor", "high_freq_factor"):
            value = each.get(key)
            if value is not None and (
                isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 < value < math.inf
            ):
                raise UnsafeModel(f"{file}: {key} of the rotary positions is {str(value)[:40]}; it is above 0.")


def _tensors(folder: Path) -> dict[str, tuple[Path, StoredTensor]]:
    """Name → (file, tensor), over all files that transformers would read, which must be all there are."""
    files = weight_files(folder)
    index = folder / INDEX_FILE
    named: dict[str, str] | None = None
    if index.is_file() and not (folder / SINGLE_FILE).is_file():
        named = _weight_map(index)
        strangers = sorted({file.name for file in files} - set(named.values()))
        if strangers:
            raise UnsafeModel(f"{folder / strangers[0]} holds weights that {INDEX_FILE} does not speak of. Remove it.")
    elif [file.name for file in files] != [SINGLE_FILE]:
        raise UnsafeModel(
            f"{folder} has {len(files)} .safetensors files ({files[0].name}, …); expected {SINGLE_FILE} alone, or "
            f"parts with {INDEX_FILE}."
        )
    found: dict[str, tuple[Path, StoredTensor]] = {}
    for file in files:
        for name, tensor in read_header(file).items():
            if name in found:
                raise UnsafeModel(f"{file} and {found[name][0].name} both hold the tensor {name[:200]!r}.")
            if tensor.dtype not in PLAIN_DTYPES:
                raise UnsafeModel(
                    f"{file}: tensor {name[:200]!r} is stored as {tensor.dtype}; only {', '.join(PLAIN_DTYPES)} are "
                    "loaded. Quantised weights are not: take the model's full-precision release."
                )
            if named is not None and named.get(name) != file.name:
                raise UnsafeModel(
                    f"{index} does not say that the tensor {name[:200]!r} is in {file.name}, where it is."
                )
            found[name] = (file, tensor)
    if named is not None and set(named) != set(found):
        raise UnsafeModel(f"{index} speaks of the tensor {min(set(named) - set(found))[:200]!r}, which no file holds.")
    return found


def _weight_map(index: Path) -> dict[str, str]:
    found: Any = read_object(index, size_cap=_INDEX_BYTES_CAP).get("weight_map")
    if not isinstance(found, dict) or not found:
        raise UnsafeModel(f"{index} has no object weight_map.")
    for name, part in cast(dict[str, Any], found).items():
        if not isinstance(part, str) or Path(part).name != part or "\\" in part or not part.endswith(".safetensors"):
            raise UnsafeModel(
                f"{index}: {name[:80]!r} is said to be in {str(part)[:120]!r}, which is no name of a .safetensors file "
                "beside the index: the path leads elsewhere."
            )
        if not (index.parent / part).is_file():
            raise UnsafeModel(f"{index} speaks of {part}, which is not there. The model is incomplete; fetch it again.")
    return cast(dict[str, str], found)


def _check_tensors(
    folder: Path,
    name: str,
    architecture: Architecture,
    sizes: Dimensions,
    config: Mapping[str, Any],
    tensors: Mapping[str, StoredTensor],
) -> None:
    left = set(tensors)
    for key, shape in expected_tensors(architecture, sizes, config):
        tensor = tensors.get(key)
        if tensor is None:
            raise UnsafeModel(
                f"{folder}: the tensor {key} is missing, which {name} with this config.json has. transformers would "
                "make it up at random. Fetch the weights again, or put config.json right."
            )
        if tensor.shape != shape:
            raise UnsafeModel(
                f"{folder}: the tensor {key} has the shape {list(tensor.shape)}; config.json asks for {list(shape)}."
            )
        left.discard(key)
    # A tied head that is stored all the same, and buffers that older versions stored.
    extra = sorted(key for key in left if key != "lm_head.weight" and not key.endswith("rotary_emb.inv_freq"))
    if extra:
        raise UnsafeModel(
            f"{folder} holds the tensor {extra[0][:200]!r}, which {name} with this config.json does not have; it would "
            "be ignored. Put config.json right (number of layers?), or remove the tensor."
        )


def _check_tokenizer(folder: Path, vocabulary_size: int) -> None:
    file = folder / "tokenizer.json"
    if not file.is_file():
        raise UnsafeModel(
            f"{folder} has no tokenizer.json; only fast tokenizers are supported. Write one with "
            "AutoTokenizer.from_pretrained(…).save_pretrained(…)."
        )
    tokenizer = read_object(file, size_cap=_TOKENIZER_BYTES_CAP)
    model: Any = tokenizer.get("model")
    vocabulary: Any = cast(dict[str, Any], model).get("vocab") if isinstance(model, dict) else None
    ids: list[Any]
    if isinstance(vocabulary, dict):
        ids = list(cast(dict[str, Any], vocabulary).values())
    elif isinstance(vocabulary, list):
        ids = list(range(len(cast(list[Any], vocabulary))))
    else:
        raise UnsafeModel(f"{file} has no model with a vocab: it is no tokenizer.")
    added: Any = tokenizer.get("added_tokens") or []
    if not isinstance(added, list) or not all(isinstance(each, dict) for each in cast(list[Any], added)):
        raise UnsafeModel(f"{file}: added_tokens is no list of objects.")
    unused = _unused_tokens(folder, cast(list[dict[str, Any]], added), vocabulary_size)
    ids += [each.get("id") for each in cast(list[dict[str, Any]], added) if each.get("content") not in unused]
    if not all(type(each) is int and each >= 0 for each in ids):
        raise UnsafeModel(f"{file} has a token whose id is no whole number, 0 or more.")
    highest = max(ids, default=-1)
    if highest >= vocabulary_size:
        raise UnsafeModel(
            f"{file} has a token with the id {highest}; the embedding has {vocabulary_size} rows (vocab_size in "
            "config.json). Such a token would read behind the end of the weights."
        )


def _unused_tokens(folder: Path, added: list[dict[str, Any]], vocabulary_size: int) -> set[str]:
    """Special tokens behind the embedding that neither template nor tokenizer ever writes.

    Why      Gemma 3's text models have one, for images, that the embedding lacks; text never becomes a special token.
    """
    stated = read_object(folder / "tokenizer_config.json") if (folder / "tokenizer_config.json").is_file() else {}
    written = [str(stated.get(f"{role}_token")) for role in ("bos", "eos", "pad", "unk")]
    written += [source for _, source in _template_sources(folder)]
    return {
        content
        for each in added
        if each.get("special") is True
        and isinstance(content := each.get("content"), str)
        and type(id := each.get("id")) is int
        and id >= vocabulary_size
        and not any(content in text for text in written)
    }


def _template_sources(folder: Path) -> list[tuple[Path, str]]:
    sources: list[tuple[Path, str]] = []
    for file in sorted(folder.glob("*.jinja")):
        sources.append((file, read_bounded(file, size_cap=4 * TEMPLATE_CHARACTERS_CAP).decode("utf-8", "replace")))
    stated: dict[str, Any] = {}
    for name in ("tokenizer_config.json", "chat_template.json", "processor_config.json"):
        if (folder / name).is_file():
            stated = read_object(folder / name)
            sources += [(folder / name, text) for text in _templates_in(stated.get("chat_template"))]
    return sources


def _check_chat_templates(folder: Path) -> bool:
    """Whether there is one. Raises UnsafeModel where one is a hazard."""
    sources = _template_sources(folder)
    for file, source in sources:
        try:
            template = BoundedTemplate(source)
        except UnsafeModel as error:
            raise UnsafeModel(f"{file}: {error}") from error
        for messages in _PROBES:
            for add_generation_prompt in (False, True):
                _probe(file, template, list(messages), add_generation_prompt)
    return bool(sources)


def _probe(file: Path, template: BoundedTemplate, messages: list[dict[str, str]], add_generation_prompt: bool) -> None:
    from jinja2.exceptions import SecurityError

    try:
        template.render(
            {
                "messages": messages,
                "tools": None,
                "documents": None,
                "add_generation_prompt": add_generation_prompt,
                "bos_token": "",
                "eos_token": "",
                "unk_token": "",
                "pad_token": "",
            }
        )
    except (SecurityError, TemplateOverrun) as error:
        raise UnsafeModel(f"{file}: {error}. Use the template of the model's own release.") from error
    except TemplateError:
        # It refuses one of the probes, for instance because it has no place for `system`.
        return


def _templates_in(given: Any) -> list[str]:
    if isinstance(given, str):
        return [given]
    if isinstance(given, list):
        named = cast(list[Any], given)
        return [str(cast(Any, each).get("template", "")) for each in named if isinstance(each, dict)]
    return []
