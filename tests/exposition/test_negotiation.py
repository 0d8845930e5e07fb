"""What real clients ask for, what RFC 9110 says about preference, and nonsense."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.exposition import negotiate

# Recorded from Prometheus 2.42.0 and 3.5.3.
PROMETHEUS_2 = (
    "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,"
    "text/plain;version=0.0.4;q=0.5,*/*;q=0.1"
)
PROMETHEUS_3 = (
    "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,"
    "application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,"
    "text/plain;version=0.0.4;q=0.3,*/*;q=0.2"
)
PROMETHEUS_3_PROTOBUF = (
    "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited;q=0.6,"
    "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,"
    "application/openmetrics-text;version=0.0.1;q=0.4,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.3,"
    "text/plain;version=0.0.4;q=0.2,*/*;q=0.1"
)
PROMETHEUS_3_TEXT_1 = "text/plain;version=1.0.0;escaping=allow-utf-8;q=0.6,*/*;q=0.5"
PROMETHEUS_3_TEXT_0 = "text/plain;version=0.0.4;q=0.6,application/openmetrics-text;version=0.0.1;q=0.5,*/*;q=0.4"
BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8"

TEXT = "text/plain; version=0.0.4; charset=utf-8"
TEXT_1 = "text/plain; version=1.0.0; charset=utf-8"
OPENMETRICS = "application/openmetrics-text; version=1.0.0; charset=utf-8"
OPENMETRICS_OLD = "application/openmetrics-text; version=0.0.1; charset=utf-8"


@pytest.mark.parametrize(
    ("accept", "content_type"),
    [
        (None, TEXT),
        ("", TEXT),
        ("*/*", TEXT),
        (BROWSER, TEXT),
        (PROMETHEUS_2, OPENMETRICS),
        (PROMETHEUS_3, f"{OPENMETRICS}; escaping=allow-utf-8"),
        (PROMETHEUS_3_PROTOBUF, f"{OPENMETRICS}; escaping=allow-utf-8"),
        (PROMETHEUS_3_TEXT_1, f"{TEXT_1}; escaping=allow-utf-8"),
        (PROMETHEUS_3_TEXT_0, TEXT),
        ("text/plain", TEXT),
        ("text/plain; version=0.0.4; charset=utf-8", TEXT),
        ('text/plain; version="0.0.4"', TEXT),
        ('text/plain; version="1.0\\.0"; note="a,b;q=0"', TEXT_1),
        ("text/plain;version=1.0.0", TEXT_1),
        ("text/plain;version=1.0.0;escaping=underscores", f"{TEXT_1}; escaping=underscores"),
        ("text/plain;version=1.0.0;escaping=unheard-of", TEXT_1),
        ("text/plain;version=9.9, application/openmetrics-text;q=0.1", OPENMETRICS),
        ("text/*", TEXT),
        ("application/*", OPENMETRICS),
        ("application/openmetrics-text", OPENMETRICS),
        ("Application/OpenMetrics-Text; Version=1.0.0", OPENMETRICS),
        ("application/openmetrics-text;version=0.0.1", OPENMETRICS_OLD),
        ("application/openmetrics-text;version=1.0.0;q=0.3, text/plain;version=0.0.4;q=0.6", TEXT),
        ("application/openmetrics-text;version=1.0.0;q=0, */*;q=0.1", TEXT),
        ("text/plain;q=0, */*;q=0.1", OPENMETRICS),
        ("text/plain;q=0.5, text/plain;version=1.0.0;q=0.9", TEXT_1),
        ("text/plain, application/openmetrics-text", TEXT),
        ("application/openmetrics-text, text/plain", OPENMETRICS),
        ("*/*, application/openmetrics-text", OPENMETRICS),
        ("application/json", TEXT),
        ("*/*;q=0", TEXT),
        ("text/plain;q=2, application/openmetrics-text", OPENMETRICS),
        (",;,;;=,text/plain", TEXT),
    ],
)
def test_the_content_type_follows_accept(accept: str | None, content_type: str) -> None:
    """The most preferred format that we have, named as the client named it; text 0.0.4 when in doubt."""
    chosen = negotiate(accept, None)
    assert chosen.content_type == content_type
    assert chosen.format == ("openmetrics" if "openmetrics" in content_type else "text")


@pytest.mark.parametrize(
    ("accept_encoding", "gzip"),
    [
        (None, False),
        ("", False),
        ("gzip", True),
        ("GZIP", True),
        ("x-gzip", True),
        ("deflate, gzip;q=0.5", True),
        ("gzip, deflate, br, zstd", True),
        ("br", False),
        ("*", True),
        ("*;q=0", False),
        ("gzip;q=0", False),
        ("gzip;q=0.000, *", False),
        ("identity", False),
        ("gzip;q=0.5, identity", False),
        ("gzip;q=0.5, identity;q=0.5", True),
        ("gzip;q=loud", False),
    ],
)
def test_gzip_is_used_where_it_is_welcome(accept_encoding: str | None, gzip: bool) -> None:
    """Not when refused, and not when plain is liked better."""
    assert negotiate(None, accept_encoding).gzip is gzip


HEADER_WORDS = st.lists(
    st.sampled_from(["text", "/", "plain", "*", ";", ",", "=", "q", "0.5", '"', "\\", "version", "1.0.0", " ", "gzip"])
).map("".join)


@given(st.none() | st.text() | HEADER_WORDS, st.none() | st.text() | HEADER_WORDS)
def test_no_header_is_an_error(accept: str | None, accept_encoding: str | None) -> None:
    """Whatever comes, one of our content types goes out."""
    known = (TEXT, TEXT_1, OPENMETRICS, OPENMETRICS_OLD)
    assert negotiate(accept, accept_encoding).content_type.partition("; escaping=")[0] in known


@pytest.mark.parametrize("hostile", ['"\\', '\\"', '"', "\\", ",", ";", "text/plain;q=0.1,", "a;b=", " "])
def test_a_hostile_header_costs_no_more_than_its_length(hostile: str) -> None:
    """100 kB, more than the web server lets through, take well under a second of processor time."""
    header = hostile * (100_000 // len(hostile))
    start = time.process_time()
    negotiate(header, header)
    assert time.process_time() - start < 2
