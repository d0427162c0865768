#!/usr/bin/env bash
# Search with several processes of one node, or of several (NNODES, NODE_RANK, MASTER_ADDR, PORT): one for each GPU, or on the CPU.
# usage: tools/dist_search.sh CONFIG SUPERNET GPUS [arguments of tools/search.py]
# SEARCH_PATIENCE: seconds without a sign of life after which a process counts as dead (60).
set -euo pipefail
if [ $# -lt 3 ] || ! [[ $3 =~ ^[1-9][0-9]*$ ]]; then
    sed -n '2,4s/^# //p' "$0" >&2
    exit 2
fi
CONFIG=$1
SUPERNET=$2
GPUS=$3
shift 3
TOOLS=$(dirname "$0")
NODE_RANK=${NODE_RANK:-0}
# The processes of a node share its memory and cores.
export LOCAL_WORLD_SIZE=$GPUS
export WORLD_SIZE=$((${NNODES:-1} * GPUS)) MASTER_ADDR=${MASTER_ADDR:-127.0.0.1} MASTER_PORT=${PORT:-29500}
# Several processes that each use all cores slow each other down tenfold.
[ "$GPUS" -eq 1 ] || export OMP_NUM_THREADS=${OMP_NUM_THREADS:-1}
# "search.py" finds the store where "search_store.py" of node 0 has opened it.
export TORCHELASTIC_USE_AGENT_STORE=True

# Not torchrun: it ends all processes when one fails, where here the others shall finish their work; and its
# store goes 300 s after the processes of node 0, however long another node still needs.
# Kept in the shell: a process that is ended before it has become its program still has this shell's traps.
failures=()
trap 'kill $(jobs -p) 2>/dev/null; wait; exit 130' INT TERM
store=
if [ "$NODE_RANK" -eq 0 ]; then
    "${PYTHON:-python}" "$TOOLS/search_store.py" "$MASTER_PORT" "$WORLD_SIZE" &
    store=$!
fi
searches=()
for ((local = 0; local < GPUS; local++)); do
    rank=$((NODE_RANK * GPUS + local))
    RANK=$rank LOCAL_RANK=$local "${PYTHON:-python}" "$TOOLS/search.py" "$CONFIG" "$SUPERNET" --launcher pytorch "$@" &
    searches+=($!)
done
for ((local = 0; local < GPUS; local++)); do
    wait "${searches[local]}" || failures+=("process $((NODE_RANK * GPUS + local)): exit code $?")
done
# The store stays as long as other nodes need it.
if [ "$WORLD_SIZE" -eq "$GPUS" ]; then
    kill "$store" 2>/dev/null || true
    wait "$store" 2>/dev/null || true
elif [ -n "$store" ]; then
    kill -USR1 "$store" 2>/dev/null || true
    wait "$store" || failures+=("the store: exit code $?")
fi

if [ ${#failures[@]} -gt 0 ]; then
    printf '%s\n' "${failures[@]}" >&2
    echo 'error: not all processes came to the end; the same command goes on from there' >&2
    exit 1
fi
