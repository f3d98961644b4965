"""All that an error may tell, as a log or another process gets it."""

from __future__ import annotations

import pickle
import traceback


def told_by(error: BaseException) -> bytes:
    """Its text, its traceback with all that led to it, and what it is when it travels."""
    texts = [str(error), repr(error), *traceback.format_exception(error)]
    return "\n".join(texts).encode() + pickle.dumps(error)
