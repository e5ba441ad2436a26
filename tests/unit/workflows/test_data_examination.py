"""What a file would teach, told before anything trains."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tanren.catalog.foundation_models import foundation_model
from tanren.domain.customization_jobs import CustomizationType
from tanren.model_files.store import NANO_FOLDER
from tanren.workflows.data_examination import MOST_CHARACTERS, DataExamination, examination
from tanren.workflows.dry_run import DryRun
from tests.unit.workflows.object_memory import ObjectMemory

ROW = b'{"prompt": "What is %d?", "completion": "It is the number %d."}\n'
ROWS = b"".join(ROW % (n, n) for n in range(20))


def looked_at(folder: Path, training: bytes, *, validation: bytes = b"", first: int = 0, count: int = 2):
    objects = ObjectMemory({"train.jsonl": training, "validation.jsonl": validation})
    run = DryRun(
        model=foundation_model("tanren.nano-v1:0"),
        customization_type=CustomizationType.FINE_TUNING,
        training_s3_uri="s3://b-b/train.jsonl",
        validation_s3_uris=["s3://b-b/validation.jsonl"] if validation else [],
        folder=folder,
        most_bytes=10_000_000,
    )
    return examination(run, objects, base_folder=NANO_FOLDER, first_record=first, record_count=count)  # type: ignore[arg-type]


def kinds(found: DataExamination) -> set[str]:
    return {each.kind for each in found.seen.observations}


def test_the_answer_is_learned_and_the_question_only_read(tmp_path: Path):
    record = looked_at(tmp_path, ROWS).records[0]
    learned = "".join(text for fate, text in record.runs if fate == "trained")
    read = "".join(text for fate, text in record.runs if fate == "masked")
    assert "It is the number 0." in learned
    assert "What is 0?" in read
    assert "What is" not in learned
    assert 0 < record.trained < record.tokens


def test_records_are_shown_from_the_one_that_was_asked_for(tmp_path: Path):
    assert [record.line for record in looked_at(tmp_path, ROWS, first=3, count=2).records] == [4, 5]
    assert looked_at(tmp_path, ROWS, first=100).records == ()


def test_every_record_is_in_one_bar_of_the_histogram(tmp_path: Path):
    tokens = looked_at(tmp_path, ROWS).tokens
    assert tokens is not None
    assert sum(number for _, _, number in tokens.lengths.histogram) == 20
    assert tokens.trained < tokens.lengths.total


def test_right_records_are_examined_beside_wrong_ones(tmp_path: Path):
    found = looked_at(tmp_path, ROWS + b'{"prompt": "a"}\n' + ROW % (0, 0))
    assert [finding.line for finding in found.files[0].summary.findings if finding.severity == "error"] == [21]
    assert found.seen.record_count == 21
    assert "said twice" in kinds(found)
    assert found.seen.score < 100


def test_what_is_also_in_the_validation_data_is_seen(tmp_path: Path):
    assert "also in the validation set" in kinds(looked_at(tmp_path, ROWS, validation=ROWS[:200].rpartition(b"\n")[0]))


def test_a_file_without_a_right_record_has_findings_and_no_tokens(tmp_path: Path):
    found = looked_at(tmp_path, b"no JSON\n")
    assert found.tokens is None
    assert found.files[0].summary.error_count == 1


def test_a_record_that_does_not_fit_is_named_and_shown_up_to_a_bound(tmp_path: Path):
    long_row = b'{"prompt": "What is it?", "completion": "' + b"word " * 10_000 + b'."}\n'
    found = looked_at(tmp_path, ROWS + long_row, first=20)
    assert found.tokens is not None
    assert found.tokens.too_long == (21,)
    record = found.records[0]
    assert {fate for fate, _ in record.runs} == {"masked", "trained", "beyond"}
    assert sum(len(text) for _, text in record.runs) == MOST_CHARACTERS
    assert not record.is_whole


LOADS = """
import os, pathlib, sys, tempfile
from tanren.workflows import data_examination
from tests.unit.workflows import test_data_examination as tests
data_examination.forbid_torch()
data_examination.load_libraries()
print(len(os.listdir("/proc/self/task")), file=sys.stderr)
loaded = set(sys.modules)
tests.looked_at(pathlib.Path(tempfile.mkdtemp()), tests.ROWS, validation=tests.ROWS)
print(*(set(sys.modules) - loaded))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="threads are counted in /proc")
def test_after_the_libraries_are_loaded_no_record_waits_for_one_and_a_fork_misses_no_thread_of_theirs():
    done = subprocess.run([sys.executable, "-c", LOADS], capture_output=True, text=True, check=True)
    late = [name for name in done.stdout.split() if name.startswith(("numpy", "transformers", "tokenizers", "tanren"))]
    assert late == []
    # One for each further core is OpenBLAS's, which knows of forks; transformers has said nothing of its torch.
    (threads,) = done.stderr.split()
    assert int(threads) <= (os.cpu_count() or 1)
