#!/bin/sh
# Builds src/sociolect/explore/vendor.js and prints its sha256, which vendor.md records. Needs node 18+ and npm.
set -eu
cd "$(dirname "$0")"
made=../../src/sociolect/explore
npm install --no-package-lock --no-audit --no-fund --ignore-scripts --silent
./node_modules/.bin/esbuild vendor_src.js --bundle --format=esm --minify --charset=ascii --target=es2022 \
  --legal-comments=none --banner:js="/* TWGL 7.0.0, MIT licence; see vendor.md and vendor_licenses.txt */" \
  --outfile="$made/vendor.js" --log-level=warning
{
  echo "vendor.js holds part of TWGL 7.0.0 (https://github.com/greggman/twgl.js), under this licence:"
  echo
  cat node_modules/twgl.js/LICENSE.md
} > "$made/vendor_licenses.txt"
sha256sum "$made/vendor.js" | cut -d' ' -f1
