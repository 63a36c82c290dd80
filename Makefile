# The commands a newcomer needs: `make run` and `make test`. Everything they need is set up on the way.
#
#   make run                 the demo: virtual cameras, a district, people for each role
#   make run MINIMAL=1       an empty installation
#   make run LAN=1           for phones on the local network, over HTTPS (says how a phone trusts it)
#   make run PORT=9000       on another port
#   make test                set-up, lint and every test
#   make bench               the measurements that README.md and docs/decisions name, each beside its target and its peer
#   make bench AREA=phone    those of inspections, photos, exports, synchronisation and the phone's pages; AREA=desk: of a large
#                            district's inbox, words and overview; AREA=all: one after the other
#   make bench-full          the same over longer windows
#   make soak                what takes too long for a test: the kills

SHELL := /bin/bash
.DELETE_ON_ERROR:
.PHONY: setup run test bench bench-full soak lint build

# What is made lies outside the checkout, so that another clone starts warm.
CACHE := $(or $(BRIGHT_KITCHEN_CACHE),$(HOME)/.cache/bright-kitchen)
export BRIGHT_KITCHEN_CACHE := $(CACHE)
export CARGO_TARGET_DIR ?= $(CACHE)/target
export PATH := $(CACHE)/tools/bin:$(HOME)/.cargo/bin:$(PATH)
export CARGO_TERM_COLOR ?= auto

DATA ?= $(or $(BRIGHT_KITCHEN_DATA),$(HOME)/.local/share/bright-kitchen)
PORT ?= 8080
PROGRAM := $(CARGO_TARGET_DIR)/debug/bright-kitchen

setup:
	@.ci/setup

build: setup
	@.ci/build-web
	cargo build --locked --workspace --bin bright-kitchen

run: build
	@BRIGHT_KITCHEN_FACE_MODEL=$$(.ci/face-model) exec $(PROGRAM) demo --data "$(DATA)" \
		$(if $(LAN),--listen 0.0.0.0:$(PORT) --tls-self-signed,--listen 127.0.0.1:$(PORT)) $(if $(MINIMAL),--minimal)

lint: setup
	@.ci/lint

test: setup
	@.ci/test

bench: setup
	@AREA=$(or $(AREA),media) .ci/bench

bench-full: setup
	@AREA=$(or $(AREA),media) LENGTH=full .ci/bench

soak: setup
	@if [ -x .ci/soak ]; then .ci/soak; else cargo test --locked --package media --lib -- engine_tests::crash; fi
