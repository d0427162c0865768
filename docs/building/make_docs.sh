#!/usr/bin/env bash
# Build the site of the documents into site/: strictly, any warning is a failure.
# Environment: PYTHON, the interpreter that .venv-docs is made from; PAGE=no leaves the browser demo without its model.
set -euo pipefail
cd "$(dirname "$0")/../.."

venv=.venv-docs
stamp=$venv/requirements.sha256

fail() {
  printf 'error: %s\n' "$*" >&2
  exit 1
}

wanted=$(sha256sum requirements/docs.txt)
if [ "$(cat "$stamp" 2>/dev/null)" != "$wanted" ]; then
  "${PYTHON:-python3}" -m venv --clear $venv || fail 'no Python to make .venv-docs from; name one: make docs PYTHON=python3.12'
  $venv/bin/python -m pip install -q --disable-pip-version-check --no-deps -r requirements/docs.txt ||
    fail 'mkdocs could not be installed; check the network and try again'
  printf '%s\n' "$wanted" >"$stamp"
fi

# Not --quiet: warnings that are not written do not count. Material for MkDocs says at each start what its authors plan.
NO_MKDOCS_2_WARNING=1 $venv/bin/python -m mkdocs build --strict --site-dir site
[ "${PAGE:-}" = no ] || bash docs/demo/build.sh site/demo
echo "the documents are in site/; look at them with: $venv/bin/python -m http.server --directory site"
