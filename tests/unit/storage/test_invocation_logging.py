from tanren.storage.invocation_logging import InvocationLoggingConfigurations

FIRST, SECOND = {"s3Config": {"bucketName": "one"}}, {"s3Config": {"bucketName": "two"}}


def test_there_is_one_an_account_and_region_and_the_last_stands(database, clock, scope, other_scope):
    rows = InvocationLoggingConfigurations(database)
    assert rows.get(scope) is None
    rows.put(scope, FIRST, at=clock())
    rows.put(scope, SECOND, at=clock())
    assert (rows.get(scope), rows.get(other_scope)) == (SECOND, None)
    rows.delete(scope)
    rows.delete(scope)
    assert rows.get(scope) is None


def test_what_was_read_is_known_for_a_while_and_a_change_made_here_at_once(database, clock, scope):
    rows = InvocationLoggingConfigurations(database)
    assert rows.kept(scope) == (False, None)
    rows.get(scope)
    assert rows.kept(scope) == (True, None)
    rows.put(scope, FIRST, at=clock())
    assert rows.kept(scope) == (False, None)
    rows.get(scope)
    assert rows.kept(scope) == (True, FIRST)
