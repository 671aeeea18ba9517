"""Every page of the documentation is found by following links from the first page, and no link leads nowhere."""

import re
from pathlib import Path

from tests.architecture.project import ROOT, shown, tracked

# What a visitor of the repository sees without following a link.
FIRST_PAGES = (ROOT / "README.md", ROOT / "CONTRIBUTING.md")
LINK = re.compile(r"\]\((?!\w+:)([^)#\s]+)")  # [words](path), but not an address


def test_every_page_is_found_by_following_links() -> None:
    seen: set[Path] = set()
    pages = [page for page in FIRST_PAGES if page.is_file()]
    while pages:
        page = pages.pop()
        if page not in seen:
            seen.add(page)
            pages += [target for target in links(page) if target.suffix == ".md" and target.is_file()]

    assert [shown(page) for page in tracked("docs/*.md") if page not in seen] == []


def test_no_link_leads_nowhere() -> None:
    pages = tracked("*.md")

    assert [f"{shown(page)} -> {target}" for page in pages for target in links(page) if not target.exists()] == []


def links(page: Path) -> list[Path]:
    prose = re.sub(r"^```.*?^```", "", page.read_text(), flags=re.DOTALL | re.MULTILINE)
    return [(page.parent / target).resolve() for target in LINK.findall(prose)]
