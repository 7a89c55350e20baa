"""The threads that run plain functions: lanes that keep order, slots that a waiting thread gives back.

A lane is a line of jobs. One worker at a time drives it: it takes the jobs in order, many per wake-up, and hands their
answers back in one go. An impatient lane (a page's) is taken from a worker whose job runs longer than `PATIENCE` or
waits for a page, so that what is behind goes on elsewhere. A strict lane (an exclusive function's, a subscriber's) is
never taken away: its jobs do not overlap.

All state here is guarded by the pool's one lock; user code never runs under it.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import monotonic
from typing import Any, TypeAlias

__all__ = ["Lane", "WorkerPool", "waiting"]

PATIENCE = 0.010  # seconds a job may hold up what is behind it in an impatient lane
HAND_BACK = 0.002  # seconds after which answers go back although the lane has more jobs
IDLE = 10.0  # seconds after which an idle worker ends
STUCK = 60.0  # seconds after which a job that still runs is reported, once

Job: TypeAlias = Callable[[], Any]  # never raises; None means that there is no answer

_current = threading.local()  # .drive: the _Drive of this worker thread


class Lane:
    """A line of jobs; its fields belong to the pool's lock."""

    __slots__ = ("answers", "driver", "handed_back", "jobs", "queued", "since", "strict", "watched")

    def __init__(self, strict: bool = False) -> None:
        self.strict = strict
        self.jobs: deque[Job] = deque()
        self.answers: list[Any] = []
        self.driver: _Drive | None = None
        self.queued = False  # in the pool's ready line
        self.watched = False  # a check of the running job is due
        self.since = 0.0  # when the running job began
        self.handed_back = 0.0  # when answers last went back

    def take_answers(self, now: float) -> list[Any]:
        answers, self.answers = self.answers, []
        self.handed_back = now
        return answers


class _Drive:
    """One worker's time with one lane."""

    __slots__ = ("lane", "pool", "reported", "since", "thread", "waits")

    def __init__(self, pool: WorkerPool, lane: Lane) -> None:
        self.pool = pool
        self.lane = lane
        self.thread = threading.current_thread()
        self.since = monotonic()  # when the running job began
        self.waits = False  # it waits for a page
        self.reported = False


class WorkerPool:
    """Threads for lanes.

    Args:
        slots: How many jobs run at once; those that wait for a page do not count.
        deliver: Takes a list of answers, on a worker's thread.
        after: `after(seconds, func, *args)` calls `func` later; called from any thread.
        stuck: Told of a thread whose job runs for longer than `STUCK`, and for how many seconds it does.
        max_waiting: How many jobs may wait for pages; beyond that none is taken.
    """

    def __init__(
        self,
        slots: int,
        deliver: Callable[[list[Any]], None],
        after: Callable[..., object],
        stuck: Callable[[threading.Thread, float], None] = lambda thread, seconds: None,
        max_waiting: int = 2**31,
    ) -> None:
        self.slots = slots
        self.max_waiting = max_waiting
        self._stuck = stuck
        self._drives: set[_Drive] = set()
        self._guarded = False  # a look for stuck jobs is due
        self._deliver = deliver
        self._after = after
        self._lock = threading.Lock()
        self._wake = threading.Condition(self._lock)
        self._ready: deque[Lane] = deque()
        self._threads: set[threading.Thread] = set()
        self._idle = 0  # workers that sleep and have not been called
        self._summons = 0  # workers that were called and have not woken yet
        self._busy = 0  # workers that run a job and do not wait for a page
        self._number = 0
        self._closed = False

    def submit(self, lane: Lane, job: Job) -> bool:
        """Adds a job to a lane.

        Returns:
            Whether it was taken: not where too many wait for pages.
        """
        with self._lock:
            if len(self._drives) - self._busy >= self.max_waiting:
                return False
            lane.jobs.append(job)
            if lane.driver is None:
                self._queue(lane)
            watch = lane.driver is not None and self._watch(lane, True)
        if watch:
            self._after(PATIENCE, self._check, lane)
        return True

    def stats(self) -> dict[str, int]:
        """How many threads there are, run a job, and wait for a page; and how many lanes have nobody to drive them."""
        with self._lock:
            waiting = len(self._drives) - self._busy
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
            self._idle = 0
            self._wake.notify_all()
            return list(self._threads)

    # Under the lock ------------------------------------------------------------------------------------

    def _queue(self, lane: Lane) -> None:
        if not lane.queued:
            lane.queued = True
            self._ready.append(lane)
            self._summon()

    def _summon(self) -> None:
        """Gets a worker for the first ready lane, if a slot is free."""
        if self._busy >= self.slots or self._closed:
            return
        if self._idle:
            self._idle -= 1
            self._summons += 1
            self._wake.notify()
        else:
            self._number += 1
            name = f"jsmeets-worker-{self._number}"
            thread = threading.Thread(target=self._work, name=name, daemon=True)
            self._threads.add(thread)
            thread.start()

    def _release(self, lane: Lane) -> list[Any]:
        """Takes a lane from its driver; the next worker goes on with it."""
        lane.driver = None
        if lane.jobs:
            self._queue(lane)
        return lane.take_answers(monotonic())

    def _watch(self, lane: Lane, wanted: bool) -> bool:
        """Whether a check of the running job has to be arranged now."""
        if lane.strict or lane.watched or not wanted:
            return False
        lane.watched = True
        return True

    def _sleep(self) -> bool:
        """Waits to be summoned; `False` after a long idle time, or where enough others wait."""
        if self._idle >= self.slots:
            return False  # made while others waited for pages: more than can ever run at once
        self._idle += 1
        if not self._wake.wait_for(lambda: self._summons or self._closed, IDLE):
            self._idle -= 1
            return False
        if self._summons:  # whoever summons has counted one out, which need not be us
            self._summons -= 1
        return True

    # A worker ------------------------------------------------------------------------------------------

    def _work(self) -> None:
        name = threading.current_thread().name
        while (drive := self._next_drive()) is not None:
            _current.drive = drive
            answer = None
            while (job := self._next_job(drive, answer)) is not None:
                answer = job()
            _current.drive = None
            threading.current_thread().name = name

    def _next_drive(self) -> _Drive | None:
        with self._lock:
            while not self._ready or self._busy >= self.slots:
                if self._closed or not self._sleep():
                    self._threads.discard(threading.current_thread())
                    return None
            lane = self._ready.popleft()
            lane.queued = False
            lane.handed_back = monotonic()
            lane.driver = drive = _Drive(self, lane)
            self._busy += 1
            self._drives.add(drive)
            watch = self._watch(lane, len(lane.jobs) > 1)
            guard, self._guarded = not self._guarded, True
        if watch:
            self._after(PATIENCE, self._check, lane)
        if guard:
            self._after(STUCK, self._report_stuck)
        return drive

    def _report_stuck(self) -> None:
        """Looks for jobs that run for too long, as long as there are any."""
        now = monotonic()
        with self._lock:
            running = [drive for drive in self._drives if not drive.waits and not drive.reported]
            stuck = [drive for drive in running if now - drive.since >= STUCK]
            for drive in stuck:
                drive.reported = True
            left = [drive.since for drive in running if not drive.reported]
            self._guarded = bool(self._drives) and not self._closed
            guard = self._guarded
        for drive in stuck:
            self._stuck(drive.thread, now - drive.since)
        if guard:
            self._after(min(left, default=now) + STUCK - now, self._report_stuck)

    def _next_job(self, drive: _Drive, answer: Any) -> Job | None:
        """Keeps the answer of the last job and gives the next; `None` when the lane is empty or lost."""
        with self._lock:
            job, answers = self._step(drive, answer, monotonic())
        if answers:
            self._deliver(answers)
        return job

    def _step(self, drive: _Drive, answer: Any, now: float) -> tuple[Job | None, list[Any]]:
        lane = drive.lane
        if lane.driver is not drive:  # the lane was taken from us while the job ran
            self._end(drive)
            return None, [] if answer is None else [answer]
        if answer is not None:
            lane.answers.append(answer)
        if lane.jobs:
            lane.since = drive.since = now
            drive.reported = False
            late = now - lane.handed_back > HAND_BACK
            return lane.jobs.popleft(), lane.take_answers(now) if late else []
        lane.driver = None
        self._end(drive)
        return None, lane.take_answers(now)

    def _end(self, drive: _Drive) -> None:
        self._busy -= 1
        self._drives.discard(drive)

    def _check(self, lane: Lane) -> None:
        """Takes a lane away from a worker whose job runs too long."""
        answers: list[Any] = []
        with self._lock:
            lane.watched = False
            if lane.driver is None:
                return  # whoever drives it next will have it watched
            left = lane.since + PATIENCE - monotonic()
            if left <= 0:
                answers = self._release(lane)
            watch = lane.driver is not None and self._watch(lane, bool(lane.jobs or lane.answers))
        if answers:
            self._deliver(answers)
        if watch:
            self._after(left, self._check, lane)

    def pause(self, drive: _Drive) -> None:
        """The job of this drive starts to wait for a page."""
        lane = drive.lane
        answers: list[Any] = []
        with self._lock:
            self._busy -= 1
            drive.waits = True
            if lane.driver is drive:
                answers = lane.take_answers(monotonic()) if lane.strict else self._release(lane)
            if self._ready:
                self._summon()
        if answers:
            self._deliver(answers)

    def resume(self, drive: _Drive) -> None:
        """The job goes on. It takes a slot even if all are taken: it may hold what the others wait for."""
        with self._lock:
            self._busy += 1
            drive.waits = False
            drive.since = monotonic()


@contextmanager
def waiting() -> Iterator[None]:
    """Gives this thread's slot, and an impatient lane, back while it waits for a page."""
    drive: _Drive | None = getattr(_current, "drive", None)
    if drive is None:
        yield
        return
    drive.pool.pause(drive)
    try:
        yield
    finally:
        drive.pool.resume(drive)
