#!/usr/bin/env bash
# Checks that the plugin contract has not broken since the last release (a tag
# v*); before the first one there is nothing to compare with.
set -euo pipefail
cd "$(dirname "$0")/../sdk/proto"
last=$(git describe --tags --abbrev=0 --match 'v*' 2>/dev/null || true)
if [ -z "$last" ]; then
	echo "buf breaking: no release to compare with yet"
	exit 0
fi
../../bin/tools/buf breaking --against "../../.git#tag=$last,subdir=sdk/proto"
