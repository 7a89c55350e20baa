"""Example 7 of 8: publish and subscribe in JavaScript.

Python is the broker and needs no code for it. Open the page in several tabs.

    uvicorn main:app        or        python main.py
"""

import shutil

from jsmeets_local import JsMeetsPy
from jsmeets_local.staticfiles import ASSETS, SCRIPTS

# The JavaScript is part of the library; a page may load copies of it.
for name in SCRIPTS:
    shutil.copy(f"{ASSETS}/{name}", "static")

app = JsMeetsPy(static="static", templates="templates")


@app.route("/", ["GET"])
async def homepage(request):
    return app.templates.TemplateResponse("index.html")


if __name__ == "__main__":
    app.run()
