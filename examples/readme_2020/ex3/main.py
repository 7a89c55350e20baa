"""Example 3 of 8: JavaScript calls Python.

Arguments and results are what JSON can say (docs/reference/values.md has the whole table); an exception in Python is an
exception in JavaScript.

    uvicorn main:app        or        python main.py
"""

import shutil
import time

from jsmeets_local import JsMeetsPy, JsPyFunction
from jsmeets_local.staticfiles import ASSETS, SCRIPTS

# The JavaScript is part of the library; a page may load copies of it.
for name in SCRIPTS:
    shutil.copy(f"{ASSETS}/{name}", "static")

app = JsMeetsPy(static="static", templates="templates")


def add2(a, b):
    if a < 0 or b < 0:
        raise Exception("No negative arguments")
    return [a, b, a + b]


def nap(seconds):
    time.sleep(seconds)  # a plain function may block: it has a thread of its own


# The page calls it by the key "py_add2".
JsPyFunction.expose("py_add2", add2)
JsPyFunction.expose("py_nap", nap)


@app.route("/", ["GET"])
async def homepage(request):
    return app.templates.TemplateResponse("index.html")


if __name__ == "__main__":
    app.run()
