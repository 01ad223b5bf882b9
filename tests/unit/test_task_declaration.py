"""A task is declared in one place, stays a plain function, and what is wrong with it is said in one line."""

from functools import partial

import pytest
from pydantic import BaseModel, RootModel, field_validator

from throughline import TaskType, task
from throughline.errors import InvalidTaskData, WrongTask
from throughline.ledger.message import Queue
from throughline.tasks import declaration, registry


class Text(BaseModel):
    text: str


@pytest.fixture(autouse=True)
def declared(monkeypatch):
    """What the test declares, and nothing else."""
    monkeypatch.setattr(declaration, "_undecorated", {})
    own: dict[str, TaskType] = {}
    for module in (declaration, registry):
        monkeypatch.setattr(module, "declared", own)
    return own


def declare(name="word_count", function=lambda data, run: None, **options):
    task(name, **{"model": Text} | options)(function)


def test_a_decorated_function_stays_a_plain_function(declared):
    @task("shout", model=Text, summary="Shouts.", queue="high", max_retries=0, time_limit=3)
    def shout(data, run):
        return data.text.upper()

    assert shout(Text(text="a"), None) == "A"
    assert (declared["shout"].queue, declared["shout"].max_retries) == (Queue.HIGH, 0)
    assert declared["shout"].place.file == __file__


def test_a_function_that_is_only_named_is_imported_when_it_is_wanted():
    made = task("join", model=Text, run="posixpath:join")
    assert made.run == "posixpath:join"
    assert made.function()("a", "b") == "a/b"


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"model": dict}, "its model must be a subclass of pydantic.BaseModel, not dict"),
        ({"model": BaseModel}, "its model must be a subclass of pydantic.BaseModel, not BaseModel"),
        ({"model": Text(text="a")}, "its model must be a subclass of pydantic.BaseModel, not Text"),
        ({"queue": "lowest"}, "its queue must be high, medium or low, not 'lowest'"),
        ({"queue": ["low"]}, "its queue must be high, medium or low, not"),
        ({"name": "word count"}, "its name must begin with a letter"),
        ({"name": ""}, "its name must begin with a letter"),
        ({"name": "größe"}, "its name must begin with a letter"),
        ({"name": 5}, "its name must begin with a letter"),
        ({"name": "celery.chord"}, "this name is reserved"),
        ({"name": "unknown"}, "this name is reserved"),
        ({"max_retries": -1}, "its max_retries must be a whole number from 0 to 100, not -1"),
        ({"max_retries": True}, "its max_retries must be a whole number from 0 to 100, not True"),
        ({"retry_seconds": 0}, "its retry_seconds must be above 0"),
        ({"time_limit": "30"}, "its time_limit must be above 0"),
        ({"time_limit": float("nan")}, "its time_limit must be above 0"),
        ({"soft_time_limit": 30, "time_limit": 30}, "its soft_time_limit (30) must be below its time_limit (30)"),
        ({"function": lambda data: None}, "its function must take two arguments, the data and the run"),
        ({"function": lambda data, run, more: None}, "its function must take two arguments, the data and the run"),
        ({"function": 5}, "it decorates no function"),
        ({"summary": None}, "its summary must be a text"),
    ],
)
def test_a_wrong_declaration_is_told_with_the_task_and_its_line(options, words):
    with pytest.raises(WrongTask) as raised:
        declare(**options)
    message = str(raised.value)
    assert message.startswith(f"Wrong task: {options.get('name', 'word_count')!r} in ")
    assert f"({__file__}, line " in message
    assert words in message
    assert "\n" not in message


async def later(data, run):
    pass


async def piecemeal_later(data, run):
    yield data


def piecemeal(data, run):
    yield data


class Later:
    async def __call__(self, data, run): ...


@pytest.mark.parametrize("function", [later, piecemeal_later, Later(), partial(later)])
def test_an_async_function_is_refused(function):
    with pytest.raises(WrongTask, match="its function is async"):
        declare(function=function)


@pytest.mark.parametrize("function", [piecemeal, partial(piecemeal)])
def test_a_function_that_yields_is_refused(function):
    with pytest.raises(WrongTask, match="its function yields"):
        declare(function=function)


@pytest.mark.parametrize("run", ["nowhere.at.all:f", "posixpath:nothing", "posixpath:sep", "posixpath:basename"])
def test_a_named_function_that_is_not_there_or_takes_something_else_is_told(run):
    with pytest.raises(WrongTask, match=r"'late' in .*, line \d+\): .*(not found|no function|two arguments)"):
        task("late", model=Text, run=run).function()


@pytest.mark.parametrize("run", ["posixpath", "posixpath:", ":join", "a b:c", "posix/path:join", "..x:y"])
def test_a_name_that_can_be_no_function_is_told_at_once(run):
    with pytest.raises(WrongTask, match="run must be like"):
        task("late", model=Text, run=run)


def test_two_tasks_of_one_name_are_told_with_both_places():
    declare("twice")
    with pytest.raises(WrongTask, match=r"two tasks are named 'twice': in .*line \d+\) and in .*line \d+\)"):
        task("twice", model=Text)(lambda data, run: None)


def test_a_call_that_decorates_nothing_is_told():
    task("forgotten", model=Text)
    with pytest.raises(WrongTask, match=r"'forgotten' in .*: it decorates no function and has no run="):
        registry.load("")


class Unfinished(BaseModel):
    other: "Missing"  # type: ignore[name-defined]  # noqa: F821 – that is the point


class Opaque(BaseModel):
    model_config = {"arbitrary_types_allowed": True}
    thing: object
    handle: type(open)  # type: ignore[valid-type]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"example": {"text": 5}}, "its model Text refuses its example: data.text: Input should be a valid string"),
        ({"example": {}}, "its model Text refuses its example: data.text: Field required"),
        ({"example": {"text": object()}}, "its example is not JSON"),
        ({"model": Unfinished}, "its model Unfinished is not usable"),
        ({"model": Opaque}, "its model Opaque is not usable"),
    ],
)
def test_what_needs_the_whole_module_is_checked_when_the_modules_are_loaded(options, words):
    declare(**options)
    with pytest.raises(WrongTask) as raised:
        registry.load("")
    assert words in str(raised.value)
    assert "\n" not in str(raised.value)


def test_an_example_must_be_json():
    class Loose(BaseModel):
        seen: set[int]

    declare(model=Loose, example={"seen": {1}})
    with pytest.raises(WrongTask, match="its example is not JSON"):
        registry.load("")


def test_no_task_at_all_is_told():
    with pytest.raises(WrongTask, match="there is no task in TASK_MODULES=' , '"):
        registry.load(" , ")


def test_data_may_be_a_list_and_a_mistake_in_it_has_a_path():
    numbers = task("sum", model=RootModel[list[int]], run="posixpath:join")
    assert numbers.validated([1, 2]).model_dump_json() == "[1,2]"
    with pytest.raises(InvalidTaskData, match=r"^data\[1\]: "):
        numbers.validated([1, "x"])


class Breaks(BaseModel):
    text: str

    @field_validator("text")
    @classmethod
    def looked_up(cls, text: str) -> str:
        return {"a": "b"}[text]


def test_a_validator_that_breaks_on_the_example_is_told_like_one_that_refuses_it(declared):
    declare(model=Breaks, example={"text": "to be"})
    with pytest.raises(WrongTask, match=r"its model Breaks breaks on its example: KeyError: 'to be'"):
        declared["word_count"].check_model()
