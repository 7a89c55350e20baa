"""Example 4 of 8: Python calls JavaScript.

All connected pages are called at once. The answer is a dict: socket id -> value, or the error of that page.
Open the page in several tabs.

    uvicorn main:app        or        python main.py
"""

import json
import shutil

from starlette.responses import Response

from jsmeets_local import JsMeetsPy, JsPyError, JsPyFunction
from jsmeets_local.staticfiles import ASSETS, SCRIPTS

# The JavaScript is part of the library; a page may load copies of it.
for name in SCRIPTS:
    shutil.copy(f"{ASSETS}/{name}", "static")

app = JsMeetsPy(static="static", templates="templates")


@app.route("/", ["GET"])
async def homepage(request):
    return app.templates.TemplateResponse("index.html")


@app.route("/call")
async def call_javascript(request):
    # Call the JavaScript function of all pages by its key.
    ret1 = await JsPyFunction.call("sum_arr", timeout=2)([1, 2, 3])
    # For example {1: 6, 4: 6, 9: JsPyError()}: sockets 1, 4 and 9 answered in time, and socket 9 with an error.
    return Response(json.dumps(ret1, cls=JsPyError.JSONEncoder), media_type="application/json")


@app.route("/call_nowait")
async def call_and_go_on(request):
    JsPyFunction.call_nowait("sum_arr")([4, 7])
    return Response("called")


if __name__ == "__main__":
    app.run()
