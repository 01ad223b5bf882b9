"""The images of this checkout, built and brought to the cluster's nodes."""

import hashlib
import os
import re
from collections.abc import Sequence
from contextlib import suppress
from typing import Final

from tests.cluster.cluster import Cluster
from tests.command import ROOT, Failed, output

OWN: Final = ("nginx", "api", "worker", "monitor")
_PREFIX: Final = "test-"
_HERE: Final = ROOT / "tests" / "cluster"
_OWN_TASKS: Final = "FROM {image}\nCOPY waiting_tasks.py /own/\nENV PYTHONPATH=/own\n"
# Beside the checkout; CI machines keep it there.
_LOADER: Final = ROOT.parent / "shared" / "stack" / "cluster-load"


def build() -> str:
    """The tag of all four, made of what is in them: the same code has the same tag.

    With TEST_IMAGES_TAG those that Docker has under that tag are tested: a release tests what it publishes.
    """
    if given := os.environ.get("TEST_IMAGES_TAG"):
        return given
    ids = {part: _build(part) for part in OWN}
    tag = _PREFIX + hashlib.sha256("".join(ids.values()).encode()).hexdigest()[:12]
    for part, image in ids.items():
        output(["docker", "tag", image, f"throughline/{part}:{tag}"], 20)
        _remove_older(part, tag)  # after it: an image that did not change would go with its older tag
    return tag


def build_variants(tag: str) -> list[str]:
    """What single tests replace the release's images by, made here so that the nodes get all images in one step."""
    return [*_another(tag), *_faulty(tag), *_waiting(tag)]


def another(tag: str) -> str:
    """The tag of the same four once more: what a next version is to a release, but for its code."""
    return f"{tag}-another"


def faulty(tag: str) -> str:
    """The tag of a version that passes every check and then fails: see faulty_api/."""
    return f"{tag}-faulty"


def waiting(part: str, tag: str) -> str:
    """The api or worker that knows waiting_tasks.py."""
    return f"throughline/{part}:{tag}-waiting"


def bring(cluster: Cluster, images: Sequence[str]) -> None:
    """What Docker has of them; the nodes pull the others. A cluster that has no loader shares Docker's images."""
    own = [image for image in images if image.startswith("throughline/")]
    loader = os.environ.get("THROUGHLINE_CLUSTER_LOAD", "")
    if not loader and cluster.context.startswith("kind-"):
        output(["kind", "load", "docker-image", "--name", cluster.context.removeprefix("kind-"), *own], 300)
    elif loader or _LOADER.exists():
        known = [image for image in images if image in own or image_id(image)]
        output([loader or str(_LOADER), "--missing", *known], 400)


def named_in(manifests: str) -> list[str]:
    """The images that they name, each once."""
    return sorted(set(re.findall(r"\bimage: *\"?([^\s\",}]+)", manifests)))


def image_id(image: str) -> str:
    """Nothing when Docker has no such image."""
    try:
        return output(["docker", "image", "inspect", "--format", "{{.Id}}", image], 20).strip()
    except Failed:
        return ""


def _build(part: str) -> str:
    options = ["-f", "nginx/Dockerfile"] if part == "nginx" else _python(part)
    return output(["docker", "build", "-q", *options, "."], 600).strip()


def _python(part: str) -> list[str]:
    return ["-f", "deploy/Dockerfile", "--target", part, "--build-arg", f"PART={part}"]


def _another(tag: str) -> list[str]:
    found = [f"throughline/{part}:{another(tag)}" for part in OWN]
    for part, image in zip(OWN, found, strict=True):
        output(["docker", "tag", f"throughline/{part}:{tag}", image], 20)
    return found


def _faulty(tag: str) -> list[str]:
    api, monitor = (f"throughline/{part}:{faulty(tag)}" for part in ("api", "monitor"))
    folder = str(_HERE / "faulty_api")
    output(["docker", "build", "-q", "--build-arg", f"API=throughline/api:{tag}", "-t", api, folder], 120)
    output(["docker", "tag", f"throughline/monitor:{tag}", monitor], 20)
    return [api, monitor]


def _waiting(tag: str) -> list[str]:
    parts = ("api", "worker")
    for part in parts:
        text = _OWN_TASKS.format(image=f"throughline/{part}:{tag}")
        output(["docker", "build", "-q", "-t", waiting(part, tag), "-f", "-", str(_HERE)], 300, text=text)
    return [waiting(part, tag) for part in parts]


def _remove_older(part: str, tag: str) -> None:
    """Docker would keep half a gigabyte for each change of the code."""
    found = output(["docker", "image", "ls", "--format", "{{.Tag}}", f"throughline/{part}"], 20).split()
    for older in found:
        if older.startswith(_PREFIX) and older != tag:
            with suppress(Failed):  # a container has it
                output(["docker", "image", "rm", f"throughline/{part}:{older}"], 60)
