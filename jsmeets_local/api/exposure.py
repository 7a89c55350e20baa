"""Exposure of functions, classes and objects, `@app.expose`: the functions by which pages reach them."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from ..protocol.arguments import check_function

__all__ = ["functions_of"]


def functions_of(exposed: Any, name: str | None) -> dict[str, Callable[..., Any]]:
    """Return the functions to expose for a function, a class or an object, by their keys.

    Args:
        exposed: The function, class or object. A class with public methods is instantiated.
        name: The name that the user has given, or `None`.

    Raises:
        TypeError: The object cannot be called and has no public methods, has no name of its own, or is an unbound
            method; or the class needs arguments.
    """
    if isinstance(exposed, type) and (name is None or _public_methods(exposed)):
        return _functions_of_object(_instance_of(exposed), exposed.__name__ if name is None else name)
    if _is_function(exposed) or isinstance(exposed, (classmethod, property)):
        check_function(exposed, "the argument of app.expose")
        return {_name_of(exposed) if name is None else name: exposed}
    return _functions_of_object(exposed, name)


def _functions_of_object(thing: Any, name: str | None) -> dict[str, Callable[..., Any]]:
    methods = _public_methods(type(thing))
    if not methods and not callable(thing):
        raise TypeError(
            f"the argument of app.expose must be a function, a class, or an object with methods; got {thing!r:.60}"
        )
    if name is None:
        raise TypeError(f'{thing!r:.60} has no name; pass one: app.expose(thing, "name")')
    own = {name: thing} if callable(thing) else {}
    return own | {f"{name}.{method}": getattr(thing, method) for method in methods}


def _instance_of(kind: type) -> Any:
    """Instantiate an exposed class.

    Raises:
        TypeError: The class needs arguments.
    """
    try:
        inspect.signature(kind).bind()
    except TypeError as error:
        name = kind.__name__
        raise TypeError(
            f"{name} cannot be made without arguments ({error}): expose an object of it, "
            f'app.expose({name}(...), "{name}")'
        ) from None
    except ValueError:  # a built-in class without a signature
        pass
    return kind()


def _is_function(thing: Any) -> bool:
    """Return whether an object is only called: a function or what wraps one, a class, an object without methods."""
    if not callable(thing) or isinstance(thing, type) or inspect.isroutine(thing):
        return callable(thing)
    return inspect.getattr_static(thing, "__wrapped__", None) is not None or not _public_methods(type(thing))


def _public_methods(kind: type) -> list[str]:
    """Return the names of the methods of a class that do not begin with an underscore, without running its code."""
    if kind.__module__.partition(".")[0] in ("builtins", "functools", "jsmeets_local"):
        return []
    found = {name: inspect.getattr_static(kind, name, None) for name in dir(kind) if not name.startswith("_")}
    methods = (classmethod, staticmethod)
    return [name for name, one in found.items() if inspect.isroutine(one) or isinstance(one, methods)]


def _name_of(func: Callable[..., Any]) -> str:
    """Return the name with which a function was defined.

    Raises:
        TypeError: It has no name, or is an unbound method.
    """
    name = getattr(func, "__name__", None)
    if name is None or name == "<lambda>":
        what = repr(func) if name is None else "a lambda"
        raise TypeError(f'{what} has no name; pass one: app.expose("name")(...)')
    if _lacks_its_object(func):
        raise TypeError(
            f"{func.__qualname__} is a method without an object. Create the object and expose its method: "
            f'app.expose("{name}")(thing.{name})'
        )
    return str(name)


def _lacks_its_object(func: Callable[..., Any]) -> bool:
    """Return whether a function was defined in a class and its first parameter is `self` or `cls`."""
    if not inspect.isfunction(func):  # a bound method has its object
        return False
    owner = func.__qualname__.rpartition(".")[0]
    return owner != "" and not owner.endswith("<locals>") and func.__code__.co_varnames[:1] in (("self",), ("cls",))
