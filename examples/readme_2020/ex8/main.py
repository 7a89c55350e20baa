"""Example 8 of 8: publish and subscribe in Python.

Python publishes to the pages, and receives what they publish.

    uvicorn main:app        or        python main.py
"""

import shutil

from starlette.responses import JSONResponse

from jsmeets_local import JsMeetsPy, JsPyPubsub
from jsmeets_local.staticfiles import ASSETS, SCRIPTS

# The JavaScript is part of the library; a page may load copies of it.
for name in SCRIPTS:
    shutil.copy(f"{ASSETS}/{name}", "static")

app = JsMeetsPy(static="static", templates="templates")
heard = []


def cb_func(topic_name, data):
    heard.append([topic_name, data])


JsPyPubsub.subscribe("topic2", cb_func)


@app.route("/", ["GET"])
async def homepage(request):
    return app.templates.TemplateResponse("index.html")


@app.route("/publish")
def some_function(request):
    return JSONResponse(JsPyPubsub.publish("topic2")({"a": [1, 2]}))


@app.route("/heard")
def what_python_heard(request):
    return JSONResponse(heard)


if __name__ == "__main__":
    app.run()
