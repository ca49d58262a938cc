#!/usr/bin/env bash
# The fast tests and a small run of every kind of system under other Pythons, and whether their bytes are those of the first.
#   tools/pythons/run.sh PYTHON [PYTHON ...]      as: tools/pythons/run.sh python3.11 python3.13
# Each Python gets an environment of its own under build/pythons/, from requirements.txt, and keeps it for the next time.
set -euo pipefail
cd "$(dirname "$0")/../.."
export OMP_NUM_THREADS=1 OMP_WAIT_POLICY=PASSIVE OPENBLAS_NUM_THREADS=1 HF_HUB_OFFLINE=1 TOKENIZERS_PARALLELISM=false
SYSTEMS=(community_fidelity relationship_alignment minhash_communities planted10)
declare -A LESS=(
  [community_fidelity]='{"people":240,"originals":6,"corpus":120,"posts":80,"topics":3,"epochs":1,"exemplars":5}'
  [relationship_alignment]='{"pairs":600,"posts":150,"commenters":120,"asked":200,"draws":1,"replications":100}'
  [minhash_communities]='{"plant":{"people":400,"fans":3000,"communities":4,"size":60},"restarts":2,"pairs":150,"queries":2}'
  [planted10]='{}'
)
[ $# -gt 0 ] || { sed -n 2,4p "$0"; exit 2; }
failed=0 first=
for python in "$@"; do
  name=$("$python" -c 'import sys; print("%d.%d.%d" % sys.version_info[:3])')
  home=build/pythons/$name
  if [ ! -e "$home/.ready" ]; then
    "$python" -m venv "$home"
    "$home/bin/python" -m pip install -q --disable-pip-version-check -r requirements.txt
    "$home/bin/python" -m pip install -q --disable-pip-version-check --no-deps -e .
    touch "$home/.ready"
  fi
  echo "== Python $name: $("$home/bin/python" -m pip list 2>/dev/null | awk '/^(torch|numba|numpy|polars) /{printf "%s %s  ", $1, $2}')"
  if [ -z "${ONLY_CHAIN:-}" ]; then
    "$home/bin/python" -m pytest -n 2 --dist loadgroup -m "not slow and not realdata" || { echo "$name: tests fail"; failed=1; }
  fi
  for slug in "${SYSTEMS[@]}"; do
    out=$home/runs/$slug
    rm -rf "$out"
    "$home/bin/python" tests/determinism_run.py "$slug" "$out" 2 0 "${LESS[$slug]}" '{}'
    (cd "$out" && find tables report.html -type f | LC_ALL=C sort | xargs sha256sum) > "$home/$slug.sums"
    [ -n "$first" ] || continue
    if differ=$(diff "$first/$slug.sums" "$home/$slug.sums" | awk '/^>/{print $3}'); [ -z "$differ" ]; then
      echo "$name $slug: the bytes of ${first##*/}"
    else
      echo "$name $slug: NOT the bytes of ${first##*/}:" $differ
      failed=1
    fi
  done
  [ -n "$first" ] || first=$home
done
exit $failed
