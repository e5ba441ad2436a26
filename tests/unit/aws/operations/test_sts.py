import pytest

from tanren.aws.operations.sts import _policy_arns
from tanren.domain.errors import ValidationFailed

READ_ONLY = "arn:aws:iam::aws:policy/ReadOnlyAccess"


def test_a_session_policy_without_its_arn_is_refused_and_not_passed_over():
    assert _policy_arns({}) == ()
    assert _policy_arns({"PolicyArns": [{"arn": READ_ONLY}]}) == (READ_ONLY,)
    with pytest.raises(ValidationFailed, match=r"PolicyArns\.member\.2 has no arn"):
        _policy_arns({"PolicyArns": [{"arn": READ_ONLY}, {}]})
