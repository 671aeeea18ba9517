"""How the time of the limit pass grows with the document, beside parsing the same document in the same run."""

from collections.abc import Callable
from functools import partial
from time import thread_time

from graphql import parse

from benchmarks.table import Table
from graph.documents import Documents
from graph.guard.limits import Limits
from graph.guard.measure import measure
from graph.schema import build_schema
from trading_bot.errors.fault import Fault


def run(quick: bool) -> Table:  # noqa: FBT001 - the one switch of all benchmarks
    """Milliseconds of three kinds of documents, each twice as long as the one before."""
    schema = build_schema()._schema  # noqa: SLF001 - Strawberry has no other name for it
    cases = [(kind, size, make(size)) for kind, make, sizes in KINDS for size in sizes]
    trees = [parse(text) for _, _, text in cases]
    refusal = doubled(20)
    works: list[Callable[[], object]] = [
        *(partial(parse, text) for _, _, text in cases),
        *(partial(measure, schema, tree) for tree in trees),
        lambda: refused(refusal, Documents(schema=schema, limits=Limits())),
    ]
    *times, refusing = quickest(works, 3 if quick else 60)
    rows = []
    for number, (kind, size, text) in enumerate(cases):
        parsing, passing = times[number], times[number + len(cases)]
        growth = ""
        if number and cases[number - 1][0] == kind:
            longer = len(text) / len(cases[number - 1][2])
            growth = f"{passing / times[number - 1 + len(cases)]:.2f} for {longer:.2f} times the length"
        rows.append((kind, str(size), f"{len(text):,}", ms(parsing), ms(passing), f"{passing / parsing:.2f}", growth))
    asked = "parse and pass; target: under 20 ms"
    rows.append(("doubled fragments, refused", "20", f"{len(refusal):,}", "", ms(refusing), "", asked))
    return Table(
        title="Limit pass",
        columns=("document", "size", "bytes", "parse ms", "pass ms", "pass / parse", "growth"),
        rows=tuple(rows),
        note="CPU time of the fastest run of each; all sizes take turns, because the processor changes its pace. The pass takes time in "
        "proportion to the document, whatever its fragments stand for: 20 doubled levels are a million fields.",
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


KINDS: tuple[tuple[str, Callable[[int], str], tuple[int, ...]], ...] = (
    ("doubled fragments, levels", doubled, (20, 40)),
    ("fragments side by side", side_by_side, (50, 100, 200, 400, 800)),
    ("fields", fields, (500, 1_000, 2_000, 4_000, 8_000)),
)


def refused(text: str, documents: Documents) -> None:
    """Have the document refused."""
    try:
        documents.read(text)
    except Fault:
        return
    raise AssertionError("it was let in")


def quickest(works: list[Callable[[], object]], rounds: int) -> list[float]:
    """Seconds of CPU time of the fastest run of each, in rounds in which each runs once."""
    best = [float("inf")] * len(works)
    for _ in range(rounds):
        for number, work in enumerate(works):
            started = thread_time()
            work()
            best[number] = min(best[number], thread_time() - started)
    return best


def ms(seconds: float) -> str:
    """Milliseconds with two places."""
    return f"{seconds * 1000:.2f}"
