"""The last of the tests: what is left of a release that is taken away, and what a new one of its name finds."""

from collections.abc import Callable
from contextlib import closing
from typing import Any

import pytest

from tests.cluster.release import CHART, Release

Wait = Callable[..., Any]
KINDS = "deployments,statefulsets,daemonsets,jobs,pods,services,configmaps,secrets,persistentvolumeclaims"
POLICIES = "networkpolicies,poddisruptionbudgets,horizontalpodautoscalers,serviceaccounts,roles,rolebindings"


def left(release: Release) -> set[str]:
    """The kinds and names of the objects that its namespaces still hold."""
    names = [release.namespace, release.filebeat_namespace]
    found = [it for name in names for it in release.cluster.objects(f"{KINDS},{POLICIES}", "-n", name)]
    return {
        f"{it['kind']} {it['metadata']['name']}"
        for it in found
        if it["metadata"]["name"] not in ("default", "kube-root-ca.crt")
    }


@pytest.fixture(scope="module")
def kept(release: Release) -> set[str]:
    """The volumes of Redis, with a word in it, and of PostgreSQL, once the release is taken away."""
    with release.redis() as client:
        client.set("kept", "yes")
    release.uninstall()
    return {f"PersistentVolumeClaim data-{release.name}-{store}-0" for store in ("redis", "postgres")}


def test_an_uninstall_leaves_nothing_but_the_volumes(release: Release, wait_until: Wait, kept: set[str]):
    wait_until(lambda: left(release) == kept, 120, "only the volumes are left")


@pytest.mark.usefixtures("kept")
def test_a_release_of_the_same_name_finds_its_data_again_under_new_passwords(release: Release):
    few = [f"{part}.replicas=0" for part in ("nginx", "api", "worker", "monitor")]
    options = [word for value in ["demo.enabled=false", *few] for word in ("--set", value)]

    release.helm("install", CHART, *release.options, *options, "--wait", "--timeout", "240s", seconds=270)

    with release.redis() as client:
        assert client.get("kept") == "yes"
    with closing(release.history()) as history:
        history.check()
