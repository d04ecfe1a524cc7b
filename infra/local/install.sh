#!/usr/bin/env bash
# Makes the environment in .venv: Python packages, the connectors' jars, Spark's settings, and archives of loaded classes and of
# the code that Spark generates.
# Downloads are kept in ${XDG_CACHE_HOME:-~/.cache}/lakehouse; a second run is short.
set -euo pipefail
cd "$(dirname "$0")/../.."
cache="${XDG_CACHE_HOME:-$HOME/.cache}/lakehouse"
python="${PYTHON:-python3.11}"
command -v "$python" > /dev/null || python=python3

fail() { echo "error: $1" >&2; echo "  -> $2" >&2; exit 6; }
command -v java > /dev/null || fail "there is no Java" "install a JDK 17 (Debian: apt install openjdk-17-jdk-headless)"
command -v javac > /dev/null || fail "there is no Java compiler" "install a JDK 17, not only its runtime (Debian: apt install openjdk-17-jdk-headless)"
command -v mvn > /dev/null || fail "there is no Maven" "install it (Debian: apt install maven)"
case "$PWD" in *[[:space:]]*) fail "this checkout's path has a blank in it: $PWD" "move it; Spark's own scripts would not find their settings" ;; esac
"$python" -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' || fail "$python is not Python 3.11" "install it, or say PYTHON=/path/to/python3.11"

echo "1/4 Python packages (requirements.txt)"
[ -x .venv/bin/python ] || "$python" -m venv .venv
.venv/bin/python -m pip install --quiet --disable-pip-version-check --requirement requirements.txt
site="$(.venv/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')"
pwd > "$site/lakehouse.pth"
.venv/bin/python infra/local/compile_zips.py "$site"/pyspark/python/lib/*.zip

echo "2/4 connectors' jars (conf/spark-jars.pom.xml)"
jars="$cache/jars-$(cat conf/spark-jars.pom.xml conf/spark-jars.sha256 | sha256sum | cut -c1-12)"
if [ ! -d "$jars" ]; then
  rm -rf "$jars.part"
  mvn -B -ntp -q -f conf/spark-jars.pom.xml dependency:copy-dependencies -DoutputDirectory="$jars.part"
  (cd "$jars.part" && sha256sum --quiet --strict --check) < conf/spark-jars.sha256 \
    || fail "a jar is not the one that was pinned" "see which above; conf/spark-jars.sha256 has the pinned sums"
  mv "$jars.part" "$jars"
fi
# Neo4j's jar carries its own netty, which Spark can't have on its class path: publishing adds it by spark.jars.
find "$site/pyspark/jars" -type l -delete
find "$jars" -name '*.jar' ! -name 'neo4j-*' -exec ln -s -t "$site/pyspark/jars" {} +
ln -sfn "$jars" .venv/jars
classes="$(mktemp -d)"
rm -f "$site/pyspark/jars/lakehouse"*.jar
javac --release 17 -nowarn -d "$classes" -cp "$site/pyspark/jars/*" infra/jvm/*.java
jar --create --file "$site/pyspark/jars/lakehouse.jar" -C "$classes" .
rm -rf "$classes"

echo "3/4 Spark's settings (conf/)"
ln -sfn "$PWD/conf" "$site/pyspark/conf"

echo "4/4 archives of loaded classes and compiled code (a first load and a day of a small marketplace)"
trial="$(mktemp -d)"
trap 'rm -rf "$trial"' EXIT
rm -rf "$site/pyspark/lakehouse.jsa" "$site/pyspark/lakehouse.compiled"
PATH="$PWD/.venv/bin:$PATH"
python -m lake.generator "$trial/landing" --scale 0.01 --days 1 2> "$trial/log" || { cat "$trial/log" >&2; exit 1; }
# Whatever lake the caller means, the trial is of this machine.
unset LAKE LAKE_PATH LANDING SPARK_MASTER
try() {
  spark-submit jobs/pipeline.py --lake "$trial/lake" --landing "$trial/landing$1" > "$trial/log" 2>&1 \
    || { cat "$trial/log" >&2; exit 1; }
}
LAKE_ARCHIVE_TO="$site/pyspark/lakehouse.jsa" try /initial
try ""
[ -f "$site/pyspark/lakehouse.jsa" ] || echo "  no archive was made; everything works, a driver starts a little slower"
touch .venv/ready
