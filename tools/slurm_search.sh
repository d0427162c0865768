#!/usr/bin/env bash
# Search on a Slurm cluster: one task a node, which starts a process for each of its GPUs.
# usage: sbatch --nodes=2 --gpus-per-node=8 tools/slurm_search.sh CONFIG SUPERNET [arguments of tools/search.py]
#SBATCH --job-name=search
#SBATCH --ntasks-per-node=1
#SBATCH --cpus-per-task=16
#SBATCH --requeue
# A job that runs out of time is submitted again with the same words: it goes on where it was stopped.
set -euo pipefail
if [ $# -lt 2 ]; then
    sed -n '2,3s/^# //p' "$0" >&2
    exit 2
fi
CONFIG=$1
SUPERNET=$2
shift 2

# Slurm runs a copy of this file, so the tools are found from where the job was submitted.
TOOLS=${TOOLS:-${SLURM_SUBMIT_DIR:-.}/tools}
GPUS=${GPUS:-${SLURM_GPUS_ON_NODE:-1}}
MASTER_ADDR=$(scontrol show hostnames "$SLURM_JOB_NODELIST" | head -n 1)
PORT=${PORT:-$((20000 + SLURM_JOB_ID % 20000))}
export TOOLS GPUS MASTER_ADDR PORT

# A node that fails takes no other with it.
# shellcheck disable=SC2016
srun --kill-on-bad-exit=0 bash -c \
    'NNODES=$SLURM_NNODES NODE_RANK=$SLURM_NODEID bash "$TOOLS/dist_search.sh" "$1" "$2" "$GPUS" "${@:3}"' \
    search "$CONFIG" "$SUPERNET" "$@"
