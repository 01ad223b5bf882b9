"""The worked examples of docs/howto/calculations.md: what the page says comes out does."""

import json
import re
from pathlib import Path

import pytest

import risk  # noqa: F401 – declares the tasks
from throughline.testing import run_task

PAGE = Path(__file__).resolve().parents[2] / "docs" / "howto" / "calculations.md"
BLOCKS = [json.loads(block) for block in re.findall(r"```json\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)]
EXAMPLES = list(zip(BLOCKS[::2], BLOCKS[1::2], strict=True))


def same(said: object, found: object) -> bool:
    """The page may leave fields out, and rounds to the digits that it shows."""
    if isinstance(said, dict):
        return isinstance(found, dict) and all(key in found and same(said[key], found[key]) for key in said)
    if isinstance(said, list):
        return isinstance(found, list) and len(said) == len(found) and all(map(same, said, found))
    if isinstance(said, float) and isinstance(found, float):
        return said == pytest.approx(found, rel=2e-3, abs=1e-9)
    return said == found


@pytest.mark.parametrize(("request_", "answer"), EXAMPLES)
def test_an_example_gives_the_answer_under_it(request_, answer):
    result = json.loads(json.dumps(run_task(request_["task_type"], request_["data"]).result))
    assert same(answer, result), {key: result.get(key) for key in answer}
