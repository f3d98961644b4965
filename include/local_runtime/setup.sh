#!/bin/sh
# Finds a Python this project runs on and lets it do the set-up. PYTHON names one to use instead of searching.
set -eu
cd "$(dirname "$0")/../.."
unset PYTHONDONTWRITEBYTECODE PYTHONHOME PYTHONPATH

fits() {
    "$1" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null
}

if [ -n "${PYTHON:-}" ]; then
    if ! fits "$PYTHON"; then
        echo "PYTHON=$PYTHON is not a Python 3.11, 3.12 or 3.13; name one, or leave PYTHON unset to search for it." >&2
        exit 2
    fi
    exec "$PYTHON" -I include/local_runtime/install.py
fi
if fits .local/venv/bin/python; then # go on with the Python that was chosen before
    candidate=$(.local/venv/bin/python -I -c 'import sys; print(sys._base_executable)')
    if fits "$candidate"; then
        exec "$candidate" -I include/local_runtime/install.py
    fi
fi
for candidate in python3 python3.13 python3.12 python3.11 python; do
    if fits "$candidate"; then
        exec "$candidate" -I include/local_runtime/install.py
    fi
done
echo "No Python 3.11, 3.12 or 3.13 was found; install one, or name it: make demo PYTHON=/path/to/python3.12" >&2
exit 2
