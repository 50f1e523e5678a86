#!/bin/sh
# Makes `.deploy` at the repository root: the linters and schemas that test/deploy holds deploy/ against, and promtool from
# Debian's package of Prometheus, where it is not installed.
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
promtool="$root/.deploy/bin/promtool"

sh "$root/scripts/setup-python.sh" scripts/deploy .deploy
if ! command -v promtool > /dev/null && [ ! -x "$promtool" ]; then
  download=$(mktemp -d)
  apt-get update -qq
  (cd "$download" && apt-get download -qq prometheus && dpkg -x prometheus_*.deb unpacked)
  cp "$download/unpacked/usr/bin/promtool" "$promtool"
  rm -rf "$download"
fi
