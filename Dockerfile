# The service as an image: docker build --tag automation-exporter .
# Both stages start from the same base, so that the environment built in one runs in the other. No digest is
# written down here: pin what you trust with --build-arg PYTHON_IMAGE=docker.io/library/python@sha256:...
ARG PYTHON_IMAGE=docker.io/library/python:3.13-slim-trixie

FROM ${PYTHON_IMAGE} AS build
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_INPUT=1 PIP_ROOT_USER_ACTION=ignore
# Two environments: one with pip and what builds the project, one with only what the program needs.
RUN python3 -m venv /build && python3 -m venv --without-pip /opt/automation-exporter
WORKDIR /source
# Dependencies first: this layer is built anew only when a lock changes.
COPY requirements/build.txt requirements/run.txt requirements/
RUN /build/bin/pip install --quiet --require-hashes --requirement requirements/build.txt \
    && /build/bin/pip --python /opt/automation-exporter/bin/python install --quiet \
        --require-hashes --only-binary :all: --requirement requirements/run.txt
COPY pyproject.toml README.md LICENSE ./
COPY exporter exporter
RUN /build/bin/pip wheel --quiet --no-deps --no-build-isolation --wheel-dir dist . \
    && /build/bin/pip --python /opt/automation-exporter/bin/python install --quiet --no-deps dist/*.whl

FROM ${PYTHON_IMAGE}
ARG VERSION=unknown
ARG REVISION=unknown
ARG CREATED=1970-01-01T00:00:00Z
LABEL org.opencontainers.image.title="automation-exporter" \
    org.opencontainers.image.description="Prometheus exporter for hosted automation platforms" \
    org.opencontainers.image.licenses="Apache-2.0" \
    org.opencontainers.image.version="${VERSION}" \
    org.opencontainers.image.revision="${REVISION}" \
    org.opencontainers.image.created="${CREATED}"
# Numeric, so that Kubernetes can see that it is not root. The state's folder belongs to it; nothing else does.
RUN mkdir --parents /var/lib/automation-exporter && chown 65532:65532 /var/lib/automation-exporter
COPY --from=build /opt/automation-exporter /opt/automation-exporter
ENV PATH=/opt/automation-exporter/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    HOME=/tmp \
    STATE_DIRECTORY=/var/lib/automation-exporter
USER 65532:65532
WORKDIR /var/lib/automation-exporter
VOLUME /var/lib/automation-exporter
EXPOSE 10077
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=10s --start-period=30s --retries=3 CMD ["automation-exporter", "healthcheck"]
ENTRYPOINT ["automation-exporter"]
CMD ["run", "--config.file=/etc/automation-exporter/config.yaml"]
