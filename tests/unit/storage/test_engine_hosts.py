from datetime import timedelta

import pytest

from tanren.storage.database import Database
from tanren.storage.engine_hosts import USE_NOTED_EVERY, EngineHosts, EngineHostStatus

BASE = "/models/base"


@pytest.fixture
def hosts(database, clock) -> EngineHosts:
    hosts = EngineHosts(database)
    hosts.want(BASE, at=clock())
    hosts.set(BASE, EngineHostStatus.READY, at=clock(), socket_path="/run/s")
    return hosts


def test_asking_costs_a_note_only_now_and_then(hosts, clock):
    first = hosts.find(BASE).used_at
    hosts.want(BASE, at=clock())
    assert hosts.find(BASE).used_at == first
    clock.advance(seconds=USE_NOTED_EVERY.total_seconds())
    at = clock()
    assert hosts.want(BASE, at=at).status is EngineHostStatus.READY
    assert hosts.find(BASE).used_at == at


def test_a_host_is_forgotten_only_if_nobody_has_asked_for_it_since(hosts, clock):
    clock.advance(minutes=20)
    since = clock() - timedelta(minutes=15)
    hosts.want(BASE, at=clock())
    assert not hosts.forget_unused(BASE, since=since)
    clock.advance(minutes=20)
    assert hosts.forget_unused(BASE, since=clock() - timedelta(minutes=15))
    assert hosts.find(BASE) is None
    assert hosts.want(BASE, at=clock()).status is EngineHostStatus.WANTED


def test_a_host_that_is_not_ready_is_not_unused_however_long_it_takes(hosts, clock):
    hosts.set(BASE, EngineHostStatus.STARTING, at=clock())
    clock.advance(hours=1)
    assert not hosts.forget_unused(BASE, since=clock())


def test_whoever_asks_in_the_moment_in_which_a_host_is_let_go_finds_it_gone_and_asks_anew(hosts, clock, monkeypatch):
    clock.advance(minutes=20)
    find = EngineHosts.find

    def found_and_then_forgotten(self, base_folder):
        found = find(self, base_folder)
        self.forget(base_folder)
        return found

    monkeypatch.setattr(EngineHosts, "find", found_and_then_forgotten)
    assert hosts.want(BASE, at=clock()).status is EngineHostStatus.WANTED
    monkeypatch.undo()
    assert hosts.find(BASE).status is EngineHostStatus.WANTED


@pytest.mark.sqlite
def test_every_host_is_told_as_it_is_now_whoever_has_written(hosts, database, clock):
    assert [each.status for each in hosts.every()] == [EngineHostStatus.READY]
    other = Database(database.engine.url)
    EngineHosts(other).set(BASE, EngineHostStatus.FAILED, at=clock(), failure_message="why")
    other.close()
    told = hosts.every()
    assert [each.failure_message for each in told] == ["why"]
    told.clear()
    assert len(hosts.every()) == 1, "a list of the asker's own"
