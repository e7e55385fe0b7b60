"""One settings file, fed by the environment; docs/configuration.md lists the variables.

On a machine of one's own (LOCAL, the default while DATABASE_URL is not set) the embedded databases and a secret
kept in DATA_DIR are used, and http is allowed. Everywhere else the environment says everything.
"""

from __future__ import annotations

from pathlib import Path

from csp.constants import NONE, SELF
from django.contrib.messages import constants as message_levels

from config import environment, logs, secret
from config.embedded import addresses

BASE_DIR = Path(__file__).resolve().parent.parent
env = environment.Env()

DATA_DIR = Path(env.str("DATA_DIR", default=str(BASE_DIR / ".data"))).resolve()
LOCAL = environment.is_local()
DEBUG = env.bool("DEBUG", default=False)
SECRET_KEY = env.str("SECRET_KEY", default="") or secret.local_key(DATA_DIR, allowed=LOCAL)
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["localhost", "127.0.0.1", "[::1]"] if LOCAL else [])
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", default=[])
EMBEDDED = {"DATABASE_URL": addresses.database_url(DATA_DIR), "MONGODB_URL": addresses.mongodb_url(DATA_DIR)}
environment.refuse_unsafe(
    local=LOCAL,
    debug=DEBUG,
    secret=SECRET_KEY,
    hosts=ALLOWED_HOSTS,
    embedded={name: env.str(name, default="") in ("", address) for name, address in EMBEDDED.items()},
)

INSTALLED_APPS = [
    "users",
    "catalog",
    "orders",
    "history",
    "django.contrib.auth",
    "config.apps.ShopAdminConfig",  # after every app whose permissions the roles name
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "django.contrib.postgres",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.usersessions",
    "crispy_forms",
    "crispy_bootstrap5",
    "django_htmx",
    "csp",
    "ninja",  # the API's page of documentation and its assets
]

MIDDLEWARE = [
    "config.logs.RequestMiddleware",
    # What browsers are told comes with every answer, whoever makes it.
    "django.middleware.security.SecurityMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "config.middleware.ContentPolicyMiddleware",
    # Before whatever asks for a host name.
    "config.health.HealthMiddleware",
    "config.metrics.MetricsMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "config.api.middleware.ApiMiddleware",  # before whatever reads a session
    "config.middleware.sound_requests",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "config.middleware.ShopLocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.auth.middleware.LoginRequiredMiddleware",
    "history.middleware.ActivityMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "config.limits.RateLimitMiddleware",
    "config.middleware.not_allowed_page",
    "config.middleware.personal_pages_not_kept",
]

ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "orders.context_processors.cart",
            ],
            "builtins": ["django.templatetags.i18n", "config.templatetags.money"],
        },
    }
]

# Who may read /metrics.
METRICS_TOKEN = env.str("METRICS_TOKEN", default="")

# --- PostgreSQL: the truth ---
DATABASES = {"default": env.db_url("DATABASE_URL", default=EMBEDDED["DATABASE_URL"])}
DATABASES["default"]["ENGINE"] = "config.database"
# A restart of PostgreSQL costs no request: each connection is tested before it is used.
DATABASES["default"]["CONN_HEALTH_CHECKS"] = True
DATABASES["default"].setdefault("OPTIONS", {}).update(
    # Threads share a few open connections; 2.9 times the throughput of one connection a request.
    pool={"min_size": 1, "max_size": env.int("DATABASE_POOL_SIZE", default=8), "timeout": 1.5, "reconnect_timeout": 2},
    # A server that cannot be reached fails a request within five seconds (libpq's parameters, of TCP).
    connect_timeout=3,
    tcp_user_timeout=3000,
    keepalives_idle=2,
    keepalives_interval=1,
    keepalives_count=2,
    # Nothing a page asks may hang: statements, locks and forgotten transactions end by themselves.
    options="-c statement_timeout=30000 -c lock_timeout=3000 -c idle_in_transaction_session_timeout=60000"
    # How like a name a word must be for the search to take it for a misspelling.
    " -c pg_trgm.word_similarity_threshold=0.4",
)
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# --- MongoDB: the mirror ---
MONGODB_URL = env.str("MONGODB_URL", default=EMBEDDED["MONGODB_URL"])
# pymongo's own default is to wait for ever; a page gives up sooner than the relay, which retries.
MONGODB_READ_TIMEOUT_MS = env.int("MONGODB_READ_TIMEOUT_MS", default=10_000)
MONGODB_WRITE_TIMEOUT_MS = env.int("MONGODB_WRITE_TIMEOUT_MS", default=10_000)
MONGODB_CONNECT_TIMEOUT_MS = env.int("MONGODB_CONNECT_TIMEOUT_MS", default=1_000)
# Both stores forget what people did after so many days; orders stay.
ACTIVITY_LOG_DAYS = env.int("ACTIVITY_LOG_DAYS", default=730)
# So many days after they were placed, finished orders are archived; 0: only when archive_orders is asked to.
ARCHIVE_AFTER_DAYS = env.int("ARCHIVE_AFTER_DAYS", default=0)
# PostgreSQL keeps how the mirror was doing, a row a minute, and reconcile's runs for so many days.
MIRROR_STATE_DAYS = env.int("MIRROR_STATE_DAYS", default=90)

# --- Other systems ---
# So many days the feed of events is kept, and what became of webhooks.
FEED_DAYS = env.int("FEED_DAYS", default=90)
# So many requests of a web process may wait for the feed's next event; each has one of its few threads.
FEED_WAITERS = env.int("FEED_WAITERS", default=1)
# Networks that webhooks may go to although they are not public, such as 10.1.2.0/24.
WEBHOOK_NETWORKS = env.list("WEBHOOK_NETWORKS", default=[])

# --- Accounts ---
AUTH_USER_MODEL = "users.User"
SILENCED_SYSTEM_CHECKS = ["auth.W004"]  # E-mail is unique, by a constraint without case that the check cannot see.
AUTHENTICATION_BACKENDS = ["users.backends.AuthenticationBackend"]
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "catalog:product_list"
ACCOUNT_ADAPTER = "users.adapter.AccountAdapter"
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_SIGNUP_FORM_CLASS = "users.forms.SignupForm"
ACCOUNT_FORMS = {
    "add_email": "users.allauth_forms.AddEmailForm",
    "login": "users.allauth_forms.LoginForm",
    "reset_password": "users.password_reset.ResetPasswordForm",
    "signup": "users.allauth_forms.SignupForm",
}
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_USER_DISPLAY = "users.models.display_name"
# Nobody gets in with an address that is not theirs: the code from the mail ends a sign-up.
ACCOUNT_EMAIL_VERIFICATION = "mandatory"
ACCOUNT_EMAIL_VERIFICATION_BY_CODE_ENABLED = True
ACCOUNT_EMAIL_VERIFICATION_SUPPORTS_RESEND = True
ACCOUNT_CHANGE_EMAIL = True  # one address a person
ACCOUNT_UNIQUE_EMAIL = True
ACCOUNT_SESSION_REMEMBER = True
ACCOUNT_EMAIL_SUBJECT_PREFIX = "[Shop] "
ACCOUNT_LOGOUT_REDIRECT_URL = "catalog:product_list"
ALLAUTH_USER_CODE_FORMAT = {"numeric": True, "length": 6, "dashed": False}
# Nothing of the back office is shown to staff without a second factor.
REQUIRE_STAFF_MFA = env.bool("REQUIRE_STAFF_MFA", default=not LOCAL)
# Proxies that add the address they were asked from to X-Forwarded-For; without any, nobody believes that header.
ALLAUTH_TRUSTED_PROXY_COUNT = env.int("TRUSTED_PROXIES", default=0)
# Of one visitor a minute: searches of an address, orders and files of an account; 0 is no limit.
RATE_LIMITS = environment.limits(
    env.list("RATE_LIMITS", default=["off"] if LOCAL else []), {"search": 300, "checkout": 30, "export": 30}
)
MFA_TOTP_ISSUER = "Shop"
MFA_TOTP_TOLERANCE = 1  # a code more before and after: clocks of phones differ

# --- Pages ---
CACHES = {
    # allauth counts in it what it limits: in PostgreSQL, for all web servers together.
    "default": {"BACKEND": "users.counts.CountsCache"},
    # The shop's pages as guests see them, about 30 kB each, of each process: catalog/guests.py.
    "pages": {
        "BACKEND": "django.core.cache.backends.locmem.LocMemCache",
        "LOCATION": "pages",
        "OPTIONS": {"MAX_ENTRIES": 1000},
    },
}
LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English"), ("de", "Deutsch")]
LOCALE_PATHS = [BASE_DIR / "locale"]
FORMAT_MODULE_PATH = ["config.formats"]
LANGUAGE_COOKIE_AGE = 31_536_000
LANGUAGE_COOKIE_HTTPONLY = True
LANGUAGE_COOKIE_SAMESITE = "Lax"
USE_TZ = True
TIME_ZONE = env.str("TIME_ZONE", default="UTC")
CURRENCY = env.str("CURRENCY", default="USD")
# So many of a product or fewer are low.
LOW_STOCK = env.int("LOW_STOCK", default=5)
STATIC_URL = "static/"
STATIC_ROOT = Path(env.str("STATIC_ROOT", default=str(BASE_DIR / "staticfiles")))
STATICFILES_DIRS = [BASE_DIR / "static"]
# Pictures of products; all web servers share it, or STORAGES has one that they share.
MEDIA_URL = "media/"
MEDIA_ROOT = Path(env.str("MEDIA_ROOT", default=str(DATA_DIR / "media")))
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        # Hashed names need `collectstatic`, which a machine of one's own has no reason to run.
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if LOCAL
        else "whitenoise.storage.CompressedManifestStaticFilesStorage"
    },
}
WHITENOISE_USE_FINDERS = LOCAL
CRISPY_ALLOWED_TEMPLATE_PACKS = "bootstrap5"
CRISPY_TEMPLATE_PACK = "bootstrap5"
MESSAGE_TAGS = {message_levels.ERROR: "danger"}
# Elsewhere the environment has to say it: codes and mails are nothing for a log.
EMAIL_CONFIG = env.email("EMAIL_URL", **({"default": "consolemail://"} if LOCAL else {}))
vars().update(EMAIL_CONFIG)
if LOCAL and EMAIL_CONFIG["EMAIL_BACKEND"] == "django.core.mail.backends.console.EmailBackend":
    EMAIL_BACKEND = "config.printed_mails.EmailBackend"
EMAIL_TIMEOUT = 10  # seconds, for each answer of the mail server
DEFAULT_FROM_EMAIL = env.str("DEFAULT_FROM_EMAIL", default="shop@localhost")
# Where links in mails about orders lead: who sends them has no request to go by.
SITE_URL = env.str("SITE_URL", default="").rstrip("/") or (
    f"http://localhost:{env.str('PORT', default='') or 8000}" if LOCAL else f"https://{ALLOWED_HOSTS[0].lstrip('.')}"
)

# --- What browsers are told ---
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "img-src": [SELF, "data:"],  # Bootstrap draws its form marks from data: images
        "object-src": [NONE],
        "base-uri": [NONE],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
    }
}
X_FRAME_OPTIONS = "DENY"
SECURE_REFERRER_POLICY = "same-origin"
SECURE_SSL_REDIRECT = env.bool("SECURE_SSL_REDIRECT", default=not LOCAL)
SECURE_HSTS_SECONDS = env.int("SECURE_HSTS_SECONDS", default=0 if LOCAL else 31_536_000)
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = not LOCAL
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = LANGUAGE_COOKIE_SECURE = not LOCAL
SESSION_COOKIE_NAME = "sessionid" if LOCAL else "__Host-sessionid"
CSRF_COOKIE_NAME = "csrftoken" if LOCAL else "__Host-csrftoken"
LANGUAGE_COOKIE_NAME = "language" if LOCAL else "__Host-language"
if not LOCAL:
    MESSAGE_STORAGE = "config.message_cookies.HostFallbackStorage"
CSRF_COOKIE_HTTPONLY = True  # forms carry the token; no script reads the cookie
# Who asks for them is this machine's orchestrator or a monitor, over http and by address.
SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$", r"^metrics$"]
BEHIND_TLS_PROXY = env.bool("BEHIND_TLS_PROXY", default=False)
if BEHIND_TLS_PROXY:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")

LOGGING = logs.config(local=LOCAL)
