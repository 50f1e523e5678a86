#!/bin/sh
# sh scripts/setup-python.sh FOLDER ENVIRONMENT
# Makes the Python environment ENVIRONMENT (.parity, .clients, …) at the repository root with the packages that
# FOLDER/requirements.txt pins. Does nothing where it is made of the same requirements already.
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
requirements="$root/$1/requirements.txt"
environment="$root/$2"

if cmp -s "$requirements" "$environment/requirements.txt"; then exit 0; fi
if [ ! -x "$environment/bin/python" ]; then
  python3 -m venv "$environment"
  echo '*' > "$environment/.gitignore"
fi
"$environment/bin/python" -m pip install --quiet --disable-pip-version-check -r "$requirements"
cp "$requirements" "$environment/requirements.txt"
