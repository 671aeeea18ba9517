"""A SemanticError as a block of text: what a person at the terminal sees instead of a traceback."""

import textwrap

from trading_bot.domain.errors import SemanticError

WIDTH = 100


def block(error: SemanticError) -> str:
    """`error` in lines of at most 100 characters: code and message, cause, impact, what to do, facts. No colour, no last newline."""
    parts = [("Cause", error.cause), ("Impact", error.impact), ("What to do", error.remediation)]
    # What came from outside may hold what would move the cursor.
    facts = ", ".join(f"{name}={_printable(str(value))}" for name, value in error.context.items())
    if facts:
        parts.append(("Context", facts))
    return "\n".join([f"{error.error_code}: {error.message}", *(_part(name, text) for name, text in parts)])


def _printable(text: str) -> str:
    return "".join(character if character.isprintable() else " " for character in text)


def _part(name: str, text: str) -> str:
    label = f"  {name}: "
    lines = textwrap.wrap(
        text,
        WIDTH,
        initial_indent=label,
        subsequent_indent=" " * len(label),
        break_on_hyphens=False,
        break_long_words=False,
    )
    return "\n".join(lines)
