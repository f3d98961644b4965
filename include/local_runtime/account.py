"""As whom PostgreSQL runs: it refuses root, so root needs a way to start it as somebody else."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

SERVICE_ACCOUNTS = ("postgres", "nobody")


class AccountError(Exception):
    """No way was found to run PostgreSQL here; the message says what would help."""


@dataclass(frozen=True)
class Account:
    """A prefix for command lines, and who must own the data (None: whoever we are)."""

    prefix: tuple[str, ...] = ()
    owner: pwd.struct_passwd | None = None

    def give(self, path: Path) -> None:
        """Make one file or folder the account's own; nothing above it changes."""
        if self.owner is not None:
            os.chown(path, self.owner.pw_uid, self.owner.pw_gid)

    def give_tree(self, folder: Path) -> None:
        """Make a folder the account's own where another one made it: a container may be stricter today."""
        user, group = (self.owner.pw_uid, self.owner.pw_gid) if self.owner else (os.geteuid(), os.getegid())
        if os.geteuid() != 0 or folder.stat().st_uid == user:
            return
        for path in (*folder.rglob("*"), folder):
            os.chown(path, user, group, follow_symlinks=False)


def account_for(folder: Path, program: Path) -> Account:
    """The least intrusive account that can run `program` on data in `folder`.

    A user runs it as is. Root maps itself to a user inside a namespace: the files stay root's. Where
    namespaces are blocked, as in most containers, a service account gets the data folder; if it cannot walk
    there because a folder above is private, it keeps the one capability that lets it, rather than the folder
    being opened to everyone.
    """
    if os.geteuid() != 0 and _has_name(os.geteuid()):
        return Account()
    owner = _service_account()  # initdb insists on a user with a name
    mapped = ["unshare", "--user", f"--map-user={owner.pw_uid}"]
    if _succeeds([*mapped, "true"]):
        return Account(tuple(mapped))
    if os.geteuid() != 0:
        return Account()
    plain = ["setpriv", f"--reuid={owner.pw_uid}", f"--regid={owner.pw_gid}", "--clear-groups"]
    able = [*plain, "--inh-caps=+dac_override", "--ambient-caps=+dac_override"]
    able.append("--securebits=+no_setuid_fixup")  # else access(2) answers as if it had no capability
    for prefix in (plain, able):
        if _succeeds([*prefix, str(program), "--version"]) and _succeeds([*prefix, "ls", str(folder)]):
            return Account(tuple(prefix), owner)
    raise AccountError(
        f"PostgreSQL does not run as root, and account {owner.pw_name!r} cannot be used for {folder}: user "
        "namespaces are blocked, and the account may not enter that folder. Run as a normal user, or move "
        "the project to a folder that others may enter, for example below /srv."
    )


def _has_name(user: int) -> bool:
    try:
        pwd.getpwuid(user)
    except KeyError:
        return False
    return True


def _service_account() -> pwd.struct_passwd:
    for name in SERVICE_ACCOUNTS:
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise AccountError(
        f"PostgreSQL does not run as root, and there is no account {' or '.join(SERVICE_ACCOUNTS)} to run it "
        "as. Run as a normal user."
    )


def _succeeds(command: list[str]) -> bool:
    if shutil.which(command[0]) is None:
        return False
    return subprocess.run(command, capture_output=True, check=False, stdin=subprocess.DEVNULL).returncode == 0
