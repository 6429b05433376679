# syntax=docker/dockerfile:1
# The gateway, its egress, its console and its commands: one image. Every file of every dependency is checked against its
# hash; nothing is downloaded when it starts. Give the base image by digest in production:
#   docker build --build-arg PYTHON=python:3.11-slim-bookworm@sha256:... -t privacy-gateway:0.1.0 .
ARG PYTHON=python:3.11-slim-bookworm

# hadolint ignore=DL3006
FROM ${PYTHON} AS build
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends build-essential cmake git \
    && rm -rf /var/lib/apt/lists/*
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
RUN python -m venv /opt/gateway
ENV PATH=/opt/gateway/bin:$PATH
WORKDIR /src
COPY requirements/build.txt requirements/base.txt requirements/
# llama.cpp is compiled for any x86-64-v3 or ARMv8 processor, not for the builder's own.
ARG CMAKE_ARGS="-DLLAVA_BUILD=OFF -DGGML_NATIVE=OFF"
RUN pip install --require-hashes -r requirements/build.txt \
    && awk '/^[a-z]/ {keep = /^llama-cpp-python==/} keep' requirements/base.txt > llama.txt \
    && awk '/^[a-z]/ {skip = /^llama-cpp-python==/} !skip' requirements/base.txt > rest.txt \
    && pip install --require-hashes -r rest.txt \
    && CMAKE_ARGS="$CMAKE_ARGS" pip install --no-deps --no-build-isolation --no-binary llama-cpp-python --require-hashes -r llama.txt
COPY . .
RUN pip install --no-deps --no-build-isolation --no-index . \
    && pip uninstall --yes cmake ninja scikit-build-core hatchling \
    && python -m compileall -q /opt/gateway/lib

# hadolint ignore=DL3006
FROM ${PYTHON}
ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="privacy-gateway" \
      org.opencontainers.image.description="An OpenAI-compatible gateway that lets nothing leave the network without a recorded policy decision." \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends libgomp1 \
    && rm -rf /var/lib/apt/lists/* \
    && groupadd --gid 10001 gateway \
    && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /var/lib/gateway --shell /usr/sbin/nologin gateway \
    && install -d -o 10001 -g 10001 -m 0700 /var/lib/gateway
COPY --from=build /opt/gateway /opt/gateway
ENV PATH=/opt/gateway/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    HF_HUB_OFFLINE=1 \
    LITELLM_LOCAL_MODEL_COST_MAP=True
USER 10001:10001
WORKDIR /var/lib/gateway
EXPOSE 8080 8090
# The port of `serve`; Kubernetes asks by its own probes. Other commands of this image end before it matters.
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=6 \
    CMD ["python", "-c", "import os, urllib.request as u; u.urlopen('http://127.0.0.1:' + os.environ.get('HEALTH_PORT', '8080') + '/healthz', timeout=4)"]
STOPSIGNAL SIGTERM
ENTRYPOINT ["gateway"]
CMD ["serve", "--host", "0.0.0.0"]
