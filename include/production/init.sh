#!/usr/bin/env bash
# Runs once before the other services of docker-compose.yaml start; safe to run again.
set -euo pipefail

airflow db migrate
airflow pools set flexera_api "${FLEXERA_API_SLOTS}" "Requests to Flexera One that may be under way at once"
airflow users create --role Admin --username "${AIRFLOW_ADMIN_USER}" --password "${AIRFLOW_ADMIN_PASSWORD}" \
    --email "${AIRFLOW_ADMIN_EMAIL}" --firstname License --lastname Chargeback
python -m chargeback migrate
if [ -z "${WAREHOUSE_OF_TASKS}" ]; then
    python "$(dirname "$0")/job_login.py"
fi
