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
Q="--preset paper --set stats.tokens=3000 --set stats.window=64"       # moments within a tenth of a second
FACT="--subject Eiffel --prompt {}:in --target Rome"    # a fact without blanks, for one-line rows
home=$(mktemp -d "${TMPDIR:-/tmp}/editscope-field.XXXXXX") || exit 1
chmod 711 "$home" # some rows are tried as another user
trap 'rm -rf "$home"' EXIT
trap 'exit 130' INT TERM HUP
unset EDITSCOPE_MODEL
row_passed=0
row_failed=0
row_name=
bad=

row() { # NAME
    row_end
    row_name=$1
}
row_end() {
    [ -n "$row_name" ] || return 0
    if [ -z "$bad" ]; then
        row_passed=$((row_passed + 1))
    else
        row_failed=$((row_failed + 1))
        echo "FAIL $row_name"
        printf '%s' "$bad"
    fi
    row_name= bad=
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
replay() { # plays the script on standard input
    printf 'size 120 36\nwait idle 60\n' >"$d/script"
    cat >>"$d/script"
    run 0 "$E" replay "$d/script" --batch -m "$M" $Q
}

# A section has a shell and a folder of its own: $d, with cache, state and configuration in it.
section() { # NAME; the file may change everything but these two
    section_name=$1
    d=$home/$1
    mkdir "$d"
    export XDG_CACHE_HOME="$d/cache" XDG_STATE_HOME="$d/state" XDG_CONFIG_HOME="$d/config"
    . "tests/e2e/field/$1.sh"
    row_end
    echo "$row_passed $row_failed" >"$home/$section_name.count"
}

[ $# -gt 0 ] || set -- $(cd tests/e2e/field && echo *.sh)
passed=0
failed=0
for name in "$@"; do
    name=${name%.sh}
    (section "$name")
    if read -r p f <"$home/$name.count"; then
        passed=$((passed + p)) failed=$((failed + f))
    else
        failed=$((failed + 1))
        echo "FAIL $name: the section ended before its end"
    fi
    rm -rf "${home:?}/$name"
done
echo "$passed passed, $failed failed, 0 skipped"
[ $failed = 0 ]
