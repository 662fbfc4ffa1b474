# The gateway in a container. Every step is a script that CI runs as well (tests/integration/house/),
# because an image that only its own build tests is an image nobody tested.
#
#   docker build -t yrd .
#   docker run --rm --read-only --tmpfs /tmp yrd demo
#   docker run --read-only --tmpfs /tmp -v yrd-data:/data -p 8430:8430 yrd serve
# The base is Debian's: its OpenSSL signs with SM2, that of Red Hat's line does not (docs/sm.md).
ARG BASE=python:3.11-slim-bookworm

FROM ${BASE} AS build
COPY . /src
RUN sh /src/deploy/build.sh /opt/yrd

FROM ${BASE}
# Not root, no shell login, no home: the one place to write is the data volume.
RUN useradd --system --uid 10001 --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin yrd \
    && install -d -o yrd -g yrd -m 700 /data
COPY --from=build /opt/yrd /opt/yrd
ENV YRD_DATA=/data
VOLUME /data
USER 10001
# SIGTERM drains: calls under way are answered before the process ends.
STOPSIGNAL SIGTERM
ENTRYPOINT ["/opt/yrd/yrd"]
CMD ["--help"]
