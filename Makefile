# What people and .ci/run call. `make test` works in a fresh clone of a Debian or Ubuntu machine with rustup.
SHELL := /bin/bash -o pipefail
.DEFAULT_GOAL := help
.PHONY: help packages test torture lint deny fuzz fuzz-coverage bench static static-test deb deb-check deb-test deb-reproducible

CARGO ?= cargo
export PATH := $(CURDIR)/target/tools/bin:$(PATH)
# They run for seconds and would be optimised for minutes.
INSTALL := CARGO_PROFILE_RELEASE_OPT_LEVEL=1 CARGO_PROFILE_RELEASE_LTO=off $(CARGO) install --locked --root target/tools
HOST := $(shell rustc -vV | sed -n 's/^host: //p')

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

torture: packages ## kill -9 at 2,000 moments, 200 processes killed, every call failed, 50 power cuts
	SEKISHO_TORTURE_RUNS=2000 $(CARGO) test --locked --test kill_minus_nine -- --nocapture
	SEKISHO_TORTURE_KILLS=200 $(CARGO) test --locked --test killed_processes_lose_nothing -- --nocapture
	SEKISHO_TORTURE_FAULTS=1 $(CARGO) test --locked --test a_failing_disk_loses_nothing -- --nocapture
	$(CARGO) test --locked --test a_power_cut_loses_nothing -- --nocapture

lint: ## formatting and clippy, warnings are errors
	$(CARGO) fmt --check
	$(CARGO) clippy --locked --all-targets -- -D warnings
	$(CARGO) clippy --locked --test static_binary -- -D warnings

deny: ## licences, banned crates, sources
	@command -v cargo-deny >/dev/null || $(INSTALL) cargo-deny@0.18.9
	$(CARGO) deny --locked check licenses bans sources

# No sanitizer by default: our rooms forbid unsafe code, and debug assertions and overflow checks are on.
# `make fuzz SANITIZER=address` takes AddressSanitizer in for the C beneath.
TIME ?= 60
SANITIZER ?= none
TARGETS ?= $(shell ls fuzz/seeds)
FUZZ := fuzz/target/$(HOST)/release
# What stretches a passphrase, carries whole requests or reads long files gets fewer runs.
fuzz: ## TIME=60 seconds, or RUNS=n runs, of each of TARGETS
	@command -v cargo-fuzz >/dev/null || $(INSTALL) cargo-fuzz@0.13.2
	RUSTC_BOOTSTRAP=1 $(CARGO) fuzz build --sanitizer $(SANITIZER)
	@mkdir -p fuzz/artifacts target
	@set -e; for target in $(TARGETS); do \
	    mkdir -p fuzz/corpus/$$target; \
	    case $$target in pkcs12) share=1000 ;; sekisho_toml) share=8 ;; \
	        request_head*|staff_list) share=4 ;; *) share=1 ;; esac; \
	    limit=$(if $(RUNS),-runs=$$(($(RUNS) / share)),-max_total_time=$(TIME)); \
	    words=fuzz/dictionaries/$$target.dict; [ -e $$words ] && words=-dict=$$words || words=; \
	    $(FUZZ)/$$target -artifact_prefix=fuzz/artifacts/$$target- -timeout=20 -print_final_stats=1 \
	        $$limit $$words fuzz/corpus/$$target fuzz/seeds/$$target \
	        >target/fuzz.log 2>&1 || { tail -n 40 target/fuzz.log; echo "$$target: FOUND SOMETHING"; exit 1; }; \
	    echo "$$target: $$(grep -oP 'number_of_executed_units: \K.*' target/fuzz.log) runs, nothing found"; \
	done

fuzz-coverage: ## the lines that the seeds and what was found since reach
	@command -v cargo-fuzz >/dev/null || $(INSTALL) cargo-fuzz@0.13.2
	@rustup component list --installed | grep -q llvm-tools || rustup component add llvm-tools
	fuzz/tools/coverage $(TARGETS)

bench: ## the figures of the design, as ratios or beside what the machine allows
	$(CARGO) bench --locked --benches

# musl where rustup can get the target, else glibc linked in: both run anywhere.
MUSL := $(subst gnu,musl,$(HOST))
STATIC = $(shell rustup target list --installed | grep -qx $(MUSL) && echo $(MUSL) || echo $(HOST))
# The same commit gives the same bytes wherever it is built: no path of this machine, no time but the commit's.
static deb: export SOURCE_DATE_EPOCH ?= $(shell git log -1 --format=%ct)
CRATES := $(or $(CARGO_HOME),$(HOME)/.cargo)/registry/src
# Relative relocations in a packed form: 0.4 MiB less.
STATIC_FLAGS := -C target-feature=+crt-static -C link-arg=-Wl,-z,pack-relative-relocs --remap-path-prefix=$(CURDIR)=/sekisho --remap-path-prefix=$(CRATES)=/crates
static: packages ## the one static binary
	@rustup target list --installed | grep -qx $(MUSL) || rustup target add $(MUSL) || true
	RUSTFLAGS="$(STATIC_FLAGS)" $(CARGO) build --locked --release --target $(STATIC)
	@strip target/$(STATIC)/release/sekisho
	@stat --printf='%n  %s octets\n' target/$(STATIC)/release/sekisho

static-test: static ## the static binary in an empty root folder
	SEKISHO_STATIC_BINARY=$(CURDIR)/target/$(STATIC)/release/sekisho $(CARGO) test --locked --test static_binary

VERSION := $(shell sed -n '/^version = /{s/.*"\(.*\)"/\1/p;q}' Cargo.toml)
DEB := target/deb/sekisho_$(VERSION)_$(shell dpkg --print-architecture).deb
deb: static ## the Debian package
	@rm -rf target/deb/built && mkdir -p target/deb/built
	$(CARGO) run --locked --quiet --example manual -- target/deb/built
	packaging/bill-of-materials $(STATIC) target/deb/built
	@# The list of its crates goes into it, for `cargo audit bin`.
	objcopy --add-section .dep-v0=target/deb/built/dep-v0 target/$(STATIC)/release/sekisho target/deb/built/sekisho
	packaging/build-deb target/deb/built/sekisho target/deb/built $(DEB)
	@sha256sum $(DEB)

deb-check: deb ## what the package holds, without installing it
	packaging/check-deb $(DEB)

deb-test: deb ## installed, upgraded, removed and purged on Debian 12 and 13 (root; makes them with debootstrap)
	packaging/try-package target/deb/built/sekisho target/deb/built

deb-reproducible: packages ## built twice from the last commit, in two folders: the same bytes?
	packaging/build-twice
