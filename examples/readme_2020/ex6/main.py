"""Example 6 of 8: Python pushes to a queue of JavaScript.

Each connected page receives the data, and takes it from its queue at any time.

    uvicorn main:app        or        python main.py
"""

import shutil

from starlette.responses import Response

from jsmeets_local import JsMeetsPy, JsPyQueue
from jsmeets_local.staticfiles import ASSETS, SCRIPTS

# The JavaScript is part of the library; a page may load copies of it.
for name in SCRIPTS:
    shutil.copy(f"{ASSETS}/{name}", "static")

app = JsMeetsPy(static="static", templates="templates")


@app.route("/", ["GET"])
async def homepage(request):
    return app.templates.TemplateResponse("index.html")


@app.route("/push/{text}")
def some_function(request):
    JsPyQueue.push_nowait("q1")(request.path_params["text"])
    return Response("pushed")


if __name__ == "__main__":
    app.run()
