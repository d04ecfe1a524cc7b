# The project's commands; `make` lists them.
SHELL := bash
.DEFAULT_GOAL := help
export PATH := $(CURDIR)/.venv/bin:$(PATH)

LANDING ?= data/landing
ifeq ($(or $(LAKE),embedded),embedded)
LAKE_PATH ?= data/lake
endif
SCALE ?= 1
FORMAT ?= table
export LAKE LAKE_PATH Q

READY := .venv/ready
$(READY): requirements.txt conf/spark-jars.pom.xml conf/spark-jars.sha256 conf/spark-env.sh infra/local/install.sh infra/logstore/ConditionalLogStore.java
	infra/local/install.sh

.PHONY: help setup demo pipeline sql tables trace report test test-unit test-olist lint download bench maintain publish reconcile trino-register doctor up down airflow airflow-down status clean

help:  ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*##/ ##/' | awk -F ' ## ' '{printf "  make %-15s %s\n", $$1, $$2}'

setup: $(READY)  ## the environment: packages, jars, class archive

demo: $(READY)  ## a marketplace of Olist's size from raw files to gold, with a report (SCALE=1)
	@[ -f $(LANDING)/_manifest.json ] || python -m lake.generator $(LANDING) --scale $(SCALE)
	@$(MAKE) --no-print-directory pipeline

pipeline: $(READY)  ## the same on your own files: LANDING=<folder> [LAKE_PATH=<folder>]
	@spark-submit jobs/pipeline.py --landing $(LANDING); code=$$?; \
	  python -m lake.report > /dev/null && python -m lake.summary; exit $$code

sql: $(READY)  ## SQL on the lake: Q="select ..." [FORMAT=csv]
	@python -m lake.sql "$$Q" --format $(FORMAT)

tables: $(READY)  ## the lake's tables
	@python -m lake.sql --tables

trace: $(READY)  ## source files and lines of a row: T=gold.x K="column=value ..."
	@python -m lake.trace $(T) $(K)

report: $(READY)  ## the HTML report of the latest run
	@python -m lake.report

maintain: $(READY)  ## compact and vacuum: [ARGS=--dry-run]
	@spark-submit jobs/maintain.py $(ARGS)

download: $(READY)  ## the real data set from Kaggle, with your own token: LANDING=<folder>
	@python -m lake.download $(LANDING)

publish: $(READY)  ## gold to MongoDB, ClickHouse and Neo4j: [ARGS="--stores clickhouse", --restore, ...]
	@spark-submit --jars $$(echo .venv/jars/neo4j-connector-*.jar) jobs/publish.py $(ARGS)

reconcile: $(READY)  ## gold and the stores side by side, to the cent
	@spark-submit --jars $$(echo .venv/jars/neo4j-connector-*.jar) jobs/reconcile.py $(ARGS)

trino-register: $(READY)  ## Trino's list of tables becomes the lake's; each run does it too [LAKE=minio]
	@python -m lake.catalog

doctor: $(READY)  ## is all there that a run needs? [LAKE=minio]
	@python -m lake.doctor

up: $(READY)  ## MinIO, MongoDB, ClickHouse, Neo4j and Trino as processes on this machine
	@python -m infra.local up

down: $(READY)  ## stop them
	@python -m infra.local down

airflow: $(READY)  ## Airflow with the DAGs, in an environment of its own: [LANDING=<folder> LAKE=minio]
	@LANDING=$(abspath $(LANDING)) python -m infra.local up airflow
	@echo "log in as the AIRFLOW_ADMIN_USER of .env with the AIRFLOW_ADMIN_PASSWORD that is there"

airflow-down: $(READY)  ## stop it and all that it started
	@python -m infra.local down airflow

status: $(READY)  ## their addresses, health, memory
	@python -m infra.local status

lint: $(READY)  ## style
	ruff check . && ruff format --check .

test-unit: $(READY)  ## tests without Spark, in seconds
	pytest tests/unit

test: $(READY)  ## all tests that need nothing but the project
	ruff check . && ruff format --check .
	pytest tests/unit tests/integration tests/e2e tests/airflow

test-olist: export OLIST_DIR := $(OLIST_DIR)
test-olist: $(READY)  ## tests on the real files: OLIST_DIR=<folder>
	pytest tests/olist

bench: $(READY)  ## what is measured against what: ARGS="..."
	@python -m benchmarks $(ARGS)

clean:  ## the demo's lake, its raw files and the reports (asks first)
	@read -rp "delete data/ and reports/? [y/N] " answer && [ "$$answer" = y ] && rm -rf data reports
