"""What the map consists of, before it is laid out: its nodes, column by column, and what flows into each."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlencode

from monitor.page.system_map.minute import Flow, Minute
from monitor.page.system_map.replicas import Replica
from monitor.page.traffic import Answers, Traffic
from monitor.page.workers.view import ago, sign_of_life, state
from throughline.journey.quantities import format_duration, format_percent
from throughline.journey.summary import Tone
from throughline.ledger.message import Queue
from throughline.ledger.queue_sample import Sample
from throughline.ledger.workers import Workers, WorkerState

NGINX: Final = "NGINX"


@dataclass(frozen=True)
class Part:
    """A node, with what flows into it: `rate`, and below it `detail`; a share that failed stands out."""

    name: str
    kind: str  # nginx, api, queue or worker
    state: str
    tone: Tone
    rate: str = ""
    detail: str = ""
    failing: str = ""
    href: str = ""
    moves: bool = False  # something has flowed lately

    @property
    def sentence(self) -> str:
        """The same for those who do not see the map."""
        return f"{self.name}: {', '.join(filter(None, (self.state, self.rate, self.failing, self.detail)))}"


@dataclass(frozen=True)
class Parts:
    """The four columns, and what is between the replicas and the queues."""

    nginx: Part
    replicas: tuple[Part, ...]
    queues: tuple[Part, ...]
    workers: tuple[Part, ...]
    taken: str  # tasks that were accepted
    refused: str  # by the circuit breaker or for want of memory; empty while it takes tasks
    window: str


def parts(sample: Sample, workers: Workers, minute: Minute, seen: Traffic | None, replicas: Sequence[Replica]) -> Parts:
    answers: Mapping[str, Answers] = seen.minute if seen else {}
    seconds = seen.minute_seconds if seen else 0.0
    names = sorted({*(each.name for each in replicas), *filter(None, answers)})
    known = {each.name: each for each in replicas}
    return Parts(
        nginx=_nginx(answers, seconds, has_lines=seen is not None),
        replicas=tuple(_replica(name, known.get(name), answers.get(name), seconds, workers.now) for name in names),
        queues=tuple(_queue(queue, sample, minute.queues.get(queue, Flow(minute.seconds))) for queue in Queue),
        workers=tuple(
            _worker(each, minute.workers.get(each.name, Flow(minute.seconds)), workers.now) for each in workers.workers
        ),
        taken=f"{rate(seen.taken, seconds)} tasks" if seen else "",
        refused=_refusal(sample),
        window=f"over the last {format_duration(round(minute.seconds * 1e9)) if 0 < minute.seconds < 59 else 'minute'}",
    )


def rate(number: int, seconds: float) -> str:
    """`0.4/s`; as many digits as a glance takes in."""
    each = number / seconds if seconds else 0.0
    return f"{each:,.0f}/s" if each >= 10 or not each else f"{each:.1f}/s" if each >= 0.95 else f"{each:.2f}/s"


def _nginx(answers: Mapping[str, Answers], seconds: float, *, has_lines: bool) -> Part:
    count, own = sum(each.count for each in answers.values()), answers.get("")
    failing = f"{format_percent(own.failed, count)} failed here" if own and own.failed else ""
    words = f"{rate(count, seconds)} requests" if has_lines else "no access lines"
    return Part(NGINX, "nginx", failing or words, "bad" if failing else "good", moves=count > 0)


def _replica(name: str, known: Replica | None, answers: Answers | None, seconds: float, now: float) -> Part:
    is_down = known is not None and known.is_down(now)
    state = f"down, seen {ago(now - known.last_seen_at)}" if known and is_down else known.version if known else "up"
    count = answers.count if answers else 0
    return Part(
        name,
        "api",
        state,
        "bad" if is_down else "good",
        rate=rate(count, seconds),
        detail=f"p95 {answers.p95_ms:,.0f} ms" if answers else "",
        failing=_failing(answers.failed, count) if answers else "",
        moves=count > 0,
    )


def _queue(queue: Queue, sample: Sample, flow: Flow) -> Part:
    depth, mean = sample.depth[queue], flow.waits.mean
    waiting = f"{depth:,} · {format_duration(round(sample.oldest_age[queue] * 1e9))}" if depth else "empty"
    return Part(
        queue,
        "queue",
        f"{waiting} oldest" if depth else waiting,
        "good",
        rate=rate(flow.runs, flow.seconds),
        detail=f"waited {format_duration(round(mean * 1e9))}" if mean is not None else "",
        failing=_failing(flow.failed, flow.runs),
        href=f"/tasks?{urlencode({'queue': queue.value})}",
        moves=flow.runs > 0,
    )


def _worker(worker: WorkerState, flow: Flow, now: float) -> Part:
    word, tone = state(worker, now)
    busy = f"{len(worker.running)} of {worker.slots} busy"
    silent = sign_of_life(worker, now).replace("last sign of life", "seen")
    return Part(
        worker.name,
        "worker",
        f"{word}, {silent}" if silent else f"{word}, {busy}" if tone != "good" else busy,
        tone,
        rate=rate(flow.runs, flow.seconds),
        failing=_failing(flow.failed, flow.runs),
        href=f"/workers#worker-{worker.name}",
        moves=flow.runs > 0 or bool(worker.running),
    )


def _failing(failed: int, whole: int) -> str:
    return f"{format_percent(failed, whole)} failed" if failed else ""


def _refusal(sample: Sample) -> str:
    if sample.circuit == "open":
        return "breaker open"
    return "memory full" if sample.memory_full else ""
