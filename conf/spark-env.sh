# Sourced by every spark-submit: setup links this folder to the conf folder of the installed pyspark.
here="$(cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")" && pwd)"
# Keys and passwords of the servers that `make up` started; what the environment has already wins, and no job needs those of
# the administrators. lake/settings.py does the same for programs without a JVM.
env_file="${LAKEHOUSE_ENV:-$here/../.env}"
if [ -r "$env_file" ]; then
  while IFS= read -r line || [ -n "$line" ]; do
    name="${line%%=*}" value="${line#*=}"
    if [[ $line = *=* && $name =~ ^[A-Z][A-Z0-9_]*$ && ! $name =~ _(ROOT|ADMIN)_ && -z ${!name+set} ]]; then export "$name=$value"; fi
  done < "$env_file"
fi
export SPARK_LOCAL_IP="${SPARK_LOCAL_IP:-127.0.0.1}"
export SPARK_DRIVER_MEMORY="${SPARK_DRIVER_MEMORY:-1200m}"
export PYTHONHASHSEED=0
# By this Java 17 reads names of files; in the locale of cron it would not see those with other letters than English ones.
case "${LC_ALL:-${LC_CTYPE:-${LANG:-C}}}" in C | POSIX) export LC_ALL=C.UTF-8 ;; esac
export GX_ANALYTICS_ENABLED=false

# Java 17 or newer, or one clear message. Exit code 6: README, exit codes.
java="${JAVA_HOME:+$JAVA_HOME/bin/}java"
if ! command -v "$java" > /dev/null 2>&1; then
  echo "error: there is no Java: $java was not found" >&2
  echo "  -> install a JDK 17 (Debian: apt install openjdk-17-jdk-headless), or set JAVA_HOME" >&2
  exit 6
fi
release="$(dirname "$(dirname "$(readlink -f "$(command -v "$java")")")")/release"
version="$(sed -n 's/^JAVA_VERSION="\([0-9]*\).*/\1/p' "$release" 2> /dev/null)"
if [ -n "$version" ] && [ "$version" -lt 17 ]; then
  echo "error: Java $version is too old, Spark needs 17 or newer ($java)" >&2
  echo "  -> install a JDK 17, or set JAVA_HOME" >&2
  exit 6
fi

# The driver's JVM. Half of a small run is the JVM's own work, so: the quick compiler alone (whose code needs more room than
# the default), the simplest garbage collector for two cores, and the classes that setup archived after a trial run. From
# 300 MB in the landing folder on, rows are most of the work, and what runs ten times as often as usual gets the full compiler
# too.
landing="${LANDING:-$here/../data/landing}"
before=""
for word in "$@"; do
  case "$before" in --landing | --driver-memory) word="$before=$word" ;; esac
  case "$word" in
    --landing=*) landing="${word#*=}" ;;
    --driver-memory=*) SPARK_DRIVER_MEMORY="${word#*=}" ;;
  esac
  before="$word"
done
kilobytes="$(du -sk "$landing" 2> /dev/null | cut -f1)"
if [ "${kilobytes:-0}" -lt 300000 ]; then
  compiler="-XX:TieredStopAtLevel=1"
else
  compiler="-XX:Tier4InvocationThreshold=50000 -XX:Tier4MinInvocationThreshold=6000 -XX:Tier4CompileThreshold=150000"
  compiler="$compiler -XX:Tier4BackEdgeThreshold=400000 -XX:Tier3DelayOn=0"
fi
options="${LAKE_JVM:--XX:+UseParallelGC -XX:ParallelGCThreads=2 $compiler}"
unset landing word before kilobytes compiler
# Room from the start: growing the heap and the class space step by step costs a full collection each time.
if [[ $SPARK_DRIVER_MEMORY =~ ^([0-9]+[kmgKMG])[bB]?$ ]]; then options="$options -Xms${BASH_REMATCH[1]}"; fi
options="$options -XX:NewSize=500m -XX:MetaspaceSize=400m"
options="$options -XX:ReservedCodeCacheSize=256m -Xss4m -Duser.timezone=UTC"
# Each thread keeps a buffer outside the heap as large as its largest read or write; ours move whole cached frames.
options="$options -Djdk.nio.maxCachedBufferSize=262144"
# Else a JVM does not end before the clients of MongoDB's connector have been idle for five seconds.
options="$options -Dmongodb.keep_alive_ms=0"
options="$options -Dlog4j2.configurationFile=file:$here/log4j2.properties"
archive="$SPARK_HOME/lakehouse.jsa"
if [ -n "${LAKE_ARCHIVE_TO:-}" ]; then
  options="$options -XX:ArchiveClassesAtExit=$LAKE_ARCHIVE_TO"
elif [ -f "$archive" ]; then
  options="$options -XX:SharedArchiveFile=$archive"
fi
# The code that Spark generates, as earlier runs have compiled it, the first of them setup's trial (infra/jvm/CompiledCode.java).
options="$options -Dlakehouse.compiled=$SPARK_HOME/lakehouse.compiled"
# spark-submit first starts a small JVM, which only puts the command of the driver's together.
export SPARK_LAUNCHER_OPTS="${SPARK_LAUNCHER_OPTS:--XX:TieredStopAtLevel=1 -XX:+UseSerialGC}"
export SPARK_SUBMIT_OPTS="$options -Xlog:cds=off -Xlog:cds+dynamic=off ${SPARK_SUBMIT_OPTS:-}"

# A folder with files on the class path would forbid the archive. What Spark would read from there, lake/session.py reads.
export SPARK_CONF_DIR="$SPARK_HOME/none"
