"""What the settings of every target have in common: pace, limits and connection, and what may not be combined.

The settings of one platform derive from ``TargetSettings`` in the platform's own ``settings.py``. All models are
frozen, refuse unknown keys and never show what was put into them. Lengths of time are integer microseconds.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from typing import Annotated, Any, ClassVar, Final, NamedTuple, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from exporter.catalogue import ALL
from exporter.catalogue.model import PlatformName
from exporter.counting.limits import Limits
from exporter.http.settings import Settings as ClientSettings
from exporter.platforms.fields import (
    Duration,
    Endpoint,
    ExistingFile,
    Pattern,
    SecretText,
    Share,
    Size,
    format_duration,
    plain_http,
    wrong,
)
from exporter.secrets import Secret
from exporter.times import DAY, HOUR, MINUTE, SECOND, Micros


class SettingsModel(BaseModel):
    """Base of all settings: strict about keys, immutable, silent about values. Field docs are their docstrings."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        hide_input_in_errors=True,
        use_attribute_docstrings=True,
        arbitrary_types_allowed=True,
    )


class Conflict(NamedTuple):
    """Keys that do not fit together, the one to point at first; what is the matter, and what would be right."""

    keys: tuple[str, ...]
    problem: str
    right: str


CONFLICTS: Final = "conflicts"
"""The type of the one validation error that carries all conflicts of a model in its context."""


class VendorValue(NamedTuple):
    """What one of the vendor's environment variables can fill in.

    ``path`` is the key inside the target, ``variable`` what to name in messages. ``ambient`` values may serve
    several targets, because each of them asked for the identity of the machine.
    """

    path: tuple[str, ...]
    value: object
    variable: str
    ambient: bool = False


# Labels

_LABEL_NAME = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")
_TAKEN_ELSEWHERE: Final = (
    *("job", "instance", "namespace", "pod", "container", "service", "node", "endpoint"),
    *("le", "quantile", "platform", "target"),
)
RESERVED_LABELS: Final = frozenset(_TAKEN_ELSEWHERE) | {label for metric in ALL for label in metric.labels}
"""Names that Prometheus, Kubernetes or our own metrics use."""

MAX_OWN_LABELS: Final = 5
MAX_LABEL_LENGTH: Final = 200


def check_labels(labels: dict[str, str]) -> dict[str, str]:
    """Return the user's own labels, or say what is wrong with them."""
    if len(labels) > MAX_OWN_LABELS:
        raise wrong(f"has {len(labels)} labels", f"at most {MAX_OWN_LABELS} are possible")
    for name, value in labels.items():
        if not _LABEL_NAME.fullmatch(name) or name.startswith("__"):
            raise wrong(f'"{name}" is not a label name', "use letters, digits and _, no digit first, no __ in front")
        if name in RESERVED_LABELS:
            raise wrong(f'the label "{name}" is taken by Prometheus or by our metrics', "choose another name")
        if not value or len(value) > MAX_LABEL_LENGTH or not value.isprintable():
            raise wrong(f'the value of label "{name}" is no label value', f"write 1 to {MAX_LABEL_LENGTH} characters")
    return labels


OwnLabels = Annotated[dict[str, str], AfterValidator(check_labels)]

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}")


def _check_name(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise wrong("is not a target name", "use 1 to 100 letters, digits, '-', '_' or '.', a letter or digit first")
    return name


# Settings


class Pace(SettingsModel):
    """The keys that a target and ``defaults:`` have in common."""

    interval: Annotated[Micros, Duration("1s", "1d")] = MINUTE
    """Time from one poll of the target to the next."""
    jitter: Share = Field(default=0.1, ge=0, le=0.5)
    """Share of the interval by which each poll is moved at random, so that targets do not poll in step."""
    timeout: Annotated[Micros, Duration("100ms", "5m")] = 15 * SECOND
    """Longest time for one request, from connecting to the last byte."""
    requests_per_minute: int = Field(default=120, ge=1, le=100_000)
    """Requests allowed in a minute to one upstream with one credential, over all targets that share both."""
    overlap: Annotated[Micros, Duration("0s", "30d")] = HOUR
    """How far below the newest known run a listing is read again, to meet runs that appear late."""
    deep_interval: Annotated[Micros, Duration("1s", "7d")] = 10 * MINUTE
    """Time between the more expensive reads: open runs that were not met, workloads read by name."""
    sweep_interval: Annotated[Micros, Duration("1s", "30d")] = HOUR
    """Shortest time between two readings of a listing down to all that is remembered."""
    memory: Annotated[Micros, Duration("1m", "366d")] = 8 * DAY
    """How far back run ids are remembered; a run that turns up older than that is never counted."""
    open_run_max_age: Annotated[Micros, Duration("1m", "365d")] = 7 * DAY
    """Age at which a run that still has not ended is given up and counted as ``unknown``."""
    settle: Annotated[Micros, Duration("1m", "30d")] = DAY
    """How long the figures of a window may still change after its end."""
    max_window: Annotated[Micros, Duration("1m", "366d")] = 7 * DAY
    """Longest window that is asked for; past it and ``settle`` its start is moved by force."""
    zero_hold: Annotated[Micros, Duration("0s", "1h")] = 2 * MINUTE
    """How long a series shows its old value before an increase, so that ``increase()`` can see the step. At least
    two scrape intervals."""
    stale_after: Annotated[Micros, Duration("1s", "30d")] | None = None
    """Age at which what is only true now (active runs, window figures) leaves the exposition. Without it 5
    intervals, at least 15m."""
    schedule_grace: Annotated[Micros, Duration("1m", "7d")] = 10 * MINUTE
    """How late a scheduled run may be before it counts as missed."""
    forget_after: Annotated[Micros, Duration("1m", "3660d")] = 100 * DAY
    """How long a workload that the platform no longer lists keeps its series. Longer than the rarest schedule."""
    max_workloads: int = Field(default=1000, ge=1, le=1_000_000)
    """Workloads with series of their own; further ones are added up as ``_other``."""
    max_label_values: int = Field(default=50, ge=1, le=100_000)
    """Different values of a label whose values the platform chooses (failure reasons, trigger types), by family."""
    max_response_bytes: Size = Field(default=64 * 1024**2, ge=1024, le=2 * 1024**3)
    """Largest answer that is read, after decompression."""
    endpoint: Endpoint | None = Field(default=None, examples=["https://gateway.example.net/upstream"])
    """Base URL of the API."""
    allow_http: bool = False
    """Permit an endpoint with plain ``http`` on another machine. Credentials then travel in the clear."""
    proxy: SecretText | None = Field(default=None, examples=["http://proxy.example.net:3128"])
    """URL of an HTTP proxy, which may hold a user and a password. Without it ``HTTPS_PROXY`` and its kin count."""
    ca_file: ExistingFile | None = Field(default=None, examples=["/etc/ssl/company-ca.pem"])
    """Certificates (PEM) to trust instead of the system's."""
    insecure_skip_verify: bool = False
    """Do not verify the upstream's certificate. Anybody on the way can then take the credentials."""


def _conflicts_of_pace(pace: Pace) -> Iterator[Conflict]:
    """Yield the rules of counting that a combination of lengths would break."""
    needed = pace.open_run_max_age + pace.overlap
    if pace.memory <= needed:
        yield Conflict(
            ("memory", "open_run_max_age", "overlap"),
            "memory must be longer than open_run_max_age and overlap together, or runs could be counted twice",
            f"write more than {format_duration(needed)}",
        )
    if pace.forget_after < pace.memory:
        yield Conflict(
            ("forget_after", "memory"),
            "forget_after must not be shorter than memory",
            f"write at least {format_duration(pace.memory)}",
        )
    needed = pace.max_window + pace.settle
    if pace.forget_after <= needed:
        yield Conflict(
            ("forget_after", "max_window", "settle"),
            "forget_after must be longer than max_window and settle together",
            f"write more than {format_duration(needed)}",
        )
    if pace.max_window < pace.settle:
        yield Conflict(
            ("max_window", "settle"),
            "max_window must not be shorter than settle",
            f"write at least {format_duration(pace.settle)}",
        )
    if pace.stale_after is not None and pace.stale_after < pace.interval:
        yield Conflict(
            ("stale_after", "interval"),
            "stale_after must not be shorter than interval, or nothing would ever be fresh",
            f"write at least {format_duration(pace.interval)}",
        )


class TargetSettings(Pace):
    """One target, whatever its platform.

    ``platform`` and ``endpoint`` are given their values by the platforms; ``target`` labels and state carry
    ``name``.
    """

    DEFAULT_ENDPOINT: ClassVar[str | None] = None
    """The vendor's public address; None where every customer has another one."""

    name: Annotated[str, AfterValidator(_check_name)] = Field(examples=["fleet"])
    """Name of the target, unique in the file; the value of the label ``target``."""
    platform: PlatformName
    """Which upstream product this is."""
    labels: OwnLabels = Field(default={}, examples=[{"team": "perception", "tier": "1"}])
    """Labels of your own on every series of the target, at most 5."""

    @property
    def base_url(self) -> str:
        """The base URL, configured or the vendor's, without a slash at the end."""
        url = self.endpoint or self.DEFAULT_ENDPOINT
        if url is None:
            raise TypeError(f"{type(self).__name__} has no endpoint of its own and must require one")
        return url

    @property
    def scope(self) -> str:
        """What of the upstream account is read: org, team, filters; empty when the credential decides."""
        return ""

    @property
    def identity(self) -> str:
        """What the state of this target belongs to (rule 28). Another identity is another upstream."""
        return " ".join(filter(None, (self.platform, self.base_url, self.scope)))

    def limits(self) -> Limits:
        """Return paces and depths of reading and counting."""
        stale_after = self.stale_after
        if stale_after is None:
            stale_after = max(5 * self.interval, 15 * MINUTE)
        return Limits(
            interval=self.interval,
            overlap=self.overlap,
            deep_interval=self.deep_interval,
            sweep_interval=self.sweep_interval,
            memory=self.memory,
            open_run_max_age=self.open_run_max_age,
            settle=self.settle,
            max_window=self.max_window,
            schedule_grace=self.schedule_grace,
            forget_after=self.forget_after,
            stale_after=stale_after,
            max_workloads=self.max_workloads,
            max_label_values=self.max_label_values,
        )

    def client_settings(self) -> ClientSettings:
        """Return what the HTTP client may be told; the proxy is ``proxy``, the pace ``requests_per_minute``."""
        return ClientSettings(
            timeout=self.timeout / SECOND,
            max_response_bytes=self.max_response_bytes,
            verify=not self.insecure_skip_verify,
            ca_file=str(self.ca_file) if self.ca_file is not None else None,
        )

    def secrets(self) -> Iterator[Secret]:
        """Yield every secret of the target, nested ones too."""
        return secrets_of(self)

    def conflicts(self) -> Iterator[Conflict]:
        """Yield what does not fit together, each with the keys that it is about."""
        yield from _conflicts_of_pace(self)
        if self.endpoint is not None and plain_http(self.endpoint) and not self.allow_http:
            yield Conflict(
                ("endpoint", "allow_http"),
                "plain http would show the credentials to everybody on the way",
                "use https, or set allow_http: true",
            )
        if self.proxy is not None and not re.fullmatch(r"https?://[^/\s]+/?", self.proxy.read()):
            yield Conflict(("proxy",), "is not the URL of an HTTP proxy", "write it as http://host:port")

    @model_validator(mode="after")
    def _whole(self) -> Self:
        found = list(self.conflicts())
        if found:
            # One error for all of them: a validator can raise only once.
            summary = "; ".join(f"{conflict.keys[0]}: {conflict.problem}; {conflict.right}" for conflict in found)
            raise PydanticCustomError(CONFLICTS, "{summary}", {"summary": summary, "conflicts": found})
        return self

    @classmethod
    def vendor_values(cls, raw: Mapping[str, Any], environ: Mapping[str, str]) -> Iterator[VendorValue]:
        """Yield what the vendor's environment variables could fill in for a target written as ``raw``."""
        del raw, environ
        return iter(())


class Selection(SettingsModel):
    """Which workloads of a target are read; mixed into the settings of platforms that can leave some out."""

    include: tuple[Pattern, ...] = Field(default=(), examples=[["support-*"]])
    """Names or patterns of the workloads to read. Without it all of them."""
    exclude: tuple[Pattern, ...] = Field(default=(), examples=[["*-test"]])
    """Names or patterns of workloads to leave out, also when ``include`` names them."""

    def selects(self, name: str) -> bool:
        """Whether the workload called ``name`` on its platform is read."""
        if any(fnmatchcase(name, pattern) for pattern in self.exclude):
            return False
        return not self.include or any(fnmatchcase(name, pattern) for pattern in self.include)


def secrets_of(model: BaseModel) -> Iterator[Secret]:
    """Yield the secrets in ``model`` and the models inside it."""
    for _, value in model:
        if isinstance(value, Secret):
            yield value
        elif isinstance(value, BaseModel):
            yield from secrets_of(value)


def one_secret(
    key: str, literal: Secret | None, file: Secret | None, variable: str | None = None
) -> Iterator[Conflict]:
    """Yield a conflict unless exactly one of ``key`` and ``key_file`` is set. ``variable`` would fill it in."""
    if literal is not None and file is not None:
        yield Conflict((key, f"{key}_file"), f"{key} and {key}_file are both set", "keep one of them")
    if literal is None and file is None:
        also = f" (or set {variable} in the environment)" if variable else ""
        yield Conflict((key, f"{key}_file"), "is missing", f"write {key}: ${{VARIABLE}} or {key}_file: /path{also}")


def the_secret(literal: Secret | None, file: Secret | None) -> Secret:
    """Return the one that is set."""
    secret = literal if literal is not None else file
    if secret is None:
        raise TypeError("one of them is always set after validation")
    return secret


def from_variables(
    raw: Mapping[str, Any], environ: Mapping[str, str], key: str, unless: tuple[str, ...], variables: tuple[str, ...]
) -> Iterator[VendorValue]:
    """Yield the first of ``variables`` that is set, for ``key``, when ``raw`` has none of ``unless``."""
    if any(raw.get(present) is not None for present in unless):
        return
    for variable in variables:
        if environ.get(variable):
            yield VendorValue((key,), environ[variable], variable)
            return
