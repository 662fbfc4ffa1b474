#!/bin/sh
# Builds a place to run from: deploy/build.sh PREFIX
#
# PREFIX/app holds what runs (no tests, no documents, no developers' tools), PREFIX/venv its locked
# dependencies, all of it byte-compiled, so that nothing needs to be written there ever after. The
# Dockerfile runs this, and so does tests/integration/house/: what CI proves is what the image does.
set -eu

prefix=${1:?usage: deploy/build.sh PREFIX}
source=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd -P)
python=${YRD_PYTHON:-python3}

# (1) What runs. The list is short on purpose: whatever is not named here is not deployed.
mkdir -p "$prefix/app/tools"
prefix=$(CDPATH='' cd -- "$prefix" && pwd -P)
for part in yrd gateway adapters ledger protos examples requirements.lock LICENSE; do
    if [ -e "$source/$part" ]; then
        cp -R "$source/$part" "$prefix/app/"
    fi
done
cp "$source/tools/__init__.py" "$source/tools/provision.py" "$prefix/app/tools/"
install -m 755 "$source/deploy/entrypoint.sh" "$prefix/yrd"
find "$prefix/app" -name __pycache__ -type d -prune -exec rm -rf {} +

# (2) What it runs on: the same installer as ./yrd's, so the hashes are checked here too.
"$python" "$prefix/app/tools/provision.py" --venv "$prefix/venv" --lock "$prefix/app/requirements.lock"

# (3) Compiled now, because the running user may not write; pip compiled the dependencies already.
"$prefix/venv/bin/python" -m compileall -q "$prefix/app"
