#!/bin/sh
# Makes `.deploy` at the repository root: the linters and schemas that test/deploy holds deploy/ against, and promtool from
# Debian's package of Prometheus, where it is not installed. Does nothing where it is made of the same requirements already.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
venv="$here/../../.deploy"

if ! cmp -s "$here/requirements.txt" "$venv/requirements.txt"; then
  if [ ! -x "$venv/bin/python" ]; then
    python3 -m venv "$venv"
    echo '*' > "$venv/.gitignore"
  fi
  "$venv/bin/python" -m pip install --quiet --disable-pip-version-check -r "$here/requirements.txt"
  cp "$here/requirements.txt" "$venv/requirements.txt"
fi
if ! command -v promtool > /dev/null && [ ! -x "$venv/bin/promtool" ]; then
  download=$(mktemp -d)
  apt-get update -qq
  (cd "$download" && apt-get download -qq prometheus && dpkg -x prometheus_*.deb unpacked)
  cp "$download/unpacked/usr/bin/promtool" "$venv/bin/promtool"
  rm -rf "$download"
fi
