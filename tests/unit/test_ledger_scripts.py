"""Scripts name their keys and arguments, and nobody else writes what they write."""

import ast
import re
from pathlib import Path

import pytest

from throughline.ledger import script
from throughline.ledger.script import Script

ROOT = Path(__file__).resolve().parents[2]
LEDGER = ROOT / "throughline" / "ledger"
NAMES = sorted(path.stem for path in (LEDGER / "lua").glob("*.lua"))
WRITES_TO_REDIS_ALONE = re.compile(
    r"eval(sha)?|register_script|script_load|execute_command|h(m?set|setnx|del|incrby(float)?|p?expire)"
    r"|z(add|rem|incrby|remrangeby\w+|popmin|popmax)|l(push|pushx|pop|set|rem|trim|move|insert)|r(push|pushx|pop|poplpush)"
    r"|b[lr]pop|p?setex|setnx|get(set|del|ex)|s(add|rem|pop|move)|incrby(float)?|(p?expire|p?expireat|persist)"
)
WRITES_TO_OTHERS_TOO = re.compile("set|delete|unlink|incr|decr|append|rename|copy|pop")


def writes(text: str) -> list[str]:
    """The calls in a Python file that write to Redis, or may and name one of our keys."""
    return [
        f"line {call.lineno}: .{call.func.attr}(…)"
        for call in ast.walk(ast.parse(text))
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute)
        if WRITES_TO_REDIS_ALONE.fullmatch(call.func.attr)
        or (WRITES_TO_OTHERS_TOO.fullmatch(call.func.attr) and names_our_key(call))
    ]


def names_our_key(call: ast.Call) -> bool:
    for part in (part for argument in call.args for part in ast.walk(argument)):
        if isinstance(part, ast.Attribute) and isinstance(part.value, ast.Name) and part.value.id == "keys":
            return True
        if isinstance(part, ast.Constant) and isinstance(part.value, str) and part.value.startswith("tl:"):
            return True
    return False


@pytest.mark.parametrize("name", NAMES)
def test_every_script_declares_what_it_uses(name):
    loaded = script.load(name)
    assert loaded.args[0] == "now"
    assert not any(used in loaded.text for used in ("KEY.", "ARG."))


def test_a_name_that_the_header_does_not_declare_is_an_error_that_says_which():
    with pytest.raises(ValueError, match=r"wrong\.lua uses ARG\.limit, which its header does not declare"):
        Script.parse("wrong", "-- keys: record\n-- args: ttl\nreturn ARG.limit", str)


def test_names_become_places_and_the_rest_is_what_is_left_over():
    loaded = Script.parse(
        "right", "-- keys: a b\n-- args: ttl fields...\nreturn {KEY.b, ARG.now, ARG.ttl, ARG.fields}", str
    )
    assert loaded.text.endswith("return {KEYS[2], ARGV[1], ARGV[2], unpack(ARGV, 3)}")
    assert loaded.arguments({"ttl": 5, "fields": {"x": "1", "y": "2"}}, "") == ["", 5, "x", "1", "y", "2"]


def test_flags_are_the_first_line_before_any_part():
    text = "-- flags: allow-oom\n-- keys: a\n-- uses: clock\nreturn KEY.a"
    loaded = Script.parse("right", text, lambda _: "local now")
    assert loaded.text.startswith("#!lua flags=allow-oom\nlocal now\n")


def test_every_script_but_a_replay_may_run_while_redis_is_full():
    """A replay is new work; whatever else was accepted is finished. The front door looks at the memory itself."""
    without = {name for name in NAMES if not script.load(name).text.startswith("#!lua flags=")}
    assert without == {"replay", "revive"}


def test_an_argument_that_is_missing_or_misspelt_is_an_error():
    loaded = Script.parse("right", "-- args: ttl\nreturn ARG.ttl", str)
    with pytest.raises(TypeError, match=r"right\.lua takes ttl, not tll"):
        loaded.arguments({"tll": 5}, "")


def test_the_ledger_alone_writes_to_redis():
    folders = ("api", "worker", "monitor", "throughline", "risk", "dashboards")
    found = {
        str(path.relative_to(ROOT)): told
        for folder in folders
        for path in sorted((ROOT / folder).rglob("*.py"))
        if LEDGER not in path.parents and (told := writes(path.read_text(encoding="utf-8")))
    }
    assert found == {}
    stray = [path for folder in folders for path in (ROOT / folder).rglob("*.lua") if LEDGER not in path.parents]
    assert stray == []


@pytest.mark.parametrize(
    "planted",
    [
        "redis.hset(keys.task(task_id), 'status', 'SUCCESS')",
        "client.delete(f'tl:{name}')",
        "pipe.zadd(self._key, {task_id: 1})",
        "redis.set('tl:breaker', 1)",
        "redis.register_script(TEXT)",
    ],
)
def test_a_write_elsewhere_is_found(planted):
    assert writes(planted)


@pytest.mark.parametrize("harmless", ["redis.hget(keys.task(task_id), 'status')", "ended.set()", "http.delete(url)"])
def test_what_only_reads_is_not(harmless):
    assert not writes(harmless)
