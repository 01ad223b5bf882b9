"""Jinja can read the template of every page: one that cannot be drawn is found before somebody asks for it."""

import pytest

from monitor.page.responses import TEMPLATES


@pytest.mark.parametrize("name", TEMPLATES.list_templates(["html"]))
def test_a_template_can_be_read(name: str):
    assert TEMPLATES.get_template(name)
