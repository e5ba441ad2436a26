import pytest

from tanren.control.provisioned_throughputs import NewProvisionedThroughput
from tanren.domain.provisioned_throughputs import ProvisionedStatus
from tanren.runtime.provisioned_seconds import ProvisionedSeconds


class Noted:
    def __init__(self) -> None:
        self.unit_seconds = 0.0

    def note(self, key, used) -> None:
        self.unit_seconds += used.unit_seconds


@pytest.fixture
def noted() -> Noted:
    return Noted()


@pytest.fixture
def arn(plane, scope) -> str:
    plane.has_model(scope)
    new = NewProvisionedThroughput(
        name="pt", model_identifier="tuned", model_units=3, commitment_duration=None, client_request_token=None
    )
    return plane.throughputs.create(scope, new)


def test_units_times_seconds_are_counted_while_it_is_in_service_and_only_then(plane, arn, noted, clock):
    seconds = ProvisionedSeconds(plane.throughput_rows, noted, clock=clock)

    def after(status: ProvisionedStatus, *, looks: int, apart: float = 1.0) -> float:
        with plane.throughput_rows.database.writing() as connection:
            plane.throughput_rows.change(connection, arn, status=status)
        before = noted.unit_seconds
        for _ in range(looks):
            clock.advance(seconds=apart)
            seconds.look()
        return noted.unit_seconds - before

    assert after(ProvisionedStatus.CREATING, looks=5) == 0
    # The first look only sees it.
    assert after(ProvisionedStatus.IN_SERVICE, looks=11) == pytest.approx(30, rel=0.01)
    assert after(ProvisionedStatus.UPDATING, looks=10) == pytest.approx(30, rel=0.01)
    # A process that stood still served nobody.
    assert after(ProvisionedStatus.IN_SERVICE, looks=1, apart=3600) == 0
    assert after(ProvisionedStatus.FAILED, looks=10) == 0
