"""JSPyBridge: objects of a Node process, in blocking lines of Python. It has no page."""

import calling
from console import serve
from javascript import eval_js

adder = eval_js("""
class Adder { constructor() { this.sum = 7; } add(a, b) { return a + b; } }
return new Adder();
""")
add = eval_js("return (a, b) => a + b;")


def use_object(**options):
    uses = {
        "call": lambda name, a, b: add(a, b),
        "attribute": lambda name, a, b: adder.sum + a,
        "method": lambda name, a, b: adder.add(a, b),
    }
    return calling.in_turn(uses, **options)


serve("", use_object=use_object)
