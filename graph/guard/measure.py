"""Measure: how deep, wide and costly a document is, found in one pass whose time grows linearly with its length.

Fragments make a short document mean a long one: twenty levels of two spreads each are 700 bytes and a million fields. So each fragment is
looked at once, and what it adds up to is remembered and counted again at every spread. Nothing is executed or validated before: what the
schema does not know costs 1 and is left to validation.

The cost is the number of fields that the answer may hold. A list counts as often as its `first` says, written out, by variable or by
default, and the lists of a connection as often as the connection's; a list that can't be told how long to be counts as five. A candle
counts besides for the bars that it is made of.
"""

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from graphql import (
    DocumentNode,
    EnumValueNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLCompositeType,
    GraphQLField,
    GraphQLNamedType,
    GraphQLSchema,
    InlineFragmentNode,
    IntValueNode,
    OperationDefinitionNode,
    SelectionNode,
    SelectionSetNode,
    VariableNode,
    get_named_type,
    get_nullable_type,
    is_composite_type,
    is_list_type,
)

from trading_bot.domain.candles import LENGTHS, Timeframe
from trading_bot.errors.fault import Fault

SIZE_ARGUMENT = "first"
LONGEST_LIST = 100
ASSUMED_LIST = 5
MOST_NESTING = 50
"""Fields, fragments and spreads inside each other; the pass recurses, and must end long before Python's stack."""
META_COST = {"__schema": 5_000, "__type": 100}
"""Introspection fields whose answers are long whatever is selected below them."""
TIME_ARGUMENT = "timeframe"
DAY_MINUTES = 1_440
MINUTES = {
    frame.name: LENGTHS[frame] // timedelta(minutes=1) if frame in LENGTHS else DAY_MINUTES for frame in Timeframe
}
BARS_A_FIELD = 20
"""Bars of a minute that count as one field: a candle is made of them when it is asked for, a day's of up to 1,440."""
CEILING = 10**9
"""Where counting ends: twenty doubled levels need not be told from thirty."""


@dataclass(slots=True, kw_only=True)
class Measure:
    """What a document, or a part of one, adds up to, its fragments written out wherever they are spread."""

    depth: int = 0
    """Fields inside each other, introspection left out."""
    meta_depth: int = 0
    """Fields inside each other from an introspection field on."""
    fields: int = 0
    """Fields side by side at the top."""
    meta_fields: int = 0
    """Those of them that are introspection."""
    selections: int = 0
    """Fields and spreads, at all levels."""
    aliases: int = 0
    """Fields under another name."""
    directives: int = 0
    """Directives, at all levels."""
    cost: int = 0
    """Fields that the answer may hold."""
    listed: int = 0
    """Those in one element of each list whose length its parent decides."""

    @property
    def asks_schema_only(self) -> bool:
        """Whether it is of introspection alone."""
        return self.fields == self.meta_fields and self.meta_depth > 0

    def add(self, other: "Measure") -> None:
        """Put `other` beside it."""
        self.depth = max(self.depth, other.depth)
        self.meta_depth = max(self.meta_depth, other.meta_depth)
        self.fields = min(self.fields + other.fields, CEILING)
        self.meta_fields = min(self.meta_fields + other.meta_fields, CEILING)
        self.selections = min(self.selections + other.selections, CEILING)
        self.aliases = min(self.aliases + other.aliases, CEILING)
        self.directives = min(self.directives + other.directives, CEILING)
        self.cost = min(self.cost + other.cost, CEILING)
        self.listed = min(self.listed + other.listed, CEILING)

    def add_leaf(self, node: FieldNode) -> None:
        """Put a field without selections beside it: most are, and each is one field of the answer."""
        self.depth = max(self.depth, 1)
        self.fields += 1
        self.meta_fields += node.name.value.startswith("__")
        self.aliases += node.alias is not None
        self.cost += 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """All that is known of a document's size."""

    definitions: int
    """Operations and fragments."""
    operations: dict[str | None, Measure]
    """Each operation's, by name."""
    unused: tuple[Measure, ...]
    """Of fragments that nobody spreads: validation looks at them, so they are bounded too."""
    depends_on_variables: bool
    """Whether a list's length is a variable: other variables, other costs."""

    def asks_schema_only(self, name: str | None) -> bool:
        """Whether the operation is of introspection alone; without a name, the only one."""
        known = self.operations if name is None else {name: self.operations.get(name, Measure())}
        return all(one.asks_schema_only for one in known.values())


def measure(schema: GraphQLSchema, tree: DocumentNode, variables: dict[str, Any] | None = None) -> Measured:
    """What `tree` adds up to with these variables. Fault QRY_021 for one that is nested beyond all use."""
    work = _Pass(schema=schema, variables=variables or {})
    for node in tree.definitions:
        if isinstance(node, FragmentDefinitionNode):
            work.fragments.setdefault(node.name.value, node)
        elif isinstance(node, OperationDefinitionNode):
            work.note_defaults(node)
    operations = {}
    for node in tree.definitions:
        if isinstance(node, OperationDefinitionNode):
            operations[node.name.value if node.name else None] = work.of_operation(node)
    unused = tuple(work.of_fragment(name, 1) for name in work.fragments if not work.knows(name))
    return Measured(
        definitions=len(tree.definitions), operations=operations, unused=unused, depends_on_variables=work.saw_variable
    )


@dataclass(slots=True, kw_only=True)
class _Pass:
    """One walk over a document."""

    schema: GraphQLSchema
    variables: dict[str, Any]
    fragments: dict[str, FragmentDefinitionNode] = field(default_factory=dict)
    saw_variable: bool = False
    _known: dict[str, Measure] = field(default_factory=dict)
    _defaults: dict[str, list[int | None]] = field(default_factory=dict)
    """What stands for a variable that is not sent, in each operation that declares it; null for what the argument itself says."""

    def note_defaults(self, node: OperationDefinitionNode) -> None:
        """Before anything is counted: a fragment counts once for all operations, so its lists are as long as the longest of them has it."""
        for variable in node.variable_definitions or ():
            given = variable.default_value
            size = int(given.value[:9]) if isinstance(given, IntValueNode) else None
            self._defaults.setdefault(variable.variable.name.value, []).append(size)

    def of_operation(self, node: OperationDefinitionNode) -> Measure:
        total = self._of_set(node.selection_set, self.schema.get_root_type(node.operation), 1)
        total.directives += len(node.directives or ())
        total.directives += sum(len(variable.directives or ()) for variable in node.variable_definitions or ())
        total.cost = min(total.cost + ASSUMED_LIST * total.listed, CEILING)
        return total

    def of_fragment(self, name: str, level: int) -> Measure:
        """What a spread of the fragment stands for; nothing for one that does not exist, or that spreads itself."""
        if name not in self._known:
            node = self.fragments.get(name)
            self._known[name] = Measure()  # until it is known: a circle is left to validation
            if node is not None:
                found = self._of_set(node.selection_set, self.schema.get_type(node.type_condition.name.value), level)
                found.directives += len(node.directives or ())
                self._known[name] = found
        return self._known[name]

    def knows(self, name: str) -> bool:
        """Whether the fragment was looked at."""
        return name in self._known

    def _of_set(self, selections: SelectionSetNode, parent: GraphQLNamedType | None, level: int) -> Measure:
        if level > MOST_NESTING:
            cause = f"Fields and fragments are nested more than {MOST_NESTING} levels deep."
            raise Fault("QRY_021", cause, context={"limit": MOST_NESTING, "value": level})
        total = Measure()
        for node in selections.selections:
            if isinstance(node, FieldNode) and node.selection_set is None:
                total.add_leaf(node)
            else:
                total.add(self._of(node, parent, level))
            total.selections += 1
            total.directives += len(node.directives or ())
        return total

    def _of(self, node: SelectionNode, parent: GraphQLNamedType | None, level: int) -> Measure:
        match node:
            case FieldNode(selection_set=SelectionSetNode() as selections):
                return self._of_field(node, selections, parent, level)
            case FragmentSpreadNode():
                return self.of_fragment(node.name.value, level + 1)
            case InlineFragmentNode():
                on = node.type_condition
                kind = parent if on is None else self.schema.get_type(on.name.value)
                return self._of_set(node.selection_set, kind, level + 1)
            case _:
                return Measure()

    def _of_field(
        self, node: FieldNode, selections: SelectionSetNode, parent: GraphQLNamedType | None, level: int
    ) -> Measure:
        definition = self._definition(parent, node.name.value)
        below = self._of_set(selections, get_named_type(definition.type) if definition else None, level + 1)
        is_meta = node.name.value.startswith("__")
        inside = 1 + below.depth
        cost, listed = self._cost(node, definition, below)
        return Measure(
            depth=1 if is_meta else inside,
            meta_depth=inside if is_meta else below.meta_depth,
            fields=1,
            meta_fields=int(is_meta),
            selections=below.selections,
            aliases=below.aliases + (node.alias is not None),
            directives=below.directives,
            cost=min(cost, CEILING),
            listed=min(listed, CEILING),
        )

    def _definition(self, parent: GraphQLNamedType | None, name: str) -> GraphQLField | None:
        if not is_composite_type(parent):
            return None
        composite: GraphQLCompositeType = parent
        return self.schema.get_field(composite, name)

    def _cost(self, node: FieldNode, definition: GraphQLField | None, below: Measure) -> tuple[int, int]:
        """What the field costs by itself, and what each element costs of a list whose length its parent decides."""
        if definition is None:
            return 1, 0
        if node.name.value in META_COST or _is_of_schema(definition):
            return META_COST.get(node.name.value, 1) + below.cost + below.listed, 0
        is_list = is_list_type(get_nullable_type(definition.type))
        has_size = SIZE_ARGUMENT in definition.args
        if not is_list:
            each = below.listed + self._bars(node, definition)
            return 1 + below.cost + (self._size(node, definition) if has_size else ASSUMED_LIST) * each, 0
        element = below.cost + ASSUMED_LIST * below.listed
        return (1 + self._size(node, definition) * element, 0) if has_size else (1, element)

    def _size(self, node: FieldNode, definition: GraphQLField) -> int:
        """How long the field lets its list be, 1 to 100."""
        sizes: list[Any] = [definition.args[SIZE_ARGUMENT].default_value]
        given = next((one.value for one in node.arguments or () if one.name.value == SIZE_ARGUMENT), None)
        if isinstance(given, IntValueNode):
            sizes = [int(given.value[:9])]
        elif isinstance(given, VariableNode):
            self.saw_variable = True
            sizes = self._sizes(given.name.value, sizes[0])
        return max(_length(size) for size in sizes)

    def _bars(self, node: FieldNode, definition: GraphQLField) -> int:
        """What reading the bars of one candle counts as; nothing where a field has no candles, or those of a minute."""
        given = next((one.value for one in node.arguments or () if one.name.value == TIME_ARGUMENT), None)
        if TIME_ARGUMENT not in definition.args or given is None:
            return 0
        name: Any = given.value if isinstance(given, EnumValueNode) else None
        if isinstance(given, VariableNode):
            self.saw_variable = True
            name = self.variables.get(given.name.value)
        return MINUTES.get(name if isinstance(name, str) else "", DAY_MINUTES) // BARS_A_FIELD

    def _sizes(self, name: str, default: Any) -> list[Any]:
        """What a variable may stand for: what was sent, or else what any operation has for it."""
        if name in self.variables:
            return [self.variables[name]]
        return [default if size is None else size for size in self._defaults.get(name, [None])]


def _length(size: Any) -> int:
    """The longest list for what was given as its size, 1 to 100."""
    is_size = isinstance(size, int) and not isinstance(size, bool)
    return max(1, min(size, LONGEST_LIST)) if is_size else LONGEST_LIST


def _is_of_schema(definition: GraphQLField) -> bool:
    """Whether it is a field of introspection: those lists are as long as the schema, which is paid for at the top."""
    return get_named_type(definition.type).name.startswith("__")
