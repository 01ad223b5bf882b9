"""The page that asks before it closes the circuit breaker."""

from monitor.page.circuit.routes import confirmation
from monitor.page.responses import rendered


def test_it_asks_why_and_says_who_reads_the_answer():
    html = rendered("circuit_action.html", view=confirmation(None, 500), token="")

    assert "Close the circuit breaker?" in html
    assert "It is logged with your name.</label>" in html
