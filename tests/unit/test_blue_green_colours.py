"""What a run of deploy/release finds in a release's values, and what it then does."""

from typing import Any

import pytest

from deploy.blue_green import colours
from deploy.blue_green.colours import Colour, Installed, Stage


def test_a_tag_of_its_own_is_a_colours_tag_and_else_the_shared_one() -> None:
    found = colours.installed(_values(tag="1.2", green={"enabled": True, "tag": "1.3"}), app_version="0.1")
    assert (found.active, found.idle) == ("blue", "green")
    assert (found.tag_of("blue"), found.tag_of("green")) == ("1.2", "1.3")


def test_without_any_tag_it_is_the_version_of_the_chart() -> None:
    assert colours.installed(_values(), app_version="0.1.0").tag_of("blue") == "0.1.0"


@pytest.mark.parametrize(
    ("found", "stage"),
    [
        pytest.param(Installed("blue", frozenset({"blue"}), {}, "1.2"), Stage.BRING_UP, id="at-rest"),
        pytest.param(
            Installed("blue", frozenset({"blue", "green"}), {"green": "1.3"}, "1.2"),
            Stage.BRING_UP,
            id="ended-before-the-switch",
        ),
        pytest.param(
            Installed("green", frozenset({"blue", "green"}), {"blue": "1.2", "green": "1.3"}, "1.2"),
            Stage.WATCH,
            id="ended-after-the-switch",
        ),
        pytest.param(Installed("green", frozenset({"green"}), {"green": "1.3"}, "1.2"), Stage.REST, id="rest-open"),
        pytest.param(Installed("green", frozenset({"green"}), {}, "1.3"), Stage.NOTHING, id="released"),
        pytest.param(
            Installed("blue", frozenset({"blue", "green"}), {"green": "1.4"}, "1.3"), Stage.TIDY, id="given-up"
        ),
    ],
)
def test_a_run_goes_on_where_the_release_is(found: Installed, stage: Stage) -> None:
    assert colours.first_stage(found, "1.3") is stage


def test_after_each_step_a_second_run_finds_that_step_done() -> None:
    """The whole way, each step's settings applied to the values that helm keeps."""
    values = _values(tag="1.2")
    found = colours.installed(values, "0.1")
    stages = []
    steps = [
        colours.bring_up(found, "1.3"),
        colours.switch_to("green"),
        colours.take_away("blue"),
        colours.roll_the_rest(Installed("green", frozenset({"green"}), {"green": "1.3"}, "1.2"), "1.3"),
    ]
    for settings in steps:
        _apply(values, settings)
        stages.append(colours.first_stage(colours.installed(values, "0.1"), "1.3"))
    assert stages == [Stage.BRING_UP, Stage.WATCH, Stage.REST, Stage.NOTHING]


def test_what_is_unfinished_is_the_new_version_on_either_side_of_the_switch() -> None:
    both: frozenset[Colour] = frozenset({"blue", "green"})
    assert colours.unfinished(Installed("blue", both, {"green": "1.3"}, "1.2")) == "1.3"
    assert colours.unfinished(Installed("green", both, {"blue": "1.2", "green": "1.3"}, "1.2")) == "1.3"
    assert colours.unfinished(Installed("green", frozenset({"green"}), {"green": "1.3"}, "1.2")) == "1.3"
    assert colours.unfinished(Installed("green", frozenset({"green"}), {}, "1.3")) == ""


def test_the_next_release_goes_back_to_the_other_colour() -> None:
    found = Installed("green", frozenset({"green"}), {}, "1.3")
    assert colours.bring_up(found, "1.4") == {
        "image.tag": "1.3",
        "history.tag": "1.4",
        "api.green.tag": "1.3",
        "api.blue.enabled": True,
        "api.blue.tag": "1.4",
    }


def test_bringing_up_writes_the_shared_tag_out_so_that_a_newer_chart_does_not_move_the_workers() -> None:
    found = colours.installed(_values(), app_version="0.1.0")
    assert colours.bring_up(found, "0.2.0")["image.tag"] == "0.1.0"


def test_an_idle_colour_with_another_tag_is_left_over() -> None:
    both: frozenset[Colour] = frozenset({"blue", "green"})
    assert colours.left_over(Installed("blue", both, {"green": "1.1"}, "1.2"), "1.3")
    assert not colours.left_over(Installed("blue", both, {"green": "1.3"}, "1.2"), "1.3")
    assert not colours.left_over(Installed("blue", frozenset({"blue"}), {"green": "1.1"}, "1.2"), "1.3")


def test_the_set_up_of_new_tables_stays_with_them_and_one_that_did_not_run_is_forgotten() -> None:
    values = _values(tag="1.2")
    values["history"]["tag"] = "1.1"
    found = colours.installed(values, "0.1")
    _apply(values, colours.bring_up(found, "1.3"))
    _apply(values, colours.give_up(found, history_is_new=True))
    assert (values["history"]["tag"], values["api"]["green"]) == ("1.3", {"enabled": False, "tag": ""})
    _apply(values, colours.give_up(found, history_is_new=False))
    assert values["history"]["tag"] == "1.1"


def test_what_is_put_back_keeps_the_new_api() -> None:
    values = _values(
        tag="1.2", active="green", green={"enabled": True, "tag": "1.3"}, blue={"enabled": False, "tag": ""}
    )
    before = colours.installed(values, "0.1")
    _apply(values, colours.roll_the_rest(before, "1.3"))
    _apply(values, colours.put_the_rest_back(before, "1.3"))
    found = colours.installed(values, "0.1")
    assert (found.tag_of("green"), found.shared_tag) == ("1.3", "1.2")
    assert colours.first_stage(found, "1.3") is Stage.REST


def test_images_of_a_users_own_get_the_tag_in_the_place_of_theirs() -> None:
    values = _values(tag="0.1", image="registry:5000/mine/api:1.2", green={"enabled": True, "tag": "1.3"})
    values["worker"]["image"] = "registry:5000/mine/worker"
    before = colours.installed(values, "0.1")
    assert (before.tag_of("blue"), before.tag_of("green")) == ("1.2", "1.3")
    _apply(values, colours.switch_to("green") | colours.take_away("blue"))
    before = colours.installed(values, "0.1")
    assert colours.first_stage(before, "1.3") is Stage.REST
    _apply(values, colours.roll_the_rest(before, "1.3"))
    assert (values["api"]["image"], values["worker"]["image"]) == (
        "registry:5000/mine/api:1.3",
        "registry:5000/mine/worker:1.3",
    )
    assert colours.first_stage(colours.installed(values, "0.1"), "1.3") is Stage.NOTHING
    _apply(values, colours.put_the_rest_back(before, "1.3"))
    assert (values["api"]["image"], values["worker"]["image"]) == (
        "registry:5000/mine/api:1.2",
        "registry:5000/mine/worker",
    )


def test_a_tag_that_looks_like_a_number_reaches_helm_as_a_string() -> None:
    assert colours.arguments({"image.tag": "1.3", "api.blue.enabled": False}) == [
        "--set-string",
        "image.tag=1.3",
        "--set",
        "api.blue.enabled=false",
    ]


def _values(tag: str = "", active: str = "blue", **given: Any) -> dict[str, Any]:
    api = {
        "active": active,
        "blue": {"enabled": True, "tag": ""},
        "green": {"enabled": False, "tag": ""},
        "autoscaling": {"enabled": False},
    }
    return {"image": {"tag": tag}, "history": {"tag": ""}, "api": api | given, "worker": {}, "monitor": {}}


def _apply(values: dict[str, Any], settings: colours.Settings) -> None:
    for name, value in settings.items():
        *path, last = name.split(".")
        at = values
        for key in path:
            at = at[key]
        at[last] = value
