"""A login page says that signing in failed; a maintenance page passes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from scripted_server import TOKEN_PATH, Scripted, page

from chargeback.errors import AccessDenied, ChargebackError, RequestRefused, ServiceBusy

if TYPE_CHECKING:
    from client_world import World

HTML = {"content-type": "text/html"}
LOGINS = {
    "password": "<html><form><input name=u><input type='password' name=p></form></html>",
    "password without quotes": "<HTML><FORM><INPUT TYPE=PASSWORD></FORM></HTML>",
    "name first": '<form action="/next"><input type="email" name="username"><button>Next</button></form>',
    "title": "<!doctype html><title>Flexera One | Sign In</title><div id=root></div>",
    "German": "<html><head><title>Anmeldung</title></head></html>",
    "French": "<html><head><title>Connexion à votre compte</title></head></html>",
    "Spanish": "<html><head><title>Inicio de sesión</title></head></html>",
    "Dutch": "<html><h1>Inloggen</h1></html>",
    "Polish": "<html><title>Zaloguj się</title></html>",
    "Russian": "<html><title>Вход в систему</title></html>",
    "Japanese": "<html><title>ログイン</title></html>",
    "Chinese": "<html><title>用户登录</title></html>",
    "SAML": '<body onload="document.forms[0].submit()"><form><input name="SAMLRequest" value="x"></form></body>',
    "action": '<form method="post" action="https://idp.example/adfs/ls/"><button>Go</button></form>',
    "refresh": '<meta http-equiv="refresh" content="0; url=/oauth2/authorize?x=1">',
    "script": '<script>window.location.href = "/account/login?ReturnUrl=%2f"</script>',
    "with a notice": "<title>Sign in</title><p>Maintenance on Sunday</p><input type=password>",
    "XHTML": '<?xml version="1.0"?><html><title>Log in</title></html>',
    "leading blanks": "\n\n  <html><title>Login</title></html>",
}
MAINTENANCE = {
    "English": "<title>Maintenance</title><p>Try later.</p>",
    "with a link": "<title>Scheduled maintenance</title><a href='/login'>Sign in</a> afterwards",
    "of the login": "<title>Login is temporarily unavailable</title>",
    "German": "<title>Wartungsarbeiten</title>",
    "French": "<h1>Service indisponible</h1>",
    "Japanese": "<title>メンテナンス中</title>",
    "no title": "<html>We will be back soon</html>",
}
PLACES = [
    "https://login.flexera.example/",
    "/Account/Login?ReturnUrl=%2Ffnms",
    "https://sso.example.com/start",
    "https://example.com/oauth2/authorize?x=1",
    "https://example.okta.com/app",
    "/saml2/idp",
    "//idp.example/adfs/ls",
    "/users/sign_in",
]


def read(world: World) -> list[object]:
    return [each.rows for each in world.client().license_pages()]


def failure(world: World, kind: type[ChargebackError]) -> str:
    with pytest.raises(ChargebackError) as caught:
        read(world)
    assert type(caught.value) is kind
    return str(caught.value)


@pytest.mark.parametrize("html", LOGINS)
def test_a_login_page_says_that_signing_in_failed(world: World, html: str) -> None:
    world.server.script(*[Scripted(200, LOGINS[html].encode(), HTML)] * 2)

    message = failure(world, AccessDenied)

    assert message.startswith("license list page 1: signing in failed: 200 with a login page")
    assert "connection 'flexera'" in message
    assert len(world.server.requests) == 2, "with the token at hand, and with a new one"
    assert world.clock.sleeps == []


@pytest.mark.parametrize("kind", [{}, {"content-type": "application/json"}, {"content-type": "text/plain"}])
def test_a_login_page_is_one_whatever_it_calls_itself(world: World, kind: dict[str, str]) -> None:
    world.server.script(*[Scripted(200, LOGINS["title"].encode(), kind)] * 2)

    assert 'a login page ("Flexera One | Sign In")' in failure(world, AccessDenied)


@pytest.mark.parametrize("charset", ["utf-16", "latin-1", "shift_jis", "utf-8-sig"])
def test_a_login_page_in_another_charset(world: World, charset: str) -> None:
    title = "ログイン" if charset == "shift_jis" else "Log in"
    body = f"<html><title>{title}</title></html>".encode(charset)
    world.server.script(*[Scripted(200, body, {"content-type": f"text/html; charset={charset}"})] * 2)

    assert "signing in failed" in failure(world, AccessDenied)


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("status", [302, 303, 307])
def test_a_redirect_to_a_login_says_that_signing_in_failed(world: World, status: int, place: str) -> None:
    world.server.script(*[Scripted(status, b"", {"location": place})] * 2)

    message = failure(world, AccessDenied)

    assert f"signing in failed: {status} with a redirect to a login page" in message


def test_a_login_page_for_an_old_token_is_answered_with_a_new_one(world: World) -> None:
    world.server.script(Scripted(302, b"", {"location": "/login"}), page([{"a": 1}]))

    assert read(world) == [[{"a": 1}]]
    assert [seen.headers["authorization"] for seen in world.server.requests] == [
        "Bearer token-1",
        "Bearer token-2",
    ]


def test_a_login_page_instead_of_a_token(world: World) -> None:
    world.server.token_answers.append(Scripted(200, LOGINS["password"].encode(), HTML))

    message = failure(world, AccessDenied)

    assert message.startswith("access token: signing in failed: 200 with a login page instead of a token.")
    assert "token_url of connection 'flexera'" in message


@pytest.mark.parametrize(
    "place", ["https://elsewhere.example/x", "/blog/catalog", "http://[broken", "https://author.example/", ""]
)
def test_a_redirect_elsewhere_is_a_wrong_address(world: World, place: str) -> None:
    world.server.script(Scripted(302, b"", {"location": place}))

    assert "not followed" in failure(world, RequestRefused)


def test_a_login_service_that_has_moved_is_a_wrong_address(world: World) -> None:
    world.server.token_answers.append(Scripted(301, b"", {"location": f"https://login.example{TOKEN_PATH}"}))

    assert "Check zone and token_url" in failure(world, RequestRefused)


@pytest.mark.parametrize("html", MAINTENANCE)
def test_a_maintenance_page_passes(world: World, html: str) -> None:
    world.server.script(*[Scripted(200, MAINTENANCE[html].encode(), HTML)] * 5, page([{"a": 1}]))

    assert read(world) == [[{"a": 1}]]


@pytest.mark.parametrize("is_known", [True, False])
def test_a_maintenance_page_that_stays_may_pass_later(world: World, is_known: bool) -> None:
    world.budget.is_known = is_known
    world.server.script(*[Scripted(200, MAINTENANCE["English"].encode(), HTML)] * 6)

    assert "Try later" in failure(world, ServiceBusy)


def test_a_page_in_words_unknown_to_us_may_pass_where_the_server_has_answered_before(world: World) -> None:
    world.budget.is_known = True
    world.server.script(*[Scripted(200, b"<html>Sveiki</html>", HTML)] * 6)

    assert "Try later" in failure(world, ServiceBusy)
