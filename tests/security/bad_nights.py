"""Nights that fail in every way we know, each time with the credentials in what the server answers."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from needles import Needles
from sqlalchemy.engine import make_url

from local_runtime.connections import postgres_connection
from local_runtime.postgres import free_port

if TYPE_CHECKING:
    from pathlib import Path

    from foreign_host import ForeignHost
    from leaky_simulator import LeakySimulator
    from places import ProcessList

    from airflow_system import AirflowSystem
    from flexera_simulator.faults import Fault

# With all that needs escaping somewhere, and unmistakable at both ends.
CLIENT_ID = "the-client-of-a-night"  # 22 bytes with a colon, so that base64 of both is no base64 of each
CLIENT_SECRET = 'Kc7vRq2TzLm9"/+ &%=\\\u00e9Zt4WxP8sJ3nB6'
REFRESH_TOKEN = 'Rf5hTn8UyPw2"/+ &%=\\\u00e9Gd3KvM7bQ1xS9'
WRONG_PASSWORD = 'Wp4kYs9EiVj7"/@ #%=\\\u00e9Nc2HrF6tA8zD5'
URL_PASSWORD = "Ux3mBg6OaCw1Lq8Se5Ti9"
LONG_TEXT = "this server says a lot before it comes to the point, " * 3
ALWAYS: dict[str, Any] = {"times": None}
ECHO = "not for {authorization}, nor for {basic}, {secret}, {secret in a form}, {secret in JSON}, {secret in HTML}"


@dataclass
class BadNights:
    """What became of them, and where to look for traces."""

    system: AirflowSystem
    simulator: LeakySimulator
    foreign: ForeignHost
    processes: ProcessList
    warehouse_url: str
    server_log: Path
    faults: dict[str, Fault] = field(default_factory=dict)
    nights: dict[str, dict[str, list[str]]] = field(default_factory=dict)
    licenses: list[str] = field(default_factory=list)

    def secrets(self) -> dict[str, str]:
        """All that must not be found, by what it is."""
        tokens = {
            f"access token {number}": token.split(".", 1)[1]  # what is before the point is in every token
            for number, token in enumerate(sorted(self.simulator.gateway.tokens()))
        }
        return {
            **tokens,
            "client secret": CLIENT_SECRET,
            "refresh token": REFRESH_TOKEN,
            "warehouse password": str(make_url(self.warehouse_url).password),
            "wrong warehouse password": WRONG_PASSWORD,
            "password in an address": URL_PASSWORD,
            "key of Airflow's connections": self.system.keys["fernet_key"],
            "key of Airflow's tokens": self.system.keys["jwt_secret"],
            "password of the UI": self.system.keys["ui_password"],
        }

    def needles(self) -> Needles:
        return Needles(self.secrets())

    def live_through_them(self) -> None:
        """One run of the DAG after the other."""
        simulator = self.simulator
        self.licenses = licenses = self._order_license_faults()
        self.nights["licenses fail"] = self.system.run(license_ids=licenses, allow_partial=True)
        simulator.clear_faults()
        self._order("lasting fault", license=licenses[0], status=500, temporary=False, message=ECHO, **ALWAYS)
        self.nights["a license is carried forward"] = self.system.run(
            license_ids=[licenses[0]], on_license_failure="keep_previous", allow_partial=True
        )
        simulator.clear_faults()
        self._order("client refused", path="/oidc/token", status=401, message="{form}", **ALWAYS)
        self.nights["the client is refused"] = self.system.run()
        simulator.clear_faults()
        self._order("refresh refused", path="/oidc/token", status=400, message="{form}", **ALWAYS)
        self._night_with("the refresh token is refused", flexera=self._by_refresh_token())
        simulator.clear_faults()
        self._night_with("the api_url holds a password", flexera=self._flexera(api_url=self._with_password()))
        self._night_with(
            "the warehouse password is wrong", warehouse=self._warehouse(password=WRONG_PASSWORD)
        )
        self._night_with("the warehouse is not there", warehouse=self._warehouse(port=free_port()))

    def _night_with(self, name: str, **connections: object) -> None:
        self.system.connect(connections)
        self.nights[name] = self.system.run()
        self.system.connect({})

    def _order(self, name: str, **rule: Any) -> None:
        self.faults[name] = self.simulator.add_fault(**rule)

    def _order_license_faults(self) -> list[str]:
        """One license for each way to fail, those that take their time first, and a last one that is well."""
        foreign = self.foreign.url
        thief = f"{foreign}/?access_token={{token}}&then="
        envelope = json.dumps({"name": "busy", "id": "1", "message": ECHO, "temporary": True})
        rules: dict[str, dict[str, Any]] = {
            "200 that is no JSON": {"replace_body": f"<p>{ECHO}</p>", "content_type": "text/html"},
            "200 with an error in it": {"replace_body": envelope},
            "connection reset": {"reset_after": 5},
            "403": {"status": 403, "message": ECHO},
            "401": {"status": 401, "message": ECHO},
            "404": {"status": 404, "message": ECHO},
            "500, lasting": {"status": 500, "temporary": False, "message": ECHO},
            "503": {"status": 503, "message": ECHO, "headers": {"retry-after": "0"}},
            "500, long": {"status": 500, "temporary": False, "message": f"{LONG_TEXT}{{authorization}}"},
            "nextPage elsewhere": {
                "replace_body": json.dumps({"values": [], "nextPage": f"{foreign}/fnms?skipToken=1"})
            },
            "redirect 302": {"status": 302, "redirect_to": thief},
            "redirect 307": {"status": 307, "redirect_to": thief},
            "429": {"status": 429, "message": ECHO, "headers": {"retry-after": "0"}, "times": 1},
        }
        ids = sorted(self.simulator.totals()["licenses"])
        for license_id, (name, rule) in zip(ids, rules.items(), strict=False):
            self._order(name, license=license_id, **{**ALWAYS, **rule})
        return ids[: len(rules) + 1]

    def _flexera(self, **extra: object) -> dict[str, Any]:
        connection = self.simulator.connection()
        return {**connection, "extra": {**connection["extra"], **extra}}

    def _by_refresh_token(self) -> dict[str, Any]:
        return {**self._flexera(grant_type="refresh_token"), "login": None, "password": REFRESH_TOKEN}

    def _with_password(self) -> str:
        return self.simulator.url.replace("://", f"://someone:{URL_PASSWORD}@")

    def _warehouse(self, **changes: object) -> dict[str, Any]:
        return {**json.loads(postgres_connection(self.warehouse_url)), **changes}
