"""Why somebody wants a change: one line of words, and nothing that a log or a terminal would obey."""

import pytest

from throughline.ledger.asked_by import MOST_CHARACTERS, checked_why


@pytest.mark.parametrize(
    ("sent", "kept"),
    [("", ""), ("  wrong portfolio ", "wrong portfolio"), ("Übertrag – 株 50%", "Übertrag – 株 50%"),
     ("x" * MOST_CHARACTERS, "x" * MOST_CHARACTERS), ("<b>&", "<b>&")],
)  # fmt: skip
def test_words_are_kept_as_they_are_without_blanks_around_them(sent: str, kept: str):
    assert checked_why(sent) == kept


@pytest.mark.parametrize("sent", ["two\nlines", "tab\tbed", "\x1b[31mred", "a\x00b", "a\u2028b", "a\u202eb", "a\x7fb"])
def test_more_than_one_line_and_control_characters_are_refused(sent: str):
    with pytest.raises(ValueError, match="one line without control characters"):
        checked_why(sent)


def test_more_than_200_characters_are_refused_with_their_number():
    with pytest.raises(ValueError, match="at most 200 characters, not 201"):
        checked_why("ü" * 201)
