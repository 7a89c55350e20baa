"""Python calls a function of the page and continues with its result: five lines."""

from jsmeets_local import JsMeetsPy

page = JsMeetsPy().launch(__file__.replace("main.py", "hello.html"))
name = page.js.ask("What is your name?")
page.js.say(f"Hello, {name}!")
page.wait()
