"""Exchange of JSON lines with the harness, for all servers. It runs on the old Pythons of old systems, too.

Requests of the harness run on the main thread, in order. The program ends with its input.
"""

import json
import os
import socket
import sys
import traceback

_answers = os.fdopen(os.dup(1), "w")
os.dup2(2, 1)  # what a library prints must not come between the answers


def say(message):
    """Send a line to the harness."""
    _answers.write(json.dumps(message) + "\n")
    _answers.flush()


def carry_out(line, actions):
    """Run the action of a line, and return its dict or its error."""
    request = json.loads(line)
    try:
        return actions[request.pop("do")](**request) or {}
    except Exception:  # noqa: BLE001 - the harness raises it
        return {"error": traceback.format_exc()}


def fetch(url):
    """Fetch the document as the first visitor does, whose wait belongs to the start of a server."""
    host, _, path = url.partition("#")[0].partition("//")[2].partition("/")
    name, _, port = host.partition(":")
    with socket.create_connection((name, int(port))) as connection:
        connection.sendall(f"GET /{path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
        answer = b"".join(iter(lambda: connection.recv(65536), b""))
    if not answer.startswith(b"HTTP/1.1 200"):
        raise AssertionError(answer[:200])


def serve(url, _lines=sys.stdin, **actions):
    """Report the address, then serve requests until the input ends."""
    say({"url": url})
    for line in _lines:
        say(carry_out(line, actions))
    os._exit(0)
