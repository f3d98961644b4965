"""Web pages that come where data was asked for: a login page, a maintenance page, or another one."""

from __future__ import annotations

import codecs
import re
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from chargeback.plain_text import plain

if TYPE_CHECKING:
    from collections.abc import Mapping

_LOOKED_AT_BYTES = 200_000
_SHOWN_LETTERS = 60

_CHARSET = re.compile(r"charset\s*=\s*[\"']?([\w.:-]+)", re.IGNORECASE)
_TITLE = re.compile(r"<title\b[^>]*>(.*?)</title", re.IGNORECASE | re.DOTALL)
_HEADINGS = re.compile(r"<(title|h[1-3])\b[^>]*>(.*?)</\1", re.IGNORECASE | re.DOTALL)
_TAG = re.compile(r"<[^>]*>")
_LOGIN_FIELD = re.compile(
    r"<input\b[^>]*\b(?:type\s*=\s*[\"']?password\b"
    r"|name\s*=\s*[\"']?(?:j_)?(?:user|username|user_name|login|loginfmt|identifier|passwd|password|samlrequest|wresult)\b)",
    re.IGNORECASE,
)
_LOGIN_PLACE = re.compile(
    r"(?<![a-z0-9])(?:log[-_]?in|log[-_]?on|sign[-_]?in|sso|saml2?|oidc|openid|oauth2?|adfs|okta|idp|cas|keycloak"
    r"|auth|authn|authorize|authenticate|authentication)(?![a-z0-9])",
    re.IGNORECASE,
)
_FORWARDING = re.compile(
    r"<form\b[^>]*\baction\s*=\s*[\"']?([^\"'\s>]*)"
    r"|http-equiv\s*=\s*[\"']?refresh\b[^>]*url\s*=\s*[\"']?([^\"'\s>]*)"
    r"|location(?:\.href|\.replace|\.assign)?\s*[=(]\s*[\"']([^\"']*)",
    re.IGNORECASE,
)
_LOGIN_WORDS = re.compile(
    r"\b(?:sign(?:ing)?[- ]?in|log(?:ging)?[- ]?in|log[- ]?on|anmelde\w*|anmeldung|einloggen|connexion|connectez-vous"
    r"|se connecter|identifi(?:cation|ez-vous)|inici(?:ar|e|o de) sesi[oó]n|iniciar sess[aã]o"
    r"|acceso|accesso|accedi|entrar"
    r"|aanmelden|inloggen|logga in|log ind|logg inn|kirjaudu|zaloguj|logowanie|p[rř]ihl[aá][sš]\w*|bejelentkez\w*"
    r"|autentificare|giri[sş]|oturum a[cç]|đăng nhập|войти|вход|авторизация|увійти)\b"
    r"|ログイン|サインイン|登录|登錄|登入|로그인|تسجيل الدخول|התחברות|σύνδεση|เข้าสู่ระบบ",
    re.IGNORECASE,
)
_MAINTENANCE_WORDS = re.compile(
    r"mainten|unavailable|not available|back soon|be right back|come back later|try (?:again )?(?:later|in )"
    r"|temporar|overload|too busy|out of service|bad gateway|time-?out"
    r"|wartung|nicht (?:verfügbar|erreichbar)|später|vorübergehend|indisponible|plus tard|mantenimiento|más tarde"
    r"|no disponible|manuten|mais tarde|indisponível|più tardi|non disponibile|onderhoud|niet beschikbaar"
    r"|underhåll|vedligehold|vedlikehold|konserwac|údržb|karbantart|техническ|обслуживан|bakım"
    r"|メンテナンス|维护|維護|점검",
    re.IGNORECASE,
)


def is_web_page(body: bytes) -> bool:
    """True for markup: an answer of the API never begins so."""
    return _start_of(body).startswith(("<", "\ufeff<"))


def is_maintenance(headers: Mapping[str, str], body: bytes) -> bool:
    """True if the page says that the service will be back."""
    return bool(_MAINTENANCE_WORDS.search(_TAG.sub(" ", _text(headers, body))))


def login_page(headers: Mapping[str, str], body: bytes) -> str | None:
    """The login page that was sent, in words; None where the body is another page, or none."""
    if not is_web_page(body):
        return None
    text = _text(headers, body)
    headings = " ".join(_TAG.sub(" ", heading) for _, heading in _HEADINGS.findall(text))
    has_field = _LOGIN_FIELD.search(text) is not None
    if not has_field and _MAINTENANCE_WORDS.search(headings):
        return None
    forwards = any(_LOGIN_PLACE.search(place) for found in _FORWARDING.findall(text) for place in found)
    if has_field or forwards or _LOGIN_WORDS.search(headings):
        return f"a login page{title(headers, body)}"
    return None


def login_redirect(location: str, asked: str) -> str | None:
    """The login page that a redirect leads to, in words; None where it leads elsewhere, or to the same path."""
    try:
        target = urlsplit(location)
        host = target.hostname or ""
    except ValueError:
        return None
    if target.path == urlsplit(asked).path or not _LOGIN_PLACE.search(f"{host}{target.path}"):
        return None
    return f"a redirect to a login page{f' of {plain(host, _SHOWN_LETTERS)}' if host else ''}"


def title(headers: Mapping[str, str], body: bytes) -> str:
    """The title of a page in brackets, after a blank; nothing where it has none."""
    found = _TITLE.search(_text(headers, body))
    shown = plain(_TAG.sub(" ", found[1]), _SHOWN_LETTERS) if found else ""
    return f' ("{shown}")' if shown else ""


def _start_of(body: bytes) -> str:
    """The first letters, those of UTF-16 among them."""
    return body[:200].replace(b"\0", b"").decode("utf-8", "ignore").lstrip()


def _text(headers: Mapping[str, str], body: bytes) -> str:
    looked_at = body[:_LOOKED_AT_BYTES]
    said = _CHARSET.search(f"{headers.get('content-type', '')} {looked_at[:1000].decode('ascii', 'ignore')}")
    usual = "utf-16" if looked_at[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE) else "utf-8"
    try:
        return looked_at.decode(said[1] if said else usual, "replace")
    except LookupError:
        return looked_at.decode(usual, "replace")
