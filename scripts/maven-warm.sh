#!/usr/bin/env bash
# Fetches once what test builds need of Maven Central, so that tests need no
# network, and no time for it: it builds the projects of the tests with every
# client. Called by scripts/clients.sh.
#
# Usage: scripts/maven-warm.sh m2 FOLDER    a local repository for Maven, for tests to copy
#        scripts/maven-warm.sh sbt FOLDER   sbt's boot folder, and a repository of what it uses
set -euo pipefail
cd "$(dirname "$0")/.."
what=$1 folder=$2
bin=$PWD/.cache/clients/bin
projects=$PWD/plugins/maven/e2e/testdata/projects
export MAVEN_OPTS="-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"

case $what in
m2) uses=(shop consumer hello app settings.xml) programs=(mvn38 mvn39 mvn4) ;;
*) uses=("$what") programs=("$what") ;;
esac
stamp=$({ cat scripts/maven-warm.sh && cd "$bin" && cat "${programs[@]}" && cd "$projects" &&
	find "${uses[@]}" -type f -print0 | LC_ALL=C sort -z | xargs -0 cat; } | sha256sum)
[ "$(cat "$folder/.warm" 2>/dev/null)" != "$stamp" ] || exit 0
echo "clients: what $what needs" >&2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# project NAME NAME=VALUE...: a copy of a project, with @NAMES@ replaced, as tests do it.
project() {
	local name=$1 pair
	shift
	rm -rf "${work:?}/$name"
	cp -R "$projects/$name" "$work/$name"
	for pair in PROJECT="file://$work/remote" FROM="file://$work/remote" GROUPID=com.example ARTIFACT=hello CREDENTIALS= "$@"; do
		find "$work/$name" -type f -exec sed -i "s|@${pair%%=*}@|${pair#*=}|g" {} +
	done
}

m2() {
	# An interrupted run leaves the old one as it was.
	local new=$work/m2 mvn v
	[ ! -d "$folder" ] || cp -R "$folder" "$new"
	mkdir -p "$work/home"
	for v in mvn38 mvn39 mvn4; do
		rm -rf "$work/remote" "$new/com/example"
		mvn=("$bin/$v" -B -q -ntp -DskipTests -s "$work/settings.xml" -Dmaven.repo.local="$new")
		project settings.xml
		# Here, and only here, Maven Central is asked.
		sed -i '/<mirrors>/,/<\/mirrors>/d' "$work/settings.xml"
		project shop VERSION=1.0.0
		project consumer
		(cd "$work/shop" && "${mvn[@]}" deploy)
		rm -rf "$new/com/example"
		(cd "$work/consumer" && "${mvn[@]}" verify com.example.shop:shop-maven-plugin:1.0.0:hello)
		project hello VERSION=1.0.0
		(cd "$work/hello" && "${mvn[@]}" -Psign -Dgpg.skip deploy)
		project app VERSION=1.0.0
		(cd "$work/app" && "${mvn[@]}" package org.apache.maven.plugins:maven-dependency-plugin:3.8.1:get -Dartifact=com.example:hello:1.0.0)
		(cd "$work/app" && "${mvn[@]}" org.apache.maven.plugins:maven-deploy-plugin:3.1.4:deploy-file -Dfile=pom.xml \
			-DgroupId=com.example -DartifactId=file -Dversion=1 -Dpackaging=txt -DrepositoryId=registry -Durl="file://$work/remote")
	done
	# Without a note of where files are from, Maven takes them as if installed here.
	rm -rf "$new/com/example"
	find "$new" \( -name '_remote.repositories' -o -name '*.lastUpdated' -o -name 'resolver-status.properties' -o -name 'maven-metadata*' \) -delete
	find "$new" -type d -empty -delete
	rm -rf "$folder"
	mv "$new" "$folder"
}

sbt() {
	project sbt WORDS=warm
	printf '[repositories]\n  maven-central\n' >"$work/repositories"
	(cd "$work/sbt" && COURSIER_CACHE="$folder/cache" SBT_OPTS="-Duser.home=$work -Dsbt.repository.config=$work/repositories" \
		VERSION=1 USERNAME='' REGISTRY_TOKEN='' PROJECT="file://$work/remote" \
		"$bin/sbt" publish >&2)
	ln -sfn "cache/https/repo1.maven.org/maven2" "$folder/central"
	ln -sfn "sbt-${folder##*-}" "${folder%-*}"
}

"$what"
echo "$stamp" >"$folder/.warm"
