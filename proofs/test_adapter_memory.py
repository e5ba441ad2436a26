"""What one more custom model costs the base that it answers on: memory at 1, 50, 99 and 100, and the first request.

    make proofs                     the figures go to docs/proofs.md

The base is the benchmarks' random model of 135 M parameters in bfloat16; the models are random adapters of rank 16 on
all linear layers, which is what training makes where nobody says otherwise. Each is deployed through the API, which
loads it and lets it answer a canary, and then asked through its deployment. Memory is the engine host's proportional
set size. The pool of keys and values is small and filled before the first look, since it belongs to the base and would
otherwise seem to grow with each model.

How to read it   a host keeps `places_for_adapters` adapters in memory and lets the one unused for longest go, so the
hundredth model takes no memory of its own: its price is the load that a request to a model outside the memory waits
for, which is measured too, as the first request to a model less the second. What each model *in* memory takes is told
beside it.
"""

import asyncio
import json
import random
import shutil
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import torch
from botocore.config import Config
from transformers import AutoConfig, AutoModelForCausalLM

from proofs.figures import keep
from proofs.published_models import PublishedModels
from tanren.catalog.weights import WeightsCatalogue
from tanren.model_files.digests import weights_digest
from tanren.serving.client import EngineClient
from tanren.serving.protocol import EngineLimits
from tanren.weights.adapters import write_adapter
from tanren.weights.lora import LoraFactors, LoraSettings
from tests.service.servers import REPOSITORY, Server, wait_until

MODEL_ID = "amazon.titan-text-express-v1"
COUNTS = (1, 50, 99, 100)
NEVER_LOADED = 10
RANK = 16
SPREAD = 0.02
KEY_VALUE_MEGABYTES = 64
HUNDREDTH_SHARE = 0.02
COLD_START_SECONDS = 1.0
MODELS = REPOSITORY / "build" / "benchmarks" / "models"


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """The engine host at one moment."""

    models: int
    host_bytes: int
    """Proportional set size."""
    resident_adapters: int
    adapter_bytes: int
    """As the engine counts them."""


class RandomAdapters:
    """As many as one asks for, all different, none trained."""

    def __init__(self, base_folder: Path) -> None:
        with torch.device("meta"):
            model = AutoModelForCausalLM.from_config(AutoConfig.from_pretrained(base_folder))
        self._layers = {
            name: (layer.in_features, layer.out_features)
            for name, layer in model.named_modules()
            if isinstance(layer, torch.nn.Linear) and name != "lm_head"
        }
        self._base_sha256 = weights_digest(base_folder)

    def write(self, folder: Path, number: int) -> str:
        """SHA-256 of the adapter."""
        draw = torch.Generator().manual_seed(number)
        factors = {
            name: LoraFactors(
                a_RI=torch.randn(RANK, fan_in, generator=draw) * SPREAD,
                b_OR=torch.randn(fan_out, RANK, generator=draw) * SPREAD,
                scale=2.0,
            )
            for name, (fan_in, fan_out) in self._layers.items()
        }
        settings = LoraSettings(rank=RANK, alpha=2.0 * RANK)
        return write_adapter(
            folder, factors, settings=settings, base_weights_sha256=self._base_sha256, base_name="random"
        )


def _base_folder() -> Path:
    """The benchmarks' model, made if it is not there."""
    if not (MODELS / "135m" / "model" / "made").exists():
        made = [sys.executable, "-m", "benchmarks.peers.material", "135m", str(MODELS)]
        subprocess.run(made, check=True, cwd=REPOSITORY, capture_output=True)
    return MODELS / "135m" / "model"


def _host_bytes(server: Server) -> int:
    """The least of several looks: what is only being loaded is no part of it."""
    (pid,) = (pid for pid, arguments in server.processes().items() if "tanren.engine_host" in arguments)
    looks: list[int] = []
    for _ in range(5):
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
        looks.append(next(int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:")))
        time.sleep(0.2)
    return min(looks)


def _words(draw: random.Random, count: int) -> str:
    return " ".join(f"w{draw.randrange(5, 49152)}" for _ in range(count))


def _seconds_of_one_token(runtime: Any, model_id: str, prompt: str) -> float:
    body = {"inputText": prompt, "textGenerationConfig": {"maxTokenCount": 1, "temperature": 0}}
    began = time.perf_counter()
    runtime.invoke_model(modelId=model_id, body=json.dumps(body))["body"].read()
    return time.perf_counter() - began


def _fill_keys_and_values(runtime: Any, engine: EngineClient, draw: random.Random) -> None:
    """Until every block of the pool has been written once."""

    def is_full() -> bool:
        _seconds_of_one_token(runtime, MODEL_ID, _words(draw, 500))
        found = asyncio.run(engine.describe())
        return found.kept_block_count + found.used_block_count >= found.block_count - 1

    wait_until(is_full, seconds=120, what="a pool of keys and values that is full")


def _deploy(server: Server, name: str, model_arn: str) -> str:
    """ARN of the deployment, in service."""
    bedrock = server.client("bedrock")
    made = bedrock.create_custom_model_deployment(modelDeploymentName=name, modelArn=model_arn)
    arn = made["customModelDeploymentArn"]

    def is_active() -> bool:
        status = bedrock.get_custom_model_deployment(customModelDeploymentIdentifier=arn)["status"]
        assert status != "Failed"
        return status == "Active"

    wait_until(is_active, seconds=60, what=f"{name} in service")
    return arn


@pytest.mark.timeout(3600)
def test_the_hundredth_model_on_a_base_costs_next_to_nothing_and_a_new_one_answers_within_a_second(tmp_path: Path):
    data_dir = tmp_path / "data"
    data_dir.mkdir(mode=0o700)
    catalogue = WeightsCatalogue(data_dir)
    stored = catalogue.store.import_folder(_base_folder())
    catalogue.file.write_text(f'[stand-ins]\n"{MODEL_ID}" = "{stored.key}"\n')
    adapters = RandomAdapters(stored.folder)
    draw = random.Random(0)
    looks: list[Look] = []
    settings = {
        "TANREN_ENGINE_KEY_VALUE_MEGABYTES": str(KEY_VALUE_MEGABYTES),
        "TANREN_ENGINE_WAIT_SECONDS": "300",
    }
    server = Server(data_dir, settings)
    server.start()
    try:
        config = Config(retries={"total_max_attempts": 1}, read_timeout=120)
        runtime = server.client("bedrock-runtime", config=config)
        _seconds_of_one_token(runtime, MODEL_ID, _words(draw, 20))
        models = PublishedModels(server, foundation_model_id=MODEL_ID, weights=catalogue.weights_of(MODEL_ID))
        engine = models.engine()

        def publish(number: int) -> str:
            folder = tmp_path / "adapter"
            arn = models.publish(f"model-{number}", folder, sha256=adapters.write(folder, number))
            shutil.rmtree(folder)
            return arn

        def first_and_second(number: int) -> tuple[float, float]:
            """Seconds of a request to a model that was never loaded, and of the next, with another prompt."""
            publish(number)
            first, second = (_seconds_of_one_token(runtime, f"model-{number}", _words(draw, 20)) for _ in range(2))
            return first, second

        # The first of all adapters also has the base's files read through, whose digest it states.
        very_first, after_it = first_and_second(1000)
        _fill_keys_and_values(runtime, engine, draw)
        weight_bytes = asyncio.run(engine.describe()).weight_bytes
        bare_bytes = _host_bytes(server)
        for number in range(1, max(COUNTS) + 1):
            deployment = _deploy(server, f"deployment-{number}", publish(number))
            _seconds_of_one_token(runtime, deployment, _words(draw, 20))
            if number in COUNTS:
                found = asyncio.run(engine.describe())
                looks.append(
                    Look(
                        models=number,
                        host_bytes=_host_bytes(server),
                        resident_adapters=len(found.resident_adapters),
                        adapter_bytes=found.adapter_bytes,
                    )
                )
        starts = [first_and_second(2000 + number) for number in range(NEVER_LOADED)]
        models.close()
    finally:
        server.stop()
        shutil.rmtree(data_dir)  # two gigabytes of adapters, which pytest would keep
    by_count = {look.models: look for look in looks}
    hundredth = by_count[100].host_bytes - by_count[99].host_bytes
    resident = (by_count[50].host_bytes - by_count[1].host_bytes) / 49
    cold_starts = [first - second for first, second in starts]
    print(f"\n{MODEL_ID}: weights {weight_bytes / 1e6:.0f} MB, host with one adapter {bare_bytes / 1e6:.0f} MB")
    print(f"{'models':>8}{'in memory':>12}{'adapters, MB':>14}{'host, MB':>10}")
    for look in looks:
        sizes = f"{look.adapter_bytes / 1e6:14.1f}{look.host_bytes / 1e6:10.1f}"
        print(f"{look.models:8}{look.resident_adapters:12}{sizes}")
    figures = {
        "weight_bytes": weight_bytes,
        "places_for_adapters": EngineLimits().max_resident_adapters,
        "host_bytes": {str(look.models): look.host_bytes for look in looks},
        "hundredth_bytes": hundredth,
        "hundredth_share_of_the_weights": round(hundredth / weight_bytes, 4),
        "each_resident_bytes": round(resident),
        "each_resident_share_of_the_weights": round(resident / weight_bytes, 4),
        "cold_start_seconds_median": round(statistics.median(cold_starts), 3),
        "cold_start_seconds_most": round(max(cold_starts), 3),
        "cold_start_seconds_of_the_very_first": round(very_first - after_it, 3),
        "first_request_seconds_median": round(statistics.median(first for first, _ in starts), 3),
        "second_request_seconds_median": round(statistics.median(second for _, second in starts), 3),
    }
    keep("adapter_memory", figures)
    assert hundredth <= HUNDREDTH_SHARE * weight_bytes
    assert max(*cold_starts, very_first - after_it) <= COLD_START_SECONDS
