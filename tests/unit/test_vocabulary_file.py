"""The vocabulary's own file: YAML would take the later of two entries of one name, and say nothing."""

from collections import Counter
from collections.abc import Iterator
from importlib.resources import files

import yaml


def written_twice(node: yaml.Node | None, path: str = "") -> Iterator[str]:
    """The names that one mapping has more than once."""
    if isinstance(node, yaml.MappingNode):
        counted = Counter(key.value for key, _ in node.value)
        yield from (f"{path}{name}" for name, count in counted.items() if count > 1)
        for key, value in node.value:
            yield from written_twice(value, f"{path}{key.value} → ")


def test_no_name_is_declared_twice():
    text = files("throughline.telemetry").joinpath("vocabulary.yaml").read_text(encoding="utf-8")
    assert list(written_twice(yaml.compose(text))) == []


def test_a_name_that_is_declared_twice_is_found():
    text = "events: {task.accepted: {level: notice}, task.started: {level: notice}, task.accepted: {level: info}}"
    assert list(written_twice(yaml.compose(text))) == ["events → task.accepted"]
