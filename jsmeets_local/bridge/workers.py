"""Worker threads for plain functions. Serial queues keep their order, and waiting threads release their slots.

A serial queue is an ordered list of jobs. One worker at a time drives it: it runs the jobs in order, many per wake-up,
and delivers their answers together. If a job of a client's queue runs longer than `PATIENCE` or waits for a page, the
worker loses the queue, so that another worker can run the jobs behind it. A strict queue (of an exclusive function or
a subscriber) stays with its worker: its jobs never overlap.

The lock of the pool guards all state; functions of the user never run under it.
"""

from __future__ import annotations

import functools
import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from math import inf
from time import monotonic
from typing import Any, TypeAlias

from . import shutdown

__all__ = ["Job", "SerialQueue", "WorkerPool", "suspend_queue", "this_thread", "waiting", "without_slot"]

PATIENCE = 0.010  # seconds that a job may block the jobs behind it, unless its queue is strict
DELIVER_AFTER = 0.002  # seconds after which answers are delivered although the serial queue has more jobs
IDLE = 10.0  # seconds after which an idle worker ends
STUCK = 60.0  # seconds after which a job that still runs is reported, once

# A description, which names the thread while the job runs; a function that returns the answer or `None`; arguments.
Job: TypeAlias = tuple[str, Callable[..., Any], tuple[Any, ...]]


class _ThisThread(threading.local):
    """Facts about the current thread.

    Attributes:
        worker: Its worker, or `None`.
        is_changing_state: True while it holds the lock of a state, for which the loop may wait.
    """

    worker: _Worker | None = None
    is_changing_state = False


this_thread = _ThisThread()


class SerialQueue:
    """Queue of jobs, guarded by the lock of the pool."""

    __slots__ = ("answers", "delivered_at", "driver", "is_ready", "jobs", "strict", "suspended", "will_check")

    def __init__(self, strict: bool = False) -> None:
        self.strict = strict
        self.jobs: deque[Job] = deque()
        self.answers: list[Any] = []
        self.driver: _Worker | None = None
        self.is_ready = False  # among the ready queues of the pool
        self.suspended = False  # the next job waits for `WorkerPool.resume`
        self.will_check = False  # a check of the running job is due
        self.delivered_at = 0.0

    def take_answers(self, now: float) -> list[Any]:
        answers, self.answers = self.answers, []
        self.delivered_at = now
        return answers


class _Worker:
    """A thread of a pool, guarded by the lock of the pool."""

    __slots__ = ("about", "is_idle", "name", "pool", "reported", "serial_queue", "since", "thread", "waits", "wake_up")

    def __init__(self, pool: WorkerPool, name: str) -> None:
        self.pool = pool
        self.serial_queue: SerialQueue = _NONE  # the queue that it drives, or last drove
        self.wake_up = threading.Lock()  # released to wake it up
        self.wake_up.acquire()
        self.is_idle = False  # True while it sleeps, until it has woken up
        self.name = name
        self.about = ""  # description of its job, or of the last one
        self.thread = threading.Thread(target=pool._work, args=(self,), name=name, daemon=True)
        self.since = inf  # the start of its job, once it has begun
        self.waits = False  # True while its job waits for a page
        self.reported = False


_NONE = SerialQueue()


class WorkerPool:
    """Pool of worker threads for serial queues.

    Args:
        slots: Jobs that run at once; those that wait for a page do not count.
        deliver: Called with a list of answers, on a worker thread.
        after: `after(seconds, func, *args)` calls `func` later; called from any thread.
        stuck: Called with a thread whose job has run for longer than `STUCK`, and with its seconds.
        max_waiting: Jobs that may wait for pages; while so many wait, new jobs are refused.
        failed: Reports an error that a worker could not handle, and returns the answer of the job that raised it. The
            job is `None` if the worker had none. A new worker replaces the failed one.
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
        self._working: set[_Worker] = set()  # with a job
        self._will_report_stuck = False  # a check for stuck jobs is due
        self._deliver = deliver
        self._after = after
        self._lock = threading.Lock()
        self._ready: deque[SerialQueue] = deque()
        self._threads: set[threading.Thread] = set()
        self._idle: list[_Worker] = []  # the last one is woken up first
        self._busy = 0  # workers with a job that does not wait for a page
        self._number = 0
        self._closed = False

    def submit(self, serial_queue: SerialQueue, *jobs: Job) -> bool:
        """Add jobs to a serial queue, in order.

        Returns:
            `False` if they are refused because too many jobs wait for pages.
        """
        with self._lock:
            if len(self._working) - self._busy >= self.max_waiting:
                return False
            serial_queue.jobs.extend(jobs)
            must_check = False
            if serial_queue.driver is not None:
                must_check = self._must_check(serial_queue)
            else:
                self._make_ready(serial_queue)
        if must_check:
            self._after(PATIENCE, self._check, serial_queue)
        return True

    def resume(self, serial_queue: SerialQueue) -> None:
        """Run the next job of a serial queue that `suspend_queue` has suspended; from any thread."""
        with self._lock:
            serial_queue.suspended = False
            if serial_queue.driver is None:
                self._make_ready(serial_queue)

    def stats(self) -> dict[str, int]:
        """Return the numbers of threads, of running and of waiting jobs, and of serial queues that are ready."""
        with self._lock:
            waiting = len(self._working) - self._busy
            return {
                "threads": len(self._threads),
                "running": self._busy,
                "waiting": waiting,
                "serial_queues_waiting": len(self._ready),
            }

    def close(self) -> list[threading.Thread]:
        """End the idle workers now and the others after their job.

        Returns:
            The threads, to be joined.
        """
        with self._lock:
            self._closed = True
            while self._idle:
                self._idle.pop().wake_up.release()
            return list(self._threads)

    # Under the lock ------------------------------------------------------------------------------------

    def _make_ready(self, serial_queue: SerialQueue) -> None:
        """Let a worker take a serial queue that none drives, if it has jobs."""
        if serial_queue.jobs and not serial_queue.is_ready and not serial_queue.suspended:
            serial_queue.is_ready = True
            self._ready.append(serial_queue)
            self._start_worker()

    def _start_worker(self) -> None:
        """Wake up or create a worker for the first ready queue, if a slot is free."""
        if self._busy >= self.slots or self._closed:
            return
        if self._idle:
            self._idle.pop().wake_up.release()
        else:
            self._number += 1
            thread = _Worker(self, f"jsmeets-worker-{self._number}").thread
            try:
                thread.start()
            except RuntimeError:  # Python 3.12 starts no thread when the program ends, and no caller waits then
                if not shutdown.has_begun():
                    raise
                return
            self._threads.add(thread)

    def _detach(self, serial_queue: SerialQueue) -> list[Any]:
        """Detach a serial queue from its driver, for another worker, and return its answers."""
        serial_queue.driver = None
        self._make_ready(serial_queue)
        return serial_queue.take_answers(monotonic())

    def _must_check(self, serial_queue: SerialQueue) -> bool:
        """Return whether to schedule a check of the running job now."""
        if serial_queue.strict or serial_queue.will_check:
            return False
        serial_queue.will_check = True
        return True

    def _rest(self, worker: _Worker) -> bool:
        """Mark a worker as idle; return `False` if it is no longer needed."""
        if self._closed or len(self._idle) >= self.slots:
            return False  # more workers than slots: it was created while other jobs waited for pages
        worker.is_idle = True
        self._idle.append(worker)
        return True

    # Worker --------------------------------------------------------------------------------------------

    def _work(self, worker: _Worker) -> None:
        this_thread.worker = worker
        job: Job | None = None
        try:
            job = self._first_job(worker)
            while job is not None:
                about, func, args = job
                if worker.about is not about:
                    worker.about = about
                    worker.thread.name = f"jsmeets: {about}"
                worker.since = monotonic()
                answer = func(*args)
                # The job has ended, even if the next lines raise. While the worker sleeps, it keeps no objects alive
                # that a page has passed.
                del about, func, args
                job = None
                job = self._next_job(worker, answer)
                del answer
                job = job or self._first_job(worker)
        except BaseException as error:  # noqa: BLE001 - the caller of the job must not wait forever
            self._retire(worker, job, error)

    def _retire(self, worker: _Worker, job: Job | None, error: BaseException) -> None:
        """End a worker that has failed; another one takes its slot and its serial queue."""
        with self._lock:
            serial_queue = worker.serial_queue
            if worker in self._working:
                self._busy -= not worker.waits
                self._working.discard(worker)
            if worker in self._idle:
                self._idle.remove(worker)
            self._threads.discard(worker.thread)
            worker.serial_queue = _NONE
            answers = []
            if serial_queue.driver is worker:
                serial_queue.suspended = False
                answers = self._detach(serial_queue)
            if self._ready:
                self._start_worker()
        answer = self._failed(job, error)
        if answer is not None:
            answers.append(answer)
        if answers:
            self._deliver(answers)

    def _first_job(self, worker: _Worker) -> Job | None:
        """Return the first job of the queue that has waited longest; `None` ends the thread."""
        while not worker.is_idle or self._sleep(worker):
            with self._lock:
                if not self._ready or self._busy >= self.slots:
                    if self._rest(worker):
                        continue
                    break
                serial_queue = worker.serial_queue = self._ready.popleft()
                serial_queue.is_ready = False
                serial_queue.driver = worker
                serial_queue.delivered_at = monotonic()
                worker.reported = False
                self._busy += 1
                self._working.add(worker)
                job = serial_queue.jobs.popleft()
                must_check = bool(serial_queue.jobs) and self._must_check(serial_queue)
                must_report, self._will_report_stuck = not self._will_report_stuck, True
            if must_check:
                self._after(PATIENCE, self._check, serial_queue)
            if must_report:
                self._after(STUCK, self._report_stuck)
            return job
        with self._lock:
            self._threads.discard(worker.thread)
        return None

    def _sleep(self, worker: _Worker) -> bool:
        """Wait until the worker is woken up; return `False` after `IDLE` seconds."""
        called = worker.wake_up.acquire(timeout=IDLE)
        with self._lock:
            worker.is_idle = False
            late = not called and worker not in self._idle  # woken up just after the timeout
            if not called and not late:
                self._idle.remove(worker)
        return called or (late and worker.wake_up.acquire())

    def _report_stuck(self) -> None:
        """Report jobs that run for too long, and schedule the next check while there are jobs."""
        now = monotonic()
        with self._lock:
            running = [worker for worker in self._working if not worker.waits and not worker.reported]
            stuck = [worker for worker in running if now - worker.since >= STUCK]
            for worker in stuck:
                worker.reported = True
            left = [min(worker.since, now) for worker in running if not worker.reported]
            self._will_report_stuck = bool(self._working) and not self._closed
            must_report = self._will_report_stuck
        for worker in stuck:
            self._stuck(worker.thread, now - worker.since)
        if must_report:
            self._after(min(left, default=now) + STUCK - now, self._report_stuck)

    def _next_job(self, worker: _Worker, answer: Any) -> Job | None:
        """Store the answer of the last job and return the next; `None` if the serial queue is empty or lost.

        Answers are delivered last, as this wakes up the loop's thread, which then competes for the interpreter.
        """
        job: Job | None = None
        answers: list[Any] = []
        with self._lock:
            now = monotonic()
            serial_queue = worker.serial_queue
            if serial_queue.driver is not worker:  # lost while the job ran
                if answer is not None:
                    answers.append(answer)
            else:
                if answer is not None:
                    serial_queue.answers.append(answer)
                if serial_queue.jobs and not serial_queue.suspended:
                    job = serial_queue.jobs.popleft()
                    worker.since = inf
                    worker.reported = False
                else:
                    serial_queue.driver = None
                if job is None or now - serial_queue.delivered_at > DELIVER_AFTER:
                    answers = serial_queue.take_answers(now)
            if job is None:
                self._busy -= 1
                self._working.discard(worker)
                worker.since = inf
                worker.serial_queue = _NONE
                worker.thread.name, worker.about = worker.name, ""
                if not self._ready or self._busy >= self.slots:
                    self._rest(worker)
        if answers:
            self._deliver(answers)
        return job

    def _check(self, serial_queue: SerialQueue) -> None:
        """Take a serial queue from a worker whose job runs for longer than `PATIENCE`.

        A job that has not begun, as other threads hold the interpreter, keeps the queue; the jobs behind it wait.
        """
        answers: list[Any] = []
        with self._lock:
            serial_queue.will_check = False
            if serial_queue.driver is None:
                return  # its next driver will schedule a check
            left = min(serial_queue.driver.since + PATIENCE - monotonic(), PATIENCE)
            if left <= 0:
                answers = self._detach(serial_queue)
            wanted = serial_queue.driver is not None and bool(serial_queue.jobs or serial_queue.answers)
            must_check = wanted and self._must_check(serial_queue)
        if answers:
            self._deliver(answers)
        if must_check:
            self._after(left, self._check, serial_queue)

    def release_slot(self, worker: _Worker) -> None:
        """Release the slot of a worker whose job starts to wait for a page."""
        serial_queue = worker.serial_queue
        answers: list[Any] = []
        with self._lock:
            self._busy -= 1
            worker.waits = True
            if serial_queue.driver is worker:
                answers = serial_queue.take_answers(monotonic()) if serial_queue.strict else self._detach(serial_queue)
            if self._ready:
                self._start_worker()
        if answers:
            self._deliver(answers)

    def take_slot(self, worker: _Worker) -> None:
        """Take a slot again, even if all are taken: the other jobs may wait for this one."""
        with self._lock:
            self._busy += 1
            worker.waits = False
            worker.since = monotonic()


def suspend_queue() -> Callable[[], None]:
    """Suspend the strict serial queue of the job that this thread runs. Return the function that resumes it."""
    worker = this_thread.worker
    assert worker is not None
    worker.serial_queue.suspended = True  # only its driver and `resume` change this
    return functools.partial(worker.pool.resume, worker.serial_queue)


_NO_WORKER: AbstractContextManager[None] = nullcontext()


def waiting() -> AbstractContextManager[None]:
    """Release the slot of this thread, and its serial queue unless that is strict, while it waits for a page."""
    worker = this_thread.worker
    return _NO_WORKER if worker is None else without_slot(worker)


@contextmanager
def without_slot(worker: _Worker) -> Iterator[None]:
    """Release the slot of the worker of this thread, as `waiting` does."""
    worker.pool.release_slot(worker)
    try:
        yield
    finally:
        worker.pool.take_slot(worker)
