# One Dockerfile, four images: operator, collector, connect, simulator.
# Each holds its own Python packages, its own parts of Bannette (docker/parts.py) and nothing to build with.
ARG BASE=docker.io/library/debian:bookworm-slim

FROM ${BASE} AS python
RUN apt-get update \
 && apt-get install -y --no-install-recommends python3 ca-certificates \
 && rm -rf /var/lib/apt/lists/* /var/cache/apt /var/log/apt /var/log/dpkg.log
ENV PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 PATH=/opt/bannette/bin:/usr/bin:/bin

FROM python AS build
RUN apt-get update && apt-get install -y --no-install-recommends python3-venv
RUN python3 -m venv --without-pip /opt/bannette && python3 -m venv /opt/pip
WORKDIR /src
# The packages first: they change less often than the source.
COPY requirements/ requirements/

FROM build AS build-operator
RUN /opt/pip/bin/pip --python /opt/bannette/bin/python install --no-cache-dir --compile --require-hashes -r requirements/operator.txt
COPY pyproject.toml docker/parts.py ./
COPY operator/bannette/ operator/bannette/
RUN python3 parts.py operator /opt/bannette/lib/python3.11/site-packages \
 && /opt/bannette/bin/python -m compileall -q /opt/bannette/lib/python3.11/site-packages/bannette
COPY docker/bannette /opt/bannette/bin/bannette

FROM build AS build-collector
RUN /opt/pip/bin/pip --python /opt/bannette/bin/python install --no-cache-dir --compile --require-hashes -r requirements/collector.txt
COPY pyproject.toml docker/parts.py ./
COPY operator/bannette/ operator/bannette/
RUN python3 parts.py collector /opt/bannette/lib/python3.11/site-packages \
 && /opt/bannette/bin/python -m compileall -q /opt/bannette/lib/python3.11/site-packages/bannette
COPY docker/bannette /opt/bannette/bin/bannette

FROM build AS build-connect
RUN /opt/pip/bin/pip --python /opt/bannette/bin/python install --no-cache-dir --compile --require-hashes -r requirements/connect.txt
COPY pyproject.toml docker/parts.py ./
COPY operator/bannette/ operator/bannette/
RUN python3 parts.py connect /opt/bannette/lib/python3.11/site-packages \
 && /opt/bannette/bin/python -m compileall -q /opt/bannette/lib/python3.11/site-packages/bannette
COPY docker/bannette /opt/bannette/bin/bannette

FROM build AS build-simulator
RUN /opt/pip/bin/pip --python /opt/bannette/bin/python install --no-cache-dir --compile --require-hashes -r requirements/simulator.txt
COPY simulator/ /opt/bannette/lib/python3.11/site-packages/simulator/
RUN /opt/bannette/bin/python -m compileall -q /opt/bannette/lib/python3.11/site-packages/simulator

FROM python AS operator
COPY --from=build-operator /opt/bannette /opt/bannette
USER 65532:65532
ENTRYPOINT ["bannette"]
CMD ["controller"]

FROM python AS connect
COPY --from=build-connect /opt/bannette /opt/bannette
USER 65532:65532
ENTRYPOINT ["bannette"]
CMD ["connect-service"]

FROM python AS simulator
COPY --from=build-simulator /opt/bannette /opt/bannette
USER 65532:65532
ENTRYPOINT ["python", "-m", "simulator"]

FROM python AS collector
RUN apt-get update \
 && apt-get install -y --no-install-recommends libmagic1 tesseract-ocr tesseract-ocr-eng tesseract-ocr-fra tesseract-ocr-osd \
 && rm -rf /var/lib/apt/lists/* /var/cache/apt /var/log/apt /var/log/dpkg.log
# One thread per recognition: tesseract's four cost six times the CPU (docs/design.md).
ENV OMP_THREAD_LIMIT=1
COPY --from=build-collector /opt/bannette /opt/bannette
USER 65532:65532
ENTRYPOINT ["bannette"]
CMD ["collect", "--in-cluster"]
