# The image of web, relay, sender of mails and commands. It holds what requirements.txt names and nothing embedded.
FROM python:3.13-slim AS build
WORKDIR /build
RUN python -m venv /venv
COPY requirements.txt .
RUN /venv/bin/pip install --no-cache-dir --require-hashes -r requirements.txt

FROM python:3.13-slim
# A fixed number, so that volumes and security policies can name the user.
RUN useradd --uid 10001 --create-home --shell /usr/sbin/nologin shop
WORKDIR /app
COPY --from=build /venv /venv
ENV PATH=/venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 HOST=0.0.0.0 PORT=8000
COPY manage.py gunicorn.conf.py ./
COPY config config
COPY users users
COPY catalog catalog
COPY orders orders
COPY history history
COPY templates templates
COPY static static
COPY locale locale
# The addresses are only there for the settings to load; nothing is connected to.
RUN SECRET_KEY=build LOCAL=0 DATABASE_URL=postgresql://build/build MONGODB_URL=mongodb://build/build \
    EMAIL_URL=consolemail:// python manage.py collectstatic --no-input --verbosity=0
# The folder of uploads; a volume mounted here gets its owner.
RUN install -d -o shop -g shop /media
ENV MEDIA_ROOT=/media
USER shop
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=5s --start-period=20s --retries=3 \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/healthz', timeout=4)"]
CMD ["gunicorn", "-c", "gunicorn.conf.py"]
