#!/usr/bin/env bash
# The page that detects in the browser, ready for any web server: bash docs/demo/build.sh DIR
# onnxruntime-web comes from npm, exactly as package-lock.json says; the model is the package's own.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
out=${1:?usage: bash docs/demo/build.sh DIR}

command -v npm >/dev/null || {
  echo 'error: there is no npm, which brings onnxruntime-web; install Node.js, or do without the page: make docs PAGE=no' >&2
  exit 1
}
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
cp "$here"/package.json "$here"/package-lock.json "$scratch"
npm ci --prefix "$scratch" --silent --ignore-scripts --no-audit --no-fund

mkdir -p "$out/vendor" "$out/models"
cp "$here"/*.html "$here"/*.css "$here"/*.js "$out"
runtime=$scratch/node_modules/onnxruntime-web
cp "$runtime"/dist/ort.wasm.min.mjs "$runtime"/dist/ort-wasm-simd-threaded.{mjs,wasm} "$out/vendor"
cp "$here"/../../mmbfbox/deploy/weights/bfbox_0.5g.onnx "$out/models"
echo "the page is in $out; try it: python -m http.server --directory $out"
