import asyncio
import contextvars
import threading

from tanren.threads import ANSWERS, DOCUMENTS, LOGS, WAITING, Threads


def test_who_waits_in_one_pool_keeps_nobody_waiting_in_another():
    async def story() -> None:
        go_on = threading.Event()
        waiting = [asyncio.ensure_future(WAITING.run(go_on.wait)) for _ in range(64)]
        try:
            for pool in (ANSWERS, LOGS, DOCUMENTS):
                assert await pool.run(lambda: "answered") == "answered"
            assert await asyncio.to_thread(lambda: "permitted") == "permitted"
        finally:
            go_on.set()
        assert all(await asyncio.gather(*waiting))

    asyncio.run(asyncio.wait_for(story(), timeout=10))


def test_work_sees_the_context_of_who_asked_for_it():
    said = contextvars.ContextVar("said", default="nothing")

    async def story() -> str:
        said.set("something")
        return await Threads("test", 1).run(said.get)

    assert asyncio.run(story()) == "something"
