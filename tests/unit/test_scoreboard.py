"""docs/reliability.md keeps what was measured; the README's scoreboard is its short form."""

from tests.chaos import combinations, faults, page, scoreboard
from tests.system.nine import ROOT


def test_the_readme_shows_the_rows_of_the_page_that_make_chaos_wrote():
    page = (ROOT / "docs" / "reliability.md").read_text(encoding="utf-8")
    first, *_ = page.partition("\n## ")
    lines = [line for line in first.splitlines() if line.startswith("|")]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    assert len(rows) > 2 + 10
    assert scoreboard.table(rows[2:]) in (ROOT / "README.md").read_text(encoding="utf-8")


def test_a_row_that_is_measured_again_takes_the_place_of_its_own_and_of_no_other():
    first, second = faults.ALL[:2]
    both = combinations.ALL[0]
    rows = [[each.name, "1", *["0"] * 9, "2026-11-25, 2 cores"] for each in (second, both, first)]
    text = ""
    for row in rows:
        text = page.with_row(text, row)
    again = [second.name, "3", *["0"] * 9, "2026-11-27, 4 cores"]
    text = page.with_row(text, again)
    shown = [line for line in text.splitlines() if line.startswith("| ") and not line.startswith(("| fault", "| ---"))]
    assert shown == ["| " + " | ".join(row) + " |" for row in (rows[2], again, rows[1])]
