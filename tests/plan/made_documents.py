"""Documents made of a schema by chance: valid ones with everything that a query may have, and ones with a mistake in them."""

import random
from dataclasses import dataclass, field
from typing import Any

from graphql import (
    GraphQLEnumType,
    GraphQLField,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLSchema,
    get_named_type,
    is_list_type,
)

DEEPEST = 5
WORDS = ("AAPL", "BTC/USD", "", "nobody", "ä☃", 'a\\"b')


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """A document, and what to send with it."""

    text: str
    variables: dict[str, Any]


@dataclass(slots=True, kw_only=True)
class Maker:
    """Makes one document. What chance decides comes from `chance`."""

    schema: GraphQLSchema
    chance: random.Random
    roots: tuple[str, ...]
    """Root fields that may be asked for."""
    mistakes: float = 0.0
    """How often something is wrong, 0 to 1 for each place where it could be."""
    _definitions: list[str] = field(default_factory=list)
    _variables: dict[str, tuple[str, Any]] = field(default_factory=dict)
    _fragments: dict[str, tuple[str, str]] = field(default_factory=dict)
    """By name: the type and the text."""

    def made(self, kind: str = "query") -> Made:
        """A document of one operation."""
        root = self.schema.query_type if kind == "query" else self.schema.subscription_type
        assert root is not None
        if kind == "query":
            names = [self.chance.choice(self.roots) for _ in range(self.chance.choice((1, 1, 1, 2, 3)))]
            body = "{ " + " ".join(self._fields(root, names, 0, {})) + " }"
        else:
            body = "{ " + self._field(root, self.chance.choice(self.roots), 0, {}) + " }"
        head = self._head()
        texts = [f"{kind} Made{head} {body}", *(text for _, text in self._fragments.values())]
        if self._wrong():
            texts.append(self.chance.choice(("fragment Unused on Bot { id }", "{ viewer { name } }", texts[-1])))
        sent = {name: value for name, (_, value) in self._variables.items() if value is not LEFT_OUT}
        return Made(text="\n".join(texts), variables=sent)

    def _head(self) -> str:
        listed = [f"${name}: {kind}" for name, (kind, _) in self._variables.items()]
        if self._wrong():
            listed.append("$unused: Int")
        return f"({', '.join(listed)})" if listed else ""

    def _wrong(self) -> bool:
        return self.chance.random() < self.mistakes

    def _set(self, kind: GraphQLObjectType, depth: int) -> str:
        names = list(kind.fields)
        chosen = [self.chance.choice(names) for _ in range(self.chance.choice((1, 2, 3, 5)))]
        return "{ " + " ".join(self._fields(kind, chosen, depth, {})) + " }"

    def _fields(self, kind: GraphQLObjectType, names: list[str], depth: int, keys: dict[str, str]) -> list[str]:
        """Fields of `kind`, some of them in fragments; `keys` are those that this object has."""
        parts = [self._field(kind, name, depth, keys) for name in names]
        if self.chance.random() < 0.15:
            parts.append(self.chance.choice(("__typename", "kind: __typename", "__typename @include(if: true)")))
        if self.chance.random() < 0.2:
            parts = [self._inline(kind, parts)]
        elif self.chance.random() < 0.2 and depth:
            parts = [self._spread(kind, parts)]
        self.chance.shuffle(parts)
        return [part for part in parts if part] or ["__typename"]

    def _inline(self, kind: GraphQLObjectType, parts: list[str]) -> str:
        condition = self.chance.choice(("", f"on {kind.name}"))
        if self._wrong():
            condition = self.chance.choice(("on PageInfo", "on Nothing", "on Int"))
        return f"... {condition} {self._directive()} {{ {' '.join(part for part in parts if part) or '__typename'} }}"

    def _spread(self, kind: GraphQLObjectType, parts: list[str]) -> str:
        name = f"F{len(self._fragments)}"
        body = " ".join(part for part in parts if part) or "__typename"
        on = self.chance.choice(("PageInfo", "Nothing")) if self._wrong() else kind.name
        if self._wrong():
            body += f" ...{name}"  # a circle
        self._fragments[name] = (kind.name, f"fragment {name} on {on} {{ {body} }}")
        again = f" ...{name}" if self.chance.random() < 0.2 else ""
        return f"...{'Missing' if self._wrong() else name} {self._directive()}{again}"

    def _directive(self) -> str:
        if self.chance.random() < 0.8:
            return ""
        name = self.chance.choice(("skip", "include"))
        if self._wrong():
            return self.chance.choice(
                (f"@{name}", f"@{name}(if: 3)", "@nothing", f"@{name}(if: true) @{name}(if: true)")
            )
        if self.chance.random() < 0.5:
            return f"@{name}(if: {self.chance.choice(('true', 'false'))})"
        kind = self.chance.choice(("Boolean!", "Boolean! = true", "Boolean = false"))
        value: Any = self.chance.choice((True, False))
        if "=" in kind and self.chance.random() < 0.3:
            value = LEFT_OUT
        elif self._wrong():
            value = self.chance.choice((None, "yes"))
        return f"@{name}(if: ${self._variable(kind, value)})"

    def _variable(self, kind: str, value: Any) -> str:
        name = f"v{len(self._variables)}"
        self._variables[name] = (kind, value)
        return name

    def _field(self, kind: GraphQLObjectType, name: str, depth: int, keys: dict[str, str]) -> str:
        if self._wrong():
            return self.chance.choice(("nothing", f"{name}(nothing: 1)", f"{name} {{ id }}", name))
        definition = kind.fields[name]
        inner = get_named_type(definition.type)
        if isinstance(inner, GraphQLObjectType) and depth >= DEEPEST:
            return ""
        arguments = self._arguments(definition)
        key = self._key(name, arguments, keys)
        if key is None:
            return ""
        below = self._set(inner, depth + 1) if isinstance(inner, GraphQLObjectType) else ""
        alias = "" if key == name else f"{key}: "
        return f"{alias}{name}{arguments} {self._directive()} {below}"

    def _key(self, name: str, arguments: str, keys: dict[str, str]) -> str | None:
        """A response key that asks for nothing else yet in this object; null where none is left."""
        for key in (name, f"a{self.chance.randrange(4)}", f"b{len(keys)}"):
            if self.chance.random() < 0.25 and key == name:
                continue
            if self._wrong():
                return key
            if keys.setdefault(key, f"{name}{arguments}") == f"{name}{arguments}":
                return key
        return None

    def _arguments(self, definition: GraphQLField) -> str:
        given = []
        for name, argument in definition.args.items():
            is_required = isinstance(argument.type, GraphQLNonNull) and argument.default_value is not None
            if self._wrong() and is_required:
                continue
            if is_required or self.chance.random() < 0.3:
                value = self._value(argument.type)
                if value is not None:
                    given.append(f"{name}: {value}")
        if given and self._wrong():
            given.append(given[0])
        return f"({', '.join(given)})" if given else ""

    def _value(self, kind: Any) -> str | None:
        """What is sent as an argument of that type; null for inputs, which graphql-core alone reads."""
        named = get_named_type(kind)
        nullable = kind.of_type if isinstance(kind, GraphQLNonNull) else kind
        if self._wrong():
            return self._pick("null", "[1]", "{a: 1}", "NOTHING", "$missing", "99999999999")
        if is_list_type(nullable):
            return None
        if isinstance(named, GraphQLEnumType):
            return self._pick(*named.values)
        sent: Any
        match named.name:
            case "Int" | "BigInt":
                sent = self.chance.choice((1, 2, 20, 100, 0, -1, 101))
            case "String" | "ID":
                sent = self.chance.choice(WORDS)
            case "DateTime":
                sent = "2026-03-02T12:00:00Z"
            case _:
                return None
        if self.chance.random() < 0.4:
            return f"${self._sent(kind, named.name, sent)}"
        return str(sent) if isinstance(sent, int) else '"' + sent.replace("\\", "\\\\").replace('"', '\\"') + '"'

    def _pick(self, *texts: str) -> str:
        return self.chance.choice(texts)

    def _sent(self, kind: Any, name: str, value: Any) -> str:
        is_required = isinstance(kind, GraphQLNonNull)
        if self._wrong():
            return self._variable(self.chance.choice(("Nothing", "Float", f"[{name}]", name)), value)
        if not is_required and self.chance.random() < 0.3:
            return self._variable(name, self.chance.choice((None, LEFT_OUT)))
        if name == "Int" and self.chance.random() < 0.3:
            return self._variable(f"{name} = 3", LEFT_OUT)
        return self._variable(f"{name}!", value)


LEFT_OUT = object()
"""A variable that is not sent."""
