#!/usr/bin/env bash
# Times "mvn deploy" of a project of twenty modules, to a Maven repository and to
# nginx with WebDAV, in turns: what a registry costs beside a plain file server.
# Every round deploys a version of its own. Prints the medians and their ratio.
#
# Usage: scripts/bench-maven.sh URL TOKEN [ROUNDS]
#   URL     a project's Maven repository: http://127.0.0.1:8080/api/v4/projects/1/packages/maven
#   TOKEN   of someone who may deploy there
#   ROUNDS  5 unless given
set -euo pipefail
[ $# -ge 2 ] || {
	sed -n '2,/^set/s/^# \{0,1\}//p' "$0" >&2
	exit 2
}
url=$1 token=$2 rounds=${3:-5} modules=20
cd "$(dirname "$0")/.."
scripts/clients.sh mvn38 mvn39 mvn4 m2 nginx >&2
clients=$PWD/.cache/clients
work=$(mktemp -d)
trap '[ ! -e "$work/nginx.pid" ] || kill "$(cat "$work/nginx.pid")"; rm -rf "$work"' EXIT
chmod 755 "$work"

# nginx: any name may be written, into folders that are made for it.
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
mkdir -m 777 "$work/files" "$work/body"
cat >"$work/nginx.conf" <<CONF
pid $work/nginx.pid;
error_log $work/error.log;
events {}
http {
	access_log off;
	server {
		listen 127.0.0.1:$port;
		root $work/files;
		client_body_temp_path $work/body;
		client_max_body_size 0;
		location / {
			dav_methods PUT DELETE;
			create_full_put_path on;
		}
	}
}
CONF
"$(PATH=$PATH:/usr/sbin command -v nginx)" -c "$work/nginx.conf"

# The project.
plugin() { echo "<plugin><artifactId>maven-$1-plugin</artifactId><version>$2</version></plugin>"; }
head='<project><modelVersion>4.0.0</modelVersion>'
{
	echo "$head<groupId>com.example.bench</groupId><artifactId>parent</artifactId><version>@VERSION@</version><packaging>pom</packaging>"
	echo '<properties><project.build.sourceEncoding>UTF-8</project.build.sourceEncoding></properties><modules>'
	for ((i = 1; i <= modules; i++)); do echo "<module>module$i</module>"; done
	echo '</modules><build><pluginManagement><plugins>'
	plugin resources 3.3.1 && plugin compiler 3.14.0 && plugin surefire 3.5.3 && plugin jar 3.4.2
	plugin install 3.1.4 && plugin deploy 3.1.4
	echo '</plugins></pluginManagement></build></project>'
} >"$work/pom.xml"
for ((i = 1; i <= modules; i++)); do
	mkdir -p "$work/project/module$i/src/main/resources"
	head -c 100000 /dev/urandom >"$work/project/module$i/src/main/resources/data"
	echo "$head<parent><groupId>com.example.bench</groupId><artifactId>parent</artifactId><version>@VERSION@</version></parent><artifactId>module$i</artifactId></project>" >"$work/module$i.xml"
done
cat >"$work/settings.xml" <<XML
<settings>
  <mirrors><mirror><id>warm</id><mirrorOf>central</mirrorOf><url>file://$clients/m2</url></mirror></mirrors>
  <servers><server><id>bench</id><username>bench</username><password>$token</password></server></servers>
</settings>
XML
cp -R "$clients/m2" "$work/m2"

# deploy VERSION URL: prints how many seconds it took.
deploy() {
	local i start end
	sed "s/@VERSION@/$1/" "$work/pom.xml" >"$work/project/pom.xml"
	for ((i = 1; i <= modules; i++)); do sed "s/@VERSION@/$1/" "$work/module$i.xml" >"$work/project/module$i/pom.xml"; done
	find "$work/project" -name target -prune -exec rm -rf {} +
	start=$EPOCHREALTIME
	(cd "$work/project" && MAVEN_OPTS="-XX:+UseSerialGC" "$clients/bin/mvn39" -B -q -ntp -T1 -DskipTests -s "$work/settings.xml" \
		-Dmaven.repo.local="$work/m2" -DaltDeploymentRepository="bench::$2" deploy >&2)
	end=$EPOCHREALTIME
	awk -v a="$start" -v b="$end" 'BEGIN { printf "%.3f\n", b - a }'
}
median() { sort -n "$1" | awk '{ v[NR] = $1 } END { m = int((NR + 1) / 2); print NR % 2 ? v[m] : (v[m] + v[m + 1]) / 2 }'; }

stamp=$(date +%Y%m%d%H%M%S)
for ((round = 0; round <= rounds; round++)); do # round 0 warms up
	a=$(deploy "1.$stamp.$round" "http://127.0.0.1:$port")
	b=$(deploy "1.$stamp.$round" "$url")
	[ "$round" -gt 0 ] || continue
	echo "$a" >>"$work/nginx"
	echo "$b" >>"$work/registry"
	printf 'round %d: nginx %s s, registry %s s\n' "$round" "$a" "$b"
done
a=$(median "$work/nginx") b=$(median "$work/registry")
printf 'median: nginx %s s, registry %s s, ratio %s\n' "$a" "$b" "$(awk -v a="$a" -v b="$b" 'BEGIN { printf "%.2f", b / a }')"
