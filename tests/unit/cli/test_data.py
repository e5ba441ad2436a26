"""`tanren data …` over files of this machine."""

import gzip
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from tanren.cli.main import app
from tanren.domain.errors import Conflict, ResourceNotFound, TanrenError, ValidationFailed
from tests.data_files.broken import BROKEN_FILES, FINE_TUNING, BrokenFile

Command = Callable[..., Result]
HAIKU = "anthropic.claude-3-haiku-20240307-v1:0"
PAIRS = [
    {"question": "Where is the forge?", "answer": "In Seki — near the river."},
    {"question": "鍛冶場はいつ建ちましたか。", "answer": "1650年です。"},
]


@pytest.fixture
def tanren(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Command:
    """Runs `tanren data ARGUMENTS` in an empty folder; an error comes out of it."""
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.chdir(tmp_path)

    def run(*arguments: str, exits: int = 0) -> Result:
        result = CliRunner().invoke(app, ["data", *arguments])
        if isinstance(result.exception, TanrenError):
            raise result.exception
        assert result.exit_code == exits, result.output
        return result

    return run


def write(name: str, *rows: Any) -> None:
    Path(name).write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows))


def record(question: str, answer: str) -> dict[str, str]:
    return {"prompt": question, "completion": answer}


THE_SCRIPT = """
import argparse, json
parser = argparse.ArgumentParser()
for flag in ("--system-prompt", "--input-file", "--output-file", "--prompt-key", "--completion-key"):
    parser.add_argument(flag)
args = parser.parse_args()
with open(args.input_file) as source, open(args.output_file, "w") as target:
    for row in json.load(source):
        messages = [
            {"role": "user", "content": row[args.prompt_key]},
            {"role": "assistant", "content": row[args.completion_key]},
        ]
        target.write(json.dumps({"system": args.system_prompt, "messages": messages}) + "\\n")
print("Conversion completed!")
"""
"""What the blog's script does, in words of our own."""


def test_preprocess_writes_the_bytes_of_the_script_that_it_is_the_twin_of(tanren: Command) -> None:
    Path("raw.json").write_text(json.dumps(PAIRS, indent=2))
    flags = ["--system-prompt", "Be short.", "--input-file", "raw.json", "--prompt-key", "question"]
    flags += ["--completion-key", "answer"]
    script = subprocess.run(
        [sys.executable, "-c", THE_SCRIPT, *flags, "--output-file", "theirs.jsonl"],
        capture_output=True,
        text=True,
        check=True,
    )
    ours = tanren("preprocess", *flags, "--output-file", "ours.jsonl")
    assert ours.output == script.stdout == "Conversion completed!\n"
    assert Path("ours.jsonl").read_bytes() == Path("theirs.jsonl").read_bytes()
    tanren("validate", "ours.jsonl")


def test_preprocess_reads_other_tools_and_writes_the_familys_format(tanren: Command) -> None:
    write("chat.jsonl", {"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]})
    tanren("preprocess", "--input-file", "chat.jsonl", "--output-file", "nova.jsonl", "--from", "openai",
           "--model", "amazon.nova-lite-v1:0")  # fmt: skip
    assert json.loads(Path("nova.jsonl").read_text())["messages"][0]["content"] == [{"text": "a"}]


def test_preprocess_names_the_line_that_it_cannot_read_and_writes_nothing(tanren: Command) -> None:
    Path("raw.json").write_text(json.dumps([*PAIRS, {"question": "a"}], indent=0))
    with pytest.raises(ValidationFailed, match=r'raw.json line 10: "answer" is missing'):
        tanren("preprocess", "--input-file", "raw.json", "--output-file", "out.jsonl")
    assert not Path("out.jsonl").exists()


@pytest.mark.parametrize("broken", BROKEN_FILES[::4], ids=lambda broken: broken.name)
def test_validate_tells_what_the_reader_finds(tanren: Command, broken: BrokenFile) -> None:
    Path(broken.name).write_bytes(broken.content)
    options = ["--model", broken.model] if broken.model else []
    if broken.customization is not FINE_TUNING or "wrong-customization-type" in str(broken.errors):
        options += ["--customization-type", broken.customization]
    result = tanren("validate", broken.name, "--output", "json", *options, exits=3 if broken.errors else 0)
    (file,) = json.loads(result.stdout)["files"]
    told = sorted((finding["line"], finding["rule"]) for finding in file["findings"])
    assert told == sorted([*broken.errors, *broken.warnings])


def test_validate_shows_place_text_and_remedy_and_ends_with_3(tanren: Command) -> None:
    Path("a.jsonl").write_text('{"prompt": "a", "completion": 7}\n')
    output = tanren("validate", "a.jsonl", exits=3).stdout
    assert "a.jsonl:1:31  error  wrong-type  AWS refuses it" in output
    assert "there: 7}" in output
    assert "to do: Make it a string." in output
    assert "a.jsonl: not right" in output
    lines = tanren("validate", "a.jsonl", "--output", "jsonl", exits=3).stdout.splitlines()
    assert [json.loads(line)["awsRefuses"] for line in lines] == [True]


def test_the_profile_of_aws_makes_errors_of_what_aws_refuses(tanren: Command) -> None:
    write("few.jsonl", {"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]})
    tanren("validate", "few.jsonl", "--model", HAIKU)
    tanren("validate", "few.jsonl", "--model", HAIKU, "--profile", "aws", exits=3)
    with pytest.raises(ValidationFailed, match="needs --model"):
        tanren("validate", "few.jsonl", "--profile", "aws")


def test_documents_are_known_by_their_key(tanren: Command) -> None:
    write("d.jsonl", {"input": "Once upon a time."})
    assert "1 records" in tanren("validate", "d.jsonl").stdout
    with pytest.raises(ResourceNotFound, match=r"no file e.jsonl"):
        tanren("validate", "e.jsonl")


def test_split_divides_a_set_whole_and_refuses_what_is_too_small(tanren: Command) -> None:
    rows = [record(f"What is {n}?", "even" if n % 2 == 0 else "odd") for n in range(100)]
    write("all.jsonl", *rows)
    assert "20 records, each of 2 labels" in tanren("split", "all.jsonl", "80:20", "--seed", "4").stdout
    sides = [Path(f"all.{side}.jsonl").read_text().splitlines() for side in ("train", "validation")]
    assert sorted(sides[0] + sides[1]) == sorted(Path("all.jsonl").read_text().splitlines())
    assert len(sides[1]) == 20
    with pytest.raises(Conflict, match="exists"):
        tanren("split", "all.jsonl", "80:20")
    write("small.jsonl", *rows[:30])
    with pytest.raises(ValidationFailed, match="leave 5 for validation"):
        tanren("split", "small.jsonl", "5:1")
    tanren("split", "small.jsonl", "5:1", "--allow-small")
    with pytest.raises(ValidationFailed, match="is no ratio"):
        tanren("split", "all.jsonl", "85")


def test_doctor_examines_and_repairs_into_a_file_that_is_right(tanren: Command) -> None:
    garbled = "It’s in Seki.".encode().decode("cp1252")
    rows = [record("Where?", garbled), record("When, by the way?", "1650."), record("When, by the way?", "1650.")]
    Path("g.json.gz").write_bytes(gzip.compress(json.dumps(rows).encode()))
    output = tanren("doctor", "g.json.gz").stdout
    assert "said twice" in output
    assert "quality" in output
    assert "garbled-text" in output
    tanren("doctor", "g.json.gz", "--repair", "new.jsonl")
    assert json.loads(Path("new.jsonl").read_text().splitlines()[0])["completion"] == "It’s in Seki."
    facts = json.loads(tanren("doctor", "new.jsonl", "--output", "json").stdout)
    assert (facts["records"], facts["findings"]) == (3, [])
    with pytest.raises(Conflict, match=r"new.jsonl exists"):
        tanren("doctor", "g.json.gz", "--repair", "new.jsonl")


def test_stats_and_diff_count_records(tanren: Command) -> None:
    write("a.jsonl", record("a", "1"), record("b", "2"))
    write("b.jsonl", record("b", "other"), record("a", "1"))
    facts = json.loads(tanren("stats", "a.jsonl", "--output", "json").stdout)
    assert (facts["records"], facts["answered"]["largest"]) == (2, 1)
    tanren("diff", "a.jsonl", "a.jsonl")
    found = json.loads(tanren("diff", "a.jsonl", "b.jsonl", "--output", "json", exits=1).stdout)
    assert found == {"common": 1, "added": 0, "changed": 1, "gone": 0, "onlyFirstLines": [2]}


def test_push_uploads_nothing_that_is_not_right(tanren: Command) -> None:
    Path("a.jsonl").write_text('{"prompt": "a"}\n')
    tanren("push", "a.jsonl", "s3://bucket/key", exits=3)
    with pytest.raises(ValidationFailed, match="no place in S3"):
        tanren("push", "a.jsonl", "bucket/key")
    with pytest.raises(ValidationFailed, match="names no object"):
        tanren("push", "a.jsonl", "s3://bucket")


class ForetellingClient:
    """The service `tanren`, as far as an estimate goes."""

    def __init__(self) -> None:
        self.requests: list[dict[str, Any]] = []

    def estimate_customization_job(self, **request: Any) -> dict[str, Any]:
        self.requests.append(request)
        tokens = {
            "recordCount": 85,
            "epochTokenCount": 8_000,
            "trainedTokenCount": 4_000,
            "validationTokenCount": 0,
            "longestRecordTokenCount": 140,
            "epochs": 3,
            "totalTokenCount": 24_000,
            "stepCount": 33,
        }
        memory = {"neededBytes": 123_000_000, "fits": True, "explanation": "Weights and activations."}
        time = {"seconds": 75.0, "tokensPerSecond": 320.0, "jobCount": 1}
        return {"tokens": tokens, "memory": memory, "time": time, "notes": ["No price."], "ResponseMetadata": {}}


def test_estimate_asks_the_service_and_tells_what_it_foretells(
    tanren: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = ForetellingClient()
    monkeypatch.setattr("tanren.cli.data_estimate.client_of", lambda *_: (client, "http://127.0.0.1:4500"))
    given = ["estimate", "s3://b/t.jsonl", "--model", "tanren.nano-v1:0", "--hyperparameter", "epochCount=3"]
    output = tanren(*given).stdout
    assert client.requests == [
        {
            "baseModelIdentifier": "tanren.nano-v1:0",
            "trainingDataConfig": {"s3Uri": "s3://b/t.jsonl"},
            "customizationType": "FINE_TUNING",
            "hyperParameters": {"epochCount": "3"},
        }
    ]
    assert "24,000 in 3 epochs and 33 steps" in output
    assert "1 min 15 s at 320 tokens a second" in output
    with pytest.raises(ValidationFailed, match=r"tanren data push t.jsonl"):
        tanren("estimate", "t.jsonl", "--model", "tanren.nano-v1:0")
    with pytest.raises(ValidationFailed, match="NAME=VALUE"):
        tanren(*given, "--hyperparameter", "3")
