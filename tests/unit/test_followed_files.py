"""Following files of log lines: each line once, also while files are rotated, removed, emptied or new."""

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from throughline.tail.followed_files import FollowedFiles, fields_of

BEGAN = datetime(2026, 11, 25, 12, tzinfo=UTC)


def line(number: int, words: str = "") -> str:
    at = (BEGAN + timedelta(seconds=number)).isoformat(timespec="milliseconds")
    return json.dumps({"@timestamp": at, "message": words or str(number)}, separators=(",", ":")) + "\n"


def write(path: Path, *numbers: int) -> None:
    with path.open("a") as file:
        file.write("".join(map(line, numbers)))


Follow = Callable[..., FollowedFiles]


@pytest.fixture
def follow() -> Iterator[Follow]:
    with ExitStack() as opened:
        yield lambda *given, **named: opened.enter_context(closing(FollowedFiles(*given, **named)))


def told(lines: Iterator[bytes] | list[bytes]) -> list[int]:
    return [int(each["message"]) for each in fields_of(lines)]


@pytest.fixture
def one(tmp_path: Path) -> Path:
    return tmp_path / "worker-1.jsonl"


def test_what_is_there_comes_first_in_the_order_of_time_and_then_what_is_new(tmp_path: Path, one: Path, follow: Follow):
    write(one, 1, 4, 6)
    write(tmp_path / "nginx.jsonl", 2, 3)
    write(tmp_path / "nginx.jsonl.1", 0)
    files = follow(tmp_path, BEGAN - timedelta(days=1))

    assert told(files.so_far()) == [0, 1, 2, 3, 4, 6]
    assert files.poll() == []
    write(one, 9)
    write(tmp_path / "nginx.jsonl", 8)
    assert told(files.poll()) == [8, 9]
    assert files.poll() == []


@pytest.mark.parametrize("count", [6, 8_000])
def test_lines_of_hosts_whose_clocks_are_off_are_in_their_true_order_and_begin_at_the_true_time(
    tmp_path: Path, count: int, follow: Follow
):
    hosts = {"api": 0, "worker-1": 3000, "worker-2": -5_000_000.5}
    for place, (node, ahead) in enumerate(hosts.items()):
        with (tmp_path / f"{node}.jsonl").open("w") as file:
            for number in range(place, count, len(hosts)):
                fields = json.loads(line(number)) | ({"clock_offset_ms": ahead} if ahead else {})
                at = BEGAN + timedelta(seconds=number, milliseconds=ahead)
                file.write(json.dumps(fields | {"@timestamp": at.isoformat()}, separators=(",", ":")) + "\n")
    files = follow(tmp_path, BEGAN + timedelta(seconds=count / 2))

    assert told(files.so_far()) == list(range(count // 2, count))


@pytest.mark.parametrize("count", [10, 20_000])
def test_it_begins_at_a_time_however_large_the_file_is(one: Path, count: int, follow: Follow):
    write(one, *range(count))
    files = follow(one.parent, BEGAN + timedelta(seconds=count - 5))

    assert told(files.so_far()) == list(range(count - 5, count))


def test_without_a_time_only_what_comes_is_told(one: Path, follow: Follow):
    write(one, *range(5))
    files = follow(one.parent)
    write(one, 7)

    assert told(files.poll()) == [7]


def test_a_line_that_was_being_written_when_it_began_is_left_out_whole(one: Path, follow: Follow):
    write(one, 1)
    whole = line(2)
    with one.open("a") as file:
        file.write(whole[:30])
        file.flush()
        files = follow(one.parent)
        file.write(whole[30:] + line(3))

    assert told(files.poll()) == [3]


def test_a_line_is_told_when_it_is_finished_and_not_before(one: Path, follow: Follow):
    files = follow(one.parent)
    whole = line(2)
    with one.open("a") as file:
        for piece in (whole[:30], whole[30:60]):
            file.write(piece)
            file.flush()
            assert files.poll() == []
        file.write(whole[60:])

    assert told(files.poll()) == [2]


def test_a_rotation_between_two_looks_loses_nothing_and_tells_nothing_twice(one: Path, follow: Follow):
    write(one, 1)
    files = follow(one.parent, BEGAN)
    assert told(files.so_far()) == [1]
    for number in range(2, 40, 3):
        write(one, number)
        for old in range(4, 0, -1):
            name = one.with_name(f"{one.name}.{old}")
            if name.exists():
                name.rename(one.with_name(f"{one.name}.{old + 1}"))
        one.rename(one.with_name(f"{one.name}.1"))
        write(one, number + 1)
        one.with_name(f"{one.name}.5").unlink(missing_ok=True)
        write(one, number + 2)

        assert told(files.poll()) == [number, number + 1, number + 2]
    assert len(files._files) <= 6


def test_what_was_written_before_a_file_was_removed_is_told(one: Path, follow: Follow):
    write(one, 1)
    files = follow(one.parent, BEGAN)
    list(files.so_far())
    write(one, 2)
    one.unlink()

    assert told(files.poll()) == [2]
    write(one, 3)
    assert told(files.poll()) == [3]
    assert len(files._files) == 1


def test_a_file_that_was_emptied_is_read_from_its_beginning(one: Path, follow: Follow):
    write(one, 1, 2, 3)
    files = follow(one.parent, BEGAN)
    list(files.so_far())
    one.write_text(line(4))

    assert told(files.poll()) == [4]


def test_a_file_that_is_missed_while_the_folder_is_listed_is_not_read_again(
    one: Path, monkeypatch: pytest.MonkeyPatch, follow: Follow
):
    write(one, 1)
    files = follow(one.parent, BEGAN)
    list(files.so_far())
    with monkeypatch.context() as patch:
        patch.setattr("throughline.tail.followed_files.written_lines", lambda _: [])
        write(one, 2)
        assert told(files.poll()) == [2]
    assert files.poll() == []


def test_a_folder_that_is_not_there_yet_is_looked_for_again(tmp_path: Path, follow: Follow):
    files = follow(tmp_path / "log", BEGAN)
    assert list(files.so_far()) == files.poll() == []
    (tmp_path / "log").mkdir()
    write(tmp_path / "log" / "monitor.jsonl", 1)

    assert told(files.poll()) == [1]


def test_what_is_no_log_line_does_no_harm(one: Path, follow: Follow):
    files = follow(one.parent)
    one.write_bytes(b'\n\xff\xfe\nTraceback (most recent call last):\n[1]\n"text"\n' + line(1).encode())

    assert told(files.poll()) == [1]


def test_of_a_large_file_only_the_last_bytes_are_read_where_that_is_asked_for(one: Path, follow: Follow):
    write(one, *range(1000))
    found = told(follow(one.parent, BEGAN, most_bytes=500).so_far())

    assert found == list(range(1000 - len(found), 1000))
    assert 3 < len(found) < 20
