"""A mixed estate under sixty licenses, different every day and the same for every look at a day."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from flexera_simulator.catalog import demo_licenses
from flexera_simulator.dice import Dice
from flexera_simulator.estate import estate_on
from flexera_simulator.json_text import decimal_text, encode
from flexera_simulator.recharge import costs, plain
from flexera_simulator.rows import consumption_row, license_row

if TYPE_CHECKING:
    import datetime
    from collections.abc import Iterator

    from flexera_simulator.estate import Estate
    from flexera_simulator.licenses import Consumption, License

DAYS_KEPT = 4


@dataclass(frozen=True, slots=True)
class PricedLicense:
    """A license on one day with its rows and what they cost."""

    license: License
    consumption: Consumption
    price: Decimal | None
    costs: list[Decimal]

    def row_bodies(self, start: int, count: int) -> Iterator[bytes]:
        pairs = zip(self.consumption.lines, self.costs, strict=True)
        for line, cost in list(pairs)[start : start + count]:
            yield encode(consumption_row(line, self.price, None if self.price is None else cost))

    def recharged_cost(self) -> Decimal:
        return Decimal(0) if self.price is None else sum(self.costs, Decimal(0))

    def recharged_consumption(self) -> Decimal:
        return sum((line.recharged for line in self.consumption.lines), Decimal(0))

    def figures(self) -> dict[str, Any]:
        return {
            "name": self.license.name,
            "type": self.license.type,
            "publisher": self.license.publisher,
            "row_count": len(self.consumption.lines),
            "recharged_consumption": decimal_text(plain(self.recharged_consumption())),
            "recharged_cost": decimal_text(self.recharged_cost()),
            "consumed": decimal_text(plain(self.consumption.consumed)),
            "gap": self.consumption.gap,
        }


class DemoTenant:
    """The licenses of a made-up company."""

    def __init__(self, seed: int) -> None:
        self._dice = Dice(seed)
        self._licenses = demo_licenses()
        self._days: OrderedDict[datetime.date, dict[str, PricedLicense]] = OrderedDict()

    def license_bodies(self, day: datetime.date) -> list[bytes]:
        return [
            encode(license_row(priced.license, priced.consumption.consumed))
            for priced in self.day(day).values()
        ]

    def row_count(self, day: datetime.date, license_id: str) -> int | None:
        priced = self.day(day).get(license_id)
        return None if priced is None else len(priced.consumption.lines)

    def row_bodies(self, day: datetime.date, license_id: str, start: int, count: int) -> Iterator[bytes]:
        return self.day(day)[license_id].row_bodies(start, count)

    def totals(self, day: datetime.date) -> dict[str, Any]:
        licenses = self.day(day)
        cost = sum((priced.recharged_cost() for priced in licenses.values()), Decimal(0))
        consumption = sum((priced.recharged_consumption() for priced in licenses.values()), Decimal(0))
        return {
            "recharged_cost": decimal_text(cost),
            "recharged_consumption": decimal_text(plain(consumption)),
            "row_count": sum(len(priced.consumption.lines) for priced in licenses.values()),
            "licenses": {license_id: priced.figures() for license_id, priced in licenses.items()},
        }

    def day(self, day: datetime.date) -> dict[str, PricedLicense]:
        """The licenses of a day by id; the last few days are kept."""
        if day not in self._days:
            self._days[day] = self._priced(estate_on(self._dice, day))
            while len(self._days) > DAYS_KEPT:
                self._days.popitem(last=False)
        self._days.move_to_end(day)
        return self._days[day]

    def _priced(self, estate: Estate) -> dict[str, PricedLicense]:
        return {
            str(license_.id): self._priced_license(estate, license_)
            for license_ in self._licenses
            if license_.since is None or estate.day >= license_.since
        }

    def _priced_license(self, estate: Estate, license_: License) -> PricedLicense:
        consumption = license_.method(estate, license_)
        price = self._price(license_, estate.day)
        quantities = [line.recharged for line in consumption.lines]
        return PricedLicense(license_, consumption, price, costs(quantities, price or Decimal(0)))

    def _price(self, license_: License, day: datetime.date) -> Decimal | None:
        """The month's price, at most 2% around the listed one."""
        if license_.price is None:
            return None
        listed = Decimal(license_.price)
        thousandths = 980 + self._dice.below(41, "price", license_.id, day.year, day.month)
        return (listed * thousandths / 1000).quantize(listed)
