"""What `make docs` writes says what the code does."""

import pytest

from throughline.local import reference


@pytest.mark.parametrize("path", reference.written(), ids=lambda path: path.name)
def test_a_page_is_what_its_sources_print(path):
    assert path.read_text(encoding="utf-8") == reference.written()[path], "run `make docs`"
