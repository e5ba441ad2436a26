from tanren.domain.scope import Scope
from tanren.object_stores import CLIENTS_KEPT, kept_by_scope


def test_a_scope_has_one_client_and_a_caller_who_signs_for_ever_new_regions_does_not_fill_the_memory():
    made: list[Scope] = []

    def make(scope: Scope) -> object:
        made.append(scope)
        return object()

    clients = kept_by_scope(make)
    first = Scope(account_id="123456789012", region="us-east-1")
    assert clients(first) is clients(first)
    for number in range(CLIENTS_KEPT):
        clients(Scope(account_id="210987654321", region=f"us-east-{number + 2}"))
    # Let go, so it is made anew.
    clients(first)
    assert len(made) == CLIENTS_KEPT + 2
