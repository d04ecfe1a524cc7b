# Users and their passwords in a file of their own, then Airflow. The passwords stay out of its environment and its processes' lists.
set -eu
umask 077
printf '{"%s": "%s", "%s": "%s"}' "$ADMIN_USER" "$ADMIN_PASSWORD" "$VIEWER_USER" "$VIEWER_PASSWORD" > "$AIRFLOW_HOME/passwords.json"
export AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS="$ADMIN_USER:admin,$VIEWER_USER:viewer"
export AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE="$AIRFLOW_HOME/passwords.json"
export AIRFLOW_CONN_SPARK_DEFAULT="{\"conn_type\": \"spark\", \"host\": \"$SPARK_MASTER\"}"
if [ -n "$DATABASE" ]; then export AIRFLOW__DATABASE__SQL_ALCHEMY_CONN="$DATABASE"; fi
unset ADMIN_PASSWORD VIEWER_PASSWORD DATABASE
exec python /opt/lakehouse/infra/local/airflow_process.py
