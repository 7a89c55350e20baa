"""Names of the JavaScript files of the package, for programs that serve them."""

from __future__ import annotations

import os

__all__ = ["ASSETS", "CODE", "DECLARATIONS", "INTEGRATIONS", "JOINED", "MODULE", "SCRIPTS", "STATE", "VIEW"]

ASSETS = os.path.join(os.path.dirname(__file__), "assets")
SCRIPTS = (
    "JsPyTextSocket.js",
    "JsPyFunction.js",
    "JsPyQueue.js",
    "JsPyPubsub.js",
    "JsPyBinarySocket.js",
    "badge.js",
)
JOINED = "jsmeets.js"  # all of them in one file: one request
MODULE = "jsmeets.mjs"
CODE = "jsmeets-code.mjs"  # imported by the scripts and the module when first needed
STATE = "jsmeets-state.mjs"  # imported by the module when first needed
VIEW = "jsmeets-view.mjs"  # imported by the scripts and the module when first needed
INTEGRATIONS = ("react.mjs", "vite.mjs")  # with package.json and the following, the package of npm
DECLARATIONS = ("jsmeets.d.mts", "react.d.mts", "vite.d.mts")
