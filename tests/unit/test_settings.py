"""A wrong setting ends a process before it starts, with the variable's name."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from monitor.metrics import Metrics
from throughline.settings import ApiSettings, MonitorSettings, NineSettings, PlaneSettings, WorkerSettings
from throughline.settings.environment import EnvironmentSettings

READERS = [
    ("ENVIRONMENT", "prod", "api worker monitor plane up"),
    ("REDIS_URL", "127.0.0.1:6379", "api worker monitor up"),
    ("HTTP_PORT", "eighty", "up"),
    ("CIRCUIT_MAX_DEPTH", "0", "api monitor up"),
    ("MAX_DELIVERIES", "none", "worker up"),
    ("KIBANA_PUBLIC_URL", "javascript://a/%0aalert(1)", "monitor up"),
    ("JAEGER_PUBLIC_URL", "localhost:16686", "monitor plane up"),
    ("ELASTICSEARCH_URL", "elasticsearch:9200", "monitor plane up"),
    ("KIBANA_URL", "http://kibana:kibana", "plane"),
    ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://", "api worker monitor up"),
    ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://[collector:4318", "api"),
    ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://collector:4318 ", "api"),
    ("OTEL_EXPORTER_OTLP_HEADERS", "tenant", "api worker up"),
    ("OTEL_EXPORTER_OTLP_HEADERS", "a=b,api key=secret", "api worker up"),
    ("OTEL_EXPORTER_OTLP_HEADERS", "api-key=se;cret", "api worker up"),
    ("OTEL_EXPORTER_OTLP_TIMEOUT", "5s", "api worker up"),
    ("OTEL_EXPORTER_OTLP_CERTIFICATE", "/nowhere/ca.pem", "api worker up"),
    ("OTEL_EXPORTER_OTLP_COMPRESSION", "zip", "api worker up"),
    ("OTEL_RESOURCE_ATTRIBUTES", "a=b,=c", "api worker up"),
    ("OTEL_METRICS_EXPORTER", "prometheus", "api up"),
    ("OTEL_METRIC_EXPORT_INTERVAL", "0", "api up"),
    ("OTEL_BSP_SCHEDULE_DELAY", "0", "api worker up"),
    ("OTEL_BSP_MAX_QUEUE_SIZE", "many", "api worker up"),
    ("OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT", "1", "api worker up"),
    ("OTEL_SPAN_EVENT_COUNT_LIMIT", "-1", "api worker up"),
    ("OTEL_TRACES_SAMPLER", " always_off", "api worker up"),
    ("OTEL_TRACES_SAMPLER_ARG", "1.1", "api worker up"),
    ("OTEL_SDK_DISABLED", "yes", "api worker up"),
    ("OTEL_PYTHON_FASTAPI_EXCLUDED_URLS", "/health,(", "api up"),
    ("OTEL_PYTHON_EXCLUDED_URLS", "*", "api up"),
    ("OTEL_PYTHON_EXCLUDED_URLS", "/health,(?i)/QUEUES", "api up"),  # each is one; joined to one they are none
    ("OTEL_SEMCONV_STABILITY_OPT_IN", "database", "api up"),
    ("OTEL_INSTRUMENTATION_HTTP_CAPTURE_HEADERS_SERVER_REQUEST", "x-[", "api up"),
    ("OTEL_INSTRUMENTATION_HTTP_CAPTURE_HEADERS_SANITIZE_FIELDS", "(?P<a", "api up"),
    ("SERVICE_NODE_NAME", "../worker-1", "api worker monitor plane up"),
    ("SERVICE_VERSION", '1.0"', "api worker monitor plane up"),
    ("SERVICE_VERSION", "1.0\n", "api"),
    ("SERVICE_VERSION", "v" * 129, "worker"),
    ("CIRCUIT_OPEN_SECONDS", "nan", "api up"),
    ("TASK_RETRY_SECONDS", "inf", "worker up"),
    ("RESULT_TTL_SECONDS", "9223372036854775807", "api worker up"),
    ("IDEMPOTENCY_TTL_SECONDS", "99999999999", "api worker up"),
    ("VISIBILITY_TIMEOUT_SECONDS", "99999999999", "worker up"),
]
CLASSES: dict[str, type[EnvironmentSettings]] = {
    "api": ApiSettings,
    "worker": WorkerSettings,
    "monitor": MonitorSettings,
    "plane": PlaneSettings,
    "up": NineSettings,
}


@pytest.fixture
def ended(monkeypatch) -> Callable[..., list[str]]:
    """The last words of a process that is given these variables."""

    def end(program: str, **variables: str) -> list[str]:
        monkeypatch.setattr(EnvironmentSettings, "_loaded", {})
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        with pytest.raises(SystemExit) as told:
            CLASSES[program].load()
        return str(told.value).splitlines()

    return end


@pytest.mark.parametrize(
    ("program", "variable", "value"),
    [(program, variable, value) for variable, value, readers in READERS for program in readers.split()],
)
def test_a_wrong_setting_is_one_line_that_names_it(ended, program, variable, value):
    (line,) = ended(program, **{variable: value})

    assert line.startswith(f"Wrong setting: {variable}: ")


def test_a_redis_url_that_one_process_cannot_use_ends_all_with_the_same_line():
    commands = ("uvicorn api.main:app", "celery -A worker.app worker", "monitor")
    programs = [[sys.executable, "-m", *command.split()] for command in commands]
    ends = [
        subprocess.run(
            program,
            check=False,
            env=os.environ | {"REDIS_URL": "sentinel://:secret@redis:26379/0"},
            capture_output=True,
            text=True,
            timeout=30,
        )
        for program in [*programs, [str(Path(sys.executable).with_name("throughline")), "up"]]
    ]

    assert [done.returncode for done in ends] == [1] * 4
    assert len({done.stderr for done in ends}) == 1
    assert ends[0].stderr.startswith("Wrong setting: REDIS_URL: ")
    assert ends[0].stderr.count("\n") == 1
    assert "secret" not in ends[0].stderr


@pytest.mark.parametrize("listed", ["/health$,", " , /health$ ,,", "/health$"])
def test_an_empty_expression_excludes_nothing(listed):
    assert ApiSettings(otel_python_excluded_urls=listed).excluded_urls == "/health$"
    assert (
        ApiSettings(otel_python_excluded_urls="/health$", otel_python_fastapi_excluded_urls=" , ").excluded_urls == ""
    )


@pytest.mark.parametrize("imported", ["api.main", "worker.app", "monitor.app"])
def test_a_propagator_that_is_not_installed_is_asked_for_in_vain(imported):
    done = subprocess.run(
        [sys.executable, "-c", f"import {imported}"],
        check=False,
        env=os.environ | {"OTEL_PROPAGATORS": "b3,nonsense"},
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_an_exemplar_filter_is_not_read_by_the_monitor_either(monkeypatch):
    monkeypatch.setenv("OTEL_METRICS_EXEMPLAR_FILTER", "nonsense")
    assert b"throughline_workers_expected" in Metrics("monitor", "1.0", 1).text()


@pytest.mark.parametrize("command", ["uvicorn api.main:app", "celery -A worker.app worker", "monitor"])
def test_a_limit_that_opentelemetry_reads_before_us_is_one_clear_line_too(command):
    done = subprocess.run(
        [sys.executable, "-m", *command.split()],
        check=False,
        env=os.environ | {"OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT": "many"},
        capture_output=True,
        text=True,
        timeout=30,
    )

    assert done.returncode == 1
    (line,) = done.stderr.strip().splitlines()
    assert line.startswith("Wrong setting: OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT")


def test_a_module_of_tasks_that_does_not_import_ends_a_local_run_before_anything_starts(tmp_path):
    (tmp_path / "broken_tasks.py").write_text("1 / 0")
    done = subprocess.run(
        [str(Path(sys.executable).with_name("throughline")), "up"],
        check=False,
        env=os.environ
        | {"TASK_MODULES": "broken_tasks", "PYTHONPATH": str(tmp_path), "VAR_DIR": str(tmp_path / "var")},
        capture_output=True,
        text=True,
        timeout=30,
    )

    assert done.returncode == 1
    assert done.stderr.startswith("Wrong task module: broken_tasks (in TASK_MODULES) ")
    assert done.stderr.count("\n") == 1
    assert not (tmp_path / "var").exists()


@pytest.mark.parametrize("settings", [ApiSettings, MonitorSettings, WorkerSettings, PlaneSettings])
def test_a_process_reads_no_settings_of_others(settings, monkeypatch):
    for name in NineSettings.model_fields.keys() - settings.model_fields.keys():
        monkeypatch.setenv(name.upper(), "wrong")

    settings()


@pytest.mark.parametrize(
    ("smaller", "larger", "readers"),
    [
        (("CIRCUIT_CLOSE_DEPTH", 501), ("CIRCUIT_MAX_DEPTH", 500), "api up"),
        (("TASK_SOFT_TIME_LIMIT_SECONDS", 120), ("TASK_TIME_LIMIT_SECONDS", 120), "worker up"),
        (("TASK_TIME_LIMIT_SECONDS", 180), ("VISIBILITY_TIMEOUT_SECONDS", 180), "worker up"),
        (("WORKER_SHUTDOWN_SECONDS", 31), ("WORKER_KILL_SECONDS", 35), "worker up"),
        (("IDEMPOTENCY_TTL_SECONDS", 3600), ("RESULT_TTL_SECONDS", 3600), "api up"),
        (("TASK_RETRY_SECONDS", 3601), ("RESULT_TTL_SECONDS", 3600), "worker up"),
    ],
)
def test_two_settings_that_do_not_go_together_are_one_line_that_names_both(ended, smaller, larger, readers):
    for program in readers.split():
        (line,) = ended(program, **{name: str(value) for name, value in (smaller, larger)})

        assert line.startswith(f"Wrong setting: {smaller[0]} ({smaller[1]}) must be ")
        assert f" {larger[0]} ({larger[1]})" in line


def test_settings_that_just_go_together_are_taken(monkeypatch):
    for name, value in {
        "CIRCUIT_CLOSE_DEPTH": 500,
        "WORKER_SHUTDOWN_SECONDS": 30,
        "IDEMPOTENCY_TTL_SECONDS": 59,
        "RESULT_TTL_SECONDS": 60,
        "VISIBILITY_TIMEOUT_SECONDS": 121,
        "TASK_SOFT_TIME_LIMIT_SECONDS": 119,
    }.items():
        monkeypatch.setenv(name, str(value))

    NineSettings()


def test_all_wrong_settings_are_named_at_once(ended):
    lines = ended("up", HTTP_PORT="eighty", MAX_DELIVERIES="0", ENVIRONMENT="prod")

    assert sorted(line.split(": ")[1] for line in lines) == ["ENVIRONMENT", "HTTP_PORT", "MAX_DELIVERIES"]


def test_an_empty_variable_counts_as_unset(monkeypatch):
    monkeypatch.setenv("API_KEYS_FILE", "")
    monkeypatch.setenv("CIRCUIT_MAX_DEPTH", "")
    assert (ApiSettings().api_keys_file, ApiSettings().circuit_max_depth) == (None, 500)
