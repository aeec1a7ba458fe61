# The demo in a container: docs/guide/deploying.md says how to build and run it, and how to serve other plots.

FROM python:3.11-slim AS build
RUN python -m venv /opt/plotroute
WORKDIR /build
# First what changes least: the pins, with their hashes. Wheels only, so no compiler is needed.
COPY requirements/demo.txt requirements/
RUN /opt/plotroute/bin/pip install --no-cache-dir --disable-pip-version-check --require-hashes --only-binary=:all: -r requirements/demo.txt
# Matplotlib looks at every font once and remembers it here; deploy/entrypoint hands it on.
RUN MPLCONFIGDIR=/opt/plotroute/share/matplotlib /opt/plotroute/bin/python -c "import matplotlib.font_manager"
COPY pyproject.toml README.md LICENSE ./
COPY src src
RUN /opt/plotroute/bin/pip wheel --no-cache-dir --disable-pip-version-check --no-deps --no-build-isolation --wheel-dir dist .
RUN /opt/plotroute/bin/pip install --no-cache-dir --disable-pip-version-check --no-deps --no-index dist/plotroute-*.whl
COPY deploy/entrypoint /opt/plotroute/bin/entrypoint
COPY examples/demo /srv/plots
# A checkout may be readable by its owner only.
RUN chmod -R a+rX /opt/plotroute /srv/plots && chmod a+x /opt/plotroute/bin/entrypoint

FROM python:3.11-slim
LABEL org.opencontainers.image.title="plotroute" \
      org.opencontainers.image.description="Every plot gets a URL: the demo of plotroute" \
      org.opencontainers.image.licenses="MIT"
# A number, so that a platform that forbids root can see that it is not root; with a name, because libraries need one.
# The directory is for a volume that keeps pictures (PLOTROUTE_CACHE_DIR).
RUN useradd --uid 10001 --user-group --no-create-home --home-dir /tmp --shell /usr/sbin/nologin plotroute && install -d -o 10001 -g 10001 -m 700 /var/cache/plotroute
COPY --from=build /opt/plotroute /opt/plotroute
COPY --from=build /srv/plots /srv/plots
# All that is written is below /tmp.
ENV PATH=/opt/plotroute/bin:$PATH HOME=/tmp MPLCONFIGDIR=/tmp/matplotlib PORT=8000
WORKDIR /srv/plots
USER 10001:10001
EXPOSE 8000
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s --retries=3 \
    CMD ["python", "-Ic", "import http.client, os, sys; c = http.client.HTTPConnection('127.0.0.1', int(os.environ['PORT']), timeout=4); c.request('GET', '/readyz'); sys.exit(c.getresponse().status != 200)"]
ENTRYPOINT ["/opt/plotroute/bin/entrypoint"]
CMD ["plotroute", "serve", "/srv/plots", "--site", "/srv/plots/site", "--host", "0.0.0.0"]
