"""Servers of one and the same exposition, side by side: the exporter, nginx, and what else one could use."""

from __future__ import annotations

import getpass
import shutil
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Final, NamedTuple

import httpx
from prometheus_client import disable_created_metrics, start_http_server

from bench.kit import rivals
from bench.kit.population import Population, population
from bench.kit.processes import Process
from bench.kit.script import Bench
from bench.kit.state import in_memory, write_config, write_state
from bench.kit.tools import NGINX, NODE_EXPORTER, PUSHGATEWAY, Tool
from tools.chaos.processes import free_port

EXPORTER: Final = "automation-exporter"
NGINX_NAME: Final = "nginx, the same bytes as a file"
BARE: Final = "uvicorn alone, the same bytes"
"""The exporter's web server with an application that does nothing but send: no answer of it can cost less."""
PUSHGATEWAY_NAME: Final = "Pushgateway"
NODE_EXPORTER_NAME: Final = "node_exporter, textfile"
COLLECTOR: Final = "prometheus_client, custom collector"
OBJECTS: Final = "prometheus_client, objects"
TOOLS: Final[tuple[Tool, ...]] = (NGINX, PUSHGATEWAY, NODE_EXPORTER)
FAST: Final = (EXPORTER, NGINX_NAME, BARE)
"""Those that copy bytes; the others render at each scrape."""
WITHOUT_OPENMETRICS: Final = (PUSHGATEWAY_NAME, NODE_EXPORTER_NAME)
"""Those that answer with text whatever they are asked for."""

_TYPES: Final = {
    "text": "text/plain; version=0.0.4; charset=utf-8",
    "openmetrics": "application/openmetrics-text; version=1.0.0; charset=utf-8",
}


class Contestant(NamedTuple):
    """A server that is ready. ``urls`` by format; the same one where it negotiates."""

    name: str
    process: Process
    urls: dict[str, str]


Bodies = dict[str, tuple[bytes, bytes]]
"""What the exporter serves, by format: plain and gzip. The others get it from here."""


def exporter(bench: Bench, members: Population, folder: Path) -> Contestant:
    """The program itself, with a state that holds the series; its upstreams do not answer."""
    config = write_config(members, folder)
    write_state(members, config)
    port = free_port()
    arguments = ("run", f"--config.file={config}", f"--web.listen-address=127.0.0.1:{port}", "--log.level=error")
    process = bench.processes.start_python(f"exporter-{members.series}", "exporter.cli", *arguments)
    base = f"http://127.0.0.1:{port}"
    process.wait_for_answer(f"{base}/-/ready")
    return Contestant(EXPORTER, process, dict.fromkeys(_TYPES, f"{base}/metrics"))


def bodies(contestant: Contestant) -> Bodies:
    """What a server serves now."""
    return {form: (_body(url, form, "identity"), _body(url, form, "gzip")) for form, url in contestant.urls.items()}


def _body(url: str, form: str, encoding: str) -> bytes:
    headers = {"Accept": _TYPES[form], "Accept-Encoding": encoding}
    with httpx.stream("GET", url, headers=headers, timeout=60) as answer:
        return b"".join(answer.iter_raw())


def _files(served: Bodies, folder: Path) -> Path:
    """Write bodies to files; return their folder."""
    root = folder / "files"
    root.mkdir()
    for form, (plain, compressed) in served.items():
        (root / form).write_bytes(plain)
        (root / f"{form}.gz").write_bytes(compressed)
    return root


def bare(bench: Bench, root: Path) -> Contestant:
    """uvicorn as the exporter has it, without anything of the exporter."""
    port = free_port()
    process = bench.processes.start_python(f"bare-{root.parent.name}", "bench.kit.bare", str(root), str(port))
    urls = {form: f"http://127.0.0.1:{port}/{form}" for form in _TYPES}
    process.wait_for_answer(urls["text"])
    return Contestant(BARE, process, urls)


def nginx(bench: Bench, root: Path, folder: Path) -> Contestant:
    """nginx with the exporter's bodies as files; gzip is sent as it lies there."""
    port = free_port()
    locations = "".join(
        f'location = /{form} {{ types {{}} default_type "{media}"; }}\n' for form, media in _TYPES.items()
    )
    (folder / "nginx.conf").write_text(f"""\
daemon off;
user {getpass.getuser()};
worker_processes auto;
pid {folder}/nginx.pid;
error_log stderr warn;
events {{}}
http {{
    access_log off;
    sendfile on;
    tcp_nopush on;
    keepalive_requests 100000000;
    open_file_cache max=100;
    gzip_static on;
    client_body_temp_path {folder}/nginx-body;
    proxy_temp_path {folder}/nginx-proxy;
    fastcgi_temp_path {folder}/nginx-fastcgi;
    uwsgi_temp_path {folder}/nginx-uwsgi;
    scgi_temp_path {folder}/nginx-scgi;
    server {{
        listen 127.0.0.1:{port};
        root {root};
        {locations}
    }}
}}
""")
    command = (NGINX.path or "", "-p", str(folder), "-c", str(folder / "nginx.conf"), "-e", "stderr")
    process = bench.processes.start(f"nginx-{folder.name}", command)
    urls = {form: f"http://127.0.0.1:{port}/{form}" for form in _TYPES}
    process.wait_for_answer(urls["text"])
    return Contestant(NGINX_NAME, process, urls)


def pushgateway(bench: Bench, served: Bodies, folder: Path) -> Contestant:
    """The Pushgateway, to which the series were pushed."""
    port = free_port()
    command = (PUSHGATEWAY.path or "", f"--web.listen-address=127.0.0.1:{port}", "--log.level=error")
    process = bench.processes.start(f"pushgateway-{folder.name}", command)
    base = f"http://127.0.0.1:{port}"
    process.wait_for_answer(f"{base}/-/ready")
    httpx.put(f"{base}/metrics/job/bench", content=served["text"][0], timeout=300).raise_for_status()
    return Contestant(PUSHGATEWAY_NAME, process, dict.fromkeys(_TYPES, f"{base}/metrics"))


def node_exporter(bench: Bench, served: Bodies, folder: Path) -> Contestant:
    """node_exporter, whose textfile collector reads the series."""
    port = free_port()
    files = folder / "textfile"
    files.mkdir()
    # It brings metrics of its own process, which would come twice.
    lines = served["text"][0].decode().splitlines(keepends=True)
    (files / "bench.prom").write_text("".join(_without_process(lines)), "utf-8")
    command = (
        NODE_EXPORTER.path or "",
        f"--web.listen-address=127.0.0.1:{port}",
        "--collector.disable-defaults",
        "--collector.textfile",
        f"--collector.textfile.directory={files}",
        "--web.disable-exporter-metrics",
        "--log.level=error",
    )
    process = bench.processes.start(f"node-exporter-{folder.name}", command)
    url = f"http://127.0.0.1:{port}/metrics"
    process.wait_for_answer(url)
    return Contestant(NODE_EXPORTER_NAME, process, dict.fromkeys(_TYPES, url))


def client(kind: str) -> Callable[[Bench, Population, Path], Contestant]:
    """One of the two ways to use prometheus_client, served by its own server."""

    def start(bench: Bench, members: Population, folder: Path) -> Contestant:
        port = free_port()
        arguments = (kind, str(members.targets), str(members.workloads), str(folder), str(port))
        process = bench.processes.start_python(f"{kind}-{folder.name}", "bench.kit.contestants", *arguments)
        url = f"http://127.0.0.1:{port}/metrics"
        process.wait_for_answer(url)
        return Contestant({"collector": COLLECTOR, "objects": OBJECTS}[kind], process, dict.fromkeys(_TYPES, url))

    return start


def _without_process(lines: Sequence[str]) -> Iterator[str]:
    for line in lines:
        name = line.split()[2] if line.startswith("#") else line
        if not name.startswith(("process_", "python_")):
            yield line


def start_all(bench: Bench, series: int, *, slow: bool = True) -> list[Contestant]:
    """Every contestant that is installed, with the same series; the exporter first, then nginx.

    Without ``slow`` only those that copy bytes.
    """
    folder = bench.folder / str(series)
    folder.mkdir()
    members = population(series)
    ours = exporter(bench, members, folder)
    served = bodies(ours)
    root = _files(served, folder)
    found = [ours]
    if NGINX.path is not None:
        found.append(nginx(bench, root, folder))
    found.append(bare(bench, root))
    if slow:
        for tool, start in ((PUSHGATEWAY, pushgateway), (NODE_EXPORTER, node_exporter)):
            if tool.path is not None:
                found.append(start(bench, served, folder))
        found += [client(kind)(bench, members, folder) for kind in ("collector", "objects")]
    return found


def stop_all(found: Sequence[Contestant], folder: Path) -> None:
    """End them, and remove their files."""
    for contestant in found:
        contestant.process.end()
    shutil.rmtree(folder, ignore_errors=True)


def main(arguments: Sequence[str]) -> int:
    """Serve a population with prometheus_client: KIND TARGETS WORKLOADS FOLDER PORT."""
    kind, targets, workloads, folder, port = arguments
    place = Path(folder, kind)
    place.mkdir()
    disable_created_metrics()  # type: ignore[no-untyped-call]  # the same series as the others have, no further ones
    found = rivals.tables(in_memory(Population(int(targets), int(workloads)), place))
    registry = {"collector": rivals.custom_collector, "objects": rivals.ordinary_objects}[kind](found)
    _, thread = start_http_server(int(port), "127.0.0.1", registry)
    thread.join()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
