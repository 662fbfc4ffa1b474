#!/bin/sh
# Runs yrd from a place that deploy/build.sh made: PREFIX/app and PREFIX/venv side by side.
# Writes nowhere but YRD_DATA and the temporary folder: the rest may be read-only and not ours.
set -eu
app=$(CDPATH='' cd -- "$(dirname -- "$0")/app" && pwd -P)
YRD_VENV=${app%/app}/venv
PYTHONDONTWRITEBYTECODE=1
export YRD_VENV PYTHONDONTWRITEBYTECODE
exec "$app/yrd" "$@"
