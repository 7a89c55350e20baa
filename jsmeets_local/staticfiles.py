"""The JavaScript files of the package, for programs that serve them by themselves."""

from __future__ import annotations

import os

__all__ = ["ASSETS", "CODE", "JOINED", "MODULE", "SCRIPTS"]

ASSETS = os.path.join(os.path.dirname(__file__), "assets")
SCRIPTS = (
    "JsPyTextSocket.js",
    "JsPyFunction.js",
    "JsPyQueue.js",
    "JsPyPubsub.js",
    "JsPyBinarySocket.js",
    "badge.js",
)
JOINED = "jsmeets.js"  # all of these in one: a page waits once
MODULE = "jsmeets.mjs"
CODE = "jsmeets-code.mjs"  # what the scripts and the module import when it is first needed
