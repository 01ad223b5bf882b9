"""Processes that share a file of spans lose no line to each other, and fill no disk."""

import os

from throughline.telemetry.appended_lines import AppendedLines

LINES_EACH = 300
WRITERS = 4


def test_lines_of_four_processes_stay_whole(tmp_path):
    path = tmp_path / "worker-1.jsonl"
    children = []
    for writer in range(WRITERS):
        pid = os.fork()
        if pid == 0:
            stream = AppendedLines(path)
            for number in range(LINES_EACH):
                stream.append(f"{writer} {number} {'x' * 9_000}\n".encode())
            os._exit(0)
        children.append(pid)
    assert [os.waitpid(pid, 0)[1] for pid in children] == [0] * WRITERS
    lines = path.read_text().splitlines()
    assert {len(line) - line.rindex(" ") - 1 for line in lines} == {9_000}
    seen = {tuple(line.split()[:2]) for line in lines}
    assert len(seen) == len(lines) == WRITERS * LINES_EACH


def test_a_full_file_is_moved_away_and_one_before_it_is_dropped(tmp_path):
    path = tmp_path / "worker-1.jsonl"
    streams = [AppendedLines(path, max_bytes=100) for _ in range(2)]
    for number in range(30):
        streams[number % 2].append(f"{number:09}\n".encode())
    kept = (tmp_path / "worker-1.jsonl.1").read_text() + path.read_text()
    assert kept.splitlines()[-1] == f"{29:09}"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["worker-1.jsonl", "worker-1.jsonl.1"]
    assert path.stat().st_size <= 110
