"""Example 1 of 8: a web server.

`JsMeetsPy` is a `Starlette`: it takes the same arguments and serves the same routes. The WebSocket of the pages is
there, too, without any code.

    uvicorn main:app        or        python main.py
"""

import webbrowser

from starlette.responses import JSONResponse

from jsmeets_local import JsMeetsPy

app = JsMeetsPy(debug=True)


@app.route("/", ["GET"])
async def homepage(request):
    return JSONResponse({"hello": "world"})


if __name__ == "__main__":
    page = app.launch("/", mode="none")  # the answer is JSON: nothing in it connects, so nothing is waited for
    webbrowser.open(page.url)
    page.wait()  # until Ctrl-C
