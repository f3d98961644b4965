"""The error tree: it says what to do, not where it happened.

    ChargebackError
      TemporaryError   try later:         ServiceBusy, ConnectionLost, WarehouseBusy
      FinalError       a person must act: AccessDenied, AddressUnreachable, EndpointMissing, LicenseGone,
                                          LoadSuperseded, LoadUnchecked, NothingSelected, PagingError,
                                          PayloadChanged, PayloadTooLarge, RequestRefused, RunFailed,
                                          SchemaMismatch, SettingsInvalid, SnapshotPartial, SnapshotStale,
                                          SourceUnavailable, UnexpectedFailure, WarehouseRefused
      CheckFailed      the data is wrong

A message tells what happened, to which one, and what to do now, with the server's id for support where it
gave one; never a secret, never a whole payload. Each error takes that message alone, so it survives pickling.
What a message quotes from outside is made plain here.
"""

# ruff: noqa: N818 - the names say what happened

from __future__ import annotations

from chargeback.plain_text import LONGEST_MESSAGE, plain


class ChargebackError(Exception):
    """Anything that stops a load."""

    def __init__(self, message: str) -> None:
        super().__init__(plain(message, LONGEST_MESSAGE))


class TemporaryError(ChargebackError):
    """Trying later may help, without anyone acting."""


class ServiceBusy(TemporaryError):
    """Flexera One is overloaded, in maintenance or answers in pieces."""


class ConnectionLost(TemporaryError):
    """A server could not be reached, or did not answer in time."""


class WarehouseBusy(TemporaryError):
    """A table of the warehouse stays in use, so that it cannot be changed."""


class FinalError(ChargebackError):
    """Trying again will not help; a person must act."""


class AccessDenied(FinalError):
    """The account is unknown, or may not read what was asked."""


class AddressUnreachable(FinalError):
    """No server answers at an address that has never answered before."""


class EndpointMissing(FinalError):
    """The tenant lists a license, but the API has no consumption of it."""


class LicenseGone(FinalError):
    """The API does not know the license; it may have been deleted."""


class LoadSuperseded(FinalError):
    """A newer load of the same snapshot has taken over."""


class LoadUnchecked(FinalError):
    """The load has not passed its checks, so it must not be published."""


class NothingSelected(FinalError):
    """The run's filter keeps no license."""


class PagingError(FinalError):
    """The chain of pages is broken, goes in circles or leads to another host."""


class PayloadChanged(FinalError):
    """The answer is readable, but not of the form the field map expects."""


class PayloadTooLarge(FinalError):
    """The answer is larger than the connection allows."""


class RequestRefused(FinalError):
    """The server understood the request and will not serve it."""


class RunFailed(FinalError):
    """Tasks of the run have failed, and each has given its reason."""


class SchemaMismatch(FinalError):
    """The warehouse has the schema of another version of this code."""


class SettingsInvalid(FinalError):
    """A connection, a parameter or a configuration file needs correcting."""


class SnapshotPartial(FinalError):
    """The snapshot of the date would hold a part of the licenses only."""


class SnapshotStale(FinalError):
    """The date of the newest published snapshot of an organization began longer ago than allowed."""


class SourceUnavailable(FinalError):
    """The snapshot's source has nothing for that date."""


class UnexpectedFailure(FinalError):
    """The code met a case that it does not know."""


class WarehouseRefused(FinalError):
    """PostgreSQL does not take a value, a statement or a login."""


class CheckFailed(ChargebackError):
    """A check found rows that must not be published."""
