"""What the dashboard shows, in the order in which a request meets it."""

from typing import Final

from dashboards.grafana.panel import Panel, Row
from dashboards.grafana.promql import calls, counted, of_runs, percentile, rate, redis, share
from dashboards.palette import BREAKER, STATES

_RUNS: Final = "suffix: runs/s"
_NGINX: Final = 'span_name="nginx"'
# A phase may have any name, "run all" too: kind and attribute tell spans apart, not their names.
_RUN: Final = 'job="worker", span_kind="SPAN_KIND_CONSUMER"'
_PHASE: Final = 'job="worker", phase="true"'
_ANSWERED: Final = rate("http_server_request_duration_seconds_bucket")
_BY_ROUTE: Final = percentile(_ANSWERED, "http_request_method, http_route")
_NGINX_ANSWERED: Final = rate(f"throughline_span_duration_seconds_bucket{{{_NGINX}}}")
_RAN: Final = counted("throughline_task_duration_seconds_bucket")
_WAITED: Final = counted("throughline_task_queue_wait_seconds_bucket")
_PERCENT: Final = {"50%": 0.5, "95%": 0.95, "99%": 0.99}
_NOW: Final = Row(
    "Now",
    [
        Panel("Requests a second", {"throughline:http_requests:rate5m": ""}, "reqps", "stat", 4, 4),
        Panel("Requests that fail", {"throughline:http_errors:ratio5m": ""}, "percentunit", "stat", 4, 4, limit=0.05),
        Panel("Tasks waiting", {f"sum({redis('throughline_queue_depth')})": ""}, "short", "stat", 4, 4),
        Panel("Oldest waits", {"max(throughline_queue_oldest_age_seconds)": ""}, "s", "stat", 4, 4, limit=120),
        Panel("Workers alive", {redis("throughline_workers_alive"): ""}, "short", "stat", 4, 4),
        Panel("Alerts", {'count(ALERTS{alertstate="firing"}) or vector(0)': ""}, "short", "stat", 4, 4, limit=1),
    ],
)
_REQUESTS: Final = Row(
    "Requests",
    [
        Panel(
            "By status",
            {calls(_NGINX, "http_response_status_code"): "{{http_response_status_code}}"},
            "reqps",
            means="The API's requests as NGINX answered them; health checks are not among them.",
        ),
        Panel(
            "Share that fails",
            {f"throughline:http_errors:ratio{window}": window for window in ("5m", "30m", "1h", "6h")},
            "percentunit",
            means="Answered with a 5xx. The page comes when 5 minutes and the hour are both above 5 %.",
            limit=0.05,
        ),
        Panel(
            "Answered by NGINX within",
            {percentile(_NGINX_ANSWERED, share=part): name for name, part in _PERCENT.items()},
            "s",
        ),
        Panel(
            "Answered by the replicas within",
            {percentile(_ANSWERED, share=part): name for name, part in _PERCENT.items()},
            "s",
            means="As the replicas measure it themselves, sampled or not.",
        ),
        Panel(
            "The slowest routes, 95 %",
            {f"topk(8, {_BY_ROUTE})": "{{http_request_method}} {{http_route}}"},
            "s",
        ),
        Panel(
            "By replica",
            {f"sum by (instance) ({rate('http_server_request_duration_seconds_count')})": "{{instance}}"},
            "reqps",
            means="Requests that each replica of the api answered, health checks included.",
        ),
    ],
)
_FAILED: Final = 'http_response_status_code=~"5.."'
_VERSION_FAILED: Final = 'max without (instance) (rate(throughline_version_runs_total{status="FAILURE"}[10m]))'
_VERSION_RUNS: Final = "max without (instance) (rate(throughline_version_runs_total[10m]))"
_VERSIONS: Final = Row(
    "Versions",
    [
        Panel(
            "Answered by",
            {calls(_NGINX, "upstream_version"): "{{upstream_version}}"},
            "reqps",
            means="The version of the replica that answered; none: NGINX itself did.",
        ),
        Panel(
            "Share that fails, by version",
            {
                share(_NGINX, _FAILED, "upstream_version", "5m", "300000"): "{{upstream_version}}",
            },
            "percentunit",
            means="Of all requests, those answered with a 5xx: the lines add up to the share that fails. A replica "
            "that crashes answers nothing: none.",
            limit=0.05,
        ),
        Panel(
            "Answered within, 95 %, by version",
            {percentile(_ANSWERED, "service_version"): "{{service_version}}"},
            "s",
            means="As the replicas measure it themselves.",
        ),
        Panel(
            "Runs by version",
            {f"sum by (service_version) ({counted('throughline_version_runs_total')})": "{{service_version}}"},
            _RUNS,
            means="By the version of the worker.",
        ),
        Panel(
            "Runs that fail, by version",
            {
                f"sum by (service_version) ({_VERSION_FAILED}) / on () group_left () (sum({_VERSION_RUNS}) > 0)": (
                    "{{service_version}}"
                )
            },
            "percentunit",
            means="Of all runs, by the version of the worker: the lines add up to the share that fails.",
            limit=0.2,
        ),
        Panel(
            "Run, 95 %, by version",
            {
                percentile(
                    counted("throughline_version_duration_seconds_bucket"), "service_version"
                ): "{{service_version}}"
            },
            "s",
        ),
    ],
)
_CIRCUIT: Final = "throughline_circuit_state"
_QUEUES: Final = Row(
    "Queues",
    [
        Panel("Waiting", {redis("throughline_queue_depth"): "{{queue}}"}),
        Panel(
            "Age of the oldest",
            {redis("throughline_queue_oldest_age_seconds"): "{{queue}}"},
            "s",
            limit=120,
        ),
        Panel(
            "Wait before the run, 95 %",
            {percentile(_WAITED, "queue"): "{{queue}}"},
            "s",
            means="Of runs that have ended, retries included: each attempt's own time in its queue.",
        ),
        Panel(
            "Circuit breaker",
            {
                f'max({_CIRCUIT}{{state="half_open"}}) + 2 * max({_CIRCUIT}{{state="open"}})': "breaker",
            },
            kind="state-timeline",
            states=[("closed", BREAKER["closed"]), ("half open", BREAKER["half_open"]), ("open", BREAKER["open"])],
        ),
        Panel(
            "Workers",
            {redis("throughline_workers_alive"): "alive", redis("throughline_workers_expected"): "expected"},
        ),
        Panel(
            "Held",
            {redis("throughline_tasks_in_flight"): "in flight", redis("throughline_dead_letters"): "dead letters"},
        ),
        Panel(
            "Redis's memory",
            {
                redis("throughline_redis_memory_used_bytes"): "used",
                redis("throughline_redis_memory_limit_bytes"): "maxmemory",
            },
            "bytes",
            width=12,
            means="Above 80 % of maxmemory new tasks are refused; the rest is for what was accepted.",
        ),
        Panel(
            "Refused for memory",
            {redis("throughline_memory_full"): "new tasks"},
            kind="state-timeline",
            width=12,
            means="While it is full, new tasks are refused with MEMORY_FULL.",
            states=[("taken", STATES["success"]), ("refused", STATES["failure"])],
        ),
    ],
)
_TASKS: Final = Row(
    "Tasks",
    [
        Panel(
            "Tasks by final status",
            {f"sum by (status) ({counted('throughline_tasks_total')})": "{{status}}"},
            "suffix: tasks/s",
        ),
        Panel(
            "Runs by status",
            {of_runs("status"): "{{status}}"},
            _RUNS,
            means="RETRY is every end after which the task runs again: a temporary error, a lost process or worker, "
            "a worker that was stopped.",
        ),
        Panel(
            "Share that fails, of runs",
            {"throughline:task_failures:ratio10m": "10m"},
            "percentunit",
            limit=0.2,
        ),
        Panel(
            "Run within",
            {percentile(_RAN, share=part): name for name, part in _PERCENT.items()},
            "s",
            means="Each attempt's own time, a lost one to its last sign of life.",
        ),
        Panel(
            "Waited within",
            {percentile(_WAITED, share=part): name for name, part in _PERCENT.items()},
            "s",
        ),
        Panel("Runs by type", {of_runs("task_type"): "{{task_type}}"}, _RUNS),
        Panel("Run, 95 %, by type", {percentile(_RAN, "task_type"): "{{task_type}}"}, "s"),
        Panel(
            "Runs by worker",
            {calls(_RUN, "instance"): "{{instance}}"},
            _RUNS,
            means="The last runs of a process that was killed may count twice: its worker writes their spans again.",
        ),
        Panel(
            "Where the time goes",
            {f"sum by (span_name) ({rate(f'throughline_span_duration_seconds_sum{{{_PHASE}}}')})": ("{{span_name}}")},
            "short",
            means="How many processes are in each phase. A phase within a phase counts in both.",
        ),
    ],
)
_HISTORY: Final = Row(
    "History",
    [
        Panel(
            "Ended and not copied yet",
            {"max(throughline_history_behind)": "tasks"},
            width=12,
            means="Ended tasks that are in Redis alone: at rest for a second or two each.",
        ),
        Panel(
            "Age of the oldest",
            {"max(throughline_history_behind_age_seconds)": "since its end"},
            "s",
            width=12,
            limit=60,
        ),
    ],
)
_PLANE: Final = Row(
    "The plane",
    [
        Panel("Log lines behind", {"throughline_logs_lag_seconds": "newest line"}, "s", limit=60),
        Panel("Span batches waiting for Jaeger", {"otelcol_exporter_queue_size": "{{exporter}}"}, limit=100),
        Panel(
            "Metrics given",
            {"min by (job) (up)": "{{job}}"},
            kind="state-timeline",
            states=[("no", STATES["failure"]), ("yes", STATES["success"])],
        ),
    ],
)
ROWS: Final = (_NOW, _REQUESTS, _VERSIONS, _QUEUES, _TASKS, _HISTORY, _PLANE)
