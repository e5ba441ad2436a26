import re
from pathlib import Path

import pytest

from tanren.cli.exit_codes import MEANINGS, ExitCode, RequestRefused, exit_code_of
from tanren.domain import errors

REPOSITORY = Path(__file__).resolve().parents[3]


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (errors.ValidationFailed("an option is wrong"), 2),
        (RequestRefused("ValidationException: epochCount is 99"), 3),
        (errors.ResourceNotFound("no such job"), 4),
        (errors.AccessDenied("not you"), 5),
        (errors.Conflict("the name is taken"), 6),
        (errors.NameTaken("the user is there"), 6),
        (errors.QuotaExceeded("too many"), 6),
        (errors.Throttled("later"), 6),
        (errors.ServiceUnavailable("nobody answers"), 1),
        (errors.JobFailed("the loss is not finite"), 1),
    ],
)
def test_each_kind_of_error_has_its_exit_code(error: errors.TanrenError, code: int):
    assert exit_code_of(error) == code


def test_every_code_has_a_meaning_and_stands_in_both_pages():
    assert set(MEANINGS) == set(ExitCode)
    for page in ("cli.md", "cli.ja.md"):
        rows = re.findall(r"^\| (\d+) \| ", (REPOSITORY / "docs" / page).read_text(), re.MULTILINE)
        assert rows == [str(int(code)) for code in ExitCode]
