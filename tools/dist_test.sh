#!/usr/bin/env bash
# Test in several processes, each on its share of the images.
# usage: tools/dist_test.sh CONFIG CHECKPOINT PROCESSES [arguments of tools/test.py]
# NNODES, NODE_RANK, MASTER_ADDR, PORT and PYTHON: see tools/dist_train.sh.
set -euo pipefail
if [ $# -lt 3 ]; then
    sed -n '2,/^set/{/^#/s/^# \{0,1\}//p}' "$0" >&2
    exit 2
fi
TOOL=test exec bash "$(dirname "$0")/dist_train.sh" "$1" "$3" "$2" "${@:4}"
