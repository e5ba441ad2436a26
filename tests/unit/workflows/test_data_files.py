import gzip
import json
from dataclasses import replace
from pathlib import Path

from tanren.data.containers import pieces_of
from tanren.data.reading import validate_file
from tanren.domain.customization_jobs import CustomizationType
from tanren.domain.prompt_templates import PromptTemplate
from tanren.workflows.data_files import DataFile, DataFiles


def data_file(path: Path, uri: str, *answers: str) -> DataFile:
    path.write_text("".join(json.dumps({"prompt": "a", "completion": answer}) + "\n" for answer in answers))
    with path.open("rb") as lines:
        summary = validate_file(lines, file=uri, customization_type=CustomizationType.FINE_TUNING)
    return DataFile(uri=uri, path=path, customization_type=CustomizationType.FINE_TUNING, summary=summary)


def test_a_digest_tells_contents_and_names_apart_and_not_where_the_copy_lies(tmp_path: Path) -> None:
    """Findings name the file, so the tokens of one are not taken for those of another of equal content."""
    file = data_file(tmp_path / "1", "s3://b/one.jsonl", "b")
    assert file.digest == data_file(tmp_path / "2", "s3://b/one.jsonl", "b").digest
    assert file.digest != data_file(tmp_path / "3", "s3://b/two.jsonl", "b").digest
    assert file.digest != data_file(tmp_path / "4", "s3://b/one.jsonl", "c").digest
    assert file.digest != data_file(tmp_path / "5", "s3://b/one.jsonl", "b", "b").digest


def test_a_digest_tells_ways_of_reading_a_prompt_apart(tmp_path: Path) -> None:
    """Else the tokens of a job on one family would be taken for those of a job on another."""
    file = data_file(tmp_path / "1", "s3://b/one.jsonl", "b")
    assert replace(file, prompt_templates=(PromptTemplate.LLAMA_3,)).digest != file.digest


def test_a_job_is_told_of_a_rule_once_and_how_often_it_holds(tmp_path: Path) -> None:
    rows = [{"prompt": "a", "completion": "It\u00e2\u20ac\u2122s."}] * 3
    path = tmp_path / "copy"
    path.write_bytes(gzip.compress(json.dumps(rows).encode()))
    summary = validate_file(
        pieces_of(path), file="s3://b/rows.json.gz", customization_type=CustomizationType.FINE_TUNING
    )
    file = DataFile(
        uri="s3://b/rows.json.gz", path=path, customization_type=CustomizationType.FINE_TUNING, summary=summary
    )
    compressed, array, garbled = DataFiles(training=file, validation=[]).warnings()
    assert compressed.startswith("s3://b/rows.json.gz: the file is compressed")
    assert "one JSON array" in array
    assert garbled.startswith("s3://b/rows.json.gz line 1: ")
    assert garbled.endswith("The same holds 2 times more.")
    assert len(list(file.records())) == 3
