"""What a careful cluster asks of manifests, beyond their schemas. Each function yields complaints; none is good.

What a chart refers to must be in it, or be named by whoever installs it (``given``: names of objects that exist).
"""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any
from unittest.mock import patch

from exporter.arguments import parser
from tests.helm.chart import Manifest

Objects = Sequence[Manifest]

LABEL_VALUE = re.compile(r"(?:[A-Za-z0-9](?:[-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?")
NAME = re.compile(r"[a-z0-9](?:[-a-z0-9.]{0,61}[a-z0-9])?")
LARGEST_CONFIG_MAP = 2**20


def complaints(objects: Objects, given: Collection[str]) -> list[str]:
    """Return everything that is wrong with the objects of one release."""
    return [
        *_names(objects),
        *_confinement(objects),
        *_containers(objects),
        *_references(objects, given),
        *_selectors(objects),
        *_ports(objects),
        *_arguments(objects),
    ]


def pods(objects: Objects) -> Iterator[tuple[str, Manifest]]:
    """Yield every pod, made or to be made, with the name of what makes it."""
    for found in objects:
        if found["kind"] == "Pod":
            yield f"Pod {found['metadata']['name']}", found
        elif found["kind"] == "StatefulSet":
            yield f"StatefulSet {found['metadata']['name']}", found["spec"]["template"]


def _names(objects: Objects) -> Iterator[str]:
    seen = Counter((found["kind"], found["metadata"]["name"]) for found in objects)
    for (kind, name), count in seen.items():
        if count > 1:
            yield f"{kind} {name}: made {count} times"
        if not NAME.fullmatch(name):
            yield f"{kind} {name}: not a name"
    for found in objects:
        for label, value in found["metadata"].get("labels", {}).items():
            if not (isinstance(value, str) and LABEL_VALUE.fullmatch(value)):
                yield f"{found['kind']}: label {label} is {value!r}"
        if found["kind"] == "ConfigMap" and sum(map(len, found["data"].values())) > LARGEST_CONFIG_MAP:
            yield f"ConfigMap {found['metadata']['name']}: larger than etcd takes"


def _confinement(objects: Objects) -> Iterator[str]:
    for where, pod in pods(objects):
        spec = pod["spec"]
        context = spec.get("securityContext", {})
        if not (context.get("runAsNonRoot") is True and context.get("runAsUser", 0) > 0):
            yield f"{where}: may run as root"
        if context.get("seccompProfile", {}).get("type") != "RuntimeDefault":
            yield f"{where}: any system call is allowed"
        if spec.get("automountServiceAccountToken") is not False:
            yield f"{where}: gets a token for the Kubernetes API"
        if any(spec.get(key) for key in ("hostNetwork", "hostPID", "hostIPC")):
            yield f"{where}: shares the node's namespaces"
        for volume in spec.get("volumes", ()):
            if "hostPath" in volume:
                yield f"{where}: volume {volume['name']} is the node's"


def _containers(objects: Objects) -> Iterator[str]:
    for where, pod in pods(objects):
        for container in (*pod["spec"].get("initContainers", ()), *pod["spec"]["containers"]):
            for complaint in _container(container):
                yield f"{where}: container {container['name']} {complaint}"
        if where.startswith("StatefulSet"):
            for container in pod["spec"]["containers"]:
                for probe in ("livenessProbe", "readinessProbe"):
                    if probe not in container:
                        yield f"{where}: container {container['name']} has no {probe}"


def _container(container: Mapping[str, Any]) -> Iterator[str]:
    context = container.get("securityContext", {})
    if context.get("allowPrivilegeEscalation") is not False or context.get("privileged"):
        yield "may gain privileges"
    if context.get("readOnlyRootFilesystem") is not True:
        yield "can write to its root"
    if context.get("capabilities", {}).get("drop") != ["ALL"]:
        yield "keeps capabilities"
    if not re.search(r"@sha256:[0-9a-f]{64}$|:(?!latest$)[\w.-]+$", container["image"]):
        yield f"has the image {container['image']}, which is of no version"
    resources = container.get("resources", {})
    if not {"cpu", "memory"} <= resources.get("requests", {}).keys():
        yield "asks for no resources"
    if "memory" not in resources.get("limits", {}):
        yield "has no limit of memory"


def _references(objects: Objects, given: Collection[str]) -> Iterator[str]:
    there = {(found["kind"], found["metadata"]["name"]) for found in objects}
    for found in objects:
        if found["kind"] == "StatefulSet" and ("Service", found["spec"]["serviceName"]) not in there:
            yield f"StatefulSet: there is no Service {found['spec']['serviceName']}"
    for where, pod in pods(objects):
        claims = {claim["metadata"]["name"] for claim in _claims(objects)} if where.startswith("Stateful") else set()
        volumes = {volume["name"] for volume in pod["spec"].get("volumes", ())} | claims
        for container in (*pod["spec"].get("initContainers", ()), *pod["spec"]["containers"]):
            for mount in container.get("volumeMounts", ()):
                if mount["name"] not in volumes:
                    yield f"{where}: container {container['name']} mounts {mount['name']}, which is no volume"
        for kind, name in _referred(pod["spec"]):
            if (kind, name) not in there and name not in given:
                yield f"{where}: there is no {kind} {name}"


def _claims(objects: Objects) -> list[Manifest]:
    return [
        claim
        for found in objects
        if found["kind"] == "StatefulSet"
        for claim in found["spec"].get("volumeClaimTemplates", ())
    ]


def _referred(spec: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield kind and name of all that a pod needs."""
    if account := spec.get("serviceAccountName"):
        yield "ServiceAccount", account
    for secret in spec.get("imagePullSecrets", ()):
        yield "Secret", secret["name"]
    for volume in spec.get("volumes", ()):
        if "configMap" in volume:
            yield "ConfigMap", volume["configMap"]["name"]
        if "secret" in volume:
            yield "Secret", volume["secret"]["secretName"]
        if "persistentVolumeClaim" in volume:
            yield "PersistentVolumeClaim", volume["persistentVolumeClaim"]["claimName"]
    for container in spec["containers"]:
        for variable in container.get("env", ()):
            source = variable.get("valueFrom", {})
            if "secretKeyRef" in source:
                yield "Secret", source["secretKeyRef"]["name"]
        for source in container.get("envFrom", ()):
            if "secretRef" in source:
                yield "Secret", source["secretRef"]["name"]


def _selectors(objects: Objects) -> Iterator[str]:
    """Every selector must find what the StatefulSet makes, and nothing else of the release."""
    labels = {where: pod["metadata"].get("labels", {}) for where, pod in pods(objects)}
    services = {
        f"Service {found['metadata']['name']}": found["metadata"]["labels"] for found in _of(objects, "Service")
    }
    for found in objects:
        where = f"{found['kind']} {found['metadata']['name']}"
        spec = found.get("spec", {})
        match found["kind"]:
            case "Service":
                selector, among = spec["selector"], labels
            case "NetworkPolicy":
                selector, among = spec["podSelector"]["matchLabels"], labels
            case "StatefulSet" | "PodDisruptionBudget" | "PodMonitor":
                selector, among = spec["selector"]["matchLabels"], labels
            case "ServiceMonitor":
                selector, among = spec["selector"]["matchLabels"], services
            case _:
                continue
        matched = [name for name, own in among.items() if selector.items() <= own.items()]
        if len(matched) != 1 or matched[0].startswith("Pod "):
            yield f"{where}: selects {matched or 'nothing'}"
        if "namespaceSelector" in spec and spec["namespaceSelector"] != {"matchNames": ["tools"]}:
            yield f"{where}: looks in other namespaces"


def _ports(objects: Objects) -> Iterator[str]:
    """Every port that is named must have that name where it is looked for."""
    (containers,) = [pod["spec"]["containers"] for where, pod in pods(objects) if where.startswith("StatefulSet")]
    of_pod = {port["name"] for container in containers for port in container.get("ports", ())}
    of_service = {port["name"] for found in _of(objects, "Service") for port in found["spec"]["ports"]}
    wanted = [
        ("Service", port["targetPort"], of_pod) for found in _of(objects, "Service") for port in found["spec"]["ports"]
    ]
    for container in containers:
        for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
            if "httpGet" in container.get(probe, {}):
                wanted.append((probe, container[probe]["httpGet"]["port"], of_pod))
    for found in _of(objects, "ServiceMonitor"):
        wanted += [("ServiceMonitor", endpoint["port"], of_service) for endpoint in found["spec"]["endpoints"]]
    for found in _of(objects, "PodMonitor"):
        wanted += [("PodMonitor", endpoint["port"], of_pod) for endpoint in found["spec"]["podMetricsEndpoints"]]
    for found in _of(objects, "NetworkPolicy"):
        wanted += [
            ("NetworkPolicy", port["port"], of_pod)
            for rule in found["spec"]["ingress"]
            for port in rule.get("ports", ())
        ]
    for where, port, names in wanted:
        if port not in names:
            yield f"{where}: there is no port {port}"


def _arguments(objects: Objects) -> Iterator[str]:
    """The program's own parser must take what its containers are started with, and find its file."""
    for where, pod in pods(objects):
        for container in pod["spec"]["containers"]:
            if "automation-exporter" not in container["image"]:
                continue
            try:
                with patch.dict(os.environ, {"POD_NAME": "automation-exporter-0"}):
                    chosen = parser().parse_args(container["args"])
            except SystemExit:
                yield f"{where}: the program does not take {container['args']}"
                continue
            file = getattr(chosen, "config_file", None)
            mounts = {mount["mountPath"] for mount in container.get("volumeMounts", ())}
            if file is not None and str(file.parent) not in mounts:
                yield f"{where}: nothing is mounted where {file} should be"


def _of(objects: Objects, kind: str) -> list[Manifest]:
    return [found for found in objects if found["kind"] == kind]
