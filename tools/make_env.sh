#!/usr/bin/env bash
# Create .venv with the pinned requirements, mmcv's operators, and this project (editable).
# Environment: PYTHON (interpreter, 3.10 to 3.13),
# OPS=lite (mmcv-lite and ops/, no compiler needed) or full (mmcv compiled for its torch); empty keeps what .venv
# has, and a new one gets lite. A compiled mmcv is kept in the user's cache, so the next clone on this machine does
# not compile: MAX_JOBS (compiler processes), FORCE_CUDA=1 (CUDA operators although no GPU is visible here).
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
  "$1" - "$PWD $ops" requirements/*.txt tools/make_env.sh setup.py ops/pyproject.toml ops/*/*.py <<'PY'
import hashlib, pathlib, sys
digest = hashlib.sha256(f'{sys.version} {sys.argv[1]}'.encode())
for name in sys.argv[2:]:
    digest.update(pathlib.Path(name).read_bytes())
print(digest.hexdigest())
PY
}

pip() { "$python" -m pip --disable-pip-version-check --no-input "$@"; }

# What .venv has, or nothing.
installed_operators() {
  if compgen -G "$venv/lib/python3*/site-packages/mmcv_lite-*.dist-info" >/dev/null; then
    echo lite
  elif compgen -G "$venv/lib/python3*/site-packages/mmcv-*.dist-info" >/dev/null; then
    echo full
  fi
}

# mmcv and mmcv-lite share their files: neither may stand when the other comes. mmcv_from PIP-ARGUMENTS...
mmcv_from() {
  pip uninstall --yes mmcv mmcv-lite mmbfbox-ops && pip install --no-deps "$@"
}

mmcv_works() { "$python" -c 'import mmcv.ops' >>"$log" 2>&1; }

install_lite() {
  scratch=$(mktemp -d)
  # A copy: building leaves files behind that would get into the next build.
  cp -r ops "$scratch/"
  run "3/4 $(sed -n '$p' requirements/mmcv-lite.txt) and the operators of ops/" "$network" \
    mmcv_from --no-build-isolation -r requirements/mmcv-lite.txt "$scratch/ops"
  mmcv_works || {
    tail -n 5 "$log" >&2
    fail "mmcv.ops does not import; the whole output is in $log"
  }
}

check_compiler() {
  local headers
  command -v "${CXX:-c++}" >/dev/null ||
    fail "no C++ compiler (${CXX:-c++}) found to compile mmcv with; install g++ or clang, or do without: make env OPS=lite"
  headers=$("$python" -c 'import sysconfig; print(sysconfig.get_path("include"))')
  [ -f "$headers/Python.h" ] ||
    fail "Python.h is not in $headers, and mmcv needs it; install Python's headers (python3-dev), or do without: make env OPS=lite"
}

# 'cuda' if mmcv's own setup can compile its CUDA operators here, else 'cpu'.
compiled_kind() {
  "$python" - <<'PY'
import os, torch
from torch.utils.cpp_extension import CUDA_HOME
wanted = torch.cuda.is_available() or os.getenv('FORCE_CUDA') == '1'
print('cuda' if wanted and CUDA_HOME else 'cpu')
PY
}

install_full() {
  local version kind build cache
  version=$(sed -n 's/^mmcv==//p' requirements/mmcv.txt)
  run '3/4 what compiles mmcv' "$network" pip install --no-deps -r requirements/compile.txt
  kind=$(compiled_kind)
  build=$("$python" -c 'import platform, sys, torch
print(f"torch{torch.__version__}-{sys.implementation.cache_tag}-{platform.machine()}")')
  if [ "$kind" = cpu ] && [ -n "$("$python" -c 'import torch; print(torch.version.cuda or "")')" ]; then
    say '  note: no visible GPU or no nvcc, so mmcv gets its CPU operators only; for the GPU install the CUDA'
    say '  toolkit of the version that torch was built for, remove .venv and run FORCE_CUDA=1 make env OPS=full'
  fi
  cache=${XDG_CACHE_HOME:-$HOME/.cache}/mmbfbox/$version-$build$([ "$kind" = cpu ] || echo "-$kind")
  mkdir -p "$cache" || fail "the cache folder $cache cannot be made; set XDG_CACHE_HOME to a writable one"

  if compgen -G "$cache/*.whl" >/dev/null; then
    run "3/4 mmcv $version, compiled earlier on this machine" "remove $cache and try again" \
      mmcv_from "$cache"/*.whl
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
    'if memory ran out, try MAX_JOBS=1 make env OPS=full' \
    env MMCV_WITH_OPS=1 MAX_JOBS="$jobs" CFLAGS="-g0 -O1" $([ "$kind" = cuda ] || echo CUDA_VISIBLE_DEVICES= FORCE_CUDA=0) \
    "$python" -m pip --disable-pip-version-check wheel --no-deps --no-build-isolation --no-cache-dir \
    -r requirements/mmcv.txt -w "$scratch"
  mmcv_from "$scratch"/*.whl >>"$log" 2>&1
  mmcv_works || {
    tail -n 5 "$log" >&2
    fail "mmcv was compiled, but mmcv.ops does not import; is the compiler as new as torch $build needs?"
  }
  # Only what works is published, under its final name in one step.
  mv "$scratch"/*.whl "$cache/"
}

case ${OPS:-} in
lite | full) ops=$OPS ;;
'')
  ops=$(installed_operators)
  ops=${ops:-lite}
  ;;
*) fail "OPS=$OPS is neither lite (no compiler needed) nor full (mmcv compiled here)" ;;
esac
other=$([ "$ops" = lite ] && echo full || echo lite)
base=$(base_python)
wanted=$(fingerprint "$base")
if [ "$(cat "$stamp" 2>/dev/null)" = "$wanted" ]; then
  say "$venv is up to date, with the $ops operators"
  exit 0
fi

if [ "$(installed_operators)" = "$other" ]; then
  say "the operators change from $other to $ops; make env OPS=$other changes them back"
fi
if [ ! -e "$python" ]; then
  say "a new environment takes two minutes plus downloads$([ "$ops" = lite ] || echo ', and 6 to 20 more if mmcv must be compiled')"
fi
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
run '2/4 torch (from 200 MB for the CPU to 3 GB with CUDA)' "$network" \
  pip install -r requirements/build.txt
run '2/4 everything else' "$network" \
  pip install --no-deps -r requirements/runtime.txt -r requirements/dev.txt
"install_$ops"
run '4/4 this project' "see $log" pip install --no-deps --no-build-isolation -e .

fingerprint "$base" >"$stamp"
say "$venv is ready after $SECONDS s, with the $ops operators (make env OPS=$other changes to the others)"
