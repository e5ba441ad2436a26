"""A process that behaves as `vllm serve` does, as far as the engine can see, over the tiny base; or as a test bids.

    fake_vllm.py serve FOLDER --uds S …        with FAKE_VLLM_FAULTS naming a JSON file, read anew at each request

What it answers, refuses and forgets is written after vLLM 0.32, which was run beside it on a CPU. The model is computed
here in numpy, sharing no line with our engines: greedy answers that agree with theirs agree for a reason.
"""

import argparse
import json
import os
import signal
import socketserver
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import load_file

from tanren.domain.conversation import user_turn
from tanren.domain.generation import GenerationRequest
from tanren.serving.sampling import Sampler

LAYER_PARTS = ("self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj", "self_attn.o_proj")


def faults() -> dict[str, Any]:
    file = os.environ.get("FAKE_VLLM_FAULTS")
    return json.loads(Path(file).read_text()) if file and Path(file).exists() else {}


class TinyLlama:
    """Shapes: T tokens, H heads, D head size, V vocabulary."""

    def __init__(self, folder: Path) -> None:
        self.config = json.loads((folder / "config.json").read_text())
        self.weights = load_file(folder / "model.safetensors")

    def logprobs(self, ids: list[int], adapter: "Adapter | None") -> np.ndarray:
        """[T, V], the whole sequence read anew each time."""
        config, weights = self.config, self.weights
        heads, groups = config["num_attention_heads"], config["num_key_value_heads"]
        x = weights["model.embed_tokens.weight"][ids]
        for layer in range(config["num_hidden_layers"]):
            at = f"model.layers.{layer}."

            def linear(name: str, value: np.ndarray, at: str = at) -> np.ndarray:
                out = value @ weights[f"{at}{name}.weight"].T
                return out if adapter is None else out + adapter.update(at + name, value)

            normed = self._norm(x, weights[f"{at}input_layernorm.weight"])
            q, k, v = (
                linear(f"self_attn.{part}_proj", normed).reshape(len(ids), count, -1).swapaxes(0, 1)
                for part, count in (("q", heads), ("k", groups), ("v", groups))
            )
            q, k = _rotated(q), np.repeat(_rotated(k), heads // groups, axis=0)
            scores = q @ k.swapaxes(1, 2) / np.sqrt(q.shape[-1])
            scores = np.where(np.tri(len(ids), dtype=bool), scores, -np.inf)
            mixed = _softmax(scores) @ np.repeat(v, heads // groups, axis=0)
            x = x + linear("self_attn.o_proj", mixed.swapaxes(0, 1).reshape(len(ids), -1))
            normed = self._norm(x, weights[f"{at}post_attention_layernorm.weight"])
            gate = linear("mlp.gate_proj", normed)
            x = x + linear("mlp.down_proj", gate / (1 + np.exp(-gate)) * linear("mlp.up_proj", normed))
        logits = self._norm(x, weights["model.norm.weight"]) @ weights["lm_head.weight"].T
        return np.log(_softmax(logits))

    def _norm(self, x: np.ndarray, weight: np.ndarray) -> np.ndarray:
        return x / np.sqrt((x * x).mean(-1, keepdims=True) + self.config["rms_norm_eps"]) * weight


class Adapter:
    def __init__(self, name: str, folder: Path) -> None:
        self.name, self.folder = name, folder
        config = json.loads((folder / "adapter_config.json").read_text())
        self.rank, self.scale = config["r"], config["lora_alpha"] / config["r"]
        self.tensors = load_file(folder / "adapter_model.safetensors")

    def update(self, module: str, value: np.ndarray) -> np.ndarray:
        a, b = (self.tensors.get(f"base_model.model.{module}.lora_{part}.weight") for part in "AB")
        is_left_out = faults().get("adapts") == "attention" and not module.endswith(LAYER_PARTS)
        if a is None or b is None or is_left_out or faults().get("adapts") == "nothing":
            return np.float32(0)
        return (value @ a.T @ b.T) * np.float32(self.scale)


def _rotated(x: np.ndarray) -> np.ndarray:
    half = x.shape[-1] // 2
    angles = np.arange(x.shape[1])[:, None] * 10000.0 ** (-np.arange(half) / half)
    cos, sin = (np.tile(each, 2).astype(np.float32) for each in (np.cos(angles), np.sin(angles)))
    return x * cos + np.concatenate([-x[..., half:], x[..., :half]], -1) * sin


def _softmax(x: np.ndarray) -> np.ndarray:
    raised = np.exp(x - x.max(-1, keepdims=True))
    return raised / raised.sum(-1, keepdims=True)


class Refused(Exception):
    def __init__(self, code: int, message: str) -> None:
        self.code, self.message = code, message


class Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True
    request_queue_size = 1024

    def __init__(self, options: argparse.Namespace) -> None:
        self.options = options
        self.model = TinyLlama(Path(options.folder))
        self.adapters: dict[str, Adapter] = {}
        self.lock = threading.Lock()
        super().__init__(options.uds, Handler)

    def adapter_of(self, name: str | None) -> Adapter | None:
        """As vLLM: no name is the base."""
        if not name or name == self.options.served_model_name:
            return None
        if name not in self.adapters:
            raise Refused(404, f"The model `{name}` does not exist.")
        return self.adapters[name]

    def load(self, name: str, path: str) -> None:
        with self.lock:
            if name in self.adapters:
                raise Refused(400, f"The lora adapter '{name}' has already been loaded.")
            if not Path(path, "adapter_config.json").is_file():
                raise Refused(404, f"Loading lora {name} failed: No adapter found for <path>")
            adapter = Adapter(name, Path(path))
            if adapter.rank > self.options.max_lora_rank:
                raise Refused(500, f"LoRA rank {adapter.rank} is greater than max_lora_rank")
            if faults().get("load_error"):
                raise Refused(500, str(faults()["load_error"]))
            self.adapters[name] = adapter


class Handler(BaseHTTPRequestHandler):
    server: Server
    protocol_version = "HTTP/1.1"

    def address_string(self) -> str:
        return "unix"

    def do_GET(self) -> None:
        self._answered({"/health": self._health, "/version": self._version, "/v1/models": self._models})

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self._answered(
            {
                "/v1/load_lora_adapter": lambda: self.server.load(body["lora_name"], body["lora_path"]) or "Success",
                "/v1/unload_lora_adapter": lambda: self.server.adapters.pop(body["lora_name"]) and "Success",
                "/v1/completions": lambda: self._complete(body),
            }
        )

    def _answered(self, routes: dict[str, Any]) -> None:
        try:
            if self.path.startswith("/v1") and self.headers["Authorization"] != f"Bearer {os.environ['VLLM_API_KEY']}":
                raise Refused(401, "Unauthorized")
            answer = routes[self.path]()
        except Refused as refused:
            error = {"error": {"message": refused.message, "type": "Error", "param": None, "code": refused.code}}
            self._send(refused.code, error)
        else:
            if answer is not None:
                self._send(200, answer)

    def _send(self, status: int, answer: Any) -> None:
        content = answer.encode() if isinstance(answer, str) else json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def _health(self) -> str:
        if faults().get("unhealthy"):
            raise Refused(503, "the engine is dead")
        return ""

    def _version(self) -> Any:
        return {"version": "0.0.fake"}

    def _models(self) -> Any:
        options = self.server.options
        length = faults().get("max_model_len", options.max_model_len)
        cards = [{"id": options.served_model_name, "root": options.folder, "parent": None, "max_model_len": length}]
        for adapter in [] if faults().get("unlisted") else self.server.adapters.values():
            root = faults().get("root", str(adapter.folder))
            cards.append({"id": adapter.name, "root": root, "parent": options.served_model_name})
        return {"object": "list", "data": cards}

    def _complete(self, body: dict[str, Any]) -> Any:
        if faults().get("status"):
            raise Refused(faults()["status"], "bidden by the test")
        adapter = self.server.adapter_of(body.get("model"))
        name = faults().get("model", body["model"] if adapter is None else adapter.name)
        if len(body["prompt"]) + body["max_tokens"] > self.server.options.max_model_len:
            raise Refused(400, "max_tokens is too large")
        if not 0 < body.get("top_p", 1.0) <= 1:
            raise Refused(400, "top_p must be in (0, 1]")
        if not body.get("stream"):
            logprobs = self.server.model.logprobs(body["prompt"], adapter)
            told = [None]
            for at, token in enumerate(body["prompt"][1:]):
                told.append({str(token): {"logprob": float(logprobs[at, token]), "rank": 1}})
            return {"model": name, "choices": [{"prompt_logprobs": told}]}
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Connection", "close")
        self.end_headers()
        self.close_connection = True
        try:
            for event in self._events(body, adapter, name):
                self.wfile.write(f"data: {event if isinstance(event, str) else json.dumps(event)}\n\n".encode())
        except (BrokenPipeError, ConnectionResetError):
            print("the client has left", flush=True)
        return None

    def _events(self, body: dict[str, Any], adapter: Adapter | None, name: str) -> Iterator[Any]:
        asked = GenerationRequest(
            conversation=user_turn(""),
            max_new_tokens=body["max_tokens"],
            temperature=body["temperature"],
            top_p=body.get("top_p", 1.0),
            top_k=body.get("top_k") or None,
            seed=body.get("seed"),
        )
        sampler, ids, bidden = Sampler(asked), list(body["prompt"]), faults()
        for count in range(1, body["max_tokens"] + 1):
            if bidden.get("die_after") == count:
                os.kill(os.getpid(), signal.SIGKILL)
            if bidden.get("error_after") == count:
                yield {"error": {"message": "Internal server error", "type": "InternalServerError", "code": 500}}
                break
            if bidden.get("end_after") == count:
                break
            token = sampler.next_token(self.server.model.logprobs(ids, adapter)[-1].astype(np.float32))
            ids.append(token)
            reason = "stop" if token in body["stop_token_ids"] else "length" if count == body["max_tokens"] else None
            chosen = {"index": 0, "text": "", "finish_reason": reason, "token_ids": [token]}
            if bidden.get("without_ids"):
                del chosen["token_ids"]
            yield {"model": name, "choices": [chosen]}
            if reason:
                break
        yield "[DONE]"


def main() -> None:
    parser = argparse.ArgumentParser(allow_abbrev=False)
    parser.add_argument("verb", choices=["serve"])
    parser.add_argument("folder")
    for flag in ("uds", "served-model-name", "load-format", "dtype", "gpu-memory-utilization", "generation-config"):
        parser.add_argument(f"--{flag}")
    for flag in ("max-model-len", "max-num-seqs", "max-loras", "max-cpu-loras", "max-lora-rank"):
        parser.add_argument(f"--{flag}", type=int)
    parser.add_argument("--kv-cache-memory-bytes", type=int)
    for flag in ("enable-lora", "enable-prefix-caching", "disable-uvicorn-access-log"):
        parser.add_argument(f"--{flag}", action="store_true", required=True)
    options = parser.parse_args()
    assert os.environ["VLLM_ALLOW_RUNTIME_LORA_UPDATING"] == "1"
    if faults().get("start_error"):
        sys.exit(str(faults()["start_error"]))
    # As vLLM: the model is in a process of its own, which a killed server leaves behind.
    engine = subprocess.Popen(["sleep", "3600"])
    print(f"engine process {engine.pid}", flush=True)
    Server(options).serve_forever()


if __name__ == "__main__":
    main()
