"""``check-web-config``, and a start with a web configuration that is wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from exporter import cli
from tests.web.configuration.files import Certificates, hashed, write
from tests.web.secure import TLS, VERIFIED


def test_a_good_file_is_summed_up(made: Certificates, capsys: pytest.CaptureFixture[str]) -> None:
    text = VERIFIED + f"basic_auth_users: {{alice: {hashed()}}}\nrate_limit: {{interval: 500ms, burst: 20}}\n"
    web = write(made.folder / "web.yml", text)
    assert cli.main(["check-web-config", str(web)]) == 0
    output = capsys.readouterr()
    told = "ok: TLS 1.2 and 1.3, client certificates required, 1 user, a request each 0.5 s, 20 at once\n"
    assert (output.out, output.err) == (told, "")


def test_warnings_name_the_line(made: Certificates, capsys: pytest.CaptureFixture[str]) -> None:
    web = write(made.folder / "web.yml", TLS + "http_server_config:\n  http2: true\n")
    assert cli.main(["check-web-config", str(web)]) == 0
    told = f"warning: {web}:5: http_server_config.http2: HTTP/2 is not spoken; clients get HTTP/1.1\n"
    assert capsys.readouterr().err == told


def test_a_key_that_everybody_can_read_is_warned_of(
    certificates: Certificates, capsys: pytest.CaptureFixture[str]
) -> None:
    (certificates.folder / "server.key").chmod(0o644)
    web = write(certificates.folder / "web.yml", TLS)
    assert cli.main(["check-web-config", str(web)]) == 0
    assert "every user of this machine can read the key" in capsys.readouterr().err


@pytest.mark.parametrize("command", ["check-web-config", "demo", "run"])
def test_a_bad_file_is_told_whole_and_ends_a_start(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], command: str
) -> None:
    web = write(tmp_path / "web.yml", "basic_auth_users: {a: b}\nrate_limit: {interval: 1}\n")
    config = tmp_path / "config.yaml"
    config.write_text(f"targets: [{{name: a, platform: granite, api_key: example-key}}]\nstate: {tmp_path}/state.db\n")
    arguments = {"check-web-config": [str(web)], "run": [f"--config.file={config}", f"--web.config.file={web}"]}
    assert cli.main([command, *arguments.get(command, [f"--web.config.file={web}"])]) == 2
    lines = [line for line in capsys.readouterr().err.splitlines() if line.startswith(str(web))]
    assert [line.partition(";")[0] for line in lines] == [
        f"{web}:1: basic_auth_users.a: is not a bcrypt hash (60 characters that begin with $2y$)",
        f'{web}:2: rate_limit.interval: has no unit, found "1"',
    ]
    assert not (tmp_path / "state.db").exists()
