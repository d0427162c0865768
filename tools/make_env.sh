#!/usr/bin/env bash
# Create .venv with the pinned requirements, mmcv compiled for its torch, and this project (editable).
# A compiled mmcv is kept in the user's cache, so the next clone on this machine does not compile.
# Environment: PYTHON (interpreter, 3.10 to 3.13), MAX_JOBS (compiler processes),
# FORCE_CUDA=1 (CUDA operators although no GPU is visible here).
set -euo pipefail
cd "$(dirname "$0")/.."

venv=.venv
python=$venv/bin/python
stamp=$venv/requirements.sha256
log=$venv/make_env.log

say() { printf '[env] %s\n' "$*"; }

fail() {
  printf 'error: %s\n' "$*" >&2
  exit 1
}

ticker=
scratch=
cleanup() {
  [ -z "$ticker" ] || kill "$ticker" 2>/dev/null || true
  [ -z "$scratch" ] || rm -rf "$scratch"
}
trap cleanup EXIT

# run WHAT HINT COMMAND...: output goes to the log; a sign of life every 30 s; on failure the log's end and the hint.
run() {
  local what=$1 hint=$2 start=$SECONDS status=0
  shift 2
  say "$what"
  (
    next=30
    # Short sleeps: the last one outlives its shell, and would keep a pipe on our output open.
    while sleep 1; do
      if ((SECONDS - start >= next)); then
        say "  ... $next s"
        ((next += 30))
      fi
    done
  ) &
  ticker=$!
  printf '\n== %s\n' "$what" >>"$log"
  "$@" >>"$log" 2>&1 || status=$?
  kill "$ticker" 2>/dev/null || true
  wait "$ticker" 2>/dev/null || true
  ticker=
  if [ "$status" -ne 0 ]; then
    tail -n 20 "$log" >&2
    fail "'$what' failed; the whole output is in $log; $hint"
  fi
  say "  done in $((SECONDS - start)) s"
}

supported() {
  "$1" -c 'import sys; sys.exit(not (3, 10) <= sys.version_info < (3, 14))' 2>/dev/null
}

base_python() {
  local candidate
  if [ -n "${PYTHON:-}" ]; then
    supported "$PYTHON" || fail "PYTHON=$PYTHON is not a Python 3.10 to 3.13; name one that is"
    echo "$PYTHON"
    return
  fi
  # An environment that stands keeps its interpreter, whatever python3 is by now.
  for candidate in "$python" python3 python3.13 python3.12 python3.11 python3.10; do
    if supported "$candidate"; then
      echo "$candidate"
      return
    fi
  done
  fail 'no Python 3.10 to 3.13 found; install one, or name it: make env PYTHON=path/to/python'
}

# Of everything the environment depends on; the folder too, because an environment cannot be moved.
fingerprint() {
  "$1" - "$PWD" requirements/*.txt tools/make_env.sh setup.py <<'PY'
import hashlib, pathlib, sys
digest = hashlib.sha256(f'{sys.version} {sys.argv[1]}'.encode())
for name in sys.argv[2:]:
    digest.update(pathlib.Path(name).read_bytes())
print(digest.hexdigest())
PY
}

pip() { "$python" -m pip --disable-pip-version-check --no-input "$@"; }

check_compiler() {
  local headers
  command -v "${CXX:-c++}" >/dev/null ||
    fail "no C++ compiler (${CXX:-c++}) found, and mmcv must be compiled; install g++ or clang"
  headers=$("$python" -c 'import sysconfig; print(sysconfig.get_path("include"))')
  [ -f "$headers/Python.h" ] ||
    fail "Python.h is not in $headers, and mmcv must be compiled; install Python's headers (python3-dev)"
}

# 'cuda' if mmcv's own setup can compile its CUDA operators here, else 'cpu'.
operators() {
  "$python" - <<'PY'
import os, torch
from torch.utils.cpp_extension import CUDA_HOME
wanted = torch.cuda.is_available() or os.getenv('FORCE_CUDA') == '1'
print('cuda' if wanted and CUDA_HOME else 'cpu')
PY
}

mmcv_works() { "$python" -c 'import mmcv.ops' >>"$log" 2>&1; }

install_mmcv() {
  local version ops build cache
  version=$(sed -n 's/^mmcv==//p' requirements/mmcv.txt)
  ops=$(operators)
  build=$("$python" -c 'import platform, sys, torch
print(f"torch{torch.__version__}-{sys.implementation.cache_tag}-{platform.machine()}")')
  if [ "$ops" = cpu ] && [ -n "$("$python" -c 'import torch; print(torch.version.cuda or "")')" ]; then
    say '  note: no visible GPU or no nvcc, so mmcv gets its CPU operators only; for the GPU install the CUDA'
    say '  toolkit of the version that torch was built for, remove .venv and run FORCE_CUDA=1 make env'
  fi
  cache=${XDG_CACHE_HOME:-$HOME/.cache}/mmbfbox/$version-$build$([ "$ops" = cpu ] || echo "-$ops")
  mkdir -p "$cache" || fail "the cache folder $cache cannot be made; set XDG_CACHE_HOME to a writable one"

  if compgen -G "$cache/*.whl" >/dev/null; then
    run "3/4 mmcv $version, compiled earlier on this machine" "remove $cache and try again" \
      pip install --no-deps --force-reinstall "$cache"/*.whl
    if mmcv_works; then return; fi
    say '  it does not import with this torch: compiling it again'
    rm -f "$cache"/*.whl
  fi

  check_compiler
  scratch=$(mktemp -d "$cache/build.XXXXXX")
  jobs=${MAX_JOBS:-$(getconf _NPROCESSORS_ONLN)}
  # Without debug information and at -O1 it compiles in a third of the time and is 1/20 of the size.
  say '  mmcv is compiled once per machine and torch version: 6 minutes on 2 free cores, 20 on busy ones'
  run "3/4 compiling mmcv $version for $build, $jobs at a time" \
    'if memory ran out, try MAX_JOBS=1 make env' \
    env MMCV_WITH_OPS=1 MAX_JOBS="$jobs" CFLAGS="-g0 -O1" $([ "$ops" = cuda ] || echo CUDA_VISIBLE_DEVICES= FORCE_CUDA=0) \
    "$python" -m pip --disable-pip-version-check wheel --no-deps --no-build-isolation --no-cache-dir \
    -r requirements/mmcv.txt -w "$scratch"
  pip install --no-deps --force-reinstall "$scratch"/*.whl >>"$log" 2>&1
  mmcv_works || {
    tail -n 5 "$log" >&2
    fail "mmcv was compiled, but mmcv.ops does not import; is the compiler as new as torch $build needs?"
  }
  # Only what works is published, under its final name in one step.
  mv "$scratch"/*.whl "$cache/"
}

base=$(base_python)
wanted=$(fingerprint "$base")
if [ "$(cat "$stamp" 2>/dev/null)" = "$wanted" ]; then
  say "$venv is up to date"
  exit 0
fi

say 'a new environment takes a minute plus downloads, and 6 to 20 more if mmcv must be compiled'
rm -f "$stamp"
if [ "$base" != "$python" ] && [ "$("$python" -VV 2>/dev/null)" != "$("$base" -VV)" ]; then
  say "1/4 $("$base" -V) -> $venv"
  "$base" -m venv --clear $venv ||
    fail "$base -m venv failed; install Python's venv module (python3-venv), or give another PYTHON"
else
  say "1/4 $("$python" -V) in $venv, kept"
fi
: >"$log"

network='check the network and try again'
run '2/4 torch (from 200 MB for the CPU to 3 GB with CUDA) and what compiles mmcv' "$network" \
  pip install -r requirements/build.txt
run '2/4 everything else' "$network" \
  pip install --no-deps -r requirements/runtime.txt -r requirements/dev.txt
install_mmcv
run '4/4 this project' "see $log" pip install --no-deps --no-build-isolation -e .

fingerprint "$base" >"$stamp"
say "$venv is ready after $SECONDS s"
