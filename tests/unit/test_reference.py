"""The reference pages say what the code does."""

from throughline.local import reference


def test_the_settings_page_is_what_the_class_prints():
    assert (reference.DOCS / "settings.md").read_text() == reference.settings_page(), "run `make docs`"


def test_the_vocabulary_page_is_what_the_vocabulary_prints():
    assert (reference.DOCS / "vocabulary.md").read_text() == reference.vocabulary_page(), "run `make docs`"
