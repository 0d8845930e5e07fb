"""The service with a web configuration, and those who ask it: Prometheus, curl, a browser, its own healthcheck."""

from __future__ import annotations

import contextlib
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.real.binaries import Binaries, give_up
from tests.real.exporter import CONSOLE_SCRIPT, ExporterProcess
from tests.real.process import reserve_port
from tests.real.prometheus import Prometheus
from tests.web.configuration.files import PASSWORD, Certificates, hashed, write

WEB = """
tls_server_config:
  cert_file: server.pem
  key_file: server.key
  client_ca_file: ca.pem
  client_auth_type: {policy}
  {names}
basic_auth_users:
  scraper: {hash}
"""
NAMES = "client_allowed_sans: [scraper.test]"


class SecuredProcess(ExporterProcess):
    """The demo with a web configuration. ``client`` and ``get`` ask the health address, as a probe does."""

    def __init__(self, folder: Path, web: Path) -> None:
        health = reserve_port()
        super().__init__(
            ("demo", f"--web.config.file={web}", f"--web.health-listen-address=127.0.0.1:{health}"), folder
        )
        self.web_port = self.port
        self.client.base_url = f"http://127.0.0.1:{health}"
        self.health = f"127.0.0.1:{health}"


@pytest.fixture
def certificates(tmp_path: Path) -> Certificates:
    """An authority, a server's certificate, a scraper's and somebody else's."""
    made = Certificates(tmp_path)
    made.issue("scraper", "scraper.test")
    made.issue("other", "other.test")
    return made


def configured(folder: Path, policy: str = "RequireAndVerifyClientCert", names: str = NAMES) -> Path:
    """Write the web configuration."""
    return write(folder / "web.yml", WEB.format(policy=policy, names=names, hash=hashed(cost=10)))


@contextlib.contextmanager
def service(folder: Path, web: Path) -> Iterator[SecuredProcess]:
    """Run the demo; what it logged holds no password and no hash."""
    with SecuredProcess(folder / "exporter", web) as running:
        yield running
        log = running.log()
    for secret in (PASSWORD, "$2y$", "$2b$", "PRIVATE KEY"):
        assert secret not in log


def job(name: str, address: str, folder: Path, certificate: str | None, password: str) -> dict[str, Any]:
    """Return a scrape job over TLS, as a user would write it."""
    tls = {"ca_file": str(folder / "ca.pem"), "server_name": "localhost"}
    if certificate is not None:
        tls |= {"cert_file": str(folder / f"{certificate}.pem"), "key_file": str(folder / f"{certificate}.key")}
    return {
        "job_name": name,
        "scheme": "https",
        "static_configs": [{"targets": [address]}],
        "tls_config": tls,
        "basic_auth": {"username": "scraper", "password": password},
    }


def last_errors(prometheus: Prometheus) -> Mapping[str, str]:
    """Return what Prometheus has against each job's target; nothing when all is well."""
    active = prometheus.client.get("/api/v1/targets").json()["data"]["activeTargets"]
    return {target["labels"]["job"]: target["lastError"] for target in active if target["health"] != "unknown"}


def test_prometheus_scrapes_with_password_and_certificate(
    binaries: Binaries, certificates: Certificates, tmp_path: Path
) -> None:
    """Both are needed, and a name that is allowed; all may be renewed without a scrape being lost."""
    with service(tmp_path, configured(tmp_path)) as running:
        jobs = [
            job("good", running.address, tmp_path, "scraper", PASSWORD),
            job("password", running.address, tmp_path, "scraper", "wrong"),
            job("anonymous", running.address, tmp_path, None, PASSWORD),
            job("other", running.address, tmp_path, "other", PASSWORD),
        ]
        config = {"scrape_configs": jobs}
        with Prometheus(binaries, tmp_path / "prometheus", {}, config=config) as prometheus:
            prometheus.wait_until_up("good")
            errors = prometheus.wait_until(
                lambda: found if len(found := last_errors(prometheus)) == len(jobs) else None, "each job was tried"
            )
            assert errors["good"] == ""
            assert "401" in errors["password"]
            assert errors["anonymous"]
            assert errors["other"]
            assert (prometheus.value("count(automation_runs_total)") or 0) > 0

            certificates.issue("server", "localhost")
            configured(tmp_path)  # a new hash of the same password
            before = prometheus.value('sum(count_over_time(up{job="good"}[1m]))') or 0
            prometheus.wait_until(
                lambda: (prometheus.value('sum(count_over_time(up{job="good"}[1m]))') or 0) > before + 3,
                "some more scrapes",
            )
            assert prometheus.value('min_over_time(up{job="good"}[10s])') == 1
            prometheus.wait_until(lambda: "web configuration reloaded" in running.log(), "the new files are in use")

            write(tmp_path / "web.yml", "tls_server_config: {cert_file: absent.pem}\n")
            down = 'automation_exporter_config_last_reload_successful{job="good"} == 0'
            prometheus.wait_until(lambda: prometheus.value(down) == 0, "Prometheus sees that a file is bad")
            assert prometheus.value('up{job="good"}') == 1


def run(*command: str | Path) -> subprocess.CompletedProcess[str]:
    """Run a command to its end."""
    return subprocess.run([str(part) for part in command], capture_output=True, text=True, check=False, timeout=60)


def test_curl(certificates: Certificates, tmp_path: Path) -> None:
    """With and without what is needed; HTTP/2 is not insisted on."""
    curl = shutil.which("curl") or give_up("curl")
    with service(tmp_path, configured(tmp_path)) as running:
        url = f"https://localhost:{running.web_port}/metrics"
        trust: Sequence[str | Path] = ("-sS", "--noproxy", "*", "--cacert", tmp_path / "ca.pem")
        certificate: Sequence[str | Path] = ("--cert", tmp_path / "scraper.pem", "--key", tmp_path / "scraper.key")
        user = ("--user", f"scraper:{PASSWORD}")
        for version in ("--tls-max 1.2", "--tlsv1.3", "--http2 --compressed"):
            found = run(curl, *trust, *certificate, *user, *version.split(), url)
            assert "automation_exporter_build_info" in found.stdout, found.stderr
        found = run(curl, *trust, *certificate, "-w", "%{http_code} %{http_version}", url)
        assert found.stdout == "Unauthorized.\n401 1.1"
        for refused in (("--cacert", tmp_path / "ca.pem"), certificate):  # no certificate; an unknown server
            found = run(curl, "-sS", "--noproxy", "*", *refused, *user, url)
            assert found.returncode != 0
            assert "automation" not in found.stdout


def test_a_browser_shows_the_page_to_who_has_a_password(certificates: Certificates, tmp_path: Path) -> None:
    chromium = shutil.which("chromium") or pytest.skip("chromium is missing")
    web = configured(tmp_path, "VerifyClientCertIfGiven", "min_version: TLS13")
    with service(tmp_path, web) as running:

        def page(credentials: str) -> str:
            return run(
                chromium, "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--no-proxy-server",
                "--disable-background-networking", "--ignore-certificate-errors", "--dump-dom",
                f"--user-data-dir={tmp_path / 'profile'}", f"https://{credentials}localhost:{running.web_port}/",
            ).stdout  # fmt: skip

        shown = page(f"scraper:{PASSWORD}@")
        assert "demo-roboto" in shown
        assert PASSWORD not in shown
        assert "demo-roboto" not in page("scraper:wrong@")
        assert "demo-roboto" not in page("")


def test_healthcheck(certificates: Certificates, tmp_path: Path) -> None:
    """The health address needs nothing and tells nothing else."""
    with service(tmp_path, configured(tmp_path)) as running:
        found = run(CONSOLE_SCRIPT, "healthcheck", f"--web.listen-address={running.health}")
        assert (found.returncode, found.stdout) == (0, "serving and polling\n")
        for path, status in (("/-/ready", 200), ("/metrics", 404), ("/", 404), ("/-/reload", 404)):
            assert running.get(path).status_code == status
