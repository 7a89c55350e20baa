"""A page in marimo: `marimo edit notebooks/08_marimo.py`."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(width="medium")


@app.cell
def _():
    import marimo as mo

    mo.md(
        """
        # A page in marimo

        A page below a cell, and cells that run again when what they use changes. This notebook also runs as an app:
        `marimo run notebooks/08_marimo.py`.
        """
    )
    return (mo,)


@app.cell
def _():
    from jsmeets_local import Bridge, JsMeetsPy

    # In an app, each visitor runs the notebook. A bridge of its own keeps their pages apart.
    server = JsMeetsPy(bridge=Bridge())
    return (server,)


@app.cell
def _(mo):
    mo.md("""
    `launch()` shows the page below its cell and returns once the page has connected, so the same cell can call it.
    """)
    return


@app.cell
def _(server):
    PAGE = """
    <!DOCTYPE html>
    <title>Bars</title>
    <style>
        body { margin: 0; padding: 16px; font: 16px/1.5 system-ui; background: #f3f6fa }
        #bars { display: flex; align-items: end; gap: 4px; height: 120px }
        #bars div { flex: 1; background: #1c4e80; border-radius: 3px 3px 0 0; transition: height .2s }
        button { font: inherit }
    </style>
    <div id="bars"></div>
    <p><button id="count">Count the bars</button> <output id="note"></output></p>
    <script>
        JsPyFunction.expose("draw", (heights) => {
            bars.replaceChildren(...heights.map((height) => {
                const bar = document.createElement("div");
                bar.style.height = `${height}%`;
                return bar;
            }));
            return bars.children.length;
        });
        count.onclick = async () => { note.textContent = await JsPyFunction.call("count")(bars.children.length); };
    </script>
    """

    @server.expose
    def count(bars):
        return f"Python heard of {bars} bars"

    page = server.launch(PAGE, height=220)
    drawn = page.call("draw")([100, 60, 30])
    return drawn, page


@app.cell
def _(mo):
    mo.md("""
    Move the slider: marimo runs the cell below it again, and that calls the page.
    """)
    return


@app.cell
def _(mo):
    bars = mo.ui.slider(4, 40, value=12, label="bars")
    bars
    return (bars,)


@app.cell
def _(bars, mo, page):
    import math

    heights = [50 + 45 * math.sin(6.28 * number / bars.value) for number in range(bars.value)]
    mo.md(f"The page draws {page.call('draw')(heights)} bars.")
    return


@app.cell
def _(drawn, mo):
    mo.md(f"""
    The cell that launched the page had drawn {drawn} bars and got their number back before it ended.
    """)
    return


if __name__ == "__main__":
    app.run()
