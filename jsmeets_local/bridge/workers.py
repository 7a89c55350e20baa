"""Worker threads that run plain functions: serial queues keep order, waiting threads give their slots back.

A serial queue is an ordered list of jobs. One worker at a time drives it: it runs the jobs in order, many per wake-up,
and hands their answers back together. A worker loses an impatient queue (a page's) when a job runs longer than
`PATIENCE` or waits for a page, so that another worker can run the jobs behind it. A strict queue (an exclusive
function's, a subscriber's) stays with its worker: its jobs never overlap.

The pool's one lock guards all state here; user code never runs under it.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from time import monotonic
from typing import Any, TypeAlias

from . import shutdown

__all__ = ["Job", "SerialQueue", "WorkerPool", "waiting"]

PATIENCE = 0.010  # seconds a job may hold up what is behind it in an impatient serial queue
HAND_BACK = 0.002  # seconds after which answers go back although the serial queue has more jobs
IDLE = 10.0  # seconds after which an idle worker ends
STUCK = 60.0  # seconds after which a job that still runs is reported, once

# What it is, which names the thread while it runs; what runs; with which arguments. That gives its answer, or `None`.
Job: TypeAlias = tuple[str, Callable[..., Any], tuple[Any, ...]]

_current = threading.local()  # .worker: the _Worker that this thread is


class SerialQueue:
    """A line of jobs; its fields belong to the pool's lock."""

    __slots__ = ("answers", "driver", "handed_back", "jobs", "queued", "strict", "watched")

    def __init__(self, strict: bool = False) -> None:
        self.strict = strict
        self.jobs: deque[Job] = deque()
        self.answers: list[Any] = []
        self.driver: _Worker | None = None
        self.queued = False  # in the pool's ready line
        self.watched = False  # a check of the running job is due
        self.handed_back = 0.0  # when answers last went back

    def take_answers(self, now: float) -> list[Any]:
        answers, self.answers = self.answers, []
        self.handed_back = now
        return answers


class _Worker:
    """One thread of a pool. What it does belongs to the pool's lock."""

    __slots__ = ("about", "called", "name", "pool", "reported", "rests", "serial_queue", "since", "thread", "waits")

    def __init__(self, pool: WorkerPool, name: str) -> None:
        self.pool = pool
        self.serial_queue: SerialQueue = _NONE  # that it drives, unless it has been taken away
        self.called = threading.Lock()  # what it sleeps on
        self.called.acquire()
        self.rests = False  # it is, or was until it was called, among the idle
        self.name = name
        self.about = ""  # what it runs, or did when it was last called
        self.thread = threading.Thread(target=pool._work, args=(self,), name=name, daemon=True)
        self.since = 0.0  # when the running job began
        self.waits = False  # it waits for a page
        self.reported = False

    def drive(self, serial_queue: SerialQueue, now: float) -> None:
        self.serial_queue = serial_queue
        self.since = serial_queue.handed_back = now
        self.reported = False
        serial_queue.driver = self


_NONE = SerialQueue()


class WorkerPool:
    """Threads for serial queues.

    Args:
        slots: How many jobs run at once; those that wait for a page do not count.
        deliver: Takes a list of answers, on a worker's thread.
        after: `after(seconds, func, *args)` calls `func` later; called from any thread.
        stuck: Told of a thread whose job runs for longer than `STUCK`, and for how many seconds it does.
        max_waiting: How many jobs may wait for pages; beyond that none is taken.
        failed: Reports an error that a worker could not finish with, and gives the answer of the job that raised it.
            The job is `None` where the worker had none. A new worker takes the place of the old one.
    """

    def __init__(
        self,
        slots: int,
        deliver: Callable[[list[Any]], None],
        after: Callable[..., object],
        stuck: Callable[[threading.Thread, float], None] = lambda thread, seconds: None,
        max_waiting: int = 2**31,
        failed: Callable[[Job | None, BaseException], Any] = lambda job, error: None,
    ) -> None:
        self.slots = slots
        self.max_waiting = max_waiting
        self._stuck = stuck
        self._failed = failed
        self._working: set[_Worker] = set()  # those that have a job
        self._guarded = False  # a look for stuck jobs is due
        self._deliver = deliver
        self._after = after
        self._lock = threading.Lock()
        self._ready: deque[SerialQueue] = deque()
        self._threads: set[threading.Thread] = set()
        self._idle: list[_Worker] = []  # those that sleep; who slept last is called first
        self._busy = 0  # workers that run a job and do not wait for a page
        self._number = 0
        self._closed = False

    def submit(self, serial_queue: SerialQueue, job: Job) -> bool:
        """Adds a job to a serial queue.

        Returns:
            Whether it was taken: not where too many wait for pages.
        """
        with self._lock:
            if len(self._working) - self._busy >= self.max_waiting:
                return False
            serial_queue.jobs.append(job)
            if serial_queue.driver is None:
                self._line_up(serial_queue)
            watch = serial_queue.driver is not None and self._watch(serial_queue, True)
        if watch:
            self._after(PATIENCE, self._check, serial_queue)
        return True

    def stats(self) -> dict[str, int]:
        """Count the threads, those that run a job or wait for a page, and the serial queues without a worker."""
        with self._lock:
            waiting = len(self._working) - self._busy
            return {
                "threads": len(self._threads),
                "running": self._busy,
                "waiting": waiting,
                "lanes_waiting": len(self._ready),
            }

    def close(self) -> list[threading.Thread]:
        """Ends the idle workers now and the others after their job.

        Returns:
            The threads, to be joined.
        """
        with self._lock:
            self._closed = True
            while self._idle:
                self._idle.pop().called.release()
            return list(self._threads)

    # Under the lock ------------------------------------------------------------------------------------

    def _line_up(self, serial_queue: SerialQueue) -> None:
        if not serial_queue.queued:
            serial_queue.queued = True
            self._ready.append(serial_queue)
            self._summon()

    def _summon(self) -> None:
        """Gets a worker for the first ready serial queue, if a slot is free."""
        if self._busy >= self.slots or self._closed:
            return
        if self._idle:
            self._idle.pop().called.release()
        else:
            self._number += 1
            thread = _Worker(self, f"jsmeets-worker-{self._number}").thread
            try:
                thread.start()
            except RuntimeError:  # Python 3.12 starts none when the program ends: nobody waits for the answer any more
                if not shutdown.has_begun():
                    raise
                return
            self._threads.add(thread)

    def _release(self, serial_queue: SerialQueue) -> list[Any]:
        """Takes a serial queue from its driver; the next worker goes on with it."""
        serial_queue.driver = None
        if serial_queue.jobs:
            self._line_up(serial_queue)
        return serial_queue.take_answers(monotonic())

    def _watch(self, serial_queue: SerialQueue, wanted: bool) -> bool:
        """Whether a check of the running job has to be arranged now."""
        if serial_queue.strict or serial_queue.watched or not wanted:
            return False
        serial_queue.watched = True
        return True

    def _rest(self, worker: _Worker) -> bool:
        """Lines up a worker that has nothing to do; not where it is not needed any more."""
        if self._closed or len(self._idle) >= self.slots:
            return False  # made while others waited for pages: more than can ever run at once
        worker.rests = True
        self._idle.append(worker)
        return True

    def _may_begin(self) -> bool:
        return bool(self._ready) and self._busy < self.slots

    # A worker ------------------------------------------------------------------------------------------

    def _work(self, worker: _Worker) -> None:
        _current.worker = worker
        job: Job | None = None
        try:
            job = self._first_job(worker)
            while job is not None:
                about, func, args = job
                if worker.about is not about:
                    worker.about = about
                    worker.thread.name = f"jsmeets: {about}"
                answer = func(*args)
                job = None  # it has ended, even if what follows raises
                job = self._next_job(worker, answer) or self._first_job(worker)
        except BaseException as error:  # noqa: BLE001 - what took the job for granted must not wait for it for ever
            self._retire(worker, job, error)

    def _retire(self, worker: _Worker, job: Job | None, error: BaseException) -> None:
        """Ends a worker that could not finish its job: its slot and its serial queue go to another one."""
        with self._lock:
            serial_queue = worker.serial_queue
            if worker in self._working:
                self._busy -= not worker.waits
                self._working.discard(worker)
            if worker in self._idle:
                self._idle.remove(worker)
            self._threads.discard(worker.thread)
            worker.serial_queue = _NONE
            answers = self._release(serial_queue) if serial_queue.driver is worker else []
            if self._ready:
                self._summon()
        answer = self._failed(job, error)
        if answer is not None:
            answers.append(answer)
        if answers:
            self._deliver(answers)

    def _first_job(self, worker: _Worker) -> Job | None:
        """The first job of the serial queue that waits longest; `None` when the thread has nothing more to do."""
        while not worker.rests or self._is_called(worker):
            with self._lock:
                if not self._may_begin():
                    if self._rest(worker):
                        continue
                    break
                serial_queue, job = self._begin(worker)
                watch = self._watch(serial_queue, bool(serial_queue.jobs))
                guard, self._guarded = not self._guarded, True
            if watch:
                self._after(PATIENCE, self._check, serial_queue)
            if guard:
                self._after(STUCK, self._report_stuck)
            return job
        with self._lock:
            self._threads.discard(worker.thread)
        return None

    def _is_called(self, worker: _Worker) -> bool:
        """Waits for that; `False` after a long idle time."""
        called = worker.called.acquire(timeout=IDLE)
        with self._lock:
            worker.rests = False
            late = not called and worker not in self._idle  # just when its time was over
            if not called and not late:
                self._idle.remove(worker)
        return called or (late and worker.called.acquire())

    def _begin(self, worker: _Worker) -> tuple[SerialQueue, Job]:
        serial_queue = self._ready.popleft()
        serial_queue.queued = False
        worker.drive(serial_queue, monotonic())
        self._busy += 1
        self._working.add(worker)
        return serial_queue, serial_queue.jobs.popleft()

    def _report_stuck(self) -> None:
        """Looks for jobs that run for too long, as long as there are any."""
        now = monotonic()
        with self._lock:
            running = [worker for worker in self._working if not worker.waits and not worker.reported]
            stuck = [worker for worker in running if now - worker.since >= STUCK]
            for worker in stuck:
                worker.reported = True
            left = [worker.since for worker in running if not worker.reported]
            self._guarded = bool(self._working) and not self._closed
            guard = self._guarded
        for worker in stuck:
            self._stuck(worker.thread, now - worker.since)
        if guard:
            self._after(min(left, default=now) + STUCK - now, self._report_stuck)

    def _next_job(self, worker: _Worker, answer: Any) -> Job | None:
        """Keeps the answer of the last job and gives the next; `None` when the serial queue is empty or lost.

        Whoever gets the answers wakes up, and wants the interpreter: all that is left is to give it away.
        """
        with self._lock:
            job, answers = self._step(worker, answer, monotonic())
            if job is None:
                worker.thread.name, worker.about = worker.name, ""
                if not self._may_begin():
                    self._rest(worker)
        if answers:
            self._deliver(answers)
        return job

    def _step(self, worker: _Worker, answer: Any, now: float) -> tuple[Job | None, list[Any]]:
        serial_queue = worker.serial_queue
        if serial_queue.driver is not worker:  # the serial queue was taken from us while the job ran
            self._end(worker)
            return None, [] if answer is None else [answer]
        if answer is not None:
            serial_queue.answers.append(answer)
        if serial_queue.jobs:
            worker.since = now
            worker.reported = False
            late = now - serial_queue.handed_back > HAND_BACK
            return serial_queue.jobs.popleft(), serial_queue.take_answers(now) if late else []
        serial_queue.driver = None
        self._end(worker)
        return None, serial_queue.take_answers(now)

    def _end(self, worker: _Worker) -> None:
        self._busy -= 1
        self._working.discard(worker)
        worker.serial_queue = _NONE

    def _check(self, serial_queue: SerialQueue) -> None:
        """Takes a serial queue away from a worker whose job runs too long."""
        answers: list[Any] = []
        with self._lock:
            serial_queue.watched = False
            if serial_queue.driver is None:
                return  # whoever drives it next will have it watched
            left = serial_queue.driver.since + PATIENCE - monotonic()
            if left <= 0:
                answers = self._release(serial_queue)
            watch = serial_queue.driver is not None and self._watch(
                serial_queue, bool(serial_queue.jobs or serial_queue.answers)
            )
        if answers:
            self._deliver(answers)
        if watch:
            self._after(left, self._check, serial_queue)

    def pause(self, worker: _Worker) -> None:
        """The job of this worker starts to wait for a page."""
        serial_queue = worker.serial_queue
        answers: list[Any] = []
        with self._lock:
            self._busy -= 1
            worker.waits = True
            if serial_queue.driver is worker:
                answers = serial_queue.take_answers(monotonic()) if serial_queue.strict else self._release(serial_queue)
            if self._ready:
                self._summon()
        if answers:
            self._deliver(answers)

    def resume(self, worker: _Worker) -> None:
        """The job goes on. It takes a slot even if all are taken: it may hold what the others wait for."""
        with self._lock:
            self._busy += 1
            worker.waits = False
            worker.since = monotonic()


_NO_WORKER: AbstractContextManager[None] = nullcontext()


def waiting() -> AbstractContextManager[None]:
    """Gives this thread's slot, and an impatient serial queue, back while it waits for a page."""
    worker: _Worker | None = getattr(_current, "worker", None)
    return _NO_WORKER if worker is None else _paused(worker)


@contextmanager
def _paused(worker: _Worker) -> Iterator[None]:
    worker.pool.pause(worker)
    try:
        yield
    finally:
        worker.pool.resume(worker)
