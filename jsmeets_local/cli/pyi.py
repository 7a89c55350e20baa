"""Python declarations of what a page exposes, from a `.d.ts` file or from the JSDoc of a script.

A small parser reads declared functions, interfaces and type aliases. It does not resolve imports, and takes types that
it does not know for `Any`. Function bodies are not read.
"""

from __future__ import annotations

import builtins
import keyword
import re
from typing import NamedTuple

__all__ = ["CannotRead", "protocols"]


class CannotRead(Exception):
    """A declaration that the parser does not understand."""


_TOKEN = re.compile(
    r"""(?P<doc>/\*\*(?!/).*?\*/) | (?P<comment>/\*.*?\*/|//[^\n]*) | (?P<space>\s+)
    | (?P<string>"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*')
    | (?P<number>-?\d[\d_.eE]*n?) | (?P<name>[\w$]+) | (?P<sign>=>|\.\.\.|\?\.|[^\w\s])""",
    re.DOTALL | re.VERBOSE,
)
_SIMPLE = {
    "number": "float", "string": "str", "boolean": "bool", "bigint": "int", "null": "None", "undefined": "None",
    "void": "None", "true": "Literal[True]", "false": "Literal[False]", "Date": "str", "Uint8Array": "bytes",
    "ArrayBuffer": "bytes", "DataView": "bytes", "Uint8ClampedArray": "bytes", "String": "str", "Number": "float",
    "Boolean": "bool",
}  # fmt: skip
_ARRAYS = {
    "Int8Array": "int8", "Int16Array": "int16", "Uint16Array": "uint16", "Int32Array": "int32", "Uint32Array": "uint32",
    "Float32Array": "float32", "Float64Array": "float64", "BigInt64Array": "int64", "BigUint64Array": "uint64",
}  # fmt: skip
_STREAMS = ("Iterator", "AsyncIterator", "AsyncIterable", "IterableIterator", "AsyncIterableIterator", "Generator",
            "AsyncGenerator", "ReadableStream")  # fmt: skip


class _Type(NamedTuple):
    """A type in Python, as Python passes it to the page and as it receives it."""

    passed: str
    received: str


class _Field(NamedTuple):
    name: str
    type: _Type
    is_optional: bool
    is_rest: bool = False


class _Function(NamedTuple):
    name: str
    parameters: list[_Field]
    result: _Type
    doc: str


_ANY = _Type("Any", "Any")


def protocols(text: str, name: str) -> str:
    """Return Python with a protocol of `page.js` and one of `page.aio.js`.

    Args:
        text: The content of a `.d.ts` file, or of a script with JSDoc.
        name: The name of the file.

    Raises:
        CannotRead: The file has a syntax error, or declares no function.
    """
    reader = _Declarations(text)
    if name.endswith((".d.ts", ".d.mts")):
        reader.read()
    else:
        reader.read_script(text)
    if not reader.functions:
        what = "declared function" if name.endswith("ts") else "function with JSDoc"
        raise CannotRead(f"it has no {what}")
    return _Writer(reader, name).text()


class _Declarations:
    """Functions and named types of a file.

    Attributes:
        functions: The functions, in order.
        types: Name of an interface -> its bases and fields.
        aliases: Name -> type.
    """

    def __init__(self, text: str) -> None:
        self.functions: list[_Function] = []
        self.types: dict[str, tuple[list[str], list[_Field]]] = {}
        self.aliases: dict[str, _Type] = {}
        self.known = set(re.findall(r"\b(?:interface|type)\s+(\w+)", text))
        self.known |= set(re.findall(r"@typedef\s+\{[^\n]*\}\s+(\w+)", text))
        self.generics: set[str] = set()
        self._load(text)

    def _load(self, text: str) -> None:
        self._tokens: list[tuple[str, str]] = []
        self._at = 0
        for found in _TOKEN.finditer(text):
            kind = found.lastgroup or ""
            if kind not in ("space", "comment"):
                self._tokens.append((kind, found[0]))

    # Tokens

    def _peek(self, ahead: int = 0) -> str:
        """Return a token without documentation comments; "" at the end."""
        at = self._at
        while at < len(self._tokens) and (self._tokens[at][0] == "doc" or ahead > 0):
            ahead -= self._tokens[at][0] != "doc"
            at += 1
        return self._tokens[at][1] if at < len(self._tokens) else ""

    def _take(self, wanted: str | None = None) -> str:
        while self._at < len(self._tokens) and self._tokens[self._at][0] == "doc":
            self._at += 1
        found = self._tokens[self._at][1] if self._at < len(self._tokens) else ""
        if not found or (wanted is not None and found != wanted):
            got = repr(found) if found else "the end"
            raise CannotRead(f"expected {wanted or 'more'}, got {got} {self._place()}")
        self._at += 1
        return found

    def _place(self) -> str:
        return "near " + " ".join(
            token for kind, token in self._tokens[max(0, self._at - 6) : self._at + 3] if kind != "doc"
        )

    def _accept(self, wanted: str) -> bool:
        if self._peek() == wanted:
            self._take()
            return True
        return False

    # Statements

    def read(self) -> None:
        """Read the statements of a `.d.ts` file."""
        while self._at < len(self._tokens):
            doc = ""
            if self._tokens[self._at][0] == "doc":
                doc = _plain_doc(self._tokens[self._at][1])
                self._at += 1
            self._statement(doc)

    def _statement(self, doc: str) -> None:
        while self._peek() in ("export", "declare", "default", "async"):
            self._take()
        match self._peek():
            case "function":
                self._take()
                self.functions.append(self._signature(self._take(), doc))
            case "const" | "let" | "var" if self._peek(2) == ":" and self._peek(3) in ("(", "<"):
                self._take()
                name = self._take()
                self._take(":")
                self.functions.append(self._signature(name, doc))
            case "interface":
                self._take()
                name, bases = self._take(), []
                self._type_parameters()
                if self._accept("extends"):
                    bases = [self._take()]
                    while self._accept(","):
                        bases.append(self._take())
                self.types[name] = ([base for base in bases if base in self.known], self._fields())
            case "type" if self._peek(2) in ("=", "<"):
                self._take()
                name = self._take()
                self._type_parameters()
                self._take("=")
                if self._peek() == "{" and self._peek(1) != "[":
                    self.types[name] = ([], self._fields())
                else:
                    self.aliases[name] = self._type()
            case _:
                self._skip()
        self.generics.clear()
        self._accept(";")

    def _skip(self) -> None:
        """Skip a statement of another kind, with its braces."""
        depth = 0
        while self._at < len(self._tokens):
            token = self._take()
            depth += (token in "{(") - (token in "})")
            if depth <= 0 and (token == ";" or (token == "}" and self._peek() != "from")):
                return
            if self._at < len(self._tokens) and self._tokens[self._at][0] == "doc" and depth <= 0:
                return

    def _type_parameters(self) -> None:
        if not self._accept("<"):
            return
        while not self._accept(">"):
            self.generics.add(self._take())
            if self._accept("extends"):
                self._type()
            if self._accept("="):
                self._type()
            self._accept(",")

    def _signature(self, name: str, doc: str) -> _Function:
        self._type_parameters()
        parameters = self._parameters()
        arrow = self._accept("=>")
        result = self._type() if arrow or self._accept(":") else _ANY
        return _Function(name, parameters, result, doc)

    def _parameters(self) -> list[_Field]:
        self._take("(")
        found: list[_Field] = []
        while not self._accept(")"):
            is_rest = self._accept("...")
            name = self._take()
            if name in ("{", "["):  # a pattern
                self._at -= 1
                self._pattern()
                name = f"arg{len(found)}"
            is_optional = self._accept("?")
            kind = self._type() if self._accept(":") else _ANY
            if name != "this":
                found.append(_Field(name, kind, is_optional, is_rest))
            self._accept(",")
        return found

    def _pattern(self) -> None:
        depth = 0
        while True:
            token = self._take()
            depth += (token in "{[") - (token in "}]")
            if depth == 0:
                return

    def _fields(self) -> list[_Field]:
        self._take("{")
        found: list[_Field] = []
        while not self._accept("}"):
            while self._peek() in ("readonly", "get", "set") and self._peek(1) not in (":", "?", "("):
                self._take()
            if self._peek() in ("[", "(", "<"):  # an index, or a call: no field
                self._pattern() if self._peek() == "[" else self._signature("", "")
                if self._accept(":"):
                    self._type()
            else:
                name = self._take()
                name = _unquoted(name)
                is_optional = self._accept("?")
                if self._peek() in ("(", "<"):
                    self._signature(name, "")
                    found.append(_Field(name, _Type("Callable[..., Any]", "JSFunction"), is_optional))
                else:
                    self._take(":")
                    found.append(_Field(name, self._type(), is_optional))
            if not self._accept(";"):
                self._accept(",")
        return found

    # Types

    def _type(self) -> _Type:
        self._accept("|")
        members = [self._intersection()]
        while self._accept("|"):
            members.append(self._intersection())
        if self._peek() == "extends" and self._peek(1):  # a conditional type
            while self._peek() not in (";", ",", ")", "}", ">", ""):
                self._take()
            return _ANY
        return _Type(_union([m.passed for m in members]), _union([m.received for m in members]))

    def _intersection(self) -> _Type:
        members = [self._postfix()]
        while self._accept("&"):
            members.append(self._postfix())
        return members[0] if len(members) == 1 else _ANY

    def _postfix(self) -> _Type:
        kind = self._primary()
        while self._peek() == "[":
            self._take()
            if self._accept("]"):
                kind = _Type(f"Sequence[{kind.passed}]", f"list[{kind.received}]")
            else:  # an indexed access
                self._type()
                self._take("]")
                kind = _ANY
        return kind

    def _primary(self) -> _Type:
        token = self._take()
        if token in ("keyof", "typeof", "unique", "infer"):
            self._postfix()
            return _ANY
        if token in ("readonly", "asserts", "new"):
            return self._primary()
        if token[0] in "\"'":
            return _Type(*[f"Literal[{_unquoted(token)!r}]"] * 2)
        if re.fullmatch(r"-?\d+", token):
            return _Type(*[f"Literal[{token}]"] * 2)
        if token == "(":
            return self._grouped()
        if token == "<":
            self._at -= 1
            self._type_parameters()
            self._take("(")
            return self._grouped()
        if token == "{":
            return self._object()
        if token == "[":
            return self._tuple()
        if token in ("?", "!"):  # JSDoc
            inner = self._primary()
            return inner if token == "!" else _Type(_union([inner.passed, "None"]), _union([inner.received, "None"]))
        if token == "*":
            return _ANY
        if token == "function":  # `function(number): string` of JSDoc
            self._take("(")
            while not self._accept(")"):
                self._accept("...")
                self._type()
                self._accept(",")
            if self._accept(":"):
                self._type()
            return _Type("Callable[..., Any]", "JSFunction")
        if not re.fullmatch(r"[\w$]+", token):
            raise CannotRead(f"expected a type, got {token!r} {self._place()}")
        while self._peek() == "." and self._peek(1) != "<":  # `Array.<string>` of JSDoc is Array<string>
            self._take()
            token = self._take()
        return self._named(token)

    def _grouped(self) -> _Type:
        """Return the type in parentheses, or that of a function whose parameters begin there."""
        start, depth = self._at, 1
        while depth:
            token = self._take()
            depth += (token == "(") - (token == ")")
        is_function = self._peek() == "=>"
        self._at = start
        if is_function:
            self._at = next(i for i in range(start - 1, -1, -1) if self._tokens[i][1] == "(")
            self._parameters()
            self._take("=>")
            self._type()
            return _Type("Callable[..., Any]", "JSFunction")
        inner = self._type()
        self._take(")")
        return inner

    def _object(self) -> _Type:
        if self._peek() == "[" and self._peek(2) == ":":  # { [key: string]: T }
            self._pattern()
            self._take(":")
            value = self._type()
            self._accept(";")
            self._take("}")
            return _Type(f"Mapping[str, {value.passed}]", f"dict[str, {value.received}]")
        self._at -= 1
        self._fields()
        return _Type("Mapping[str, Any]", "dict[str, Any]")

    def _tuple(self) -> _Type:
        members: list[_Type] = []
        is_open = False
        while not self._accept("]"):
            is_open |= self._accept("...")
            if self._peek(1) == ":" or (self._peek(1) == "?" and self._peek(2) == ":"):
                self._take()
                is_open |= self._accept("?")
                self._take(":")
            members.append(self._type())
            is_open |= self._accept("?")
            self._accept(",")
        item = _union([member.received for member in members]) if members else "Any"
        if is_open or not members:
            return _Type("Sequence[Any]", "list[Any]")
        return _Type(f"tuple[{', '.join(member.passed for member in members)}]", f"list[{item}]")

    def _named(self, name: str) -> _Type:
        args: list[_Type] = []
        self._accept(".")
        if self._accept("<"):
            while not self._accept(">"):
                args.append(self._type())
                self._accept(",")
        first = args[0] if args else _ANY
        if name in self.generics:
            return _ANY
        if name in self.known:
            return _Type(name, name)
        if name in _SIMPLE:
            # Python has no value that arrives as a Date.
            return _Type("Any" if name == "Date" else _SIMPLE[name], _SIMPLE[name])
        if name in _ARRAYS:
            return _Type(*[f"npt.NDArray[np.{_ARRAYS[name]}]"] * 2)
        match name:
            case "Promise" | "PromiseLike" | "Readonly" | "Awaited":
                return first
            case "Array" | "ReadonlyArray":
                return _Type(f"Sequence[{first.passed}]", f"list[{first.received}]")
            case "Set" | "ReadonlySet":
                return _Type("Any", f"list[{first.received}]")
            case "Record" | "Object" if len(args) == 2:
                value = args[1]
                return _Type(f"Mapping[str, {value.passed}]", f"dict[str, {value.received}]")
            case "Map" | "ReadonlyMap":
                value = args[1] if len(args) > 1 else _ANY
                return _Type("Any", f"dict[{first.received}, {value.received}]")
            case "Partial" | "Object" | "object":
                return _Type("Mapping[str, Any]", "Any")
            case "Function":
                return _Type("Callable[..., Any]", "JSFunction")
            case "NDArray" | "TypedArray":
                return _Type("npt.NDArray[Any]", "npt.NDArray[Any]")
            case "Blob" | "File":
                return _Type("Any", "JSFile")
            case _ if name in _STREAMS:
                return _Type(f"Iterable[{first.passed}]", "JSStream")
            case "Iterable":
                return _Type(f"Iterable[{first.passed}]", "Any")
        return _ANY

    # JSDoc

    def read_script(self, text: str) -> None:
        """Read the functions of a script that have JSDoc, and its `@typedef`."""
        for found in re.finditer(r"/\*\*(?!/)(.*?)\*/\s*(?=([^\n]*))", text, re.DOTALL):
            doc, code = _plain_doc(found[1]), found[2]
            tags = re.split(r"(?:^|(?<=\s))@(?=[a-z])", doc)
            if len(tags) > 1 and tags[1].startswith("typedef"):
                self._typedef(tags[1:])
            name = re.match(r"(?:export\s+)?(?:default\s+)?(?:async\s+)?function\s*\*?\s*([\w$]+)", code) or re.match(
                r"(?:export\s+)?(?:const|let|var)\s+([\w$]+)\s*=\s*(?:async\s*)?(?:function\b|\(|[\w$]+\s*=>)", code
            )
            exposed = re.match(r"""(?:JsPyFunction\.)?expose\(\s*["']([^"']+)["']""", code)
            if name or exposed:
                self._documented((exposed or name)[1], tags)  # type: ignore[index]

    def _documented(self, name: str, tags: list[str]) -> None:
        parameters: list[_Field] = []
        result = _ANY
        for tag in tags[1:]:
            kind, rest = _braces(tag)
            word = tag.split(None, 1)[0] if tag.split() else ""
            if word in ("param", "arg", "argument"):
                label = re.match(r"(\[?)\s*([\w$.]+)", rest.strip())
                if label and "." not in label[2]:  # `options.name` is documented with `options`
                    is_rest, is_optional = kind.startswith("..."), bool(label[1]) or kind.endswith("=")
                    wanted = self._parsed(kind.removeprefix("...").removesuffix("="))
                    parameters.append(_Field(label[2], wanted, is_optional, is_rest))
            elif word in ("returns", "return"):
                result = self._parsed(kind)
        self.functions.append(_Function(name, parameters, result, tags[0].strip()))

    def _typedef(self, tags: list[str]) -> None:
        kind, rest = _braces(tags[0])
        name = rest.split()[0] if rest.split() else ""
        fields = []
        for tag in tags[1:]:
            if tag.startswith(("property", "prop")):
                type_text, label = _braces(tag)
                found = re.match(r"(\[?)\s*([\w$]+)", label.strip())
                if found:
                    fields.append(_Field(found[2], self._parsed(type_text), bool(found[1])))
        if not name:
            return
        if fields:
            self.types[name] = ([], fields)
        elif kind.startswith("{"):
            self._load(kind)
            self.types[name] = ([], self._fields())
        else:
            self.aliases[name] = self._parsed(kind)

    def _parsed(self, text: str) -> _Type:
        if not text.strip():
            return _ANY
        self._load(text)
        found = self._type()
        if self._at < len(self._tokens):
            raise CannotRead(f"cannot read the type {{{text}}}")
        return found


def _braces(tag: str) -> tuple[str, str]:
    """Return the text in the first braces of a tag, and what follows."""
    start = tag.find("{")
    if start < 0 or tag[:start].split()[1:]:
        return "", tag.split(None, 1)[1] if len(tag.split(None, 1)) > 1 else ""
    depth = 0
    for at in range(start, len(tag)):
        depth += (tag[at] == "{") - (tag[at] == "}")
        if depth == 0:
            return tag[start + 1 : at], tag[at + 1 :]
    raise CannotRead(f"a brace is not closed: @{tag[:60]}")


def _plain_doc(comment: str) -> str:
    """Return the text of a documentation comment."""
    lines = comment.removeprefix("/**").removesuffix("*/").splitlines()
    return "\n".join(re.sub(r"^\s*\*? ?", "", line).rstrip() for line in lines).strip()


def _unquoted(token: str) -> str:
    return re.sub(r"\\(.)", r"\1", token[1:-1]) if token[0] in "\"'" else token


def _union(texts: list[str]) -> str:
    found = [*dict.fromkeys(texts)]
    if "Any" in found:
        return "Any"
    if "bool" not in found and {"Literal[True]", "Literal[False]"} <= {*found}:
        found = [text for text in found if text not in ("Literal[True]", "Literal[False]")] + ["bool"]
    literals = [text[8:-1] for text in found if text.startswith("Literal[")]
    others = [text for text in found if not text.startswith("Literal[") and text != "None"]
    none = ["None"] if "None" in found else []
    return " | ".join([f"Literal[{', '.join(literals)}]"] * bool(literals) + others + none)


class _Writer:
    """Writes the Python of the declarations of a file."""

    def __init__(self, found: _Declarations, name: str) -> None:
        self._found = found
        self._name = name

    def text(self) -> str:
        """Return the module."""
        found = self._found
        parts = [self._typed_dict(name, bases, fields) for name, (bases, fields) in found.types.items()]
        parts += [f"{name}: TypeAlias = {kind.received}" for name, kind in found.aliases.items()]
        parts.append(self._protocol("PageFunctions", "page.js", "{}"))
        parts.append(self._protocol("AsyncPageFunctions", "page.aio.js", "Awaitable[{}]"))
        body = "\n\n\n".join(parts)
        used = [
            name
            for name in ("Awaitable", "Callable", "Iterable", "Mapping", "Sequence")
            if re.search(rf"\b{name}\[", body)
        ]
        typing = [
            name
            for name in ("Any", "Literal", "NotRequired", "Protocol", "TypeAlias", "TypedDict")
            if re.search(rf"\b{name}\b", body)
        ]
        ours = [name for name in ("JSFile", "JSFunction", "JSStream") if re.search(rf"\b{name}\b", body)]
        lines = [
            f'"""Functions of a page, from {self._name}. `jsmeets-local types` writes this file; changes are lost."""',
            "",
        ]
        lines += ["from __future__ import annotations", ""]
        lines += [f"from collections.abc import {', '.join(used)}"] * bool(used)
        lines += [f"from typing import {', '.join(typing)}"]
        if "npt." in body:
            lines += ["", "import numpy as np", "import numpy.typing as npt"]
        lines += ["", f"from jsmeets_local import {', '.join(ours)}"] if ours else []
        return "\n".join(lines) + f"\n\n\n{body}\n"

    def _typed_dict(self, name: str, bases: list[str], fields: list[_Field]) -> str:
        def value(field: _Field) -> str:
            return f"NotRequired[{field.type.received}]" if field.is_optional else field.type.received

        # A field `list: list[int]` would hide the type.
        if all(_is_name(field.name) and not hasattr(builtins, field.name) for field in fields):
            lines = [f"    {field.name}: {value(field)}" for field in fields] or ["    ..."]
            return f"class {name}({', '.join(bases) or 'TypedDict'}):\n" + "\n".join(lines)
        items = ", ".join(f"{field.name!r}: {value(field)!r}" for field in fields)
        return f"{name} = TypedDict({name!r}, {{{items}}})"

    def _protocol(self, name: str, what: str, result: str) -> str:
        lines = [f"class {name}(Protocol):", f'    """The functions of the page: a type for `{what}`."""']
        for function in self._found.functions:
            if not _is_name(function.name):
                continue  # page.js["a name"] has no type
            parameters = ["self", *_parameters(function.parameters)]
            value = result.format(function.result.received)
            head = f"    def {function.name}({', '.join(parameters)}) -> {value}:"
            doc = re.split(r"(?:^|(?<=\s))@(?=[a-z])", function.doc)[0].strip()
            doc = doc.replace("\\", "\\\\").replace('"""', "'''")
            if doc:
                doc = doc.replace("\n", "\n        ")
                end = "\n        " if "\n" in doc else " " if doc.endswith('"') else ""
                lines += ["", head, f'        """{doc}{end}"""', "        ..."]
            else:
                lines += ["", f"{head} ..."]
        return "\n".join(lines)


def _parameters(fields: list[_Field]) -> list[str]:
    """Return the parameters of a method. JavaScript takes all by position."""
    found: list[str] = []
    rest = ""
    last_required = max(
        (i for i, field in enumerate(fields) if not field.is_optional and not field.is_rest), default=-1
    )
    for index, field in enumerate(fields):
        name = (
            field.name
            if _is_name(field.name) and field.name != "self"
            else f"{re.sub(r'[^0-9A-Za-z_]', '_', field.name)}_"
        )
        if field.is_rest:
            rest = f"*{name}: {_item_of(field.type.passed)}"
        elif field.is_optional:
            kind = _union([field.type.passed, "None"])
            found.append(f"{name}: {kind}" if index < last_required else f"{name}: {kind} = ...")
        else:
            found.append(f"{name}: {field.type.passed}")
    return [*found, *(["/"] if found else []), *([rest] if rest else [])]


def _item_of(sequence: str) -> str:
    """Return the type of the items of a rest parameter, `...rest: T[]`; in JSDoc the type is that of an item."""
    found = re.fullmatch(r"Sequence\[(.*)\]", sequence)
    return found[1] if found else sequence


def _is_name(text: str) -> bool:
    return text.isidentifier() and not keyword.iskeyword(text) and not text.startswith("__")
