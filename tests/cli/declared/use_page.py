"""Uses what `page.d.ts` and `page.js` declare. mypy reports each line with `# error`, and no other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from jsmeets_local import JSFile, JSFunction, JSStream, Page

if TYPE_CHECKING:
    from page_api import AsyncPageFunctions, Deep, PageFunctions, Spot
    from script_api import Item
    from script_api import PageFunctions as Script


def use(page: Page, element: Any) -> None:
    js: PageFunctions = page.js
    spot: Spot = js.draw([1.5, 2], "bar", "a", "b")
    x: float = spot["x"]
    js.draw((1, 2))
    js.draw(["a"])  # error
    js.draw([1], "pie")  # error
    js.draw()  # error
    js.doesNotExist(1)  # error
    js.listen(print, {"a": 1})
    js.listen(5, {})  # error
    rows: JSStream = js.rows(5)
    area: float = js.area(1, 2.5)
    image: bytes | None = js.img(np.zeros(5, np.float32), element, x)
    table: dict[str, list[float]] = js.generic({"a": 1}, {})
    deep: Deep = js.pattern({"a": 1}, (1,))
    first: Spot = deep["list"][0]
    sizes: list[float] | None = js.sizes(True)
    pair: list[float | str] = js.back(lambda number: str(number))
    texts: list[str] | list[float | bool] = js.optional(None, 2**70)
    js.optional("a", 1.5)  # error
    last: JSFile | JSFunction = js.last("a", 1)
    number: str = js.area(1, 2)  # error
    js.listen(print, {"a": [rows, area, image, table, first, sizes, pair, texts, last, number]})


def use_script(page: Page) -> None:
    js: Script = page.js
    total: float = js.add(1, 2, 3.5)
    item: Item = js.show([{"id": 1}], {"title": "a"})
    js.add("a")  # error
    js.save(print, {"a": 1})
    js.letters(["a", None])
    js.hidden()  # error
    js.save(print, {"a": total, item["note"]: 1})


async def use_async(page: Page) -> None:
    js: AsyncPageFunctions = page.aio.js
    spot: Spot = await js.draw([1])
    spot = js.draw([1])  # error
    await js.generic(spot, {})
