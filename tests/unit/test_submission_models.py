"""The api validates a submission by the task's own model, whose code is not the api's."""

import traceback

import pytest
from pydantic import BaseModel, TypeAdapter, ValidationError, field_validator

from api.services.new_task import NewTask
from api.submission import ModelBroken, Sent, TaskSubmission, _submission_of
from throughline.tasks.task_type import Place, TaskType


class Lookup(BaseModel):
    name: str

    @field_validator("name")
    @classmethod
    def known(cls, name: str) -> str:
        if not name:
            raise ValueError("must not be empty")
        return {"a": "b"}[name]


SUBMISSION = _submission_of(TaskType("look_up", Lookup, "mine:look_up", Place("mine", "mine.py", 1)))


def submitted(name):
    return {"task_type": "look_up", "data": {"name": name}}


def test_a_validator_that_breaks_is_told_by_class_and_line_without_the_data():
    name = "Lohen" + "grin"  # the traceback quotes this file
    with pytest.raises(ModelBroken, match=rf"The model of look_up broke: KeyError \({__file__}, line \d+\)") as broken:
        SUBMISSION.model_validate(submitted(name))
    assert name not in "".join(traceback.format_exception(broken.value))


def test_what_a_model_refuses_keeps_its_path():
    with pytest.raises(ValidationError) as refused:
        SUBMISSION.model_validate(submitted(""))
    assert refused.value.errors()[0]["loc"] == ("data", "name")
    assert SUBMISSION.model_validate(submitted("a")).data.name == "b"
    assert TypeAdapter(SUBMISSION).json_schema()["properties"]["data"] == {"$ref": "#/$defs/Lookup"}


@pytest.mark.parametrize(
    ("changes", "digest"),
    [
        ({"priority": "high"}, "0d7fd441ad7620fd05725d525801879cae24cebf2e415f8768f69d1377ff2ce3"),
        ({"priority": "low", "queue": "low"}, "95f31042b78e139227a81202872854c6e9903da3684442780071f2e79fa8bc3d"),
        (
            {"data": {"positions": [{"price": 1, "quantity": -0.5, "symbol": "Ä"}], "seed": 7}},
            "eb959f1e3dce390228942fada5ed99c98e67fbf4c0529341645432978999707a",
        ),
    ],
)
def test_a_key_that_was_sent_before_an_upgrade_is_bound_to_the_same_hash_after_it(changes, digest):
    data = {"portfolio_data": {"positions": [{"symbol": "AAPL", "quantity": 100, "price": 150.0}]}}
    task = TaskSubmission.model_validate({"task_type": "calculate_var", "data": data} | changes)
    assert NewTask(task, Sent.by(task), "anyone", "anyone", "key").idempotency()[1] == digest
