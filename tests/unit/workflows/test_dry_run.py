from dataclasses import replace
from pathlib import Path

import pytest

from tanren.catalog.foundation_models import foundation_model
from tanren.catalog.weights import WeightsCatalogue
from tanren.domain.customization_jobs import CustomizationType
from tanren.domain.errors import ValidationFailed
from tanren.model_files.store import NANO_FOLDER
from tanren.workflows.dry_run import DryRun, Estimate, estimated, examined
from tests.unit.workflows.object_memory import ObjectMemory

GOOD = b'{"prompt": "a", "completion": "b"}\n'


def dry_run(folder: Path, **changes: object) -> DryRun:
    values = {
        "model": foundation_model("amazon.titan-text-express-v1"),
        "customization_type": CustomizationType.FINE_TUNING,
        "training_s3_uri": "s3://b-b/train.jsonl",
        "validation_s3_uris": ["s3://b-b/validation.jsonl"],
        "folder": folder,
        "most_bytes": 1000,
    }
    return DryRun(**{**values, **changes})  # type: ignore[arg-type]


def test_every_file_is_read_through_whatever_is_wrong_with_the_one_before(tmp_path: Path):
    objects = ObjectMemory({"train.jsonl": GOOD + b'{"prompt": "a"}\n', "validation.jsonl": b"no JSON\n" + GOOD})
    training, validation = examined(dry_run(tmp_path), objects)  # type: ignore[arg-type]
    assert [file.uri for file in (training, validation)] == ["s3://b-b/train.jsonl", "s3://b-b/validation.jsonl"]
    assert [finding.line for finding in training.summary.findings if finding.severity == "error"] == [2]
    assert [finding.line for finding in validation.summary.findings if finding.severity == "error"] == [1]
    assert (training.summary.rows, validation.summary.rows) == (1, 1)


def test_more_than_a_dry_run_reads_is_refused_before_it_is_fetched(tmp_path: Path):
    objects = ObjectMemory({"train.jsonl": GOOD * 100, "train.jsonl.bak": GOOD * 100, "validation.jsonl": GOOD})
    with pytest.raises(ValidationFailed, match="a dry run reads at most"):
        examined(dry_run(tmp_path), objects)  # type: ignore[arg-type]
    assert list(tmp_path.iterdir()) == []


def test_an_object_whose_name_only_begins_alike_is_not_counted(tmp_path: Path):
    objects = ObjectMemory({"train.jsonl": GOOD, "train.jsonl.bak": GOOD * 100, "validation.jsonl": GOOD})
    assert len(examined(dry_run(tmp_path), objects)) == 2  # type: ignore[arg-type]


def test_an_estimate_counts_the_tokens_that_the_job_would_train_on_and_leaves_them_for_it(tmp_path: Path):
    rows = b"".join(b'{"prompt": "What is %d?", "completion": "It is %d."}\n' % (n, n) for n in range(20))
    objects = ObjectMemory({"train.jsonl": rows, "validation.jsonl": rows[:200].rpartition(b"\n")[0] + b"\n"})
    run = dry_run(tmp_path / "copies", most_bytes=10_000)
    weights = WeightsCatalogue(tmp_path / "data")

    def estimate() -> Estimate:
        return estimated(
            run,
            objects,  # type: ignore[arg-type]
            hyperparameters={"epochCount": "3", "batchSize": "4"},
            bound=weights.weights_of("amazon.titan-text-express-v1").bound(),
            base_folder=NANO_FOLDER,
            training_device="cpu",
            threads=1,
            token_folder=tmp_path / "tokens",
            token_bytes=1_000_000,
        )

    found = estimate()
    assert (found.records, found.epochs, found.batch_size, found.method) == (20, 3, 4, "lora")
    assert 0 < found.trained_tokens < found.epoch_tokens
    assert found.longest_record * found.records >= found.epoch_tokens
    assert found.validation_tokens > 0
    assert found.needed_bytes > 0
    assert "weights" in found.memory_words
    assert any("validation rows are also trained on" in warning for warning in found.warnings)
    written = sorted(path.name for path in (tmp_path / "tokens").glob("*.tokens"))
    assert len(written) == 2
    again = estimate()
    assert replace(again, available_bytes=0, needed_bytes=0, memory_words="") == replace(
        found, available_bytes=0, needed_bytes=0, memory_words=""
    )
