"""TRL's SFTTrainer, as its documentation shows it; what differs from its defaults is given by name."""

import json
import tempfile
from typing import Any

from benchmarks.peers.step_clock import StepClock, contestant_arguments

ALL_LINEAR = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]


def main() -> None:
    parser = contestant_arguments()
    parser.add_argument("--options", type=json.loads, default={}, help="of SFTConfig, as JSON")
    arguments = parser.parse_args()

    import torch
    from datasets import Dataset
    from peft import LoraConfig, PeftModel
    from transformers import AutoModelForCausalLM
    from trl import SFTConfig, SFTTrainer

    from benchmarks.peers.trainer_clock import counted, stopping

    rows = [json.loads(line) for line in arguments.rows.open()]
    options: dict[str, Any] = arguments.options
    dataset = Dataset.from_list([{key: row[key] for key in ("input_ids", "completion_mask")} for row in rows])
    clock = StepClock(arguments)
    lora: Any = LoraConfig(r=16, lora_alpha=32, target_modules=ALL_LINEAR, task_type="CAUSAL_LM")
    model: Any = str(arguments.model)
    if arguments.start is not None:
        base = AutoModelForCausalLM.from_pretrained(model, dtype=torch.float32)
        model, lora = PeftModel.from_pretrained(base, arguments.start, is_trainable=True), None
    with tempfile.TemporaryDirectory() as folder:
        config = SFTConfig(
            output_dir=folder,
            # Of one epoch where losses are compared: the learning rate falls over them.
            max_steps=len(rows) // arguments.batch_size if arguments.steps else 100_000,
            completion_only_loss=True,
            use_cpu=arguments.device == "cpu",  # its bfloat16 is refused on a CPU without
            report_to="none",
            save_strategy="no",
            disable_tqdm=True,
            # The batches that Tanren takes, in the same order; packed rows are sorted by length, so they are shuffled.
            train_sampling_strategy="random" if options.get("packing") else "sequential",
            logging_steps=1 if arguments.steps else 10,
            **{"per_device_train_batch_size": arguments.batch_size, **options},
        )
        trainer = SFTTrainer(model=model, args=config, train_dataset=dataset, peft_config=lora)
        trainer.data_collator, batches = counted(trainer.data_collator)
        trainer.add_callback(stopping(clock, batches))
        trainer.train()
        losses = [entry["loss"] for entry in trainer.state.log_history if "loss" in entry]
        clock.write(
            threads=torch.get_num_threads(),
            dtype=str(next(trainer.model.parameters()).dtype),
            **({"losses": losses} if arguments.steps else {}),
        )


if __name__ == "__main__":
    main()
