"""Child processes, started in every way: their sends are refused unless they serve pages of their own."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.raw import RawPage
from tests.timing import scaled

ROOT = Path(__file__).parents[2]

PROGRAM = """
import asyncio, multiprocessing, os, sys, warnings
from concurrent.futures import ProcessPoolExecutor
warnings.simplefilter("ignore", DeprecationWarning)  # of fork() beside threads
from jsmeets_local import *
from jsmeets_local.blocking import JsPyFunction as Blocking, JsPyQueue as BlockingQueue

app = JsMeetsPy()
custom = {"protocol": "p", "key": "", "id": 0, "data": 1, "exception": None}
binary = JsPyBinarySocket("/b")
SENDS = {
    "publish": lambda: JsPyPubsub.publish("t")(1),
    "push_nowait": lambda: JsPyQueue.push_nowait("q")(1),
    "push": lambda: asyncio.run(JsPyQueue.push("q")(1)),
    "blocking push": lambda: BlockingQueue.push("q")(1),
    "get": lambda: BlockingQueue.get("q"),
    "call_nowait": lambda: JsPyFunction.call_nowait("f")(1),
    "call": lambda: asyncio.run(JsPyFunction.call("f")(1)),
    "blocking call": lambda: Blocking.call("f")(1),
    "multicast": lambda: JsPyTextSocket.multicast(custom),
    "reservecast": lambda: JsPyTextSocket.reservecast(custom),
    "binary": lambda: binary.multicast(b""),
    "reserved binary": lambda: binary.reservecast(b""),
    "another bridge": lambda: JsMeetsPy(bridge=Bridge()).pubsub.publish("t")(1),
}
if os.environ.get("SENDS_WHEN_IMPORTED"):
    JsPyPubsub.publish("t")(1)  # sent to no page in the main process too

def work(name="publish"):
    JsPyFunction.expose("set up", print)  # setting up is allowed
    JsPyPubsub.subscribe("t", print)
    JsPyBackground.register_function(print)
    try:
        return "sent", SENDS[name]()
    except BridgeBusy as error:
        return "refused", str(error)

def tell(pipe, name):
    pipe.send(work(name))

def tell_late(pipe, name):
    pipe.recv()
    tell(pipe, name)

def serve(pipe):
    page = JsMeetsPy(bridge=Bridge()).launch("<p>", mode="none")
    page.call_nowait("f")(1)
    page.publish("t")(1)
    page.close()
    page.publish("t")(1)  # sent to no page, as in the main process
    pipe.send("served")

def child(context, target, *args):
    here, there = context.Pipe()
    process = context.Process(target=target, args=(there, *args))
    process.start()
    there.close()
    return process, here
"""

NAMES = [
    "publish", "push_nowait", "push", "blocking push", "get", "call_nowait", "call", "blocking call", "multicast",
    "reservecast", "binary", "reserved binary", "another bridge",
]  # fmt: skip
REFUSED = "the pages belong to the process that started this one: put the data into a multiprocessing.Queue"


@pytest.fixture
def run(tmp_path: Path) -> Any:
    def run(main: str, **environment: str) -> list[str]:
        """Run a program under a main guard and return the lines it prints."""
        file = tmp_path / "program.py"
        guarded = "\nif __name__ == '__main__':\n" + "".join(f"    {line}\n" for line in main.strip().splitlines())
        file.write_text(PROGRAM + guarded)
        env = {**os.environ, "PYTHONPATH": str(ROOT), **environment}
        ran = subprocess.run([sys.executable, str(file)], env=env, capture_output=True, text=True, timeout=scaled(90))
        assert ran.returncode == 0, ran.stderr
        return ran.stdout.splitlines()

    return run


LAUNCH = "page = app.launch('<p>', mode='none')\n"
START = """
context = multiprocessing.get_context({method!r})
children = [child(context, tell, name) for name in {names!r}]
"""
TOLD = """
for process, pipe in children:
    print(*pipe.recv())
    process.join()
"""


@pytest.mark.parametrize("method", ["spawn", "forkserver", "fork"])
@pytest.mark.parametrize("order", ["before the launch", "after the launch", "without one"])
def test_a_multiprocessing_process_is_refused(run: Any, method: str, order: str) -> None:
    names = NAMES if order == "after the launch" else NAMES[:2]
    start = START.format(method=method, names=names)
    late = start.replace("tell, name", "tell_late, name") + LAUNCH + "for _, pipe in children: pipe.send('go')\n"
    told = run({"before": late, "after": LAUNCH + start, "without": start}[order.split()[0]] + TOLD)
    assert [line.partition(",")[0] for line in told] == [f"refused {REFUSED}"] * len(names)


POOLS = {
    "Pool of spawn": "multiprocessing.get_context('spawn').Pool(2)",
    "Pool of forkserver": "multiprocessing.get_context('forkserver').Pool(2)",
    "Pool of fork": "multiprocessing.get_context('fork').Pool(2)",
    "ProcessPoolExecutor of spawn": "ProcessPoolExecutor(2, mp_context=multiprocessing.get_context('spawn'))",
    "ProcessPoolExecutor of forkserver": "ProcessPoolExecutor(2, mp_context=multiprocessing.get_context('forkserver'))",
    "ProcessPoolExecutor of fork": "ProcessPoolExecutor(2, mp_context=multiprocessing.get_context('fork'))",
}


@pytest.mark.parametrize("pool", POOLS)
@pytest.mark.parametrize("before", [False, True])
def test_a_pool_is_refused(run: Any, pool: str, before: bool) -> None:
    with_pool = f"pool = {POOLS[pool]}\n"
    first = with_pool + LAUNCH if before else LAUNCH + with_pool
    told = run(first + "print({kind for kind, _ in pool.map(work, ['publish', 'push_nowait', 'blocking call'] * 3)})")
    assert told == ["{'refused'}"]


OS_FORK = """
end, close = os.pipe()
child = os.fork()
if not child:
    os.read(end, 1)
    print(*work("publish"), flush=True)
    print(*work("call_nowait"), flush=True)
    os._exit(0)
{launch}
os.write(close, b"x")
os.waitpid(child, 0)
"""


@pytest.mark.parametrize("launch", [LAUNCH, ""])
def test_a_fork_before_the_launch_is_refused(run: Any, launch: str) -> None:
    assert [line.partition(":")[0] for line in run(OS_FORK.format(launch=launch))] == [
        "refused the pages belong to the process that started this one"
    ] * 2


@pytest.mark.parametrize("method", ["spawn", "forkserver", "fork"])
def test_a_child_may_serve_pages_of_its_own(run: Any, method: str) -> None:
    main = f"{LAUNCH}process, pipe = child(multiprocessing.get_context({method!r}), serve)\nprint(pipe.recv())"
    assert run(main) == ["served"]


STATE_IN_A_FORK = """
import threading
from tests.raw import as_page
state = app.state(n=0, items=[1])
page = app.launch('<p>', mode='none')
go, begun = threading.Event(), threading.Event()
app.bridge.portal.post(go.wait)  # the loop does not send the change before the fork
state.n = 1
threading.Thread(target=lambda: state.items.sort(key=lambda item: (begun.set(), go.wait()))).start()
begun.wait()  # that thread has locked the state
child = os.fork()
if not child:
    page = app.launch('<p>', mode='none')
    raw = as_page(page)
    raw.send(["follow", ""])
    print(raw.receive()[3], flush=True)
    state.n = 2
    print(raw.receive()[3], state, flush=True)
    os._exit(0)
_, status = os.waitpid(child, 0)
go.set()
app.stop()
print(status)
"""


def test_a_forked_process_may_serve_a_state(run: Any) -> None:
    told = ["{'n': 1, 'items': [1]}", "[[['n'], 2]] State(n=2, items=[1])", "0"]
    assert run(STATE_IN_A_FORK) == told


@pytest.mark.parametrize("method", ["spawn", "forkserver"])
def test_a_line_that_every_import_runs_breaks_no_child(run: Any, method: str) -> None:
    assert run(START.format(method=method, names=["publish"]) + TOLD, SENDS_WHEN_IMPORTED="1")[0].startswith("refused")


def test_sends_without_pages_are_silent_in_the_main_process(run: Any) -> None:
    assert run("print({name: send() for name, send in SENDS.items() if name in ('publish', 'push', 'call')})") == [
        "{'publish': True, 'push': [], 'call': {}}"
    ]


def test_a_missing_main_guard_is_reported(tmp_path: Path) -> None:
    file = tmp_path / "program.py"
    file.write_text(
        "import multiprocessing\nfrom jsmeets_local import *\ndef work(): print('worked')\n"
        "page = JsMeetsPy().launch('<p>', mode='none')\n"
        "process = multiprocessing.get_context('spawn').Process(target=work)\nprocess.start()\nprocess.join()\n"
        "print(process.exitcode)\n"
    )
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    ran = subprocess.run([sys.executable, str(file)], env=env, capture_output=True, text=True, timeout=scaled(60))
    assert (ran.returncode, ran.stdout) == (0, "1\n"), ran.stderr
    assert "LaunchError: launch() was called while multiprocessing imports the main module" in ran.stderr
    assert ran.stderr.rstrip().endswith('under: if __name__ == "__main__":')


# Servers that run the application in child processes ---------------------------------------------------------------

SERVED = """
import asyncio, threading
from jsmeets_local import *
app = JsMeetsPy(token="t" * 43, on_startup=[lambda: JsPyPubsub.publish("t")(0)])
JsPyPubsub.publish("t")(1)
JsPyQueue.push_nowait("q")(1)
JsPyPubsub.subscribe("t", print)
@app.expose
def add(a, b):
    JsPyPubsub.publish("sum")(a + b)
    return a + b
early = threading.Timer(0, lambda: JsPyPubsub.publish("t")(2))  # before the first request, with --lifespan off
early.start()
"""


@pytest.fixture
def uvicorn(tmp_path: Path) -> Iterator[Any]:
    (tmp_path / "served.py").write_text(SERVED)
    started: list[tuple[subprocess.Popen[str], Path]] = []

    def start(*options: str) -> tuple[str, Path]:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        log = tmp_path / "log"
        command = [sys.executable, "-m", "uvicorn", "served:app", "--port", str(port), *options]
        env = {**os.environ, "PYTHONPATH": str(ROOT)}
        with log.open("w") as out:
            process = subprocess.Popen(
                command, cwd=tmp_path, env=env, text=True, stdout=out, stderr=subprocess.STDOUT, start_new_session=True
            )
        started.append((process, log))
        deadline = time.monotonic() + scaled(30)
        while time.monotonic() < deadline:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.05)
        return f"http://127.0.0.1:{port}/", log

    yield start
    for process, log in started:
        os.killpg(process.pid, signal.SIGINT)
        try:
            process.wait(scaled(20))
        except subprocess.TimeoutExpired:
            # The reloader of uvicorn sets an event in its signal handler, and hangs if the signal has interrupted it in
            # the wait for this event. Its server has ended.
            assert isinstance(process.args, list)
            assert "--reload" in process.args
            assert "Finished server process" in log.read_text()
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


@pytest.mark.parametrize(
    "options", [["--workers", "2"], ["--reload"], ["--reload", "--lifespan", "off"], []], ids=" ".join
)
def test_uvicorn_runs_the_application_in_a_child(uvicorn: Any, options: list[str]) -> None:
    url, log = uvicorn(*options)
    for _ in range(4):
        page = RawPage(url, token="t" * 43, topics=["sum"])
        page.send(["call", 1, "add", [4, 7]])
        heard = [page.receive(), page.receive()]
        assert ["return", 1, 11] in heard
        assert ["publish", 0, "sum", 11, False] in heard
        page.close()
    assert "BridgeBusy" not in log.read_text()


@pytest.mark.skipif(sys.platform == "win32", reason="closes files by number")
def test_a_program_without_standard_streams_serves(tmp_path: Path) -> None:
    """Started as `program <&- >&- 2>&-`: libuv aborts where a file of its own has a number below 3."""
    told = tmp_path / "told"
    program = (
        "import os, sys\nos.closerange(0, 3)\n"
        "from urllib.request import urlopen\nfrom jsmeets_local import JsMeetsPy\n"
        "app = JsMeetsPy()\npage = app.launch('<p>served', mode='none')\n"
        "served = urlopen(page.url).read()\napp.stop()\nopen(sys.argv[1], 'wb').write(served)\n"
    )
    ran = subprocess.run([sys.executable, "-c", program, str(told)], cwd=ROOT, timeout=60, check=False)
    assert ran.returncode == 0
    assert b"<p>served" in told.read_bytes()
