"""The request that `helm test` sends: what it says when it cannot be sent."""

import pytest

from monitor.plane import trial
from throughline.settings.command import CommandSettings


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(CommandSettings, "_loaded", {})
    monkeypatch.setattr(trial, "_REACH_SECONDS", 0.1)
    monkeypatch.setattr("sys.argv", ["trial", "record"])


def test_a_service_that_is_away_is_named_with_its_address(monkeypatch, capsys):
    monkeypatch.setenv("THROUGHLINE_URL", "http://127.0.0.1:1")

    assert trial.main() == 1
    assert capsys.readouterr().err.startswith("http://127.0.0.1:1 does not answer: ConnectError")


@pytest.mark.parametrize("url", ["", "nowhere", "ftp://nginx"])
def test_an_address_that_is_none_is_refused_with_its_variable(url, monkeypatch):
    monkeypatch.setenv("THROUGHLINE_URL", url)

    with pytest.raises(SystemExit, match="THROUGHLINE_URL"):
        trial.main()
