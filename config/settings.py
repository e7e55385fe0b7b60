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

DATA_DIR = env.folder("DATA_DIR", default=BASE_DIR / ".data").resolve()
LOCAL = environment.is_local()
DEBUG = env.flag("DEBUG", default=False)
SECRET_KEY = env.text("SECRET_KEY", default="") or secret.local_key(DATA_DIR, allowed=LOCAL)
# Earlier keys, whose sessions and links stay valid.
SECRET_KEY_FALLBACKS = env.names(
    "SECRET_KEY_FALLBACKS",
    default=[],
    allowed=environment.is_strong_secret,
    expected=f"earlier keys of at least {environment.SHORTEST_SECRET} characters",
    secret=True,
)
ALLOWED_HOSTS = env.names(
    "ALLOWED_HOSTS",
    default=["localhost", "127.0.0.1", "[::1]"] if LOCAL else [],
    allowed=environment.is_allowed_host,
    expected="host names without scheme and port, such as shop.example",
)
CSRF_TRUSTED_ORIGINS = env.names(
    "CSRF_TRUSTED_ORIGINS",
    default=[],
    allowed=environment.is_origin,
    expected="origins such as https://shop.example",
)
EMBEDDED = {"DATABASE_URL": addresses.database_url(DATA_DIR), "MONGODB_URL": addresses.mongodb_url(DATA_DIR)}
environment.refuse_unsafe(
    local=LOCAL,
    debug=DEBUG,
    secret=SECRET_KEY,
    hosts=ALLOWED_HOSTS,
    embedded={name: env.store(name, default=address) == address for name, address in EMBEDDED.items()},
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
    "csp.middleware.CSPMiddleware",
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
    "orders.middleware.guest_cart_cookie",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "config.limits.RateLimitMiddleware",
    "config.shared_pages.SharedPagesMiddleware",
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
METRICS_TOKEN = env.text("METRICS_TOKEN", default="")

# --- PostgreSQL: the truth ---
DATABASES = {
    "default": env.database(
        "DATABASE_URL", default=EMBEDDED["DATABASE_URL"], password=env.text("DATABASE_PASSWORD", default="")
    )
}
DATABASES["default"]["ENGINE"] = "config.database"
# A restart of PostgreSQL costs no request: each connection is tested before it is used.
DATABASES["default"]["CONN_HEALTH_CHECKS"] = True
DATABASES["default"].setdefault("OPTIONS", {}).update(
    # Threads share a few open connections; 2.9 times the throughput of one connection a request.
    pool={
        "min_size": 1,
        "max_size": env.number("DATABASE_POOL_SIZE", default=8, least=1, most=1000),
        "timeout": 1.0,
        "reconnect_timeout": 2,
    },
    # A server that cannot be reached fails a request within five seconds (libpq's parameters, of TCP).
    connect_timeout=2,
    tcp_user_timeout=2000,
    keepalives_idle=1,
    keepalives_interval=1,
    keepalives_count=2,
    # Nothing a page asks may hang: statements, locks and forgotten transactions end by themselves.
    options="-c statement_timeout=30000 -c lock_timeout=3000 -c idle_in_transaction_session_timeout=60000"
    # How like a name a word must be for the search to take it for a misspelling.
    " -c pg_trgm.word_similarity_threshold=0.4",
)
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# --- MongoDB: the mirror ---
MONGODB_URL = env.store(
    "MONGODB_URL", default=EMBEDDED["MONGODB_URL"], password=env.text("MONGODB_PASSWORD", default="")
)
# pymongo's own default is to wait for ever; a page gives up sooner than the relay, which retries.
MONGODB_READ_TIMEOUT_MS = env.number("MONGODB_READ_TIMEOUT_MS", default=10_000, least=1, most=3_600_000)
MONGODB_WRITE_TIMEOUT_MS = env.number("MONGODB_WRITE_TIMEOUT_MS", default=10_000, least=1, most=3_600_000)
MONGODB_CONNECT_TIMEOUT_MS = env.number("MONGODB_CONNECT_TIMEOUT_MS", default=1_000, least=1, most=3_600_000)
# Both stores delete what people did after so many days, 0: never; orders stay.
ACTIVITY_LOG_DAYS = env.number("ACTIVITY_LOG_DAYS", default=730, least=0, most=environment.MAX_DAYS)
# So many days after they were placed, finished orders are archived; 0: only when archive_orders is asked to.
ARCHIVE_AFTER_DAYS = env.number("ARCHIVE_AFTER_DAYS", default=0, least=0, most=environment.MAX_DAYS)
# PostgreSQL keeps how the mirror was doing, a row a minute, and reconcile's runs for so many days; 0: for ever.
MIRROR_STATE_DAYS = env.number("MIRROR_STATE_DAYS", default=90, least=0, most=environment.MAX_DAYS)

# --- Other systems ---
# So many days the feed of events is kept, and what became of webhooks; 0: for ever.
FEED_DAYS = env.number("FEED_DAYS", default=90, least=0, most=environment.MAX_DAYS)
# So many requests of a web process may wait for the feed's next event; each has one of its few threads.
FEED_WAITERS = env.number("FEED_WAITERS", default=1, least=0, most=1000)
# Networks that webhooks may go to although they are not public, such as 10.1.2.0/24.
WEBHOOK_NETWORKS = env.names(
    "WEBHOOK_NETWORKS", default=[], allowed=environment.is_network, expected="networks such as 10.1.2.0/24"
)

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
# By account and place (users/devices.py): who guesses from elsewhere does not lock the owner out.
ACCOUNT_RATE_LIMITS = {"login_failed": "20/1h/key"}
ACCOUNT_CHANGE_EMAIL = True  # one address a person
ACCOUNT_REAUTHENTICATION_REQUIRED = True  # before the address or the second factor changes
ACCOUNT_EMAIL_NOTIFICATIONS = True  # the old address learns of a new one, the owner of a new password
ACCOUNT_UNIQUE_EMAIL = True
ACCOUNT_SESSION_REMEMBER = True
ACCOUNT_EMAIL_SUBJECT_PREFIX = "[Shop] "
ACCOUNT_LOGOUT_REDIRECT_URL = "catalog:product_list"
ALLAUTH_USER_CODE_FORMAT = {"numeric": True, "length": 6, "dashed": False}
# Nothing of the back office is shown to staff without a second factor.
REQUIRE_STAFF_MFA = env.flag("REQUIRE_STAFF_MFA", default=not LOCAL)
# Proxies that add the address they were asked from to X-Forwarded-For; without any, nobody believes that header.
ALLAUTH_TRUSTED_PROXY_COUNT = env.number("TRUSTED_PROXIES", default=0, least=0, most=10)
# Of one visitor a minute: searches and new sessions of an address, orders and files of an account; 0 is no limit.
RATE_LIMITS = environment.limits(
    env.text("RATE_LIMITS", default="off" if LOCAL else ""),
    {"search": 300, "checkout": 30, "export": 30, "sessions": 60},
)
MFA_TOTP_ISSUER = "Shop"
MFA_TOTP_TOLERANCE = 1  # a code more before and after: clocks of phones differ

# --- Pages ---
CACHES = {
    # allauth counts in it what it limits: in PostgreSQL, for all web servers together.
    "default": {"BACKEND": "users.counts.CountsCache"},
    # Lists as guests see them, of each process, at most 40 MB: config/shared_pages.py.
    "pages": {
        "BACKEND": "django.core.cache.backends.locmem.LocMemCache",
        "LOCATION": "pages",
        "OPTIONS": {"MAX_ENTRIES": 200},
    },
}
CART_COOKIE_AGE = 1_209_600  # so many seconds after its last change, a guest's cart is deleted
LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English"), ("de", "Deutsch")]
LOCALE_PATHS = [BASE_DIR / "locale"]
FORMAT_MODULE_PATH = ["config.formats"]
LANGUAGE_COOKIE_AGE = 31_536_000
LANGUAGE_COOKIE_HTTPONLY = True
LANGUAGE_COOKIE_SAMESITE = "Lax"
USE_TZ = True
TIME_ZONE = env.text(
    "TIME_ZONE", default="UTC", allowed=environment.is_time_zone, expected="a time zone such as Europe/Berlin"
)
CURRENCY = env.text(
    "CURRENCY",
    default="USD",
    allowed=environment.CURRENCIES.__contains__,
    expected="the three letters of a currency that has at most two decimals, such as EUR",
)
CURRENCY_DECIMALS = 0 if CURRENCY in environment.NO_DECIMALS else 2
# So many of a product or fewer are low.
LOW_STOCK = env.number("LOW_STOCK", default=5, least=0, most=1_000_000)
STATIC_URL = "static/"
STATIC_ROOT = env.folder("STATIC_ROOT", default=BASE_DIR / "staticfiles")
STATICFILES_DIRS = [BASE_DIR / "static"]
# Pictures of products; all web servers share it, or STORAGES has one that they share.
MEDIA_URL = "media/"
MEDIA_ROOT = env.folder("MEDIA_ROOT", default=DATA_DIR / "media")
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
EMAIL_CONFIG = env.email(
    "EMAIL_URL", default="consolemail://" if LOCAL else None, password=env.text("EMAIL_PASSWORD", default="")
)
vars().update(EMAIL_CONFIG)
if LOCAL and EMAIL_CONFIG["EMAIL_BACKEND"] == "django.core.mail.backends.console.EmailBackend":
    EMAIL_BACKEND = "config.printed_mails.EmailBackend"
EMAIL_TIMEOUT = 10  # seconds, for each answer of the mail server
DEFAULT_FROM_EMAIL = env.text(
    "DEFAULT_FROM_EMAIL",
    default="shop@localhost",
    allowed=environment.is_sender,
    expected="a mail address such as shop@shop.example",
)
# Where links in mails about orders lead: who sends them has no request to go by.
SITE_URL = env.text(
    "SITE_URL",
    default=f"http://localhost:{env.number('PORT', default=8000, least=1, most=65_535)}"
    if LOCAL
    else f"https://{ALLOWED_HOSTS[0].lstrip('.')}",
    allowed=environment.is_site,
    expected="an address such as https://shop.example",
).rstrip("/")

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
SECURE_SSL_REDIRECT = env.flag("SECURE_SSL_REDIRECT", default=not LOCAL)
SECURE_HSTS_SECONDS = env.number("SECURE_HSTS_SECONDS", default=0 if LOCAL else 31_536_000, least=0, most=315_360_000)
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = not LOCAL
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = LANGUAGE_COOKIE_SECURE = not LOCAL
SESSION_COOKIE_NAME = "sessionid" if LOCAL else "__Host-sessionid"
DEVICE_COOKIE_NAME = "device" if LOCAL else "__Host-device"
CSRF_COOKIE_NAME = "csrftoken" if LOCAL else "__Host-csrftoken"
CART_COOKIE_NAME = "cart" if LOCAL else "__Host-cart"
LANGUAGE_COOKIE_NAME = "language" if LOCAL else "__Host-language"
if not LOCAL:
    MESSAGE_STORAGE = "config.message_cookies.HostFallbackStorage"
CSRF_COOKIE_HTTPONLY = True  # forms carry the token; no script reads the cookie
# Who asks for them is this machine's orchestrator or a monitor, over http and by address.
SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$", r"^metrics$"]
BEHIND_TLS_PROXY = env.flag("BEHIND_TLS_PROXY", default=False)
if BEHIND_TLS_PROXY:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")

LOGGING = logs.config(local=LOCAL)
