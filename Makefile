# The commands of the project. Each one first sets up what it needs; everything it makes lies in .local/.
.POSIX:
.SUFFIXES:
.PHONY: help up down demo run doctor psql migrate model superset test bench crash examples lint setup

CLEAN = unset PYTHONDONTWRITEBYTECODE PYTHONHOME PYTHONPATH
PYTHON_HERE = .local/venv/bin/python
# With exec a signal for the shell of a recipe reaches the command itself, which stops what it started.
LOCAL = @$(CLEAN); exec $(PYTHON_HERE) -m local_runtime

help:
	@echo 'make demo      one night of the bundled Flexera simulator, from the API to the report by cost center'
	@echo '               DAYS=3 builds the days before today, too, for a backfill, a comparison or a trend'
	@echo 'make run       one run of the nightly DAG, here and now; DATE=2026-11-23, CONF='"'"'{"publishers": ["Oracle"]}'"'"
	@echo 'make up        the whole system with the Airflow UI; make down stops it'
	@echo 'make doctor    looks for what could stop the night, and says what to do; changes nothing'
	@echo 'make psql      psql on the warehouse; reads SQL from standard input when that is not a terminal'
	@echo 'make migrate   bring the warehouse to the schema of this version'
	@echo 'make model     docs/model.md anew, from the comments, keys and checks of the database'
	@echo 'make superset  Apache Superset with a dashboard of the warehouse, until Ctrl-C; the first time installs it'
	@echo 'make test      the test suite; ARGS="tests/dags -x" for a part of it'
	@echo 'make bench     how fast it is, as ratios in a table and in .local/bench.json; ARGS="--quick" for a trial'
	@echo 'make crash     200 kills at random moments, each with its recovery; ARGS="--kills 20" for fewer'
	@echo 'make examples  worked license arithmetic through the rules; FILE=your.yaml for cases of your own'
	@echo 'make lint      formatting, lint, types'
	@echo ''
	@echo 'AIRFLOW_CONN_FLEXERA and AIRFLOW_CONN_WAREHOUSE name the Flexera One tenant and the warehouse; without them the'
	@echo 'simulator and an embedded PostgreSQL are used. FLEXERA=simulator takes the simulator for a warehouse of yours, too.'
	@echo 'Other connections (AIRFLOW_CONN_...) and variables (AIRFLOW_VAR_...) of Airflow are taken from the'
	@echo 'environment, too. PYTHON=/path/to/python3.12 picks the Python.'

setup:
	@exec env PYTHON='$(PYTHON)' sh include/local_runtime/setup.sh

demo: setup
	$(LOCAL) demo

run: setup
	$(LOCAL) run

doctor: setup
	$(LOCAL) doctor

up: setup
	$(LOCAL) up

down: # without set-up, which may be stale by now
	@if [ -x $(PYTHON_HERE) ]; then $(CLEAN); exec $(PYTHON_HERE) -m local_runtime down; else echo 'Nothing is up.'; fi

psql: setup
	$(LOCAL) psql

migrate: setup
	$(LOCAL) migrate

model: setup
	$(LOCAL) model

superset: setup
	$(LOCAL) superset

test: setup
	@$(CLEAN); exec $(PYTHON_HERE) -m pytest $(ARGS)

examples: setup
	$(LOCAL) examples '$(FILE)'

bench: setup
	@$(CLEAN); exec env PYTHONPATH=tests/airflow_system $(PYTHON_HERE) tests/bench/suite.py $(ARGS)

crash: setup
	@$(CLEAN); exec env PYTHONPATH=tests/airflow_system $(PYTHON_HERE) tests/crash/suite.py $(ARGS)

lint: setup
	@$(CLEAN); exec $(PYTHON_HERE) -m ruff format --check .
	@$(CLEAN); exec $(PYTHON_HERE) -m ruff check .
	@$(CLEAN); exec $(PYTHON_HERE) -m mypy
	@$(CLEAN); exec $(PYTHON_HERE) -m sqlfluff lint --disable-progress-bar include/sql include/bi_queries
	@exec sh include/local_runtime/check_locks.sh
