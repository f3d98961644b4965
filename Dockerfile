# The official Airflow image with exactly the packages of requirements.lock, and this project.
ARG AIRFLOW_IMAGE=apache/airflow:3.3.2-python3.12
FROM ${AIRFLOW_IMAGE}

USER root
RUN install --directory --owner=airflow --group=0 /opt/license-chargeback
USER airflow

# sync, not install: what the image brings beyond the lock was built for other versions of what the lock holds.
COPY --chown=airflow:0 requirements.lock /opt/license-chargeback/
RUN uv pip sync --no-cache --require-hashes --compile-bytecode /opt/license-chargeback/requirements.lock

COPY --chown=airflow:0 pyproject.toml requirements.txt README.md /opt/license-chargeback/
COPY --chown=airflow:0 include /opt/license-chargeback/include
COPY --chown=airflow:0 plugins /opt/license-chargeback/plugins
COPY --chown=airflow:0 dags /opt/license-chargeback/dags
# Registers the project as an Airflow provider, so that the UI knows connections of type flexera.
RUN uv pip install --no-cache --no-deps --no-build-isolation --editable /opt/license-chargeback

RUN python -m compileall -q /opt/license-chargeback
# Nobody who runs here changes the code: it is root's, and user airflow, who is of group 0, may only read it.
USER root
RUN chown --recursive root:0 /opt/license-chargeback && \
    chmod --recursive u=rwX,go=rX /opt/license-chargeback
USER airflow
