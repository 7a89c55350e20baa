"""Serial queues and worker slots, with real threads."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from jsmeets_local.bridge.workers import PATIENCE, SerialQueue, WorkerPool, waiting
from tests.timing import scaled


class Answers:
    """Collects the answers of workers and lets a test wait for them."""

    def __init__(self) -> None:
        self.batches: list[list[Any]] = []
        self._changed = threading.Condition()

    def deliver(self, answers: list[Any]) -> None:
        with self._changed:
            self.batches.append(answers)
            self._changed.notify_all()

    def all(self, count: int) -> list[Any]:
        with self._changed:
            assert self._changed.wait_for(lambda: sum(map(len, self.batches)) >= count, scaled(10))
            return [answer for batch in self.batches for answer in batch]


def after(seconds: float, func: Callable[..., object], *args: Any) -> None:
    timer = threading.Timer(seconds, func, args)
    timer.daemon = True
    timer.start()


def submit(pool: WorkerPool, serial_queue: SerialQueue, func: Callable[[], Any]) -> bool:
    return pool.submit(serial_queue, ("a job of a test", func, ()))


@pytest.fixture
def answers() -> Answers:
    return Answers()


@pytest.fixture
def pool(answers: Answers) -> Iterator[WorkerPool]:
    pool = WorkerPool(2, answers.deliver, after)
    yield pool
    for thread in pool.close():
        thread.join(scaled(10))
        assert not thread.is_alive()


@pytest.mark.usefixtures("patient")
def test_a_serial_queue_keeps_its_order_and_answers_in_bulk(pool: WorkerPool, answers: Answers) -> None:
    serial_queue, all_here = SerialQueue(), threading.Event()
    begun: list[int] = []
    submit(pool, serial_queue, lambda: all_here.wait(scaled(10)) and None)
    for n in range(2000):
        submit(pool, serial_queue, lambda n=n: begun.append(n) or n)  # type: ignore[misc]
    all_here.set()
    assert answers.all(2000) == begun == list(range(2000))
    assert len(answers.batches) < 1000


def test_a_slow_job_loses_its_serial_queue(pool: WorkerPool, answers: Answers) -> None:
    serial_queue, release = SerialQueue(), threading.Event()
    begun: list[int] = []
    submit(pool, serial_queue, lambda: "quick before")
    submit(pool, serial_queue, lambda: release.wait(scaled(10)) and "slow")
    for n in range(100):
        submit(pool, serial_queue, lambda n=n: begun.append(n) or n)  # type: ignore[misc]
    quick = answers.all(101)
    assert "slow" not in quick
    assert set(quick) == {"quick before", *range(100)}
    assert begun == list(range(100))
    release.set()
    assert answers.all(102)[-1] == "slow"


def test_a_job_that_has_not_begun_is_not_overtaken(answers: Answers) -> None:
    """Its worker waits for the interpreter or the processor for longer than a slow job keeps the queue."""
    checks: list[float] = []

    def check_at_once(seconds: float, func: Callable[..., object], *args: Any) -> None:
        if args != (serial_queue,):
            return  # the check for stuck jobs
        checks.append(seconds)
        if len(checks) == 1:  # the worker has taken the job, and is stopped here until the check runs
            threading.Event().wait(PATIENCE * 2)
            func(*args)

    pool = WorkerPool(2, answers.deliver, check_at_once)
    serial_queue = SerialQueue()
    begun: list[int] = []
    jobs = [("a job of a test", lambda n=n: begun.append(n) or n, ()) for n in range(100)]  # type: ignore[misc]
    pool.submit(serial_queue, *jobs)
    assert answers.all(100) == begun == list(range(100))
    assert checks == [PATIENCE, PATIENCE], "the job is checked again"
    for thread in pool.close():
        thread.join(scaled(10))


def test_answers_do_not_wait_for_the_slow_job_behind_them(pool: WorkerPool, answers: Answers) -> None:
    serial_queue, release = SerialQueue(), threading.Event()
    started = threading.Event()
    submit(pool, serial_queue, lambda: started.wait(scaled(10)) and "quick")
    submit(pool, serial_queue, lambda: release.wait(scaled(10)) and "slow")
    started.set()
    assert answers.all(1) == ["quick"]
    release.set()
    assert answers.all(2) == ["quick", "slow"]


def test_a_strict_serial_queue_is_never_shared(pool: WorkerPool, answers: Answers) -> None:
    serial_queue, all_here = SerialQueue(strict=True), threading.Event()
    running: list[int] = []

    def job(n: int) -> int:
        assert all_here.wait(scaled(10))  # a queue that runs empty may change its worker
        assert running == []
        running.append(n)
        with waiting():
            threading.Event().wait(PATIENCE * 2 if n % 10 == 0 else 0)
        running.remove(n)
        return n

    for n in range(40):
        submit(pool, serial_queue, lambda n=n: job(n))  # type: ignore[misc]
    all_here.set()
    assert answers.all(40) == list(range(40))


def test_slots_bound_running_functions_and_waiting_frees_one(pool: WorkerPool, answers: Answers) -> None:
    release, busy, peak = threading.Event(), 0, 0
    lock = threading.Lock()
    both = threading.Barrier(2)

    def job(n: int) -> int:
        nonlocal busy, peak
        with lock:
            busy += 1
            peak = max(peak, busy)
        if n < 2:
            both.wait(scaled(10))
        with lock:
            busy -= 1
        return n

    for n in range(20):
        submit(pool, SerialQueue(), lambda n=n: job(n))  # type: ignore[misc]
    assert sorted(answers.all(20)) == list(range(20))
    assert peak == 2

    def waits() -> str:
        with waiting():
            release.wait(scaled(10))
        return "waited"

    for _ in range(50):  # many more than there are slots
        submit(pool, SerialQueue(), waits)
    submit(pool, SerialQueue(), lambda: "ran")
    assert answers.all(21)[-1] == "ran"
    release.set()
    assert answers.all(71).count("waited") == 50


def test_waiting_in_a_serial_queue_lets_the_next_job_run(pool: WorkerPool, answers: Answers) -> None:
    serial_queue, release = SerialQueue(), threading.Event()

    def nested(depth: int) -> int:
        if depth:
            submit(pool, serial_queue, lambda: nested(depth - 1))
        else:
            release.set()
        with waiting():
            assert release.wait(scaled(10))
        return depth

    submit(pool, serial_queue, lambda: nested(200))
    assert sorted(answers.all(201)) == list(range(201))
    deadline = time.monotonic() + scaled(5)
    while len(pool._threads) > pool.slots and time.monotonic() < deadline:
        time.sleep(0.001)
    assert len(pool._threads) <= pool.slots, "surplus workers end at once"


def test_many_submitters_lose_nothing(pool: WorkerPool, answers: Answers) -> None:
    serial_queues = [SerialQueue() for _ in range(5)]

    def work(base: int) -> None:
        for n in range(500):
            submit(pool, serial_queues[n % 5], lambda n=n: base + n)  # type: ignore[misc]

    threads = [threading.Thread(target=work, args=(1000 * i,)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers.all(2000)) == sorted(1000 * i + n for i in range(4) for n in range(500))


def test_a_job_submitted_while_a_worker_stops_waiting_runs(answers: Answers, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("jsmeets_local.bridge.workers.IDLE", 0.005)
    pool = WorkerPool(2, answers.deliver, after)
    pauses = threading.Event()
    for n in range(300):
        submit(pool, SerialQueue(), lambda n=n: n)  # type: ignore[misc]
        answers.all(n + 1)
        pauses.wait(0.0049 + n % 7 * 0.0001)
    threads = pool.close()
    for thread in threads:
        thread.join(scaled(10))
    assert not any(thread.is_alive() for thread in threads)


def test_waiting_outside_a_worker_does_nothing() -> None:
    with waiting():
        pass
    assert threading.current_thread() is threading.main_thread()


def test_a_job_that_does_not_end_is_reported_once(answers: Answers, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("jsmeets_local.bridge.workers.STUCK", limit := scaled(0.2))
    stuck: list[tuple[str, float]] = []
    reported, release = threading.Event(), threading.Event()

    def report(thread: threading.Thread, seconds: float) -> None:
        stuck.append((thread.name, seconds))
        reported.set()

    pool = WorkerPool(2, answers.deliver, after, report)

    def hangs() -> str:
        threading.current_thread().name = "jsmeets: hangs"
        with waiting():
            time.sleep(2 * limit)  # waiting for a page does not count as hanging
        assert not stuck
        assert release.wait(scaled(10))
        return "done"

    submit(pool, SerialQueue(), hangs)
    assert reported.wait(scaled(10))
    for _ in range(3):
        submit(pool, SerialQueue(), lambda: time.sleep(limit))
    time.sleep(2 * limit)
    release.set()
    assert answers.all(1) == ["done"]
    for thread in pool.close():
        thread.join(scaled(10))
        assert not thread.is_alive()
        assert thread.name.startswith("jsmeets-worker-"), "its own name again"
    [seconds] = [seconds for name, seconds in stuck if name == "jsmeets: hangs"]
    assert limit <= seconds < limit + scaled(2)


def test_jobs_beyond_the_limit_of_waiting_ones_are_refused(answers: Answers) -> None:
    pool = WorkerPool(2, answers.deliver, after, max_waiting=3)
    release, here = threading.Event(), threading.Barrier(4)

    def waits() -> str:
        with waiting():
            here.wait(scaled(10))
            assert release.wait(scaled(10))
        return "waited"

    for _ in range(3):
        assert submit(pool, SerialQueue(), waits)
    here.wait(scaled(10))
    stats = pool.stats()
    assert (stats["running"], stats["waiting"], stats["serial_queues_waiting"]) == (0, 3, 0)
    assert stats["threads"] >= 3
    assert not submit(pool, SerialQueue(), waits)
    release.set()
    assert answers.all(3) == ["waited"] * 3
    for thread in pool.close():
        thread.join(scaled(10))


def test_a_worker_whose_job_raises_is_replaced(answers: Answers) -> None:
    failed: list[tuple[Any, str]] = []
    numbers = itertools.count(1)

    def report(job: Any, error: BaseException) -> str:
        failed.append((job[0], str(error)))
        return f"failed {next(numbers)}"

    def raises(kind: type[BaseException]) -> None:
        raise kind("boom")

    def raises_after_waiting() -> None:
        with waiting():
            pass
        raise KeyboardInterrupt("boom")

    pool = WorkerPool(2, answers.deliver, after, failed=report)
    serial_queue, strict = SerialQueue(), SerialQueue(strict=True)
    for n in range(50):  # many more than there are slots
        for line in (serial_queue, strict):
            submit(pool, line, lambda: raises(SystemExit))
            submit(pool, line, raises_after_waiting)
            submit(pool, line, lambda n=n: n)  # type: ignore[misc]
    told = answers.all(300)
    assert [answer for answer in told if isinstance(answer, int)].count(49) == 2
    assert sorted(answer for answer in told if isinstance(answer, str)) == sorted(f"failed {n}" for n in range(1, 201))
    assert set(failed) == {("a job of a test", "boom")}
    assert (serial_queue.driver, strict.driver) == (None, None)
    threads = pool.close()
    for thread in threads:
        thread.join(scaled(10))
    assert pool.stats() == {"threads": 0, "running": 0, "waiting": 0, "serial_queues_waiting": 0}


def test_the_jobs_behind_one_that_raises_keep_their_order(pool: WorkerPool, answers: Answers) -> None:
    serial_queue, release = SerialQueue(strict=True), threading.Event()
    submit(pool, serial_queue, lambda: release.wait(scaled(10)) and 1 / 0)
    for n in range(100):
        submit(pool, serial_queue, lambda n=n: n)  # type: ignore[misc]
    release.set()
    assert answers.all(100) == list(range(100))
