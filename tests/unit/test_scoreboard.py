"""The README's scoreboard is the short form of docs/reliability.md."""

from tests.chaos import scoreboard
from tests.system.nine import ROOT


def test_the_readme_shows_the_rows_of_the_page_that_make_chaos_wrote():
    page = (ROOT / "docs" / "reliability.md").read_text(encoding="utf-8")
    first, *_ = page.partition("\n## ")
    lines = [line for line in first.splitlines() if line.startswith("|")]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    assert len(rows) > 2 + 10
    assert scoreboard.table(rows[2:]) in (ROOT / "README.md").read_text(encoding="utf-8")
