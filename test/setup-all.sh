#!/bin/sh
# Installs what `npm run test:all` needs beside npm, on Debian: Chromium for test/web, Python packages for
# test/golden and test/parity.
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
if ! command -v chromium > /dev/null; then
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq chromium fonts-liberation > /dev/null
fi
sh "$root/scripts/setup-python.sh" scripts/fixtures .venv-fixtures
sh "$root/scripts/setup-python.sh" scripts/parity .parity
sh "$root/scripts/deploy/setup.sh"
