"""Every broken file of the corpus is seen through, by line and rule, with what stands there and what to do."""

from collections import Counter
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tanren.catalog.foundation_models import FOUNDATION_MODELS
from tanren.data.families import family_rules
from tanren.data.findings import TEXT_CAP, Severity
from tanren.data.reading import FileReader, FileSummary, validate_file
from tanren.data.rules import RULES
from tests.data_files.broken import BROKEN_FILES, BrokenFile

DOCUMENT = Path(__file__).resolve().parents[3] / "docs" / "data.md"


def check(broken: BrokenFile, pieces: list[bytes] | None = None, *, is_strict: bool = False) -> FileSummary:
    return validate_file(
        [broken.content] if pieces is None else pieces,
        file=broken.name,
        customization_type=broken.customization,
        limits=FOUNDATION_MODELS[broken.model].record_limits if broken.model else None,
        family=family_rules(broken.model) if broken.model else None,
        is_strict=is_strict,
    )


def found(summary: FileSummary, severity: Severity) -> list[tuple[int, str]]:
    return sorted((finding.line, finding.rule) for finding in summary.findings if finding.severity is severity)


def test_the_corpus_is_large_and_says_every_rule_of_a_file() -> None:
    assert len(BROKEN_FILES) >= 60
    assert len({broken.name for broken in BROKEN_FILES}) == len(BROKEN_FILES)
    said = {rule for broken in BROKEN_FILES for _, rule in (*broken.errors, *broken.warnings)}
    # Too large to keep, or said only of a prompt in a family's template: tests of their own.
    assert set(RULES) - said == {
        "line-too-long",
        "too-many-bytes",
        "prompt-in-template",
        "foreign-turn",
        "answer-begun-in-prompt",
    }


@pytest.mark.parametrize("broken", BROKEN_FILES, ids=lambda broken: broken.name)
def test_every_broken_file_is_found_out_by_line_and_rule(broken: BrokenFile) -> None:
    summary = check(broken)
    assert found(summary, Severity.ERROR) == sorted(broken.errors)
    assert found(summary, Severity.WARNING) == sorted(broken.warnings)
    assert summary.is_valid is not bool(broken.errors)
    expected = Counter(rule for _, rule in (*broken.errors, *broken.warnings))
    assert set(summary.rule_counts) == set(expected)
    for finding in summary.findings:
        assert finding.message.endswith(".")
        assert finding.fix
        assert finding.text is None or 0 < len(finding.text) <= TEXT_CAP
        assert finding.line == 0 or finding.column != 0


@pytest.mark.parametrize("broken", BROKEN_FILES, ids=lambda broken: broken.name)
def test_the_verdict_of_aws_is_told_and_decides_where_it_is_asked_for(broken: BrokenFile) -> None:
    summary, strict = check(broken), check(broken, is_strict=True)
    told = {finding.rule: finding.aws_refuses for finding in summary.findings}
    first = (*broken.errors, *broken.warnings)[0][1]
    assert told[first] is broken.aws
    for finding in strict.findings:
        assert finding.severity is Severity.ERROR or finding.aws_refuses is not True
    assert strict.error_count >= summary.error_count


@settings(max_examples=60, deadline=None)
@given(broken=st.sampled_from(BROKEN_FILES), size=st.integers(1, 70))
def test_findings_are_the_same_however_the_file_is_cut(broken: BrokenFile, size: int) -> None:
    content = broken.content[:5_000]
    whole = FileReader([content], file="f", customization_type=broken.customization)
    cut = FileReader(
        (content[a:b] for a, b in pairwise([*range(0, len(content), size), len(content)])),
        file="f",
        customization_type=broken.customization,
    )
    whole.check()
    cut.check()
    assert cut.summary() == whole.summary()


LINES = [line for broken in BROKEN_FILES for line in broken.content[:3_000].split(b"\n")]


def both(content: bytes, broken: BrokenFile) -> Iterator[FileSummary]:
    """By the quick road and by the exact one alone."""
    family = family_rules(broken.model) if broken.model else None
    for is_quick in (True, False):
        reader = FileReader([content], file="f", customization_type=broken.customization, family=family)
        if is_quick:
            reader.check()
        else:
            for _ in reader.records():
                pass
        yield reader.summary()


@settings(max_examples=300, deadline=None)
@given(
    broken=st.sampled_from(BROKEN_FILES),
    lines=st.lists(st.sampled_from(LINES), max_size=40),
    noise=st.tuples(st.integers(0, 400), st.binary(max_size=3)) | st.none(),
)
def test_the_quick_road_finds_what_the_exact_one_finds(
    broken: BrokenFile, lines: list[bytes], noise: tuple[int, bytes] | None
) -> None:
    content = bytearray(broken.content[:3_000] + b"\n" + b"\n".join(lines))
    if noise is not None:
        content[noise[0] : noise[0] + len(noise[1])] = noise[1]
    quick, exact = both(bytes(content), broken)
    assert quick == exact


def test_the_documents_table_of_rules_is_that_of_the_code() -> None:
    verdict = {True: "refuses", False: "takes", None: "not known"}
    table = [f"| `{name}` | {rule.says} | {verdict[rule.aws_refuses]} |" for name, rule in RULES.items()]
    assert "\n".join(table) in DOCUMENT.read_text()
