"""The transitions of states.py are those that the scripts make: neither side knows one that the other does not."""

import re
from pathlib import Path

import pytest

from throughline.ledger import script, states
from throughline.ledger.causes import cause
from throughline.ledger.record import FIELDS, Attempt, TaskRecord
from throughline.ledger.states import FINAL, LOST, TRANSITIONS, Reason, Status

LUA = Path(states.__file__).with_name("lua")
SPOKEN = {path.stem: path.read_text() for path in LUA.glob("*.lua")}


def test_each_transition_names_scripts_that_are_there():
    assert {name for each in TRANSITIONS for name in each.script.split(", ")} <= SPOKEN.keys()


@pytest.mark.parametrize(
    ("before", "after", "reason"), sorted({(e.before or "", e.after, e.reason) for e in TRANSITIONS})
)
def test_the_scripts_know_each_transition(before, after, reason):
    assert f" {before}>{after}:{reason} " in script.load("claim").text


def test_a_final_state_is_left_by_the_replay_of_a_dead_letter_alone():
    assert [each.reason for each in TRANSITIONS if each.before in FINAL] == [Reason.REPLAYED]


def test_no_script_but_front_door_received_and_claim_writes_a_state_past_move():
    """Two of them make the record; claim.lua asks `must` first and writes the state with who holds it."""
    written = {name for name, text in SPOKEN.items() if re.search(r"'HSET', [\w.]*record, 'status'", text)}
    assert written == {"front_door", "received", "claim"}


def test_every_reason_has_words_or_needs_none():
    silent = {reason for reason in Reason if not cause(reason, worker="w", process=1, error="E")}
    assert silent == {Reason.ACCEPTED, Reason.RECEIVED, Reason.CLAIMED, Reason.RETURNED}


@pytest.mark.parametrize("reason", LOST)
def test_an_attempt_that_was_cut_off_goes_back_to_its_queue(reason):
    told = {"worker": "w", "process": 1, "started_at": "1", "finished_at": "2", "outcome": "RETRY", "ended_by": reason}
    attempt = Attempt.parse(1, told)
    assert (attempt.is_lost, attempt.status_after) == (True, Status.PENDING)


def test_an_attempt_that_returned_says_so_without_a_byte_more():
    told = {"worker": "w", "process": 1, "started_at": "1", "finished_at": "2", "outcome": "SUCCESS"}
    assert Attempt.parse(1, told).ended_by is Reason.RETURNED


def test_a_record_is_read_as_far_as_it_is_there():
    record = TaskRecord.parse("t", {"status": "RETRY", "retry_at": "5.5", "retries": "2", "of_a_later_version": "x"})
    assert (record.status, record.retry_at, record.retries, record.worker, record.attempts) == ("RETRY", 5.5, 2, "", ())


def test_the_scripts_write_no_field_that_the_record_does_not_know():
    written = set()
    for text in SPOKEN.values():
        for fields in re.findall(r"'HSET(?:NX)?', (?:KEY\.)?record, ((?:[^()]|\([^)]*\))*)\)", text):
            written |= set(re.findall(r"'(\w+)'", fields)) - {*Status, "1"}
    assert written
    assert written <= set(FIELDS)
