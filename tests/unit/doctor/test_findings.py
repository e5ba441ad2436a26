import pytest

from tanren.doctor.findings import Finding, Level, fine, gigabytes, note, problem, problem_count


def test_a_problem_says_how_it_is_put_right():
    with pytest.raises(AssertionError, match="disk: a problem without a fix"):
        Finding(subject="disk", level=Level.PROBLEM, text="full")


def test_only_problems_count_as_such():
    findings = [fine("a", "well"), note("b", "slow"), problem("c", "broken", fix="mend it")]
    assert problem_count(findings) == 1


def test_a_finding_is_the_same_for_programs():
    assert problem("c", "broken", fix="mend it", facts={"x": 1}).to_json() == {
        "subject": "c",
        "level": "problem",
        "text": "broken",
        "fix": "mend it",
        "facts": {"x": 1},
    }
    assert fine("a", "well").to_json()["fix"] is None


def test_sizes_are_shown_in_gigabytes():
    assert gigabytes(1_550_000_000) == "1.6 GB"
