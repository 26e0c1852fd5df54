# The routine commands. A fresh Debian or Ubuntu needs nothing but git and make: every target does its own set-up.
#   make run     set-up, then the production suite on the embedded store, with a report under reports/
#   make test    set-up, then every test of the project
.DEFAULT_GOAL := build
SHELL := /bin/bash
PY := .venv/bin/python
STAMP := build/stamp
C := $(MAKE) -s -C csrc -j2
PYTEST := $(PY) -m pytest
export S3PROD_VECTORS := $(CURDIR)/csrc/tests/vectors
C_SOURCES := $(shell find csrc -name '*.[chS]' -o -name outcomes.json -o -name Makefile 2>/dev/null)
FUZZ_SECONDS ?= 60
BUDGET ?= # minutes of `make kill-matrix-full`; what is left goes on with the next call

.PHONY: run test build driver-go driver-test bench kill-matrix kill-matrix-full rules real-stores asan tsan fuzz lint format clean campaign

# --- set-up: each step runs again only when what it depends on has changed -------------------------------------------
$(STAMP)/packages: tools/packages.txt tools/setup.sh
	@mkdir -p $(@D)
	@tools/setup.sh packages
	@touch $@
$(STAMP)/venv: tools/requirements.txt $(STAMP)/packages
	@tools/setup.sh venv tools/requirements.txt
	@touch $@
$(STAMP)/venv-bench: tools/requirements-bench.txt $(STAMP)/venv
	@tools/setup.sh packages tools/packages-bench.txt
	@tools/setup.sh venv tools/requirements-bench.txt
	@touch $@
$(STAMP)/go-bench: tools/go-bench.txt $(wildcard benchmarks/porcupine/*)
	@mkdir -p $(@D)
	@tools/setup.sh go tools/go-bench.txt
	@touch $@
$(STAMP)/clients: tools/requirements-clients.txt $(STAMP)/packages
	@tools/setup.sh venv tools/requirements-clients.txt build/clients
	@touch $@
$(STAMP)/driver-go: $(filter-out %_test.go,$(wildcard drivers/aws-sdk-go-v2/*)) tools/setup.sh
	@mkdir -p $(@D)
	@tools/setup.sh driver-go aws-sdk-go-v2
	@touch $@
$(STAMP)/driver-tested: $(wildcard drivers/aws-sdk-go-v2/*) csrc/s3/outcomes.json $(wildcard csrc/tests/vectors/*) $(STAMP)/driver-go
	@tools/setup.sh driver-test aws-sdk-go-v2
	@touch $@
$(STAMP)/fuzz-packages: tools/packages-fuzz.txt $(STAMP)/packages
	@tools/setup.sh packages tools/packages-fuzz.txt
	@touch $@
$(STAMP)/built: $(C_SOURCES) setup.py pyproject.toml $(STAMP)/venv
	@echo "s3prod: building" >&2
	@$(C) VARIANT=release lib tools > build/build.log 2>&1 || { cat build/build.log; exit 1; }
	@$(PY) -m pip install -q --disable-pip-version-check --no-deps --no-build-isolation -e . >> build/build.log 2>&1 || { tail -40 build/build.log; exit 1; }
	@touch $@
build: $(STAMP)/built
driver-go: $(STAMP)/driver-go

# --- the two commands ------------------------------------------------------------------------------------------------
run: build
	@mkdir -p reports
	@$(PYTEST) tests/production -v --scale full --report-dir reports
test: build driver-go $(STAMP)/driver-tested $(STAMP)/clients
	@$(C) VARIANT=debug all replay > build/build-debug.log 2>&1 || { cat build/build-debug.log; exit 1; }
	@$(C) VARIANT=release all > build/build-release.log 2>&1 || { cat build/build-release.log; exit 1; }
	@$(PYTEST) tests -n 2 --dist loadfile --scale smoke

# --- proof -----------------------------------------------------------------------------------------------------------
kill-matrix: build
	@$(PY) -m s3prod.matrix --seeds 1
kill-matrix-full: build
	@$(PY) -m s3prod.matrix --seeds 20 --everywhere $(if $(BUDGET),--budget $(BUDGET))
driver-test: build driver-go $(STAMP)/driver-tested
	@S3PROD_ALL_ROWS=1 $(PYTEST) -q tests/conformance tests/test_modes.py -k aws-sdk-go-v2 && $(PYTEST) -q tests/conformance/test_driver.py
	@$(PYTEST) -v tests/production --scale smoke --sdk aws-sdk-go-v2
real-stores: build
	@S3PROD_LANES=rgw16,rgw20,swift,moto S3PROD_LANES_WHOLE=1 $(PYTEST) -v tests/lanes
rules: build
	@$(PY) tools/mutate_store.py
campaign: build rules driver-test
	@$(PYTEST) tests/production -v --scale full --seed 1 && $(PYTEST) tests/production -v --scale full --seed 2 && \
	 $(PYTEST) tests/production -v --scale full --seed 3
	@for seed in $$(seq 101 120); do $(PYTEST) -q tests/production --scale smoke --seed $$seed || exit 1; done
	@$(PYTEST) tests/production -v --scale smoke --sdk boto3
	@$(PY) -m tests.random_plans --seeds 1-1000
	@$(C) VARIANT=release all && S3PROD_ORACLE_HISTORIES=900000 build/c/release/s3p-test oracle_
	@S3PROD_CRASH_ROUNDS=200 $(PYTEST) -v tests/store/crash
	@S3PROD_LANES=asan,tsan S3PROD_LANES_WHOLE=1 $(PYTEST) -v tests/lanes/test_sanitizers.py
asan tsan: build
	@$(C) VARIANT=$@ all > build/build-$@.log 2>&1 || { cat build/build-$@.log; exit 1; }
	@tools/sanitize.sh $@
fuzz: $(STAMP)/packages $(STAMP)/fuzz-packages
	@tools/fuzz.sh $(FUZZ_SECONDS)
bench: build $(STAMP)/venv-bench $(STAMP)/go-bench
	@$(PY) -m benchmarks

# --- form ------------------------------------------------------------------------------------------------------------
lint: build
	@$(PY) -m ruff check . && $(PY) -m ruff format --check . && $(PY) -m mypy && $(PY) -m mypy.stubtest s3prod._native s3prod._server --mypy-config-file pyproject.toml
	@$(PYTEST) -q tests/test_house_style.py
format: build
	@$(PY) -m ruff check --fix . && $(PY) -m ruff format .
clean:
	@rm -rf build reports s3prod/*.so s3prod/data
