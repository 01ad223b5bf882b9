"""The reference pages say what the code does."""

from throughline.local import reference
from throughline.local.states_page import states_page


def test_the_settings_page_is_what_the_class_prints():
    assert (reference.DOCS / "settings.md").read_text() == reference.settings_page(), "run `make docs`"


def test_the_page_of_states_is_what_the_transitions_print():
    assert (reference.DOCS / "states.md").read_text() == states_page(reference.NOTE), "run `make docs`"


def test_the_vocabulary_page_is_what_the_vocabulary_prints():
    assert (reference.DOCS / "vocabulary.md").read_text() == reference.vocabulary_page(), "run `make docs`"
