# What people and .ci/run call. `make test` works in a fresh clone of a Debian or Ubuntu machine with rustup.
SHELL := /bin/bash -o pipefail
.DEFAULT_GOAL := help
.PHONY: help packages test torture lint deny fuzz bench static static-test

TIME ?= 60
CARGO ?= cargo

help: ## this list
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 14

packages: ## install the Debian packages of the tests' peers, when missing
	@packaging/install-test-packages

# tests/support makes the Python environment under target/peers with its pinned linter.
test: packages ## every test, against the real binary and real peers
	@mkdir -p target
	@$(CARGO) test --locked --no-fail-fast 2>&1 | tee target/test.log
	@awk '/^test result:/ { passed += $$4; failed += $$6; ignored += $$8 } \
	    END { print passed " tests passed, " failed " failed, " ignored " ignored"; \
	          exit passed == 0 || failed + ignored != 0 }' target/test.log

torture: packages ## kill -9 at 2,000 random moments
	SEKISHO_TORTURE_RUNS=2000 $(CARGO) test --locked --test kill_minus_nine -- --nocapture

lint: ## formatting and clippy, warnings are errors
	$(CARGO) fmt --check
	$(CARGO) clippy --locked --all-targets -- -D warnings

deny: ## licences, banned crates, sources
	@command -v cargo-deny >/dev/null || $(CARGO) install --locked cargo-deny
	$(CARGO) deny --locked check licenses bans sources
