"""transformers' own Trainer with peft, as their documentation shows it: the weights in the dtype in which they lie."""

import json
import tempfile

from benchmarks.peers.step_clock import StepClock, contestant_arguments
from benchmarks.peers.trl_sft import ALL_LINEAR


def main() -> None:
    parser = contestant_arguments()
    parser.add_argument("--options", type=json.loads, default={}, help="of TrainingArguments, as JSON")
    arguments = parser.parse_args()

    import torch
    from datasets import Dataset
    from peft import LoraConfig, get_peft_model
    from transformers import (
        AutoModelForCausalLM,
        AutoTokenizer,
        DataCollatorForSeq2Seq,
        Trainer,
        TrainingArguments,
    )

    from benchmarks.peers.trainer_clock import counted, stopping

    rows = [json.loads(line) for line in arguments.rows.open()]
    dataset = Dataset.from_list(
        [
            {
                "input_ids": row["input_ids"],
                "attention_mask": [1] * len(row["input_ids"]),
                "labels": [
                    id if learned else -100
                    for id, learned in zip(row["input_ids"], row["completion_mask"], strict=True)
                ],
            }
            for row in rows
        ]
    )
    clock = StepClock(arguments)
    lora = LoraConfig(r=16, lora_alpha=32, target_modules=ALL_LINEAR, task_type="CAUSAL_LM")
    model = get_peft_model(AutoModelForCausalLM.from_pretrained(arguments.model), lora)
    with tempfile.TemporaryDirectory() as folder:
        config = TrainingArguments(
            output_dir=folder,
            max_steps=100_000,
            report_to="none",
            save_strategy="no",
            disable_tqdm=True,
            train_sampling_strategy="sequential",
            **{"per_device_train_batch_size": 8, **arguments.options},
        )
        collator, batches = counted(DataCollatorForSeq2Seq(AutoTokenizer.from_pretrained(arguments.model)))
        trainer = Trainer(model=model, args=config, train_dataset=dataset, data_collator=collator)
        trainer.add_callback(stopping(clock, batches))
        trainer.train()
        clock.write(threads=torch.get_num_threads(), dtype=str(next(model.parameters()).dtype))


if __name__ == "__main__":
    main()
