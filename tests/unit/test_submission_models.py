"""The api validates a submission by the task's own model, whose code is not the api's."""

import traceback

import pytest
from pydantic import BaseModel, TypeAdapter, ValidationError, field_validator

from api.submission import ModelBroken, _submission_of
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
