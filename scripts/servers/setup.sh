#!/bin/sh
# Makes `.servers/bin` at the repository root: the servers that test/servers talks to, at pinned versions. Needs Go 1.21
# or later (it fetches the version that a module wants). Takes what lies there already in the right version.
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
bin="$root/.servers/bin"
mkdir -p "$bin"

# go_server MODULE VERSION PACKAGE
go_server() {
  program="$bin/$(basename "$3")"
  if [ -x "$program" ] && go version -m "$program" | grep -qF "$(printf 'mod\t%s\t%s\t' "$1" "$2")"; then
    return
  fi
  echo "building $3@$2"
  GOBIN="$bin" go install "$3@$2"
}

go_server github.com/versity/versitygw v1.8.0 github.com/versity/versitygw/cmd/versitygw
go_server github.com/fsouza/fake-gcs-server v1.56.1 github.com/fsouza/fake-gcs-server

# PostgreSQL is started by test/support/postgres.ts; a package of any version from 13 on will do.
if ! command -v initdb > /dev/null && ! ls /usr/lib/postgresql/*/bin/initdb > /dev/null 2>&1; then
  echo "installing PostgreSQL"
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends postgresql > /dev/null
fi
