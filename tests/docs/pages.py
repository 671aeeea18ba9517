"""The reader's documents, taken apart: their headings and the blocks of code in them."""

import re
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGES = ("README.md", "docs/start.md", "docs/concepts.md", "docs/operate.md")
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```", re.DOTALL | re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Block:
    """A block of code."""

    language: str
    text: str


def page(name: str) -> str:
    return (ROOT / name).read_text()


def blocks(name: str) -> list[Block]:
    return [Block(language, text) for language, text in BLOCK.findall(page(name))]


def headings(name: str) -> list[str]:
    prose = BLOCK.sub("", page(name))
    return re.findall(r"^#+ (.+)$", prose, re.MULTILINE)


def answered(name: str) -> list[tuple[str, str]]:
    """Each GraphQL block that is followed by a JSON block, with that."""
    found = blocks(name)
    return [
        (question.text, answer.text)
        for question, answer in pairwise(found)
        if (question.language, answer.language) == ("graphql", "json")
    ]
