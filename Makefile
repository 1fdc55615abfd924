# fangfanpin (防返贫). Two commands: `make run` and `make test`; both do their own set-up in this folder and ask nothing.
#
#   make run      the working county on http://127.0.0.1:8000/ (PORT, BIND, HOSTS, DATA_DIR, DATABASE_URL: docs/operations.md)
#   make test     every test, with the system packages they need
#   make check    the fast part of it
#   make proof    the long one: many more drawn cases, a hundred kills of server and browser (SEED=… repeats a run)
#   make bench    the measured one (ONLY=name runs one), writes bench/results.json
#   make spark    install PySpark for `fangfanpin sweep --snapshots … --engine spark` (Java 17: openjdk-17-jre-headless)
#   make build    front end and translations; make locks: pin the dependencies anew; make clean: remove what was made, never var/

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DELETE_ON_ERROR:
.DEFAULT_GOAL := run

PYTHON ?= $(shell for name in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$name -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { echo $$name; exit; }; done; echo python3)
VENV := .venv/bin
PIP := $(VENV)/python -m pip install --quiet --no-input --disable-pip-version-check --root-user-action=ignore
BUILT := fangfanpin/web/static/built
FIELD_SOURCES := $(shell find field -name node_modules -prune -o -type f -print 2>/dev/null)
TRANSLATIONS := $(wildcard fangfanpin/locale/*/LC_MESSAGES/*.po)
export PIP_NO_INPUT := 1
export npm_config_update_notifier := false

.PHONY: run test check proof bench build locks clean environment test-environment spark system lint types front-end-tests migrations

run: build
	@FFP_FOLLOW_PARENT=1 exec $(VENV)/fangfanpin serve

test: system lint types front-end-tests migrations
	$(VENV)/python -m pytest -ra --durations=15

check: lint types front-end-tests migrations
	$(VENV)/python -m pytest -q $(wildcard tests/architecture tests/translations tests/expressions tests/conformance tests/pack tests/privacy tests/runtime)

# The seed is printed first: the same seed draws the same cases.
proof: SEED := $(or $(SEED),$(shell od -An -N3 -tu4 /dev/urandom | tr -d ' '))
proof: system build test-environment
	@echo "SEED=$(SEED)   (repeat with: make proof SEED=$(SEED))"
	FFP_PROOF=1 FFP_SEED=$(SEED) $(VENV)/python -m pytest -ra --durations=15 -m "not browser or proof" --hypothesis-seed=$(SEED)

bench: build .venv/bench.stamp
	$(VENV)/python -m bench $(ONLY)

build: environment $(BUILT)/.stamp $(TRANSLATIONS:.po=.mo)

environment: .venv/run.stamp field/node_modules/.package-lock.json

test-environment: environment .venv/dev.stamp

spark: environment .venv/spark.stamp

# --- what is made -----------------------------------------------------------------------------------------------------

.venv/made.stamp:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "需要 Python 3.11 或更高版本：请安装后再运行，或写 PYTHON=python3.12 make run (Python 3.11 or newer is needed)" >&2; exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || { \
		echo "Python 缺少 venv 模块：请运行 apt-get install python3-venv (the venv module is missing)" >&2; exit 1; }
	@echo "正在准备 Python 环境 (making .venv)…"
	@rm -rf .venv
	@$(PYTHON) -m venv .venv
	@touch $@

.venv/run.stamp: .venv/made.stamp locks/run.lock pyproject.toml
	@echo "正在安装依赖 (installing locked dependencies)…"
	@$(PIP) --require-hashes -r locks/run.lock
	@$(PIP) --no-deps --no-build-isolation --editable .
	@touch $@

.venv/dev.stamp: .venv/run.stamp locks/dev.lock
	@echo "正在安装测试工具 (installing test tools)…"
	@$(PIP) --require-hashes -r locks/dev.lock
	@touch $@

.venv/spark.stamp: .venv/run.stamp locks/spark.lock
	@echo "正在安装 PySpark (installing PySpark)…"
	@$(PIP) --require-hashes -r locks/spark.lock
	@touch $@

.venv/bench.stamp: .venv/dev.stamp locks/bench.lock
	@echo "正在安装对照软件 (installing what is measured against)…"
	@$(PIP) --require-hashes -r locks/bench.lock
	@touch $@

field/node_modules/.package-lock.json: field/package-lock.json
	@node -e 'const [a, b] = process.versions.node.split(".").map(Number); process.exit(a > 20 || (a === 20 && b >= 19) ? 0 : 1)' 2>/dev/null || { \
		echo "需要 Node.js 20.19 或更高版本（含 npm）：请安装后再运行 (Node.js 20.19 or newer with npm is needed)" >&2; exit 1; }
	@echo "正在安装前端依赖 (installing front-end packages)…"
	@cd field && npm ci --no-audit --no-fund --loglevel=error
	@touch $@

$(BUILT)/.stamp: field/node_modules/.package-lock.json $(FIELD_SOURCES)
	@echo "正在生成前端 (building the front end)…"
	@cd field && npm run --silent build
	@mkdir -p $(BUILT) && touch $@

%.mo: %.po .venv/run.stamp
	@$(VENV)/python -c 'import polib, sys; polib.pofile(sys.argv[1]).save_as_mofile(sys.argv[2])' $< $@

# --- parts of the tests -----------------------------------------------------------------------------------------------

system:
	@tests/system_packages.sh

lint: test-environment
	$(VENV)/ruff check .
	$(VENV)/ruff format --check .

types: build test-environment
	$(VENV)/mypy
	cd field && npm run --silent check

front-end-tests: build
	cd field && npm run --silent test

migrations: build test-environment
	FFP_WITHOUT_COUNTY=1 DJANGO_SETTINGS_MODULE=fangfanpin.settings $(VENV)/python -m django makemigrations --check --dry-run

# Hashes of every file of each release, so that any platform's wheel fits; no address of an index.
PIP_COMPILE := $(VENV)/pip-compile --quiet --generate-hashes --allow-unsafe --strip-extras --no-header --no-emit-index-url \
	--no-emit-find-links --no-emit-trusted-host --no-emit-options --build-deps-for=editable $(if $(UPGRADE),--upgrade)
locks: .venv/made.stamp
	@$(VENV)/python -m piptools --version >/dev/null 2>&1 || $(PIP) --require-hashes -r locks/dev.lock
	$(PIP_COMPILE) --output-file=locks/run.lock pyproject.toml
	$(PIP_COMPILE) --extra=spark --output-file=locks/spark.lock pyproject.toml
	$(PIP_COMPILE) --extra=dev --extra=spark --output-file=locks/dev.lock pyproject.toml
	$(PIP_COMPILE) --extra=dev --extra=spark --extra=bench --output-file=locks/bench.lock pyproject.toml

clean:
	rm -rf .venv field/node_modules $(BUILT) build *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis $(TRANSLATIONS:.po=.mo)
	find . -name __pycache__ -not -path './var/*' -prune -exec rm -rf {} +
