"""The company: its sites, cost centers, corporate units and people."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import datetime

    from flexera_simulator.dice import Dice

LOCATIONS = (
    "EMEA/France/Lyon",
    "EMEA/France/Lyon/Part-Dieu/Tower B",
    "EMEA/France/Paris",
    "EMEA/Germany/Munich",
    "EMEA/Germany/Munich/Garching",
    "EMEA/Poland/Łódź",
    "EMEA/United Kingdom/London",
    "AMER/USA/Austin",
    "AMER/USA/Austin/Campus North",
    "AMER/Canada/Montréal",
    "AMER/Brazil/São Paulo",
    "APAC/Japan/Osaka",
    "APAC/India/Pune",
    "APAC/Australia/Sydney",
)
# corporate unit, and the cost centers that belong to it
DEPARTMENTS = (
    ("Group/Retail/Online", ("Retail/Online/CC-4010", "Retail/Online/CC-4020", "Retail/Online/Apps/CC-4030")),
    (
        "Group/Retail/Stores/France",
        ("Retail/Stores/CC-4100", "Retail/Stores/CC-4110", "Retail/Stores/South/CC-4120"),
    ),
    ("Group/Retail/Stores/Germany", ("Retail/Stores/CC-4200", "Retail/Stores/CC-4210")),
    ("Group/Retail/Logistics", ("Retail/Logistics/CC-4300", "Retail/Logistics/Fleet/Road/CC-4310")),
    (
        "Group/Manufacturing/Plants/Munich",
        ("Manufacturing/Plants/CC-5100", "Manufacturing/Plants/Line 2/CC-5110"),
    ),
    ("Group/Manufacturing/Plants/Austin", ("Manufacturing/Plants/CC-5200", "Manufacturing/Plants/CC-5210")),
    ("Group/Manufacturing/Engineering", ("Manufacturing/Engineering/CC-5300", "Manufacturing/R&D/CC-5310")),
    ("Group/Financial Services/Banking", ("Finance/Banking/CC-6100", "Finance/Banking/Cards/CC-6110")),
    ("Group/Financial Services/Insurance", ("Finance/Insurance/CC-6200", "Finance/Insurance/CC-6210")),
    ("Group/Corporate/Finance", ("Corporate/Finance/CC-7100",)),
    ("Group/Corporate/Human Resources", ("Corporate/HR/CC-7200",)),
    ("Group/Corporate/Legal, Risk & Compliance", ("Corporate/Legal, Risk/CC-7300",)),
    ("Group/Corporate/IT/Infrastructure", ("Corporate/IT/CC-8100", "Corporate/IT/Shared/Platforms/CC-8110")),
    ("Group/Corporate/IT/Applications", ("Corporate/IT/CC-8200", "Corporate/IT/Shared/Data/CC-8210")),
)
FIRST_NAMES = (
    "Amélie", "Björn", "Chloé", "Dorothy", "Emeka", "Fatima", "Grace", "Hiroshi", "Inès", "José",
    "Katarzyna", "Liam", "Małgorzata", "Noah", "Olivia", "Priya", "Quentin", "Rosa", "Søren",
    "Tomáš", "Uma", "Viktor", "Wei", "Xenia", "Yusuf", "Zoë",
)  # fmt: skip
LAST_NAMES = (
    "Almeida", "Bauer", "Castro", "Dubois", "Eriksen", "Fischer", "Garnier", "Haddad", "Ito",
    "Johnson", "Kowalska", "Lefèvre", "Müller", "Nakamura", "O'Brien", "Petit", "Qureshi", "Rossi",
    "Schmidt", "Tanaka", "Ueda", "Vogel", "Wójcik", "Xu", "Yılmaz", "Zimmermann",
)  # fmt: skip
ODD_NAMES = {
    3: "=SUM(A1:A9)",
    11: "van der Berg, Jan",
    19: 'Maria "Mia" López',
    27: "李 小龙",
    35: "+Plus Minus",
    43: "@service.account",
    51: "-Dash",
}
PEOPLE_COUNT = 2_000
FIRST_PERSON_ID = 700_001


@dataclass(frozen=True, slots=True)
class Owner:
    """Whose a machine or a person is; each part may be unassigned."""

    location: str | None
    cost_center: str | None
    corporate_unit: str | None


@dataclass(frozen=True, slots=True)
class Person:
    id: int
    name: str
    owner: Owner


def people_on(dice: Dice, day: datetime.date) -> list[Person]:
    """Everyone employed on a day; people join, leave and change cost center."""
    return [
        Person(FIRST_PERSON_ID + number, _name(dice, number), owner_on(dice, day, "person", number))
        for number in range(PEOPLE_COUNT)
        if dice.era_and_age(day, 900, "employed", number)[1] >= 20
    ]


def owner_on(dice: Dice, day: datetime.date, *key: object) -> Owner:
    """The owner of something on a day; it changes about once in four hundred days."""
    era = dice.era(day, 400, *key)
    corporate_unit, cost_centers = dice.pick(DEPARTMENTS, "department", era, *key)
    return Owner(
        None if dice.chance(2, "no location", *key) else dice.pick(LOCATIONS, "location", era // 3, *key),
        None
        if dice.chance(4, "no cost center", era, *key)
        else dice.pick(cost_centers, "cost center", era, *key),
        None if dice.chance(3, "no corporate unit", era, *key) else corporate_unit,
    )


def _name(dice: Dice, number: int) -> str:
    if number in ODD_NAMES:
        return ODD_NAMES[number]
    return f"{dice.pick(FIRST_NAMES, 'first', number)} {dice.pick(LAST_NAMES, 'last', number)}"
