# The official Airflow image with this project and exactly the packages of requirements.lock.
FROM apache/airflow:3.3.2-python3.12

COPY --chown=airflow:0 requirements.lock /opt/license-chargeback/requirements.lock
RUN pip install --no-cache-dir --require-hashes --requirement /opt/license-chargeback/requirements.lock

COPY --chown=airflow:0 pyproject.toml requirements.txt README.md /opt/license-chargeback/
COPY --chown=airflow:0 include /opt/license-chargeback/include
COPY --chown=airflow:0 plugins /opt/license-chargeback/plugins
COPY --chown=airflow:0 dags /opt/license-chargeback/dags
RUN pip install --no-cache-dir --no-deps --no-build-isolation --editable /opt/license-chargeback
