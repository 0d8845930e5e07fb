"""What the program never does, read from its source: run code that it was given, start a program, trust a stranger."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.real.binaries import ROOT

MODULES = sorted((ROOT / "exporter").rglob("*.py"))

FORBIDDEN_CALLS = frozenset({"eval", "exec", "compile", "__import__", "breakpoint", "input"})
FORBIDDEN_MODULES = frozenset(
    {
        "pickle",
        "cPickle",
        "dill",
        "marshal",
        "shelve",
        "code",
        "codeop",
        "subprocess",
        "pty",
        "commands",
        "ctypes",
        "cffi",
    }
    | {"telnetlib", "ftplib", "xmlrpc", "xml", "runpy", "imp"}
)
FORBIDDEN_ATTRIBUTES = frozenset(
    {f"os.{name}" for name in ("system", "popen", "startfile", "fork", "forkpty", "putenv")}
    | {f"os.{start}{end}" for start in ("exec", "spawn") for end in ("l", "le", "lp", "lpe", "v", "ve", "vp", "vpe")}
    | {"os.posix_spawn", "asyncio.create_subprocess_shell", "asyncio.create_subprocess_exec", "tempfile.mktemp"}
    | {
        f"yaml.{name}"
        for name in ("load", "load_all", "full_load", "unsafe_load", "Loader", "FullLoader", "UnsafeLoader")
    }
    | {"ssl._create_unverified_context", "ssl._create_default_https_context", "ssl.wrap_socket"}
)
UNVERIFIED = {
    "exporter/http/tls.py": "for a target whose configuration says so",
    "exporter/web/configuration/tls.py": "the server's side: which certificates it asks its clients for",
    "exporter/web/healthcheck.py": "asks the process beside it by address, and sends nothing that is secret",
}
"""Where verification of certificates may be switched off, and why."""


def found_in(tree: ast.AST) -> Iterator[str]:
    """Yield what must not stand in a program."""
    for node in ast.walk(tree):
        match node:
            case ast.Import(names=names):
                yield from (name.name for name in names if name.name.split(".")[0] in FORBIDDEN_MODULES)
            case ast.ImportFrom(module=str(module), names=names):
                if module.split(".")[0] in FORBIDDEN_MODULES:
                    yield module
                yield from (
                    f"{module}.{name.name}" for name in names if f"{module}.{name.name}" in FORBIDDEN_ATTRIBUTES
                )
            case ast.Call(func=ast.Name(id=name)) if name in FORBIDDEN_CALLS:
                yield f"{name}()"
            case ast.Attribute(value=ast.Name(id=owner), attr=name) if f"{owner}.{name}" in FORBIDDEN_ATTRIBUTES:
                yield f"{owner}.{name}"
            case ast.keyword(arg="shell" | "trust_env" as name, value=ast.Constant(value=True)):
                yield f"{name}=True"
            case ast.keyword(arg="follow_redirects" | "allow_redirects" as name, value=ast.Constant(value=True)):
                yield f"{name}=True"


def unverified_in(tree: ast.AST) -> Iterator[str]:
    """Yield what switches off the verification of certificates."""
    for node in ast.walk(tree):
        match node:
            case ast.Attribute(attr="CERT_NONE" | "CERT_OPTIONAL" as name):
                yield name
            case ast.keyword(arg="verify" | "check_hostname" as name, value=ast.Constant(value=False)):
                yield f"{name}=False"


@pytest.mark.parametrize("module", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_module_does_what_is_dangerous(module: Path) -> None:
    """No code from data, no other program, no loader that makes objects, no unverified certificate."""
    tree = ast.parse(module.read_text())
    assert list(found_in(tree)) == []
    if str(module.relative_to(ROOT)) not in UNVERIFIED:
        assert list(unverified_in(tree)) == []


@pytest.mark.parametrize(
    "text",
    [
        "eval(x)",
        "import pickle",
        "from subprocess import run",
        "import os\nos.system(x)",
        "from os import popen",
        "import yaml\nyaml.load(x)",
        "import yaml\nyaml.compose(x, Loader=yaml.FullLoader)",
        "run(x, shell=True)",
        "httpx.Client(follow_redirects=True)",
    ],
)
def test_it_would_be_found(text: str) -> None:
    """The search can fail."""
    assert list(found_in(ast.parse(text)))


def test_unverified_would_be_found() -> None:
    """The search can fail, and what is exempt is the one place."""
    assert list(unverified_in(ast.parse("httpx.Client(verify=False)")))
    assert [path for path in UNVERIFIED if not list(unverified_in(ast.parse((ROOT / path).read_text())))] == []
