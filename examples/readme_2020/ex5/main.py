"""Example 5 of 8: JavaScript pushes to a queue of Python.

A queue has a name, and Python takes items from it at any time: the newest item by pop, the oldest by shift.

    uvicorn main:app        or        python main.py
"""

import shutil

from starlette.responses import JSONResponse

from jsmeets_local import JsMeetsPy, JsPyQueue
from jsmeets_local.staticfiles import ASSETS, SCRIPTS

# The JavaScript is part of the library; a page may load copies of it.
for name in SCRIPTS:
    shutil.copy(f"{ASSETS}/{name}", "static")

app = JsMeetsPy(static="static", templates="templates")


@app.route("/", ["GET"])
async def homepage(request):
    return app.templates.TemplateResponse("index.html")


@app.route("/pop")
def newest(request):
    return JSONResponse(JsPyQueue.pop("q1"))  # None if the queue is empty


@app.route("/shift")
def oldest(request):
    data = None
    if not JsPyQueue.is_empty("q1"):
        data = JsPyQueue.shift("q1")
        print(data)
    return JSONResponse(data)


if __name__ == "__main__":
    app.run()
