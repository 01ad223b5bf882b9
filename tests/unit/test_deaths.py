"""Why a worker or a process of it died: told from its exit, and in words."""

import signal

import pytest

from throughline.ledger.deaths import Death, DeathCause, death_cause
from worker import memory
from worker.lost_processes import cause_of


@pytest.mark.parametrize(
    ("exit_code", "how", "cause"),
    [
        (-signal.SIGKILL, {}, DeathCause.SIGNAL),
        (-signal.SIGKILL, {"for_memory": True}, DeathCause.MEMORY),
        (-signal.SIGTERM, {"at_its_limit": True}, DeathCause.TIME_LIMIT),
        (-signal.SIGTERM, {"terminated": True}, DeathCause.TERMINATED),
        (3, {}, DeathCause.EXIT),
        (3, {"for_memory": True}, DeathCause.EXIT),
        (0, {}, None),
        (155, {}, None),  # billiard replaces it: it has run its tasks, or has grown
        (None, {}, None),
    ],
)
def test_the_cause_is_told_from_the_exit(exit_code, how, cause):
    known = {"at_its_limit": False, "terminated": False, "for_memory": False}
    assert cause_of(exit_code, **known | how) == cause


@pytest.mark.parametrize(
    ("code", "detail", "words"),
    [
        ("signal", 9, "killed by signal 9 (SIGKILL)"),
        ("signal", 200, "killed by signal 200"),
        ("exit", 3, "exited with code 3"),
        ("memory", None, "killed by the system for want of memory"),
        ("of a later version", None, "of a later version"),
    ],
)
def test_a_cause_has_words(code, detail, words):
    assert death_cause(code, detail) == words


def test_what_another_version_wrote_of_a_death_has_what_it_has():
    death = Death.parse('{"worker": "worker-1", "at": "5.5", "cause": "eaten", "new": [1]}')
    assert (death.worker, death.process, death.at, death.cause, death.tasks) == ("worker-1", None, 5.5, "eaten", ())


def test_kills_for_want_of_memory_are_those_of_the_first_file_that_counts_them(tmp_path):
    group, machine = tmp_path / "memory.events", tmp_path / "vmstat"
    machine.write_text("pgfault 9\noom_kill 4\n")
    assert memory.kills((group, machine)) == 4
    group.write_text("low 0\noom 3\noom_kill 2\noom_group_kill 0\n")
    assert memory.kills((group, machine)) == 2
    assert memory.kills((tmp_path / "none",)) == 0


def test_the_memory_of_a_process_that_is_gone_is_not_known():
    assert memory.resident(2**30) is None
