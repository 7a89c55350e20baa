"""Jinja2 templates with the signature of 2020. Imported only for applications that have templates."""

from __future__ import annotations

from typing import Any

from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import Response
from starlette.templating import Jinja2Templates

from .script_tags import script_tags
from .starlette_2020 import current_request

__all__ = ["Templates"]


class Templates(Jinja2Templates):
    """Jinja2 templates. The request argument defaults to the current request.

    Args:
        directory: The folder of the templates, relative to the working directory.
    """

    def __init__(self, directory: str) -> None:
        super().__init__(directory=directory)
        self.env.globals["jsmeets_scripts"] = lambda: Markup(script_tags())

    def TemplateResponse(self, *args: Any, **kwargs: Any) -> Response:  # type: ignore[override]
        """Render a template.

        Call it as `TemplateResponse(name, context)`, as in 2020, or `TemplateResponse(request, name, context)`, as in
        Starlette. The context and Starlette's `status_code`, `headers`, `media_type` and `background` are optional.

        Raises:
            RuntimeError: No request is given, and there is no current request.
        """
        if args and isinstance(args[0], Request):
            return super().TemplateResponse(*args, **kwargs)
        names = ("name", "context", "status_code", "headers", "media_type", "background")
        kwargs.update(zip(names, args, strict=False))
        context = dict(kwargs.pop("context", None) or {})
        request = kwargs.pop("request", None) or context.pop("request", None) or current_request.get(None)
        if request is None:
            raise RuntimeError(
                f"no request is being answered; pass one: TemplateResponse(request, {kwargs.get('name')!r}, context)"
            )
        return super().TemplateResponse(request, context=context, **kwargs)
