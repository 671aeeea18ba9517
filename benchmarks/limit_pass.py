"""How the time of the limit pass grows with the document, beside parsing the same document in the same run."""

from collections.abc import Callable
from time import thread_time

from graphql import parse

from benchmarks.table import Table
from graph.documents import Documents
from graph.guard.limits import Limits
from graph.guard.measure import measure
from graph.schema import build_schema
from trading_bot.errors.fault import Fault

LEVELS = (20, 40)
FRAGMENTS = (50, 100, 200, 400, 800)
FIELDS = (500, 1_000, 2_000, 4_000, 8_000)


def run(quick: bool) -> Table:  # noqa: FBT001 - the one switch of all benchmarks
    """Milliseconds of three kinds of documents, each twice as long as the one before."""
    runs = 3 if quick else 25
    schema = build_schema()._schema  # noqa: SLF001 - Strawberry has no other name for it
    rows = []
    for kind, make, sizes in (
        ("doubled fragments, levels", doubled, LEVELS),
        ("fragments side by side", side_by_side, FRAGMENTS),
        ("fields", fields, FIELDS),
    ):
        former: tuple[int, float] | None = None
        for size in sizes:
            text = make(size)
            tree = parse(text)
            parsing, passing = (
                quickest(lambda t=text: parse(t), runs),
                quickest(lambda t=tree: measure(schema, t), runs),
            )
            growth = (
                "" if former is None else f"{passing / former[1]:.2f} for {len(text) / former[0]:.2f} times the length"
            )
            rows.append(
                (kind, str(size), f"{len(text):,}", ms(parsing), ms(passing), f"{passing / parsing:.2f}", growth)
            )
            former = len(text), passing
    text = doubled(20)
    refusing = quickest(lambda: refused(text, Documents(schema=schema, limits=Limits())), runs)
    rows.append(
        (
            "doubled fragments, refused",
            "20",
            f"{len(text):,}",
            "",
            ms(refusing),
            "",
            "parse and pass; target: under 20 ms",
        )
    )
    return Table(
        title="Limit pass",
        columns=("document", "size", "bytes", "parse ms", "pass ms", "pass / parse", "growth"),
        rows=tuple(rows),
        note="CPU time of the fastest run. The pass takes time in proportion to the document, whatever its fragments stand for: "
        "20 doubled levels are a million fields.",
    )


def doubled(levels: int) -> str:
    """Each fragment spreads the next one twice."""
    spreads = "".join(f"fragment F{n} on Query{{...F{n + 1} ...F{n + 1}}}" for n in range(levels))
    return f"{{...F0}}{spreads}fragment F{levels} on Query{{__typename}}"


def side_by_side(count: int) -> str:
    """Many fragments, each spread once."""
    spreads = " ".join(f"...F{n}" for n in range(count))
    return f"{{{spreads}}}" + " ".join(f"fragment F{n} on Query {{ viewer {{ name }} }}" for n in range(count))


def fields(count: int) -> str:
    """One object, many fields."""
    return "{ botState { " + "seq " * count + "} }"


def refused(text: str, documents: Documents) -> None:
    """Have the document refused."""
    try:
        documents.read(text)
    except Fault:
        return
    raise AssertionError("it was let in")


def quickest(work: Callable[[], object], runs: int) -> float:
    """Seconds of CPU time of the fastest run."""
    best = float("inf")
    for _ in range(runs):
        started = thread_time()
        work()
        best = min(best, thread_time() - started)
    return best


def ms(seconds: float) -> str:
    """Milliseconds with two places."""
    return f"{seconds * 1000:.2f}"
