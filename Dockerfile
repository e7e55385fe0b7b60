# The image of web, relay, senders and commands. It holds what requirements.txt names: no compiler, no package
# installer in its environment, nothing of tests, nothing embedded. `python -m tests.deploy.replay` goes through every
# step without a container engine.
FROM python:3.13-slim-trixie AS base
# pg_dump and psql as new as the server of compose.yaml.
RUN apt-get update \
    && apt-get install -y --no-install-recommends postgresql-client-17=17.* \
    && rm -rf /var/lib/apt/lists/*

FROM base AS build
WORKDIR /build
COPY requirements.txt .
# Wheels only: nothing is compiled, and no package runs code of its own while it is installed.
RUN python -m venv --without-pip /venv \
    && python -m pip --python /venv/bin/python install --no-cache-dir --disable-pip-version-check \
        --only-binary :all: --require-hashes -r requirements.txt

FROM base
WORKDIR /app
# The process may write to its uploads and to /tmp, and the root file system may be read-only.
ENV PATH=/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    HOME=/tmp \
    HOST=0.0.0.0 \
    PORT=8000 \
    MEDIA_ROOT=/media \
    HEARTBEAT_FILE=/tmp/heartbeat
# Folders of uploads and backups for whichever user the container runs as; a volume mounted there gets the mode.
RUN install -d -m 1777 /media /backup
COPY --from=build /venv /venv
COPY manage.py gunicorn.conf.py ./
COPY core core
COPY config config
COPY users users
COPY catalog catalog
COPY orders orders
COPY history history
COPY templates templates
COPY static static
COPY locale locale
# The addresses are only there for the settings to load; nothing is connected to.
RUN python -m compileall -q --invalidation-mode unchecked-hash config history orders catalog users core \
    && SECRET_KEY="$(python -c 'import secrets; print(secrets.token_urlsafe(50))')" LOCAL=0 ALLOWED_HOSTS=localhost \
        DATABASE_URL=postgresql://build@build/build MONGODB_URL=mongodb://build/build EMAIL_URL=consolemail:// \
        python manage.py collectstatic --no-input --verbosity=0
ARG VERSION=unreleased
ARG REVISION=unknown
LABEL org.opencontainers.image.title="user-order-system" \
      org.opencontainers.image.description="A shop on PostgreSQL, mirrored to MongoDB" \
      org.opencontainers.image.licenses="MIT" \
      org.opencontainers.image.version="$VERSION" \
      org.opencontainers.image.revision="$REVISION"
# A number without a name, so that volumes and security policies can tell that it is not root.
USER 10001:10001
EXPOSE 8000
# Of the web. The others serve no port: compose.yaml looks at the age of HEARTBEAT_FILE instead.
HEALTHCHECK --interval=10s --timeout=5s --start-period=20s --retries=3 \
    CMD ["python", "-c", "import os, urllib.request as web; web.urlopen('http://127.0.0.1:' + os.environ['PORT'] + '/healthz', timeout=4)"]
CMD ["python", "-m", "config.serve"]
