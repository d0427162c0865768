#!/usr/bin/env bash
# Train under Slurm: one task for each GPU; Slurm starts the tasks, and mmengine joins them.
# usage: sbatch tools/slurm_train.sh CONFIG [arguments of tools/train.py]
#   other sizes:       sbatch --nodes=2 --gres=gpu:4 --ntasks-per-node=4 tools/slurm_train.sh CONFIG
#   to go on:          the same line with --resume
#   variables:         PYTHON, the interpreter (python); MASTER_PORT, a free port (29500)
# Four GPUs on one node, as in the paper; adapt partition and time to your cluster.
#SBATCH --job-name=mmbfbox
#SBATCH --nodes=1
#SBATCH --gres=gpu:4
#SBATCH --ntasks-per-node=4
#SBATCH --cpus-per-task=5
#SBATCH --kill-on-bad-exit=1
#SBATCH --output=%x-%j.log
set -euo pipefail
if [ $# -lt 1 ]; then
    sed -n '2,/^#SBATCH/{/^# /s/^# //p}' "$0" >&2
    exit 2
fi
# Slurm runs a copy of this file from its spool folder; the tools lie where sbatch was called.
TOOLS=$(dirname "$0")
[ -f "$TOOLS/train.py" ] || TOOLS=${SLURM_SUBMIT_DIR:-.}/tools
exec srun "${PYTHON:-python}" -u "$TOOLS/train.py" "$@" --launcher slurm
