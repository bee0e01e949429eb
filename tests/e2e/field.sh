#!/bin/sh
# What users ran into, each tried again by the user's own command on the small model.
#
#   tests/e2e/field.sh [NAME…]     the sections in tests/e2e/field/, all of them without a name
#
# A section is a list of rows. `row NAME` begins one; `run STATUS COMMAND…` runs a command and
# checks its exit status; `out`, `err`, `no_out` and `no_err` check what it printed against an
# extended regular expression. One thing that does not hold fails the whole row.
cd "$(dirname "$0")/../.." || exit 1
E=$PWD/${EDITSCOPE:-build/editscope}
case ${EDITSCOPE:-} in /*) E=$EDITSCOPE ;; esac
M=$PWD/tests/data/architectures/llama3/model.gguf       # GGUF, byte tokens, random weights
FOLDER=$PWD/tests/data/architectures/llama3             # the same model as safetensors shards
DATA=$PWD/tests/data/field                              # inputs of the rows
Q="--set stats.tokens=3000 --set stats.window=64"       # moments within a tenth of a second
FACT="--subject Eiffel --prompt {}:in --target Rome"    # a fact without blanks, for one-line rows
d=$(mktemp -d "${TMPDIR:-/tmp}/editscope-field.XXXXXX") || exit 1
trap 'rm -rf "$d"' EXIT
trap 'exit 130' INT TERM HUP
export XDG_CACHE_HOME="$d/cache" XDG_STATE_HOME="$d/state" XDG_CONFIG_HOME="$d/config"
unset EDITSCOPE_MODEL
passed=0
failed=0
name=
bad=

row() { # NAME
    row_end
    name=$1
}
row_end() {
    [ -n "$name" ] || return 0
    if [ -z "$bad" ]; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        echo "FAIL $name"
        printf '%s' "$bad"
    fi
    name= bad=
}
complain() { # TEXT
    bad="$bad  $*
"
}
run() { # STATUS COMMAND…: standard output goes to $d/out, messages to $d/err
    want=$1
    shift
    "$@" >"$d/out" 2>"$d/err"
    got=$?
    [ "$got" = "$want" ] || complain "exit status $got, not $want: $* | $(head -c 300 "$d/err")"
}
shell() { # STATUS SCRIPT: the same for a pipeline; $E, $M, $d, $Q and $FACT are there
    want=$1
    export E M FOLDER DATA Q FACT d
    run "$want" bash -c "$2"
}
out() { grep -qE -e "$1" "$d/out" || complain "no '$1' in: $(head -c 400 "$d/out")"; }
err() { grep -qE -e "$1" "$d/err" || complain "no '$1' in messages: $(head -c 400 "$d/err")"; }
no_out() { ! grep -qE -e "$1" "$d/out" || complain "'$1' in: $(head -c 400 "$d/out")"; }
no_err() { ! grep -qE -e "$1" "$d/err" || complain "'$1' in messages: $(head -c 400 "$d/err")"; }

[ $# -gt 0 ] || set -- $(cd tests/e2e/field && echo *.sh)
for section in "$@"; do
    . "tests/e2e/field/${section%.sh}.sh"
    row_end
done
echo "$passed passed, $failed failed, 0 skipped"
[ $failed = 0 ]
