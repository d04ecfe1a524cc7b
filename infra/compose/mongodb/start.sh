#!/usr/bin/env bash
# A replica set with passwords needs a key file, also when it has one member only; it is made once.
set -euo pipefail
key=/data/configdb/replica-set.key
if [ ! -s "$key" ]; then
  head -c 96 /dev/urandom | base64 --wrap 0 > "$key"
fi
chmod 400 "$key"
chown mongodb:mongodb "$key"
# The two parameters: see infra/local/mongodb_server.py.
exec docker-entrypoint.sh mongod --replSet rs0 --keyFile "$key" --bind_ip_all --wiredTigerCacheSizeGB 0.5 \
  --setParameter internalQueryExecYieldPeriodMS=10000 --setParameter internalQueryExecYieldIterations=1000000000
