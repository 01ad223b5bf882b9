"""IDs are UUIDs of version 4, and no two processes or threads hand out the same one."""

import subprocess
import sys
import uuid
from concurrent.futures import ThreadPoolExecutor

from throughline.telemetry import random_ids


def test_an_id_is_a_uuid_of_version_4():
    for _ in range(1_000):
        made, made_hex = random_ids.uuid4(), random_ids.uuid4_hex()
        for each in (uuid.UUID(made), uuid.UUID(made_hex)):
            assert (each.version, each.variant) == (4, uuid.RFC_4122)
        assert (str(uuid.UUID(made)), uuid.UUID(made_hex).hex) == (made, made_hex)


def test_every_bit_that_may_be_random_is():
    seen = [uuid.UUID(random_ids.uuid4()).int for _ in range(500)]
    ever, always = 0, (1 << 128) - 1
    for each in seen:
        ever, always = ever | each, always & each
    fixed = (0xF << 76) | (0b11 << 62)
    assert ever == ((1 << 128) - 1) & ~fixed | (4 << 76) | (0b10 << 62)
    assert always == (4 << 76) | (0b10 << 62)


def test_threads_share_no_id():
    with ThreadPoolExecutor(8) as threads:
        made = [
            each
            for many in threads.map(lambda _: [random_ids.uuid4() for _ in range(2_000)], range(8))
            for each in many
        ]
    assert len(set(made)) == len(made)


FORKS = """
import os
from throughline.telemetry.random_ids import uuid4
uuid4()
child = os.fork()
if child:
    os.waitpid(child, 0)
print(uuid4())
"""


def test_a_forked_process_makes_others_than_its_parent():
    told = subprocess.run([sys.executable, "-c", FORKS], capture_output=True, text=True, check=True).stdout.split()
    assert len(set(told)) == 2
