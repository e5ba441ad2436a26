import pytest

from tanren.aws.authorization_requests import Rule
from tanren.aws.authorization_rules import RULES, WITHOUT_PERMISSION, rule_of
from tanren.aws.service_models import load_service
from tanren.control.sessions import refuse
from tanren.gateway import handlers, identity_handlers, tanren_handlers
from tanren.settings import read_settings
from tanren.storage.database import Database
from tanren.storage.identity_database import IdentityDatabase
from tanren.storage.principals import Principals


def rule(service: str, operation: str) -> Rule:
    found = rule_of(service, operation)
    assert found is not None
    return found


def test_every_operation_that_is_implemented_has_a_line_in_the_table():
    settings, database = read_settings({}), Database("sqlite://")
    identities = IdentityDatabase(database)
    wired = {
        **handlers(settings, database),
        **tanren_handlers(settings, database),
        **identity_handlers(identities, Principals(identities), judge=refuse),
    }
    missing = [
        f"{service}:{operation}"
        for service, own in wired.items()
        for operation in own
        if operation not in RULES[service] and operation not in WITHOUT_PERMISSION.get(service, ())
    ]
    assert missing == []


@pytest.mark.parametrize("service", list(RULES))
def test_a_rule_reads_members_that_its_operation_has(service: str):
    model = load_service(service)
    for operation, found in RULES[service].items():
        shape = model.operation(operation).input
        members = set() if shape is None else set(shape.members)
        asked = {*found.tags, *([found.role.split(".")[0]] if found.role else [])}
        assert asked <= members, operation


def test_an_operation_that_the_table_forgot_takes_its_own_permission_on_everything():
    forgotten = rule("bedrock-runtime", "ApplyGuardrail")
    assert (forgotten.action, forgotten.resources) == ("bedrock:ApplyGuardrail", ())


@pytest.mark.parametrize("operation", ["AssumeRole", "GetCallerIdentity", "GetSessionToken"])
def test_these_take_no_permission_here(operation: str):
    assert rule_of("sts", operation) is None


@pytest.mark.parametrize(
    ("operation", "action"),
    [
        ("InvokeModel", "bedrock:InvokeModel"),
        ("Converse", "bedrock:InvokeModel"),
        ("InvokeModelWithResponseStream", "bedrock:InvokeModelWithResponseStream"),
        ("ConverseStream", "bedrock:InvokeModelWithResponseStream"),
        ("CountTokens", "bedrock:CountTokens"),
    ],
)
def test_converse_takes_the_permission_of_invoke_model(operation: str, action: str):
    assert rule("bedrock-runtime", operation).action == action
