#!/bin/sh
# Makes `.clients` at the repository root: the foreign clients that test/clients points at Verger, each at a pinned
# version. Does nothing where it is made of the same lists already. gcloud is no package of PyPI or npm: the tests use the
# one that is installed, and say so by name where there is none.
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
npm="$root/.clients/npm"
googleapis=170.1.0

sh "$root/scripts/setup-python.sh" scripts/clients .clients
if ! grep -qs "\"version\": \"$googleapis\"" "$npm/node_modules/googleapis/package.json"; then
  mkdir -p "$npm"
  npm install --silent --no-audit --no-fund --prefix "$npm" "googleapis@$googleapis"
fi
