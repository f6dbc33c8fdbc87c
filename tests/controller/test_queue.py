from __future__ import annotations

import asyncio

from bannette.controller.queue import WorkQueue
from tests.controller.fast_loop import run_fast


def test_a_key_is_in_it_once() -> None:
    async def work() -> list[str]:
        queue = WorkQueue[str]()
        for key in ("a", "b", "a", "a"):
            queue.add(key)
        return [await queue.take() for _ in range(len(queue))]

    assert run_fast(work()) == ["a", "b"]


def test_a_key_has_one_worker_at_a_time_and_comes_again_if_it_was_added_meanwhile() -> None:
    async def work() -> None:
        queue = WorkQueue[str]()
        queue.add("a")
        assert await queue.take() == "a"
        queue.add("a")
        queue.add("a")
        assert len(queue) == 0
        queue.done("a")
        assert len(queue) == 1
        assert await queue.take() == "a"
        queue.done("a")
        assert len(queue) == 0

    run_fast(work())


def test_failures_come_back_later_and_later_until_one_succeeds() -> None:
    async def work() -> tuple[list[float], float]:
        queue = WorkQueue[str](jitter=lambda: 1.0)
        waits = [queue.retry("a") for _ in range(12)]
        queue.forget("a")
        return waits, queue.retry("a")

    waits, after = run_fast(work())
    assert waits[:5] == [0.5, 1, 2, 4, 8]
    assert waits[-1] == 300
    assert after == 0.5


def test_jitter_takes_off_up_to_half() -> None:
    async def work() -> float:
        return WorkQueue[str](jitter=lambda: 0.0).retry("a")

    assert run_fast(work()) == 0.25


def test_retry_waits_as_long_as_the_server_asked() -> None:
    async def work() -> float:
        queue = WorkQueue[str]()
        queue.retry("a", least=17)
        await queue.take()
        return asyncio.get_running_loop().time()

    assert run_fast(work()) == 17


def test_the_earliest_of_two_times_counts() -> None:
    async def work() -> float:
        queue = WorkQueue[str]()
        queue.add_after("a", 60)
        queue.add_after("a", 5)
        queue.add_after("a", 90)
        await queue.take()
        return asyncio.get_running_loop().time()

    assert run_fast(work()) == 5


def test_a_key_that_is_added_needs_its_timer_no_more() -> None:
    async def work() -> int:
        queue = WorkQueue[str]()
        queue.add_after("a", 5)
        queue.add("a")
        queue.done(await queue.take())
        await asyncio.sleep(10)
        return len(queue)

    assert run_fast(work()) == 0


def test_a_worker_that_is_cancelled_while_it_waits_loses_no_key() -> None:
    async def work() -> str:
        queue = WorkQueue[str]()
        first, second = asyncio.create_task(queue.take()), asyncio.create_task(queue.take())
        await asyncio.sleep(0)
        queue.add("a")
        first.cancel()
        return await second

    assert run_fast(work()) == "a"


def test_many_workers_share_many_keys() -> None:
    async def work() -> tuple[int, float]:
        queue = WorkQueue[int]()
        at_work: set[int] = set()
        worked: list[int] = []
        finished = asyncio.Event()

        async def worker() -> None:
            while True:
                key = await queue.take()
                assert key not in at_work
                at_work.add(key)
                await asyncio.sleep(1)
                at_work.discard(key)
                worked.append(key)
                queue.done(key)
                if len(worked) == 100:
                    finished.set()

        workers = [asyncio.create_task(worker()) for _ in range(10)]
        for key in range(100):
            queue.add(key)
            queue.add(key)
        await asyncio.wait_for(finished.wait(), 100)
        for one in workers:
            one.cancel()
        return len(set(worked)), asyncio.get_running_loop().time()

    distinct, seconds = run_fast(work())
    assert distinct == 100
    assert seconds == 10
