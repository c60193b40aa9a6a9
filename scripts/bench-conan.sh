#!/usr/bin/env bash
# Compares uploads and installs of 30 packages by Conan 2 with the reference
# server's, in turns on the same machine, one by one and eight at once. Prints
# medians in seconds and their ratios.
#
# Usage: scripts/bench-conan.sh REMOTE_URL TOKEN [rounds]
#   REMOTE_URL  a Conan remote, such as http://127.0.0.1:8080/api/v4/projects/1/packages/conan
set -euo pipefail
cd "$(dirname "$0")/.."
remote=$1 token=$2 rounds=${3:-5}
scripts/clients.sh conan2 conan_server >&2
conan=$PWD/.cache/clients/bin/conan2
work=$(mktemp -d)
trap 'kill "${server:-}" 2>/dev/null || true; rm -rf "$work"' EXIT

mkdir -p "$work/server"
cat >"$work/server/server.conf" <<CONF
[server]
jwt_secret: benchmark-benchmark-benchmark-benchmark
jwt_expire_minutes: 600
ssl_enabled: False
host_name: 127.0.0.1
port: 9399
disk_storage_path: $work/server/data
updown_secret: benchmark
authorize_timeout: 1800
[write_permissions]
*/*@*/*: *
[read_permissions]
*/*@*/*: *
[users]
bench: bench
CONF
.cache/clients/bin/conan_server --server_dir "$work/server" >"$work/server.log" 2>&1 &
server=$!

new_cache() { # new_cache HOME
	rm -rf "$1"
	mkdir -p "$1/profiles"
	printf '[settings]\nos=Linux\narch=x86_64\nbuild_type=Release\n' >"$1/profiles/default"
	printf '{"remotes":[{"name":"ours","url":"%s","verify_ssl":true},{"name":"reference","url":"http://127.0.0.1:9399","verify_ssl":true}]}' "$remote" >"$1/remotes.json"
	CONAN_HOME=$1 "$conan" remote login ours root -p "$token" >/dev/null 2>&1
	for _ in $(seq 50); do
		CONAN_HOME=$1 "$conan" remote login reference bench -p bench >/dev/null 2>&1 && return
		sleep 0.2
	done
	echo "bench-conan: the reference server does not answer" >&2
	exit 1
}

new_cache "$work/here"
export CONAN_HOME=$work/here
for i in $(seq -w 0 29); do
	mkdir -p "$work/recipes/$i"
	requires=""
	for before in 1 2; do
		n=$((10#$i - before))
		[ "$n" -lt 0 ] || requires="$requires        self.requires('node$(printf %02d $n)/1.0')
"
	done
	cat >"$work/recipes/$i/conanfile.py" <<PY
import os
from conan import ConanFile


class Recipe(ConanFile):
    name = "node$i"
    version = "1.0"
    settings = "os", "arch", "build_type"

    def requirements(self):
        pass
$requires
    def package(self):
        with open(os.path.join(self.package_folder, "data"), "wb") as f:
            f.write(os.urandom(256 * 1024))
PY
	"$conan" export "$work/recipes/$i" >/dev/null 2>&1
done
"$conan" install --requires=node29/1.0 --build=missing -of "$work/out" >/dev/null 2>&1

seconds() { # seconds COMMAND...: its wall time
	local start end
	start=$(date +%s.%N)
	"$@" >"$work/last.log" 2>&1 || {
		cat "$work/last.log" >&2
		exit 1
	}
	end=$(date +%s.%N)
	echo "$end - $start" | bc
}

for round in $(seq "$rounds"); do
	for parallel in 1 8; do
		for name in ours reference; do
			export CONAN_HOME=$work/here
			"$conan" remove 'node*' -r "$name" -c >/dev/null 2>&1 || true
			echo "upload $parallel $name $(seconds "$conan" upload 'node*' -r "$name" -c --force -cc core.upload:parallel=$parallel)"
			for what in install again; do # right after the upload, and once more by somebody else
				new_cache "$work/there" >&2
				export CONAN_HOME=$work/there
				echo "$what $parallel $name $(seconds "$conan" install --requires=node29/1.0 -r "$name" -of "$work/out" -cc core.download:parallel=$parallel)"
			done
		done
	done
	echo "round $round of $rounds" >&2
done | tee "$work/times" >&2

python3 - "$work/times" <<'PY'
import collections
import statistics
import sys

times = collections.defaultdict(list)
for line in open(sys.argv[1]):
    what, parallel, name, seconds = line.split()
    times[what, parallel, name].append(float(seconds))
for what in ("upload", "install", "again"):
    for parallel in ("1", "8"):
        ours, reference = (statistics.median(times[what, parallel, n]) for n in ("ours", "reference"))
        print(f"{what:8} parallel {parallel}: {ours:.2f} s, reference {reference:.2f} s, ratio {reference / ours:.2f}")
PY
