#!/bin/sh
# Makes `.clients` at the repository root: the foreign clients that test/clients points at Verger, each at a pinned
# version. Does nothing where it is made of the same lists already. gcloud is no package of PyPI or npm: the tests use the
# one that is installed, and say so by name where there is none.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
clients="$here/../../.clients"
googleapis=170.1.0

if ! cmp -s "$here/requirements.txt" "$clients/requirements.txt"; then
  if [ ! -x "$clients/bin/python" ]; then
    python3 -m venv "$clients"
    echo '*' > "$clients/.gitignore"
  fi
  "$clients/bin/python" -m pip install --quiet --disable-pip-version-check -r "$here/requirements.txt"
  cp "$here/requirements.txt" "$clients/requirements.txt"
fi
if ! grep -qs "\"version\": \"$googleapis\"" "$clients/npm/node_modules/googleapis/package.json"; then
  mkdir -p "$clients/npm"
  npm install --silent --no-audit --no-fund --prefix "$clients/npm" "googleapis@$googleapis"
fi
