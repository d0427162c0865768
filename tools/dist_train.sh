#!/usr/bin/env bash
# Train in several processes: one for each GPU, or over gloo on the CPU where there is none.
# usage: tools/dist_train.sh CONFIG PROCESSES [arguments of tools/train.py]
# PROCESSES is for each node. With several nodes, run the same line on each, with the variables
#   NNODES       how many nodes there are (1)
#   NODE_RANK    number of this node, from 0 (0)
#   MASTER_ADDR  address of node 0 (127.0.0.1)
#   PORT         a free port of node 0 (29500)
#   PYTHON       the interpreter (python)
set -euo pipefail
TOOL=${TOOL:-train}
if [ $# -lt 2 ] || ! [[ $2 =~ ^[1-9][0-9]*$ ]]; then
    sed -n '2,/^set/{/^#/s/^# \{0,1\}//p}' "$0" >&2
    exit 2
fi
CONFIG=$1
PROCESSES=$2
shift 2

# "torchrun" may belong to another environment than "python".
exec "${PYTHON:-python}" -m torch.distributed.run \
    --nnodes="${NNODES:-1}" \
    --node_rank="${NODE_RANK:-0}" \
    --master_addr="${MASTER_ADDR:-127.0.0.1}" \
    --master_port="${PORT:-29500}" \
    --nproc_per_node="$PROCESSES" \
    "$(dirname "$0")/$TOOL.py" "$CONFIG" "$@" --launcher pytorch
