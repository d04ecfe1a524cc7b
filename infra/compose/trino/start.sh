# A key and its certificate, which clients are given; folders of the lists of tables; then Trino.
set -eu
umask 077
mkdir -p "$TRINO_FOLDER/tls" "$TRINO_FOLDER/catalogs/metastore/lake" "$TRINO_FOLDER/catalogs/metastore/local"
store="$TRINO_FOLDER/tls/keystore.p12"
if [ ! -f "$store" ]; then
  keytool -genkeypair -keystore "$store" -storetype PKCS12 -storepass:env TRINO_INTERNAL_SECRET -alias trino -keyalg EC -groupname secp256r1 \
    -validity 3650 -dname CN=127.0.0.1 -ext SAN=ip:127.0.0.1,dns:localhost,dns:trino
fi
keytool -exportcert -rfc -keystore "$store" -storepass:env TRINO_INTERNAL_SECRET -alias trino > "$TRINO_CERTIFICATE"
chmod a+r "$TRINO_CERTIFICATE"
exec /usr/lib/trino/bin/run-trino --data-dir "$TRINO_FOLDER"
