"""What scales the workers and the api, and that the chart sets no number of pods which something else decides."""

import pytest
import yaml

from tests.chart.conftest import CHART, KEDA

WORKERS = {"worker": {"autoscaling": {"enabled": True, "from": 2, "to": 9, "tasksPerSlot": 1.5}, "concurrency": 6}}
API = {"api": {"autoscaling": {"enabled": True}, "green": {"enabled": True}, "active": "green"}}


def of_kind(objects, kind):
    return {each["metadata"]["name"]: each for each in objects if each["kind"] == kind}


def test_nothing_is_scaled_unless_it_is_asked_for(render):
    objects = render({}, KEDA)
    assert of_kind(objects, "ScaledObject") == of_kind(objects, "HorizontalPodAutoscaler") == {}
    assert of_kind(objects, "Deployment")["throughline-worker"]["spec"]["replicas"] == 3


def test_with_keda_workers_go_by_outstanding_tasks_for_each_slot(render):
    objects = render(WORKERS, KEDA)
    (scaled,) = of_kind(objects, "ScaledObject").values()
    spec = scaled["spec"]
    assert spec["scaleTargetRef"] == {"name": "throughline-worker"}
    assert (spec["minReplicaCount"], spec["maxReplicaCount"]) == (2, 9)
    (trigger,) = spec["triggers"]
    assert (trigger["type"], trigger["metricType"]) == ("metrics-api", "AverageValue")
    assert trigger["metadata"]["valueLocation"] == "outstanding"
    assert float(trigger["metadata"]["targetValue"]) == 6 * 1.5
    # An error then leaves the number as it is; a fallback would be a guess.
    assert "fallback" not in spec
    assert of_kind(objects, "HorizontalPodAutoscaler") == {}


def test_keda_asks_a_service_and_a_port_that_are_there(render):
    objects = render(WORKERS, KEDA)
    (scaled,) = of_kind(objects, "ScaledObject").values()
    url = scaled["spec"]["triggers"][0]["metadata"]["url"]
    service, _, rest = url.removeprefix("http://").partition(".throughline.svc:")
    port, path = rest.split("/")
    assert int(port) in [each["port"] for each in of_kind(objects, "Service")[service]["spec"]["ports"]]
    assert path == "scaling"


def test_workers_go_one_at_a_time(render):
    (scaled,) = of_kind(render(WORKERS, KEDA), "ScaledObject").values()
    down = scaled["spec"]["advanced"]["horizontalPodAutoscalerConfig"]["behavior"]["scaleDown"]
    assert down == {"stabilizationWindowSeconds": 120, "policies": [{"type": "Pods", "value": 1, "periodSeconds": 60}]}


def test_without_keda_workers_go_by_their_cpu(render):
    objects = render(WORKERS)
    assert of_kind(objects, "ScaledObject") == {}
    spec = of_kind(objects, "HorizontalPodAutoscaler")["throughline-worker"]["spec"]
    assert (spec["scaleTargetRef"]["name"], spec["minReplicas"], spec["maxReplicas"]) == ("throughline-worker", 2, 9)


def test_of_the_apis_colours_the_active_one_is_scaled(render):
    objects = render(API)
    (scaled,) = of_kind(objects, "HorizontalPodAutoscaler").values()
    assert scaled["spec"]["scaleTargetRef"]["name"] == "throughline-api-green"
    assert (scaled["spec"]["minReplicas"], scaled["spec"]["maxReplicas"]) == (3, 9)


@pytest.mark.parametrize(("values", "apis"), [(WORKERS, (KEDA,)), (WORKERS, ()), (API, ())])
def test_whoever_scales_a_deployment_decides_its_number_of_pods(values, apis, render):
    objects = render(values, *apis)
    names = [each["spec"]["scaleTargetRef"]["name"] for each in of_kind(objects, "HorizontalPodAutoscaler").values()]
    names += [each["spec"]["scaleTargetRef"]["name"] for each in of_kind(objects, "ScaledObject").values()]
    assert names
    for name in names:
        assert "replicas" not in of_kind(objects, "Deployment")[name]["spec"]


WRONG = {
    "from above to": ({"worker": {"autoscaling": {"from": 5, "to": 4}}}, "worker.autoscaling.from (5) must be at most"),
    "of the api too": ({"api": {"autoscaling": {"from": 10}}}, "api.autoscaling.from (10) must be at most"),
    "no worker": ({"worker": {"autoscaling": {"from": 0}}}, "/worker/autoscaling/from"),
    "no task for a slot": ({"worker": {"autoscaling": {"tasksPerSlot": 0}}}, "/worker/autoscaling/tasksPerSlot"),
    "CPU that nobody asks for": (
        {"api": {"autoscaling": {"enabled": True}, "resources": {"requests": {"cpu": None}}}},
        "set api.resources.requests.cpu",
    ),
}


@pytest.mark.parametrize(("values", "told"), WRONG.values(), ids=WRONG)
def test_what_cannot_be_scaled_is_refused(values, told, refused):
    assert told in refused(values)


def test_a_workers_probes_look_where_it_writes_and_what_is_emptied_with_its_pod(render):
    pod = of_kind(render(), "Deployment")["throughline-worker"]["spec"]["template"]["spec"]
    (worker,) = pod["containers"]
    (folder,) = [each["value"] for each in worker["env"] if each["name"] == "PROBES_DIR"]
    for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
        assert f"{folder}/" in " ".join(worker[probe]["exec"]["command"])
    (mount,) = [each["name"] for each in worker["volumeMounts"] if each["mountPath"] == folder]
    assert {"name": mount, "emptyDir": {}} in pod["volumes"]


def test_no_probe_of_a_worker_starts_python_or_asks_redis():
    text = (CHART / "templates" / "_worker_probes.tpl").read_text(encoding="utf-8")
    body = text.partition('"throughline.workerProbes" -}}')[2].partition("{{- end -}}")[0]
    programs = [probe["exec"]["command"][0] for probe in yaml.safe_load(body).values()]
    assert set(programs) <= {"test", "sh"}
