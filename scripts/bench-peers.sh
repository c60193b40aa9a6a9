#!/usr/bin/env bash
# Installs what "make bench" compares Pakhus with into .cache/bench: Verdaccio,
# on the pinned node of the test clients.
set -euo pipefail
cd "$(dirname "$0")/.."
scripts/clients.sh npm >/dev/null
dir=$PWD/.cache/bench/verdaccio-6.8.0
[ -e "$dir/.complete" ] && exit 0
rm -rf "$dir"
mkdir -p "$dir"
# node-fetch is pinned: the version Verdaccio asks for is not to be had.
cat >"$dir/package.json" <<'JSON'
{"private": true, "dependencies": {"verdaccio": "6.8.0"}, "overrides": {"node-fetch": "2.7.0"}}
JSON
(cd "$dir" && PATH="$PWD/../../clients/bin:$PATH" npm install --silent --no-audit --no-fund --ignore-scripts)
touch "$dir/.complete"
