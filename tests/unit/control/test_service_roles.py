import pytest

from tanren.control.service_roles import check_service_role
from tanren.domain.errors import ValidationFailed


def test_a_role_of_another_account_cannot_be_assumed(scope):
    check_service_role(scope, "arn:aws:iam::123456789012:role/Mine")
    with pytest.raises(ValidationFailed, match=r"Could not assume provided IAM role .*999999999999"):
        check_service_role(scope, "arn:aws:iam::999999999999:role/Yours")
