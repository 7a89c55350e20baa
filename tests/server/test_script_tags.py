"""Script tags that are added to HTML: which pages load the client themselves, and where the head is."""

from __future__ import annotations

import pytest

from jsmeets_local.server.script_tags import file_with_scripts, with_scripts

TAG = '\n<script src="/jsmeetspy/jsmeets.js"></script>\n'


@pytest.mark.parametrize(
    "html",
    [
        "<script src=/jsmeetspy/JsPyTextSocket.js></script>",
        "<SCRIPT defer SRC = 'lib/JsPyTextSocket.js?v=2'></SCRIPT>",
        '<script src="./jsmeetspy/jsmeets.js"></script>',
        '<script type="module" src="/jsmeetspy/jsmeets.mjs"></script>',
        '<script type="text/javascript" data-src="x" src="JsPyTextSocket.js"></script>',
        "<script type=module>import '/jsmeetspy/jsmeets.mjs'</script>",
        '<script type="module">\n// the client\nimport { py, expose } from "./jsmeetspy/jsmeets.mjs";\npy.f();</script>',
        '<script type="module">import{py}from"https://a.example/jsmeetspy/jsmeets.mjs"</script>',
        "<script>const load = async () => (await import(`/jsmeetspy/jsmeets.mjs`)).py;</script>",
        '<script>const a = "<!--";</script><script type="module">import "./jsmeets.mjs"</script>',
        '<script title="a > b" src="jsmeets.mjs" type="module"></script>',
    ],
)
def test_a_page_that_loads_the_client_stays_as_it_is(html: str) -> None:
    assert with_scripts(html) == html


@pytest.mark.parametrize(
    "body",
    [
        "<!-- import jsmeets.mjs, or <script src=/jsmeetspy/jsmeets.js></script> -->",
        "<p>Load jsmeets.mjs or JsPyTextSocket.js from /jsmeetspy/jsmeets.js</p>",
        "<title><script src=JsPyTextSocket.js></script></title>",
        "<textarea><script type=module>import '/jsmeetspy/jsmeets.mjs'</script></textarea>",
        "<template><script src=JsPyTextSocket.js></script></template>",
        '<a href="/jsmeetspy/jsmeets.mjs">its source</a><link rel="modulepreload" href="/jsmeetspy/jsmeets.mjs">',
        "<script>// import '/jsmeetspy/jsmeets.mjs'\n/* import '/jsmeetspy/jsmeets.mjs' */ start();</script>",
        "<script>const hint = 'load jsmeets.mjs'; import('./other.mjs');</script>",
        '<script type="application/json">"import \'/jsmeetspy/jsmeets.mjs\'"</script>',
        '<script type=importmap>{"imports": {"jsmeets": "/jsmeetspy/jsmeets.mjs"}}</script>',
        '<script data-src="/jsmeetspy/JsPyTextSocket.js"></script>',
        "<script src=/not-JsPyTextSocket.js></script>",
        "<!-- never closed: <script src=JsPyTextSocket.js></script>",
    ],
)
def test_a_page_that_only_mentions_the_client_gets_its_tag(body: str) -> None:
    assert with_scripts(f"<head></head>{body}") == f"<head>{TAG}</head>{body}"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("<!-- no <head> here --><html lang=de>", "<p>"),
        ("<!DOCTYPE html><script>'<head>'</script><HEAD class='a'>", "<p>"),
        ("<title>\u0130\u0130\u0130</title><html>", "<header><p>"),  # lower case has more characters
        ("<!DOCTYPE html>", "<p>"),
    ],
)
def test_the_tag_is_first_in_the_head(before: str, after: str) -> None:
    assert with_scripts(before + after) == before + TAG + after
    content = (before + after).encode()
    assert file_with_scripts(content) == before.encode() + TAG.encode() + after.encode()


def test_a_page_without_a_head_gets_a_doctype() -> None:
    assert with_scripts("<header>a") == f"<!DOCTYPE html>{TAG}<header>a"
