"""What a command tells its user when it cannot go on: one line, and the exit code."""

from __future__ import annotations

from chargeback.plain_text import LONGEST_MESSAGE, plain


class Problem(Exception):  # noqa: N818 - not always an error of ours
    """Ends a command with a message that says what, which one, and what to do; never a secret."""

    def __init__(self, message: str, exit_code: int = 1) -> None:
        super().__init__(plain(message, LONGEST_MESSAGE))
        self.exit_code = exit_code
