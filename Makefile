# The project's commands; `make` lists them.
SHELL := bash
.DEFAULT_GOAL := help
export PATH := $(CURDIR)/.venv/bin:$(PATH)

# The other profiles name places in the bucket.
ifeq ($(or $(LAKE),embedded),embedded)
LANDING ?= data/landing
LAKE_PATH ?= data/lake
endif
SCALE ?= 1
TO_GOLD := ingest conform build recommend
STEPS ?= $(TO_GOLD)
# Spark's class path can't have it, since it brings a netty of its own.
NEO4J_JAR = --jars $$(echo .venv/jars/neo4j-connector-*.jar)
FORMAT ?= table
# A question may have dollars in it, which are not make's.
override Q := $(value Q)
define TO_ASK
The stores hold the same snapshot of gold. Questions to them (docs/queries.md has more):
  make ask S=clickhouse Q="SELECT category, sum(revenue_brl) AS revenue_brl FROM sales_fact GROUP BY category ORDER BY 2 DESC LIMIT 5"
  make ask S=mongodb Q='{"find": "products", "sort": {"sales.items": -1}, "limit": 3, "projection": {"category.name": 1, "sales": 1, "reviews": 1}}'
  make ask S=neo4j Q="MATCH (x:Product)-[also:ALSO_BOUGHT]->(y) RETURN x.category, y.category, also.orders ORDER BY also.orders DESC LIMIT 5"
make down stops the stores.
endef
export LAKE LAKE_PATH Q TO_ASK
pipeline airflow: export LANDING := $(LANDING)
demo download: export LANDING := $(or $(LANDING),data/landing)

READY := .venv/ready
# Where the cache of downloads was taken away, what setup linked from there is made anew.
ifeq ($(wildcard .venv/jars/*.jar),)
.PHONY: $(READY)
endif
$(READY): requirements.txt conf/spark-jars.pom.xml conf/spark-jars.sha256 conf/spark-env.sh infra/local/install.sh $(wildcard infra/jvm/*.java)
	infra/local/install.sh

.PHONY: help setup demo pipeline sql ask tables trace report test test-unit test-superset test-airflow test-olist lint download bench maintain publish reconcile trino-register doctor up down airflow airflow-down superset superset-down superset-export status clean

help:  ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*##/ ##/' | awk -F ' ## ' '{printf "  make %-15s %s\n", $$1, $$2}'

setup: $(READY)  ## the environment: packages, jars, archives of classes and compiled code

demo: $(READY)  ## a marketplace of Olist's size from raw files to gold and the stores, with a report (SCALE=1)
	@if [ ! -f "$$LANDING/_manifest.json" ]; then python -m lake.generator "$$LANDING" --scale $(SCALE); \
	  elif [ "$(origin SCALE)" != file ]; then echo "$$LANDING holds a marketplace already, it is taken as it is; make clean deletes it"; fi
	@python -m infra.local up mongodb clickhouse neo4j; stores=$$?; \
	  make --no-print-directory pipeline STEPS="$(TO_GOLD) $$([ $$stores = 0 ] && echo publish)" || exit; \
	  [ $$stores = 0 ] || { echo "error: the stores did not start (see above); when that is mended: make up publish"; exit 6; }; \
	  echo "$$TO_ASK"

pipeline: $(READY)  ## files to gold, with a report: LANDING=<folder> [LAKE_PATH=<folder>]
	@spark-submit $(NEO4J_JAR) jobs/pipeline.py --landing "$$LANDING" --steps $(STEPS); code=$$?; \
	  python -m lake.report > /dev/null && python -m lake.summary; told=$$?; exit $$((code ? code : told))

sql: $(READY)  ## SQL on the lake: Q="select ..." [FORMAT=csv]
	@python -m lake.sql "$$Q" --format $(FORMAT)

ask: $(READY)  ## a question to a store, in its language: S=clickhouse|mongodb|neo4j|trino Q="..."
	@python -m lake.ask $(S) "$$Q" --format $(FORMAT)

tables: $(READY)  ## the lake's tables
	@python -m lake.sql --tables

trace: $(READY)  ## source files and lines of a row: T=gold.x K="column=value ..."
	@python -m lake.trace $(T) $(K)

report: $(READY)  ## the HTML report of the latest run
	@python -m lake.report

maintain: $(READY)  ## compact and vacuum: [ARGS=--dry-run]
	@spark-submit jobs/maintain.py $(ARGS)

download: $(READY)  ## the real data set from Kaggle, with your own token: LANDING=<folder>
	@python -m lake.download "$$LANDING"

publish: $(READY)  ## gold to MongoDB, ClickHouse and Neo4j: [ARGS="--stores clickhouse", --restore, ...]
	@spark-submit $(NEO4J_JAR) jobs/publish.py $(ARGS)

reconcile: $(READY)  ## gold and the stores side by side, to the cent
	@spark-submit $(NEO4J_JAR) jobs/reconcile.py $(ARGS)

trino-register: $(READY)  ## Trino's list of tables becomes the lake's; each run does it too [LAKE=minio]
	@python -m lake.catalog

doctor: $(READY)  ## is all there that a run needs? [LAKE=minio]
	@python -m lake.doctor

up: $(READY)  ## MinIO, MongoDB, ClickHouse, Neo4j and Trino as processes on this machine
	@python -m infra.local up

down: $(READY)  ## stop them
	@python -m infra.local down

airflow: $(READY)  ## Airflow with the DAGs, in an environment of its own: [LANDING=<folder> LAKE=minio]
	@python -m infra.local up airflow
	@echo "log in as the AIRFLOW_ADMIN_USER of .env with the AIRFLOW_ADMIN_PASSWORD that is there"
	@echo "the DAGs begin paused: switch on ecommerce_etl_pipeline (daily) and maintenance (Sundays) in the page"

airflow-down: $(READY)  ## stop it and all that it started
	@python -m infra.local down airflow

superset: $(READY)  ## Superset with the dashboards, in an environment of its own, and what they read: [LAKE=minio]
	@python -m infra.local up $(if $(CLICKHOUSE_HOST),,clickhouse) $(if $(TRINO_HOST),,trino) superset
	-@python -m lake.catalog
	@echo "log in as the SUPERSET_ADMIN_USER, _ANALYST_USER or _VIEWER_USER of .env with the password that is there"

superset-down: $(READY)  ## stop it
	@python -m infra.local down superset

superset-export: $(READY)  ## what was changed in Superset's pages, written back to superset/assets
	@PYTHONPATH=superset:. python superset/export.py

status: $(READY)  ## their addresses, health, memory
	@python -m infra.local status

lint: $(READY)  ## style
	ruff check . && ruff format --check .

test-unit: $(READY)  ## tests without Spark, in seconds
	pytest tests/unit

test-superset: $(READY)  ## the dashboards in a real browser, on real servers
	pytest tests/superset

test-airflow: $(READY)  ## whole runs on a real scheduler, with failures; twenty minutes
	pytest tests/airflow/test_postgresql.py tests/airflow/test_runs.py

test: $(READY)  ## all tests that need nothing but the project, but for test-airflow
	ruff check . && ruff format --check .
	pytest tests/unit tests/airflow/test_dags.py tests/integration tests/e2e tests/superset

test-olist: export OLIST_DIR := $(OLIST_DIR)
test-olist: $(READY)  ## tests on the real files: OLIST_DIR=<folder>
	pytest tests/olist

bench: $(READY)  ## a day's increment, or what is measured against what: [ARGS="full --scale 10"]
	@python -m benchmarks $(or $(ARGS),day)

clean:  ## the demo's lake, its raw files and the reports (asks first)
	@read -rp "delete data/landing, data/lake and reports? [y/N] " answer && [ "$$answer" = y ] && rm -rf data/landing data/lake reports
