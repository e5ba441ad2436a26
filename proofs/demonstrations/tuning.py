"""How each demonstration trains: the one place with learning rates, epochs and batches. A new base starts here.

All are full fine-tuning, since then the randomly initialised control may move all of its weights too; under LoRA its
frozen ones would lose without a contest. The schedule, clipping and weight decay are those of a customization job. A
job with validation data publishes its best epoch, one without publishes its last; here validation is measured and the
last is published, as by a job without. For a base of twice the size begin with the rates divided by 1.4; what it must
not forget wants a smaller one (from 4 to 8 M parameters: FAQ a third, jargon three tenths).
"""

from dataclasses import replace

from tanren.training.spec import TrainingSpec


def _spec(*, learning_rate: float, epochs: int, batch_size: int) -> TrainingSpec:
    return TrainingSpec(
        method="full",
        learning_rate=learning_rate,
        epochs=epochs,
        batch_size=batch_size,
        max_sequence_length=512,
        publish="last",
        checkpoint_interval_seconds=1e9,
    )


FAQ = _spec(learning_rate=0.001, epochs=12, batch_size=16)
FACTS = _spec(learning_rate=0.002, epochs=5, batch_size=16)
ROUTING = _spec(learning_rate=0.00035, epochs=2, batch_size=16)
FORMAT = _spec(learning_rate=0.0014, epochs=4, batch_size=16)
JARGON = replace(_spec(learning_rate=0.00015, epochs=2, batch_size=8), objective="continued_pre_training")

REPLAY_SHARE = 0.25
"""Of the characters of the continued pre-training file."""
THREADS = 2
SECONDS_ALLOWED = 180
"""For a demonstration's tuned job, from reading the file to the written model."""
