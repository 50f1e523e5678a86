#!/bin/sh
# Makes `.rivals` at the repository root: Python with the servers that `npm run bench:serve` measures Verger beside.
# Does nothing where it is made of the same requirements already.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
venv="$here/../../.rivals"

if cmp -s "$here/requirements.txt" "$venv/requirements.txt"; then exit 0; fi
if [ ! -x "$venv/bin/python" ]; then
  python3 -m venv "$venv"
  echo '*' > "$venv/.gitignore"
fi
"$venv/bin/python" -m pip install --quiet --disable-pip-version-check -r "$here/requirements.txt"
cp "$here/requirements.txt" "$venv/requirements.txt"
