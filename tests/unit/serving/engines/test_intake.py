"""The part that engines share, without an engine: who is let in, in which order, and what is free when."""

from dataclasses import dataclass
from typing import Any

import pytest

from tanren.domain.errors import ModelFailed, ServiceUnavailable, Throttled, ValidationFailed
from tanren.serving.adapter_cache import AdapterCache
from tanren.serving.engines.intake import Intake, Running
from tanren.serving.protocol import AdapterRef, EngineLimits
from tests.unit.serving.engines.hashing_stepper import hashing_base, named
from tests.unit.serving.listening import Listener, asked


@dataclass
class Adapter:
    size_bytes: int = 7


class Doors:
    """An intake whose engine's thread is the test."""

    def __init__(self, **more: Any) -> None:
        limits = EngineLimits(**{name: more.pop(name) for name in tuple(more) if name.startswith("max_")})
        self.let_go: list[Adapter] = []
        self.loaded: list[str] = []
        self.cache = AdapterCache(self._load, capacity=limits.max_resident_adapters, let_go=self.let_go.append)
        self.intake: Intake[Adapter, str] = Intake(
            hashing_base(), limits, self.cache, **{"work_for": lambda each: each.request.cache_scope, **more}
        )

    def _load(self, adapter: AdapterRef) -> Adapter:
        self.loaded.append(adapter.sha256)
        return Adapter()

    def listen(self, name: str = "", adapter: AdapterRef | None = None) -> Listener:
        listener = Listener()
        listener.generation = self.intake.generate(asked(cache_scope=name), adapter, listener.events.put)
        return listener

    def admitted(self, *places: str) -> list[str]:
        return [each.work for each in self.intake.admit(lambda running: running.work in places)]

    @property
    def in_hand(self) -> tuple[int, int]:
        description = self.intake.describe(engine="none", note="", weight_bytes=0)
        return description.active_count, description.queued_count


def test_nobody_overtakes_the_first_for_whom_there_is_no_place():
    doors = Doors()
    for name in "abc":
        doors.listen(name)
    assert doors.admitted("a", "c") == ["a"]
    assert doors.in_hand == (1, 2)
    assert doors.admitted("b", "c") == ["b", "c"]


def test_as_many_as_the_limits_say_are_let_in_and_a_cancelled_one_holds_no_room():
    doors = Doors(max_active=1, max_queued=1)
    first, second = doors.listen("a"), doors.listen("b")
    with pytest.raises(Throttled, match="1 are being answered and 1 are waiting"):
        doors.listen("c")
    assert second.generation is not None
    second.generation.cancel()
    doors.listen("c")
    doors.admitted("a")
    assert first.generation is not None
    first.generation.cancel()  # still active until the engine has seen it, and yet no more in the way
    doors.listen("d")
    assert doors.in_hand == (1, 2)


def test_what_can_never_fit_is_refused_before_its_adapter_is_loaded():
    def refuse(_: object) -> None:
        raise ValidationFailed("too long")

    doors = Doors(check_fits=refuse)
    with pytest.raises(ValidationFailed, match="too long"):
        doors.listen("a", named("x"))
    assert doors.loaded == []


def test_a_request_that_fails_on_its_way_in_gives_its_adapter_back():
    def fail(_: object) -> str:
        raise MemoryError("no room for work")

    doors = Doors(work_for=fail)
    with pytest.raises(MemoryError):
        doors.listen("a", named("x"))
    doors.cache.drop(named("x"))
    assert len(doors.let_go) == 1
    assert doors.in_hand == (0, 0)


def test_place_and_adapter_are_free_before_the_end_is_heard():
    doors = Doors(max_active=1, max_queued=0)
    seen: list[tuple[tuple[int, int], int]] = []

    def sink(event: object) -> None:
        if isinstance(event, ModelFailed):
            doors.cache.drop(named("x"))
            seen.append((doors.in_hand, len(doors.let_go)))

    doors.intake.generate(asked(cache_scope="a"), named("x"), sink)
    (running,) = doors.intake.admit(lambda _: True)
    doors.intake.leave(running, ModelFailed("broken"))
    assert seen == [((0, 0), 1)]


def test_all_places_are_free_before_the_first_of_the_abandoned_hears_of_it():
    doors = Doors(max_active=2, max_queued=0)
    seen: list[tuple[int, int]] = []
    for name in "ab":
        doors.intake.generate(
            asked(cache_scope=name),
            None,
            lambda event: seen.append(doors.in_hand) if isinstance(event, ModelFailed) else None,
        )
    doors.admitted("a", "b")
    doors.intake.abandon_active(ModelFailed("broken"))
    assert seen == [(0, 0), (0, 0)]


def test_a_closed_engine_lets_nobody_in_and_tells_those_who_wait():
    doors = Doors()
    waiting = doors.listen("a")
    assert doors.intake.wait()
    assert doors.intake.close()
    assert not doors.intake.close()
    assert not doors.intake.wait()
    with pytest.raises(ServiceUnavailable, match="is stopping"):
        doors.listen("b")
    doors.intake.turn_all_away()
    with pytest.raises(ServiceUnavailable, match="may be sent again"):
        waiting.end()


def test_the_engines_thread_is_woken_by_what_it_waits_for_itself():
    assert Doors().intake.wait(until=lambda: True)


def test_an_active_one_that_is_cancelled_stays_until_the_engine_lets_it_go():
    doors = Doors()
    listener = doors.listen("a", named("x"))
    (running,) = doors.intake.admit(lambda _: True)
    assert isinstance(running, Running)
    assert listener.generation is not None
    listener.generation.cancel()
    assert doors.intake.active() == [running]
    doors.cache.drop(named("x"))
    assert doors.let_go == []
    doors.intake.leave(running)
    assert len(doors.let_go) == 1
    assert listener.events.qsize() == 1  # its start, and nothing since
