"""The OpenAPI document is true: whatever is sent, a replica behind NGINX answers as it says."""

import subprocess
import sys
from pathlib import Path

from tests.system.nine import Nine

CHECKS = [
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_schema_conformance",
    "response_headers_conformance",
    "unsupported_method",
]


def test_schemathesis_finds_no_server_error_and_no_undeclared_answer(nine: Nine, tmp_path: Path):
    answer = subprocess.run(
        [
            Path(sys.executable).with_name("schemathesis"),
            "--no-color",
            "run",
            f"{nine.base_url}/openapi.json",
            f"--checks={','.join(CHECKS)}",
            "--phases=examples,coverage,fuzzing",
            "--max-examples=15",
            "--generation-deterministic",
            "--request-timeout=35",
            "--max-time=30",
            "--warnings=off",
        ],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=115,
        check=False,
    )
    assert answer.returncode == 0, answer.stdout[-6000:] + answer.stderr
    assert "No issues found" in answer.stdout, answer.stdout[-2000:]
