#!/usr/bin/env bash
# Search with several processes of one node, or of several (NNODES, NODE_RANK, MASTER_ADDR, PORT): one for each GPU, or on the CPU.
# usage: tools/dist_search.sh CONFIG SUPERNET GPUS [arguments of tools/search.py]
set -euo pipefail
if [ $# -lt 3 ]; then
    sed -n '2,3s/^# //p' "$0" >&2
    exit 2
fi
CONFIG=$1
SUPERNET=$2
GPUS=$3
shift 3

FAILED=$(mktemp)
trap 'rm -f "$FAILED"' EXIT
export FAILED

# torchrun ends all processes when one fails. Here the others shall finish their work, so failures are
# noted and told at the end. "torchrun" itself may belong to another environment than "python".
# shellcheck disable=SC2016
"${PYTHON:-python}" -m torch.distributed.run \
    --nnodes="${NNODES:-1}" \
    --node_rank="${NODE_RANK:-0}" \
    --master_addr="${MASTER_ADDR:-127.0.0.1}" \
    --master_port="${PORT:-29500}" \
    --nproc_per_node="$GPUS" \
    --no-python \
    bash -c '"$@" || echo "process $RANK: exit code $?" >> "$FAILED"' rank \
    "${PYTHON:-python}" "$(dirname "$0")/search.py" "$CONFIG" "$SUPERNET" --launcher pytorch "$@"

if [ -s "$FAILED" ]; then
    sort "$FAILED" >&2
    echo 'error: not all processes came to the end; the same command goes on from there' >&2
    exit 1
fi
