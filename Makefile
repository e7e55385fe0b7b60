# Everything here works on a machine with Python 3.11 to 3.13, make and pip's access to packages, nothing else.
.DEFAULT_GOAL := help
SHELL := /bin/sh
VENV := .venv
BIN := $(VENV)/bin
MIN_VERSION := 3.11
PACKAGES := config history orders catalog users core

# PYTHON, or the first Python that really runs and is of a version we test; a version manager's stub does not count.
FIND_PYTHON = for name in $(PYTHON) python3.13 python3.12 python3.11 python3; do \
    $$name -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' >/dev/null 2>&1 \
        && { echo $$name; break; }; done

.PHONY: help
help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: run
run: $(VENV)/.local ## start the whole product: databases, shop, relay (PORT, DATA_DIR)
	@exec $(BIN)/python -m config.run

.PHONY: install
install: $(VENV)/.local ## make .venv with what `make run` needs

# Its processes start by the hundred: each would compile our code anew where Python is told to keep none of it.
.PHONY: test
test: $(VENV)/.dev ## run every test, on databases of its own (ARGS="-k name")
	@PYTHONDONTWRITEBYTECODE= $(BIN)/python -m pytest -n 4 --dist loadfile --no-loadscope-reorder $(ARGS)

.PHONY: check
check: $(VENV)/.dev ## lint, format, types, import arrows, migrations, templates, containers
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m tools.private_api
	$(BIN)/python manage.py makemigrations --check --dry-run
	$(BIN)/python -m tests.migrations
	$(BIN)/djlint templates --check --quiet
	$(BIN)/djlint templates --lint --quiet
	$(BIN)/hadolint Dockerfile
	$(BIN)/check-jsonschema --builtin-schema vendor.compose-spec compose.yaml compose.demo.yaml
	$(BIN)/check-jsonschema --builtin-schema vendor.github-workflows .github/workflows/ci.yml

.PHONY: programs
programs: ## install nginx for the tests, from Debian's or Ubuntu's packages (needs sudo)
	sudo apt-get update -q
	sudo apt-get install -qy --no-install-recommends nginx

.PHONY: image
image: ## build the container image
	docker build --tag user-order-system:latest .

.PHONY: compose
compose: ## start compose.yaml from the image, wait until all of it is healthy, and stop it
	SECRET_KEY="$$(head -c 50 /dev/urandom | base64 -w 0)" POSTGRES_PASSWORD=test MONGODB_PASSWORD=test \
	    ALLOWED_HOSTS=localhost EMAIL_URL=dummymail:// \
	    docker compose up --detach --wait --wait-timeout 300
	docker compose down --volumes

.PHONY: bench
bench: $(VENV)/.dev ## measure the product
	@$(BIN)/python -m tests.bench $(ARGS)

.PHONY: faults
faults: $(VENV)/.dev ## kill everything a thousand times while the shop works (ARGS="--kills 100 --seconds 60 --seed 7")
	@$(BIN)/python -m tests.faults $(ARGS)

.PHONY: words
words: $(VENV)/.dev ## collect the texts to translate into locale/, compile the translations
	@$(BIN)/python -m tests.words

.PHONY: docs
docs: $(VENV)/.dev ## write the pages of docs/ that are told from the code
	@$(BIN)/python -m tests.docs

.PHONY: lock
lock: $(VENV)/.dev ## compile requirements/*.in to requirements*.txt with hashes
	@$(BIN)/python -c 'import uv' 2>/dev/null || $(BIN)/pip install --quiet uv
	$(call compile,production,requirements.txt)
	$(call compile,local,requirements-local.txt)
	$(call compile,dev,requirements-dev.txt)

define compile
$(BIN)/uv pip compile --universal --python-version $(MIN_VERSION) --generate-hashes --no-emit-index-url \
    --no-emit-find-links -q --custom-compile-command 'make lock' requirements/$(1).in -o $(2)
endef

# A stamp beside the packages says what is installed, so that a second make has nothing to do.
$(VENV)/.local: requirements-local.txt | $(VENV)/.made
	@echo "installing packages (a minute or two, only the first time)"
	@$(BIN)/pip install -qq --disable-pip-version-check --require-hashes -r $<
	@touch $@

$(VENV)/.dev: requirements-dev.txt | $(VENV)/.made
	@echo "installing packages for tests and checks (a minute or two, only the first time)"
	@$(BIN)/pip install -qq --disable-pip-version-check --require-hashes -r $<
	@touch $@ $(VENV)/.local

$(VENV)/.made:
	@python=$$($(FIND_PYTHON)); \
	if [ -z "$$python" ]; then \
	    echo "No Python 3.11, 3.12 or 3.13 was found; install one (on Debian and Ubuntu: apt install python3 python3-venv)." >&2; \
	    exit 1; \
	fi; \
	if ! $$python -c 'import venv, ensurepip' 2>/dev/null; then \
	    echo "$$python cannot make virtual environments; install its venv module (on Debian and Ubuntu: apt install python3-venv)." >&2; \
	    exit 1; \
	fi; \
	rm -rf $(VENV); $$python -m venv $(VENV) && touch $@
