"""Long names go on in the next line between their words, and never inside one."""

import pytest

from monitor.page.breakable import breakable


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("calculate_var in high", "calculate_var in high"),
        ("ran my_company_revaluation_of_everything → SUCCESS",
         "ran my_<wbr>company_<wbr>revaluation_<wbr>of_<wbr>everything → SUCCESS"),
        ("SoftTimeLimitExceeded", "Soft<wbr>Time<wbr>Limit<wbr>Exceeded"),
        ("x" * 40, "x" * 40),
        ("<b>my_company_revaluation</b>&", "&lt;b&gt;my_<wbr>company_<wbr>revaluation&lt;/b&gt;&amp;"),
        ("", ""),
    ],
)  # fmt: skip
def test_the_places(text: str, html: str):
    assert breakable(text) == html
