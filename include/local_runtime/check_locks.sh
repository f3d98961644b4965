#!/bin/sh
# Fails when a lock file does not say what its input asks for; the versions in it stay as long as they fit.
set -eu
cd "$(dirname "$0")/../.."
unset PYTHONDONTWRITEBYTECODE PYTHONHOME PYTHONPATH
# The index alone: a folder of wheels beside it hides those of other Pythons and machines, and the lock would miss their hashes.
export PIP_EXTRA_INDEX_URL='' PIP_FIND_LINKS=''
copy=.local/locks
rm -rf "$copy"
mkdir -p "$copy/include/superset_dashboard"
cp requirements.txt requirements.lock requirements-dev.in requirements-dev.lock "$copy"
cp include/superset_dashboard/requirements.in include/superset_dashboard/requirements.lock "$copy/include/superset_dashboard"

compile() {
    .local/venv/bin/python include/local_runtime/install.py uv --directory "$copy" pip compile --quiet --universal --python-version 3.11 --generate-hashes \
        --no-annotate --no-header "$1" --output-file "$2" >/dev/null
    if ! cmp -s "$2" "$copy/$2"; then
        echo "$2 is not what $1 asks for: cp $copy/$2 $2" >&2
        exit 1
    fi
}

compile requirements.txt requirements.lock
compile requirements-dev.in requirements-dev.lock
compile include/superset_dashboard/requirements.in include/superset_dashboard/requirements.lock
echo "The lock files are current."
