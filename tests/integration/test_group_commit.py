"""Group commit on a real Redis: one connection, whole pipelines, and what each kind of trouble costs a submission."""

import asyncio
import shutil
import signal
import socket
import subprocess
import time
import uuid
from urllib.parse import urlsplit

import pytest
import redis
import uvloop
from redis.backoff import NoBackoff
from redis.retry import Retry

from api.errors import BrokerUnavailable
from api.queue_service import QueueService
from tests.conftest import free_port
from throughline.ledger import keys
from throughline.ledger.message import Queue
from throughline.ledger.submission import Submission
from throughline.settings import ApiSettings

LIMIT = 0.6  # seconds: REDIS_TIMEOUT_SECONDS
WAITS = LIMIT * 1.6  # as queue_service.py has it
REFUSED_BY = 10 * WAITS  # room for a busy machine; fifty that wait one after the other take five times as long
RECORD = {"task_type": "calculate_var", "queue": "low", "correlation_id": "GROUP-1"}


def submission(size=100):
    return Submission(str(uuid.uuid4()), Queue.LOW, "GROUP-1", b"x" * size, RECORD)


class OwnRedis:
    """A Redis that can hang, end and come back with what it had."""

    def __init__(self, folder, wait_until):
        self._folder, self._wait_until, self.port = folder, wait_until, free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self.client = redis.Redis.from_url(self.url, decode_responses=True, retry=Retry(NoBackoff(), 0))
        self.start()

    def start(self, *options):
        files = ["--save", "", "--appendonly", "yes", "--appendfsync", "always", "--dir", str(self._folder)]
        program = [str(shutil.which("redis-server")), "--port", str(self.port), "--bind", "127.0.0.1", *files, *options]
        self._server = subprocess.Popen(program, stdout=subprocess.DEVNULL)
        self._wait_until(self._answers, 20, "Redis answers")

    def kill(self):
        self._server.kill()
        self._server.wait(timeout=20)

    def hang(self):
        self._server.send_signal(signal.SIGSTOP)

    def go_on(self):
        self._server.send_signal(signal.SIGCONT)

    def _answers(self):
        try:
            return self.client.ping()
        except redis.BusyLoadingError:
            return True
        except redis.RedisError:
            return False


@pytest.fixture
def own(tmp_path, wait_until):
    server = OwnRedis(tmp_path, wait_until)
    yield server
    server.client.close()
    server.go_on()
    server.kill()


@pytest.fixture
def story():
    """Runs one story against a queue service; under uvloop, as the replicas do."""

    def run(url, told, loop=uvloop):
        async def whole():
            queue = QueueService(ApiSettings(redis_url=url, redis_timeout_seconds=LIMIT, circuit_max_depth=10**6))
            try:
                return await told(queue)
            finally:
                await queue.close()

        return loop.run(whole())

    return run


async def outcomes(queue, number, size=100):
    """What becomes of so many submissions at once: how they ended, and after how many seconds each."""

    async def one():
        began = time.monotonic()
        try:
            return (await queue.submit(submission(size))).outcome, time.monotonic() - began
        except BrokerUnavailable:
            return "unavailable", time.monotonic() - began

    return await asyncio.gather(*(one() for _ in range(number)))


@pytest.mark.parametrize("loop", [uvloop, asyncio], ids=["uvloop", "asyncio"])
def test_submissions_of_one_moment_share_a_connection_and_a_few_writes(story, broker, redis_url, loop):
    async def told(queue):
        await queue.submit(submission())
        before = broker.info("stats")
        some = await outcomes(queue, 50)
        return before, broker.info("stats"), some

    before, after, some = story(redis_url, told, loop)
    assert [outcome for outcome, _ in some] == ["accepted"] * 50
    assert after["total_reads_processed"] - before["total_reads_processed"] < 15
    assert after["total_connections_received"] == before["total_connections_received"]


def test_a_thousand_at_once_are_only_slow_though_the_loop_is_busy_for_longer_than_a_call_may_wait(
    story, broker, redis_url
):
    async def told(queue):
        await queue.submit(submission())
        some = asyncio.create_task(outcomes(queue, 1_000))
        for _ in range(4):
            await asyncio.sleep(0)
            time.sleep(WAITS * 1.5)  # noqa: ASYNC251 - as many requests at once keep the loop busy
        return await some

    assert {outcome for outcome, _ in story(redis_url, told)} == {"accepted"}
    assert broker.llen("low") == 1_001


def test_an_answer_that_came_while_the_loop_was_busy_for_longer_than_a_call_may_wait_counts(story, broker, redis_url):
    async def told(queue):
        await queue.submit(submission())
        some = asyncio.create_task(outcomes(queue, 5))
        for _ in range(2):  # turns of the loop: all have come
            await asyncio.sleep(0)
        ours, theirs = socket.socketpair()
        loop = asyncio.get_running_loop()

        def reads():
            """As many requests: uvloop looks at its timers next, and only then at the other sockets."""
            loop.remove_reader(ours)
            time.sleep(WAITS * 1.5)

        loop.add_reader(ours, reads)
        loop.call_soon(theirs.send, b"x")
        found = await some
        ours.close()
        theirs.close()
        return found

    assert {outcome for outcome, _ in story(redis_url, told)} == {"accepted"}


def test_while_redis_hangs_each_waits_for_its_own_time_and_afterwards_tasks_are_taken_at_once(story, own):
    async def told(queue):
        await queue.submit(submission())
        own.hang()
        first = asyncio.create_task(outcomes(queue, 200))
        await asyncio.sleep(WAITS / 2)
        later = asyncio.create_task(outcomes(queue, 5))
        refused = [*await first, *await later]
        own.go_on()
        return refused, await outcomes(queue, 3)

    refused, taken = story(own.url, told)
    assert {outcome for outcome, _ in refused} == {"unavailable"}
    assert all(WAITS <= seconds < REFUSED_BY for _, seconds in refused)
    assert [outcome for outcome, _ in taken] == ["accepted"] * 3
    messages = own.client.lrange("low", 0, -1)
    assert len(messages) == own.client.zcard(keys.OPEN), "what was sent before the refusals was carried out once"


def test_a_redis_that_hangs_for_less_than_a_call_may_wait_costs_nobody_an_error(story, own):
    async def told(queue):
        await queue.submit(submission())
        own.hang()
        some = asyncio.create_task(outcomes(queue, 100))
        await asyncio.sleep(WAITS / 2)
        own.go_on()
        return await some

    assert {outcome for outcome, _ in story(own.url, told)} == {"accepted"}
    assert own.client.llen("low") == own.client.zcard(keys.OPEN) == 101


def test_a_redis_that_is_killed_and_back_in_time_costs_nobody_an_error_and_makes_no_second_task(story, own):
    async def told(queue):
        await queue.submit(submission())
        some = asyncio.create_task(outcomes(queue, 600))
        while own.client.llen("low") < 100:  # noqa: ASYNC110
            await asyncio.sleep(0)
        await asyncio.to_thread(own.kill)
        await asyncio.to_thread(own.start)
        return await some

    assert {outcome for outcome, _ in story(own.url, told)} == {"accepted"}
    assert own.client.llen("low") == own.client.zcard(keys.OPEN) == 601


def test_a_redis_that_is_back_but_still_loads_its_data_costs_nobody_an_error(story, own):
    for number in range(100):
        own.client.set(f"slow-{number}", "x" * 2_000)
    own.client.config_set("rdbcompression", "no")  # while it loads, Redis answers once in so many bytes
    own.client.save()
    own.kill()
    slow = ("--key-load-delay", "3000", "--loading-process-events-interval-bytes", "1024")
    own.start("--appendonly", "no", *slow)
    with pytest.raises(redis.BusyLoadingError):
        own.client.get("slow-1")
    assert [outcome for outcome, _ in story(own.url, lambda queue: outcomes(queue, 20))] == ["accepted"] * 20


def test_a_single_call_that_redis_refuses_since_it_loads_its_data_again_is_sent_once_more(story, own):
    own.kill()
    slow = ("--key-load-delay", "3000", "--loading-process-events-interval-bytes", "1024")
    own.start("--appendonly", "no", "--rdbcompression", "no", "--enable-debug-command", "local", *slow)
    for number in range(80):
        own.client.set(f"slow-{number}", "x" * 2_000)
    other = redis.Redis.from_url(own.url)

    def loads():
        try:
            return not own.client.exists("slow-1")
        except redis.BusyLoadingError:
            return True

    async def told(queue):
        await queue.submit(submission())
        reload = asyncio.create_task(asyncio.to_thread(other.execute_command, "DEBUG", "RELOAD"))
        while not loads() and not reload.done():  # noqa: ASYNC110
            await asyncio.sleep(0)
        found = await outcomes(queue, 1)
        await reload
        return found

    assert [outcome for outcome, _ in story(own.url, told)] == ["accepted"]
    other.close()


class CutsAnswers:
    """Stands before Redis, and cuts a connection in the place of the first answer that holds `text`.

    Answers are passed on after `delay` seconds.
    """

    def __init__(self, port, text):
        self._port, self._text, self.cuts, self.delay = port, text, 0, 0.0
        self._open = []

    async def __aenter__(self):
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.url = f"redis://127.0.0.1:{self._server.sockets[0].getsockname()[1]}/0"
        return self

    async def __aexit__(self, *_):
        self._server.close()
        for each in self._open:
            each.close()
        await asyncio.gather(*(each.wait_closed() for each in self._open), return_exceptions=True)

    async def _serve(self, reader, writer):
        up, down = await asyncio.open_connection("127.0.0.1", self._port)
        self._open += [writer, down]
        there = asyncio.create_task(self._pass_on(reader, down))
        while data := await up.read(65_536):
            if self._text in data and not self.cuts:
                self.cuts += 1
                break
            await asyncio.sleep(self.delay)
            writer.write(data)
        there.cancel()
        writer.close()

    async def _pass_on(self, reader, writer):
        while data := await reader.read(65_536):
            writer.write(data)


def test_a_task_whose_answer_was_lost_with_the_connection_is_made_once(broker, redis_url, story):
    async def told():
        async with CutsAnswers(urlsplit(redis_url).port, b"accepted") as cut:
            queue = QueueService(ApiSettings(redis_url=cut.url, redis_timeout_seconds=LIMIT))
            some = await outcomes(queue, 5)
            await queue.close()
            return some, cut.cuts

    some, cuts = asyncio.run(told())
    assert (cuts, [outcome for outcome, _ in some]) == (1, ["accepted"] * 5)
    assert broker.llen("low") == broker.zcard(keys.OPEN) == 5


def test_a_task_with_a_key_whose_answer_was_lost_was_not_taken_before(broker, redis_url):
    bare = submission()
    keyed = Submission(bare.task_id, Queue.LOW, "GROUP-1", bare.message, RECORD, "tl:idempotency:lost", "hash")
    again = Submission(str(uuid.uuid4()), Queue.LOW, "GROUP-1", bare.message, RECORD, "tl:idempotency:lost", "hash")

    async def told():
        async with CutsAnswers(urlsplit(redis_url).port, b"accepted") as cut:
            queue = QueueService(ApiSettings(redis_url=cut.url, redis_timeout_seconds=LIMIT))
            found = await queue.submit(keyed), await queue.submit(again)
            await queue.close()
            return *found, cut.cuts

    first, second, cuts = asyncio.run(told())
    assert (first.outcome, cuts) == ("accepted", 1)
    assert (second.outcome, second.first_task_id) == ("replayed", bare.task_id)
    assert broker.llen("low") == 1


def test_a_redis_that_has_become_slow_is_not_cut_off_by_the_calls_that_came_while_it_was_away(broker, redis_url):
    async def told():
        async with CutsAnswers(urlsplit(redis_url).port, b"no such answer") as slow:
            queue = QueueService(ApiSettings(redis_url=slow.url, redis_timeout_seconds=LIMIT))
            await outcomes(queue, 1)
            coming = []
            for delay in (WAITS * 2, WAITS * 0.4):
                slow.delay = delay
                for _ in range(60):
                    coming.append(asyncio.create_task(outcomes(queue, 1)))
                    await asyncio.sleep(WAITS / 20)
            found = [each for some in coming for each in await some]
            await queue.close()
            return found

    assert [outcome for outcome, _ in asyncio.run(told())[-20:]] == ["accepted"] * 20


def test_an_error_of_one_call_is_told_to_that_call_alone(story, broker, redis_url):
    bad = submission()
    wrong = Submission(bad.task_id, Queue.LOW, "GROUP-1", b"x", RECORD, "some-key", "hash")
    broker.lpush("some-key", "not a string")

    async def told(queue):
        sent = [submission(), wrong, submission()]
        return await asyncio.gather(*map(queue.submit, sent), return_exceptions=True)

    before, error, after = story(redis_url, told)
    assert (before.outcome, after.outcome) == ("accepted", "accepted")
    assert isinstance(error, BrokerUnavailable)
    assert "WRONGTYPE" in str(error.__cause__)
    assert broker.llen("low") == 2


def test_scripts_that_redis_forgot_are_sent_again_for_all_that_are_on_their_way(story, broker, redis_url):
    async def told(queue):
        await queue.submit(submission())
        broker.script_flush()
        return await outcomes(queue, 100)

    assert {outcome for outcome, _ in story(redis_url, told)} == {"accepted"}


def test_a_request_that_goes_disturbs_no_other_and_unsends_nothing(story, broker, redis_url):
    sent = [submission() for _ in range(5)]

    async def told(queue):
        await queue.submit(submission())
        tasks = [asyncio.create_task(queue.submit(each)) for each in sent]
        for _ in range(3):  # turns of the loop: they are on their way
            await asyncio.sleep(0)
        tasks[1].cancel()
        unsent = asyncio.create_task(queue.submit(submission()))
        await asyncio.sleep(0)
        unsent.cancel()
        return await asyncio.gather(*tasks, unsent, return_exceptions=True)

    first, gone, *others, unsent = story(redis_url, told)
    assert [decision.position for decision in (first, *others)] == [2, 4, 5, 6]
    assert gone.outcome == "accepted", "it was sent, so it is told"
    assert isinstance(unsent, asyncio.CancelledError)
    assert broker.llen("low") == 6
    assert broker.exists(keys.task(sent[1].task_id))


def test_a_small_one_is_not_answered_after_all_large_ones_that_came_before(story, broker, redis_url):
    async def told(queue):
        await queue.submit(submission())
        large = [asyncio.create_task(queue.submit(submission(1_000_000))) for _ in range(40)]
        await asyncio.sleep(0)
        await queue.submit(submission())
        ahead = sum(each.done() for each in large)
        await asyncio.gather(*large)
        return ahead

    assert story(redis_url, told) < 10
    assert broker.llen("low") == 42


@pytest.mark.parametrize("loop", [uvloop, asyncio], ids=["uvloop", "asyncio"])
def test_at_the_end_what_is_on_its_way_is_answered(broker, redis_url, loop):
    async def told():
        queue = QueueService(ApiSettings(redis_url=redis_url))
        some = asyncio.create_task(outcomes(queue, 200))
        for _ in range(2):  # turns of the loop: all have come
            await asyncio.sleep(0)
        await queue.close()
        with pytest.raises(BrokerUnavailable):
            await queue.submit(submission())
        return await some

    assert {outcome for outcome, _ in loop.run(told())} == {"accepted"}


def test_a_wrong_password_is_a_broker_that_is_away_until_it_is_right(story, own):
    own.client.config_set("requirepass", "right")

    async def told(queue):
        refused = await outcomes(queue, 3)
        own.client.config_set("requirepass", "wrong")
        return refused, await outcomes(queue, 3)

    refused, taken = story(own.url.replace("//", "//:wrong@"), told)
    assert {outcome for outcome, _ in refused} == {"unavailable"}
    assert max(seconds for _, seconds in refused) < REFUSED_BY
    assert {outcome for outcome, _ in taken} == {"accepted"}


def test_a_redis_that_wants_a_password_which_nobody_gave_refuses_all_in_time(story, own):
    own.client.config_set("requirepass", "new")  # it answers the first call with an error, and closes the connection

    refused = story(own.url, lambda queue: outcomes(queue, 60))

    own.client.config_set("requirepass", "")
    assert {outcome for outcome, _ in refused} == {"unavailable"}
    assert max(seconds for _, seconds in refused) < REFUSED_BY


def test_nobody_listening_refuses_within_the_second_and_a_redis_that_comes_is_found(story, own):
    own.kill()

    async def told(queue):
        refused = await outcomes(queue, 50)
        await asyncio.to_thread(own.start)
        return refused, await outcomes(queue, 3)

    refused, taken = story(own.url, told)
    assert {outcome for outcome, _ in refused} == {"unavailable"}
    assert max(seconds for _, seconds in refused) < REFUSED_BY
    assert {outcome for outcome, _ in taken} == {"accepted"}
