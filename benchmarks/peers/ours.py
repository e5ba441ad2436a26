"""Tanren's own training code, `tanren.training.run.train`, stopped after a while the way a user stops a job."""

import contextlib
import json
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

from benchmarks.peers.step_clock import StepClock, contestant_arguments


def main() -> None:
    parser = contestant_arguments()
    parser.add_argument("--dtype", default="bfloat16")
    parser.add_argument("--learning-rate", type=float, default=2e-5)
    parser.add_argument("--profile", type=int, help="print what takes the time of this step (from 0) to stderr")
    arguments = parser.parse_args()

    import torch

    from tanren.training.reporting import StopRequest, TrainingStopped
    from tanren.training.run import train
    from tanren.training.spec import TrainingSpec

    clock = StepClock(arguments)
    spec = TrainingSpec(
        epochs=1000 if arguments.steps is None else 1,
        batch_size=arguments.batch_size,
        learning_rate=arguments.learning_rate,
        lora_rank=16,
        lora_alpha=32.0,
        max_sequence_length=1024,
        seed=arguments.seed,
        dtype=arguments.dtype,
    )
    if arguments.start is not None:
        write_start(arguments.start, arguments.model, spec)

    class Reporter:
        profiler: Any = None
        phases: dict[str, float] = {}  # noqa: RUF012 (one reporter a process)

        def phase(self, name: str, detail: str) -> None:
            self.phases.setdefault(name, time.time() - arguments.began)
            print(f"{time.time() - arguments.began:6.1f} s  {name}: {detail}", file=sys.stderr, flush=True)

        def step(self, record: Any) -> None:
            clock.step(
                tokens=record.tokens, targets=record.trained_tokens, places=record.tokens, loss=record.training_loss
            )
            if arguments.profile is None:
                return
            if record.step + 1 == arguments.profile:
                # Lanes compute in threads of their own.
                every_thread = cast(Any, torch)._C._profiler._ExperimentalConfig(profile_all_threads=True)
                self.profiler = torch.profiler.profile(
                    activities=[torch.profiler.ProfilerActivity.CPU], experimental_config=every_thread
                )
                self.profiler.start()
            elif record.step == arguments.profile:
                self.profiler.stop()
                table = self.profiler.key_averages().table(sort_by="self_cpu_time_total", row_limit=25)
                print(f"{record.tokens} tokens, {record.trained_tokens} targets\n{table}", file=sys.stderr)

        def validation(self, record: Any) -> None: ...

    def should_stop() -> StopRequest | None:
        return "stop" if clock.is_over else None

    reporter = Reporter()
    with tempfile.TemporaryDirectory() as folder:
        with contextlib.suppress(TrainingStopped):
            train(
                spec,
                base_folder=arguments.model,
                training_records=list(records(arguments.rows)),
                validation_sets=[],
                work_folder=Path(folder),
                reporter=reporter,
                should_stop=should_stop,
                device=arguments.device,
            )
        clock.write(threads=torch.get_num_threads(), phases=reporter.phases)


def records(rows: Path) -> Iterator[Any]:
    """The rows of the data file, in its own order: Tanren shuffles by itself."""
    from tanren.data.records import RecordSource, TrainingRecord
    from tanren.domain.conversation import Conversation, Message, Role

    parsed = sorted((json.loads(line) for line in rows.open()), key=lambda row: row["line"])
    for row in parsed:
        ids, prompt = row["input_ids"], row["completion_mask"].index(1)
        asked, answer = (" ".join(f"w{id}" for id in part) for part in (ids[1 : prompt - 1], ids[prompt:-1]))
        turns = (Message(role=Role.USER, text=asked), Message(role=Role.ASSISTANT, text=answer))
        yield TrainingRecord(
            source=RecordSource(file="rows.jsonl", line=row["line"]), content=Conversation(messages=turns)
        )


def write_start(folder: Path, base: Path, spec: Any) -> None:
    """The adapter with which a run of this seed begins, as peft reads it."""
    from tanren.model_files.digests import weights_digest
    from tanren.weights.adapters import write_adapter
    from tanren.weights.base_models import load_base_model
    from tanren.weights.lora import LoraSettings, attach_lora, factors_of

    settings = LoraSettings(rank=spec.lora_rank, alpha=spec.lora_alpha)
    layers = attach_lora(load_base_model(base, dtype="float32"), settings, seed=spec.seed)
    write_adapter(
        folder,
        factors_of(layers),
        settings=settings,
        base_weights_sha256=weights_digest(base),
        base_name=str(base),
    )


if __name__ == "__main__":
    main()
