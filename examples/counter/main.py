"""A counter: Python holds the number, and every page shows it and may change it."""

from pathlib import Path

from jsmeets_local import JsMeetsPy

app = JsMeetsPy()
count = 0


@app.expose
def get():
    return count


@app.expose(exclusive=True)  # one call at a time: two clicks never start from the same number
def add(step):
    global count
    count += step
    app.pubsub.publish("count")(count)


if __name__ == "__main__":
    app.run(str(Path(__file__).with_name("counter.html")))
