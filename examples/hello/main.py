"""Python calls a function of the page and continues with its result: five lines."""

from jsmeets_local import JsMeetsPy


def main(page):  # ends when the page is closed
    name = page.js.ask("What is your name?")
    page.js.say(f"Hello, {name}!")


JsMeetsPy().run(__file__.replace("main.py", "hello.html"), main=main)
