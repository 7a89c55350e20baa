"""Example 2 of 8: a page.

A template and static files, among them copies of the library's scripts. The page connects by itself when it has
loaded JsPyTextSocket.js, and stays connected as long as it is open.

    uvicorn main:app        or        python main.py
"""

import shutil

from jsmeets_local import JsMeetsPy
from jsmeets_local.staticfiles import ASSETS, SCRIPTS

# The JavaScript is part of the library; a page may load copies of it.
for name in SCRIPTS:
    shutil.copy(f"{ASSETS}/{name}", "static")

app = JsMeetsPy(debug=True, static="static", templates="templates")


@app.route("/", ["GET"])
async def homepage(request):
    return app.templates.TemplateResponse("index.html")


if __name__ == "__main__":
    app.run()
