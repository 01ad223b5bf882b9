"""`make env`: a random password for each, private, never changed again."""

import subprocess
from pathlib import Path

SCRIPT = Path(__file__).parents[2] / "deploy" / "env.sh"


def make(path: Path) -> dict[str, str]:
    subprocess.run(["sh", str(SCRIPT), str(path)], check=True, timeout=20)
    return dict(line.split("=", 1) for line in path.read_text().splitlines())


def test_each_password_is_random_and_only_the_owner_can_read_them(tmp_path: Path):
    first, second = make(tmp_path / "a"), make(tmp_path / "b")

    assert (tmp_path / "a").stat().st_mode & 0o777 == 0o600
    assert first.keys() == second.keys()
    assert len({*first.values(), *second.values()}) == 2 * len(first)
    assert all(len(value) >= 48 for value in first.values())


def test_existing_passwords_stay_and_missing_ones_are_added(tmp_path: Path):
    path = tmp_path / "env"
    path.write_text("REDIS_PASSWORD=mine\nAPI_REPLICAS=5\n")

    made = make(path)

    assert made["REDIS_PASSWORD"] == "mine"
    assert made["API_REPLICAS"] == "5"
    assert len(made) == 13
    assert make(path) == made
