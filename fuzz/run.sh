#!/bin/sh
# Runs fuzz targets, each for a million inputs unless told otherwise:
#
#   fuzz/run.sh              every target
#   fuzz/run.sh path token   these
#   RUNS=1000 fuzz/run.sh    each for a thousand inputs
#
# Stops at the first finding, which is then in fuzz/artifacts/TARGET.
set -eu
cd "$(dirname "$0")/.."

runs=${RUNS:-1000000}
if [ $# -eq 0 ]; then
    set -- $(cargo fuzz list)
fi

for target in "$@"; do
    mkdir -p "fuzz/corpus/$target"
    dictionary=
    if [ -f "fuzz/dictionaries/$target.dict" ]; then
        dictionary="-dict=fuzz/dictionaries/$target.dict"
    fi
    echo "== $target: $runs inputs"
    # No sanitizer: the code under test has no `unsafe`, so a finding is a panic, a broken promise,
    # a slow or a large answer, and all of those are seen without one.
    cargo fuzz run --sanitizer none "$target" "fuzz/corpus/$target" "fuzz/seeds/$target" -- \
        "-runs=$runs" -max_len=9000 -len_control=50 -timeout=5 -rss_limit_mb=1024 \
        -print_final_stats=1 -verbosity=0 $dictionary
done
