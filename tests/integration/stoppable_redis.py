"""A Redis of a test's own, which it may stop and start again."""

import shutil
import subprocess

import redis

from tests.conftest import free_port


class StoppableRedis:
    """A Redis that keeps what it has in a folder and can be started again."""

    def __init__(self, folder, wait_until):
        self._port, self._folder, self._wait_until = free_port(), folder, wait_until
        self.url = f"redis://127.0.0.1:{self._port}/0"
        self.client = redis.Redis.from_url(self.url, decode_responses=True)

    def start(self):
        options = ["--port", str(self._port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "yes"]
        program = [str(shutil.which("redis-server")), *options, "--dir", str(self._folder)]
        self._server = subprocess.Popen(program, stdout=subprocess.DEVNULL)
        self._wait_until(self._answers, 20, "Redis answers")

    def stop(self):
        self._server.terminate()
        self._server.wait(timeout=20)
        self.client.close()

    def _answers(self):
        try:
            return self.client.ping()
        except redis.RedisError:
            return False
