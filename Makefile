# Palate. `make` alone lists what can be done; everything installs itself on first use.
SHELL := /bin/sh
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-print-directory

BIN := .venv/bin
MEMBERS := app lib-ml lib-version lib-web model-service model-training operation/bench operation/local operation/release-manager
MANIFESTS := pyproject.toml uv.lock $(MEMBERS:%=%/pyproject.toml) operation/local/install operation/local/uv.txt
export PYTHON

# Where `make` was called from; with `make -C` that is not this folder.
CALLER := $(PWD)

##@ Run

.PHONY: run
run: .venv/.installed-run ## Start everything: gateway, app v1 and v2, model-service v1 and v2; Ctrl-C ends it. PALATE_PORT=9000 moves it, PALATE_HOME=folder holds its state
	@exec $(BIN)/python -I -S operation/local/src/local_stack/tether.py TERM $(BIN)/palate up

.PHONY: weight
weight: .venv/.installed-run ## W=50: send that share of visitors (percent) to v2, live
	@$(if $(W),,echo 'Say how many percent of the visitors go to v2: make weight W=50' >&2; exit 2;) exec $(BIN)/palate weight -- '$(W)'

.PHONY: train
train: .venv/.installed-run ## [DATA=reviews.tsv]: train v1 and v2 and publish them; a running stack takes them over
	@data='$(DATA)'; case "$$data" in ''|/*) ;; *) if [ -e '$(CALLER)'/"$$data" ]; then data='$(CALLER)'/"$$data"; else data='$(CURDIR)'/"$$data"; fi;; esac; \
	exec $(BIN)/palate train $${data:+--data "$$data"}

.PHONY: doctor
doctor: .venv/.installed-run ## Look for what would keep `make run` from starting
	@exec $(BIN)/palate doctor

##@ Develop

.PHONY: test
test: .venv/.installed-dev ## All tests, real browser and whole stack included, with coverage (at least 90 % of lines)
	@operation/local/need chromium redis wrk
	@status=0; rm -f .coverage .coverage.*; \
	$(BIN)/pytest -m 'not stack' -n 2 --dist loadfile --benchmark-disable --cov --cov-report= || status=1; \
	$(BIN)/pytest -m stack --benchmark-disable --cov --cov-append --cov-report=term --cov-fail-under=90 || status=1; \
	exit $$status

.PHONY: fuzz
fuzz: .venv/.installed-dev ## [EXAMPLES=200]: generated requests against the real services, that many an operation
	EXAMPLES='$(or $(EXAMPLES),200)' $(BIN)/pytest -s model-service/tests/integration/test_fuzz.py app/tests/integration/test_app_fuzz.py

.PHONY: check
check: .venv/.installed-dev ## Lint, format, types and the rules of who may import whom
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy $(MEMBERS:%=%/src)
	$(BIN)/lint-imports

.PHONY: format
format: .venv/.installed-dev ## Put the code into its usual form
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

.PHONY: bench
bench: .venv/.installed-dev ## Benchmarks: the libraries beside sklearn, the model-service beside other model servers
	@operation/local/need wrk
	$(BIN)/pytest $(wildcard $(MEMBERS:%=%/benchmarks)) --benchmark-only --benchmark-columns=min,median,rounds
	$(BIN)/serving-bench --page docs/performance.md

.PHONY: hooks
hooks: .venv/.installed-dev ## Let git run the checks before each commit
	$(BIN)/pre-commit install

.PHONY: clean
clean: ## Remove what builds and tests leave behind; models, reviews (.palate) and the environment stay
	@rm -rf dist htmlcov .coverage .coverage.* .benchmarks .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
	@find $(MEMBERS) -name __pycache__ -type d -prune -exec rm -rf {} +
	@find $(MEMBERS) -name .pytest_cache -type d -prune -exec rm -rf {} +

##@ Help

.PHONY: help
help: ## This list
	@awk 'BEGIN { FS = ":.*## " } \
	/^##@ / { printf "\n%s\n", substr($$0, 5) } \
	/^[a-z-]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

.venv/.installed-run: $(MANIFESTS)
	@operation/local/install run

.venv/.installed-dev: $(MANIFESTS)
	@operation/local/install dev
