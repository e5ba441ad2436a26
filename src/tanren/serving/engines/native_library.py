"""The compiled library of the native engine: found, chosen for this processor, loaded, its functions declared.

`build_native.py` compiles one library for each instruction set at installation and leaves a report beside them. Loaded
is the fastest that this processor runs, or the one that is asked for by name. ctypes gives up the GIL in every call.
"""

import ctypes
import hashlib
import json
from collections.abc import Callable
from ctypes import POINTER, Structure, c_char_p, c_float, c_int32, c_int64, c_void_p
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, cast

from tanren.domain.errors import EngineFailed, ModelFailed

SOURCES: Final = Path(__file__).parent / "native"
BUILT: Final = SOURCES / "built"

INSTRUCTION_SETS: Final = {
    "amxbf16": "AMX-BF16",
    "avx512bf16": "AVX512-BF16",
    "avx2": "AVX2",
    "portable": "portable",
}
"""Name of the library → name for people; the fastest first."""
_NUMBERS: Final = {"portable": 0, "avx2": 1, "avx512bf16": 2, "amxbf16": 3}
"""As `tanren_runs` in library.cpp takes them."""


class Shape(Structure):
    """`Shape` in model.hpp, field for field."""

    _fields_ = (
        *(
            (name, c_int32)
            for name in (
                "hidden", "layers", "heads", "kv_heads", "head_dim", "intermediate", "vocabulary", "positions",
                "rotary_half", "rope_tables", "block_count", "threads", "is_bfloat16", "is_tied", "has_qk_norm",
                "has_post_norms", "is_gelu", "compresses_weights",
            )
        ),
        *(
            (name, c_float)
            for name in ("rms_epsilon", "attention_scale", "attention_softcap", "logit_softcap", "embedding_scale")
        ),
    )  # fmt: skip


class Request(Structure):
    """`Request` in plan.hpp, field for field."""

    _fields_ = (
        *((name, c_int32) for name in ("rows", "sequences", "blocks_per_sequence", "selected", "with_logits")),
        *(
            (name, c_void_p)
            for name in (
                "tokens", "positions", "sequence_of", "blocks", "adapters", "selected_rows", "logits_of", "best",
                "best_logits", "logits",
            )
        ),
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class NativeLibrary:
    instruction_set: str
    """A key of INSTRUCTION_SETS."""
    open: Callable[[Shape], int]
    """The address of an engine. Raises ModelFailed where there cannot be one."""
    close: Callable[[int], None]
    call: Callable[..., int]
    """call("set_norm", engine, …): what library.cpp's function answers. Raises ModelFailed with its reason."""


def available_instruction_sets(folder: Path = BUILT) -> list[str]:
    """Those whose library is here and that this processor runs, the fastest first; none where nothing was built."""
    return [name for name in INSTRUCTION_SETS if _reason_against(name, folder) is None]


def load_native_library(instruction_set: str | None = None, *, folder: Path = BUILT) -> NativeLibrary:
    """The library for an instruction set, or for the fastest one that works here.

    Raises   EngineFailed with the reason why there is none.
    """
    if instruction_set is None:
        available = available_instruction_sets(folder)
        if not available:
            raise EngineFailed(f"the native engine is not here: {_reason_against('portable', folder)}")
        instruction_set = available[0]
    elif instruction_set not in INSTRUCTION_SETS:
        raise EngineFailed(f"{instruction_set} is no instruction set; there are {', '.join(INSTRUCTION_SETS)}")
    elif reason := _reason_against(instruction_set, folder):
        raise EngineFailed(f"the native engine for {INSTRUCTION_SETS[instruction_set]} is not here: {reason}")
    return _declared(instruction_set, _opened(folder, instruction_set))


def _reason_against(instruction_set: str, folder: Path) -> str | None:
    """Why a library cannot be used here; None where it can."""
    report = folder / "report.json"
    try:
        told: dict[str, Any] = json.loads(report.read_text("utf-8"))
    except OSError:
        return f"it was not compiled when tanren was installed ({report} is missing). Install tanren again."
    if told.get("reason"):
        return str(told["reason"])
    if told["sources"] != _sources_digest():
        return "it was compiled from other sources than those here. Run `python build_native.py`, or install again."
    library = cast("dict[str, dict[str, str]]", told["libraries"]).get(instruction_set)
    if library is None:
        return "it is not for this kind of processor"
    if "reason" in library:
        return f"compiling it failed when tanren was installed: {library['reason']}"
    try:
        runs = _opened(folder, "portable").tanren_runs
    except EngineFailed as error:
        return str(error)
    runs.restype, runs.argtypes = c_int64, (c_int32,)
    if runs(_NUMBERS[instruction_set]):
        return None
    return "this processor does not have it, or its system does not give it"


def _sources_digest() -> str:
    """As build_native.py records it. Arguments that fit other sources would be read as something else."""
    digest = hashlib.sha256()
    for file in sorted([*SOURCES.glob("*.cpp"), *SOURCES.glob("*.hpp")]):
        digest.update(file.name.encode() + b"\0" + file.read_bytes() + b"\0")
    return digest.hexdigest()


def _opened(folder: Path, instruction_set: str) -> ctypes.CDLL:
    file = folder / f"tanren_{instruction_set}.so"
    try:
        return ctypes.CDLL(str(file))
    except OSError as error:
        raise EngineFailed(f"{file} cannot be loaded: {error}") from error


_FUNCTIONS: Final[dict[str, tuple[Any, ...]]] = {
    "set_embedding": (c_void_p,),
    "set_head": (c_void_p,),
    "set_rope_table": (c_int32, c_void_p, c_void_p),
    "set_layer": (c_int32, c_int32, c_int32),
    "set_norm": (c_int32, c_int32, c_void_p),
    "set_final_norm": (c_void_p,),
    "set_linear": (c_int32, c_int32, c_int32, c_void_p, c_void_p),
    "add_adapter": (),
    "set_factors": (c_int32, c_int32, c_int32, c_int32, c_int32, c_void_p, c_void_p, c_float),
    "drop_adapter": (c_int32,),
    "adapter_bytes": (c_int32,),
    "weight_bytes": (),
    "touch": (c_int32, c_int32, c_int32),
    "begin": (POINTER(Request),),
    "finish": (),
}
"""Name → arguments after the engine; all return int64, negative where something is wrong."""


def _declared(instruction_set: str, library: ctypes.CDLL) -> NativeLibrary:
    functions: dict[str, Any] = {}
    for name, arguments in _FUNCTIONS.items():
        functions[name] = getattr(library, f"tanren_{name}")
        functions[name].restype, functions[name].argtypes = c_int64, (c_void_p, *arguments)
    library.tanren_error.restype = c_char_p
    library.tanren_open.restype, library.tanren_open.argtypes = c_void_p, (POINTER(Shape),)
    library.tanren_close.restype, library.tanren_close.argtypes = None, (c_void_p,)

    def reason() -> str:
        return library.tanren_error().decode()

    def open_engine(shape: Shape) -> int:
        engine = library.tanren_open(ctypes.byref(shape))
        if not engine:
            raise ModelFailed(f"the native engine cannot hold this model: {reason()}")
        return int(engine)

    def call(name: str, engine: int, *arguments: Any) -> int:
        answer = int(functions[name](engine, *arguments))
        if answer < 0:
            raise ModelFailed(f"the native engine refuses ({name}): {reason()}")
        return answer

    return NativeLibrary(instruction_set=instruction_set, open=open_engine, close=library.tanren_close, call=call)
