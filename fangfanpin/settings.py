"""Settings of one county's installation, taken from the environment; see docs/operations.md.

The database role is chosen per process by FFP_DB_ROLE: the web server never connects as the owner, so row security holds
even where a filter was forgotten.
"""

import os
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

from fangfanpin.privacy.keys import Keys, ensure_keys
from fangfanpin.runtime.postgres import read_urls

PROJECT_DIR = Path(__file__).resolve().parent.parent
DATA_DIR = Path(os.environ.get("DATA_DIR", "./var")).resolve()
PACKS_DIR = Path(os.environ.get("FFP_PACKS_DIR", str(PROJECT_DIR / "packs")))
DB_ROLE = os.environ.get("FFP_DB_ROLE", "web")
DB_ROLE_NAMES = {
    "web": "ffp_web",
    "worker": "ffp_worker",
    "snapshot": "ffp_snapshot",
    "intake": "ffp_intake",
}


def _database(url: str) -> dict[str, object]:
    parts = urlsplit(url)
    # Imports copy into temporary tables: the worker has room for a piece of one.
    options = "-c timezone=Asia/Shanghai" + (" -c temp_buffers=64MB" if DB_ROLE == "worker" else "")
    query = {name: values[-1] for name, values in parse_qs(parts.query).items()}
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": unquote(parts.path.lstrip("/")),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": query.get("host", parts.hostname or ""),
        "PORT": str(parts.port or query.get("port", "")),
        "CONN_MAX_AGE": 600,
        "CONN_HEALTH_CHECKS": True,
        "OPTIONS": {"options": options, "application_name": f"fangfanpin-{DB_ROLE}"},
    }


# Type checks and the like read the settings where no county has been made: no database, keys that protect nothing.
WITHOUT_COUNTY = os.environ.get("FFP_WITHOUT_COUNTY") == "1"
_url = "postgresql://nobody@/nowhere" if WITHOUT_COUNTY else getattr(read_urls(DATA_DIR), DB_ROLE)
DATABASES = {"default": _database(_url)}

_keys = Keys(bytes(32), bytes(32), "none") if WITHOUT_COUNTY else ensure_keys(DATA_DIR / "keys")
SECRET_KEY = _keys.django
PRIVACY_KEYS = _keys

DEBUG = False
HOSTS = [host for host in os.environ.get("HOSTS", "").split(",") if host]
ALLOWED_HOSTS = [*HOSTS, "localhost", "127.0.0.1", "[::1]"]
BEHIND_TLS = os.environ.get("FFP_TLS", "") == "1"
CSRF_TRUSTED_ORIGINS = [f"https://{host}" for host in HOSTS]
CSRF_FAILURE_VIEW = "fangfanpin.web.views.csrf_failed"
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if BEHIND_TLS else None
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = BEHIND_TLS
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_AGE = 8 * 3600
SESSION_SAVE_EVERY_REQUEST = False
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"

INSTALLED_APPS = [
    "django.contrib.contenttypes",
    "django.contrib.auth",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "axes",
    "procrastinate.contrib.django",
    "fangfanpin.regions",
    "fangfanpin.audit",
    "fangfanpin.accounts",
    "fangfanpin.policy",
    "fangfanpin.files",
    "fangfanpin.jobs",
    "fangfanpin.households",
    "fangfanpin.records",
    "fangfanpin.registers",
    "fangfanpin.campaigns",
    "fangfanpin.quality",
    "fangfanpin.questions",
    "fangfanpin.workshop",
    "fangfanpin.fieldwork",
    "fangfanpin.pairings",
    "fangfanpin.acts",
    "fangfanpin.archives",
    "fangfanpin.dashboards",
    "fangfanpin.web",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "fangfanpin.web.middleware.ContentPolicyMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "fangfanpin.accounts.middleware.ReachMiddleware",
    "axes.middleware.AxesMiddleware",
]

ROOT_URLCONF = "fangfanpin.urls"
WSGI_APPLICATION = "fangfanpin.wsgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "fangfanpin.web.context.frame",
            ],
        },
    },
]

AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["axes.backends.AxesStandaloneBackend", "django.contrib.auth.backends.ModelBackend"]
PASSWORD_HASHERS = ["django.contrib.auth.hashers.Argon2PasswordHasher"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "fangfanpin.accounts.passwords.UserAttributeSimilarityValidator"},
    {"NAME": "fangfanpin.accounts.passwords.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "fangfanpin.accounts.passwords.CommonPasswordValidator"},
    {"NAME": "fangfanpin.accounts.passwords.NumericPasswordValidator"},
]
LOGIN_URL = "accounts:sign_in"
LOGIN_REDIRECT_URL = "/"
LOGOUT_REDIRECT_URL = "accounts:sign_in"

# Lock a name at an address after ten wrong passwords for a quarter of an hour: a whole township station shares one address.
AXES_FAILURE_LIMIT = 10
AXES_COOLOFF_TIME = 0.25
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_RESET_ON_SUCCESS = True
AXES_LOCKOUT_CALLABLE = "fangfanpin.accounts.views.locked_out"
AXES_VERBOSE = False
AXES_DISABLE_ACCESS_LOG = True
AXES_SENSITIVE_PARAMETERS = ["password"]

LANGUAGE_CODE = "zh-hans"
LANGUAGES = [("zh-hans", "简体中文"), ("en", "English")]
LOCALE_PATHS = [PROJECT_DIR / "fangfanpin" / "locale"]
TIME_ZONE = "Asia/Shanghai"
USE_TZ = True
USE_I18N = True
DATE_FORMAT = "Y-m-d"
FORMAT_MODULE_PATH = "fangfanpin.web.formats"

STATIC_URL = "/static/"
STATICFILES_DIRS: list[str] = []
WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = False
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
FILES_DIR = DATA_DIR / "files"
MENU_COUNTS_KEPT_S = float(os.environ.get("FFP_MENU_COUNTS_KEPT_S", "15"))
DATA_UPLOAD_MAX_MEMORY_SIZE = 5 * 1024 * 1024
FILE_UPLOAD_MAX_MEMORY_SIZE = 2 * 1024 * 1024
UPLOAD_LIMIT_BYTES = 60 * 1024 * 1024

PROCRASTINATE_AUTODISCOVER_MODULE_NAME = "tasks"

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"plain": {"format": "%(asctime)s %(levelname)s %(name)s %(message)s"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "plain"}},
    "root": {"handlers": ["console"], "level": "WARNING"},
    "loggers": {"fangfanpin": {"level": "INFO"}, "axes": {"level": "ERROR"}},
}
