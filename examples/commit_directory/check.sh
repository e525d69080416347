#!/bin/sh
# Runs the example on a directory in two states and compares what it says: check.sh PROGRAM
set -eu
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
program=$1
file=api_states/000000000000/sqs/us-east-1/backend.state

mkdir -p "$scratch/state/$(dirname "$file")"
echo 'one queue' > "$scratch/state/$file"
"$program" "$scratch/store" shop "$scratch/state" "$file" > /dev/null
echo 'two queues' > "$scratch/state/$file"
"$program" "$scratch/store" shop "$scratch/state" "$file" > "$scratch/out"
"$program" "$scratch/store" shop "$scratch/state" "$file" >> "$scratch/out"

diff - "$scratch/out" <<END
made shop:2
shop:2  by the example
shop:1  by the example
$file in shop:1:
one queue
nothing changed since shop:2
shop:2  by the example
shop:1  by the example
$file in shop:1:
one queue
END

# a failure is said, with the exit code of its kind
if "$program" "$scratch/store" 'no:name' "$scratch/state" "$file" 2> "$scratch/err"; then exit 1; fi
grep -q '^commit_directory: ' "$scratch/err"
