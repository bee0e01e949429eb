#!/bin/sh
# The GPU benchmark on the CPU and on the emulated device, with tiny shapes: it runs through, prints
# its tables and writes JSON that says the same. No time is judged. PLAIN is the build folder.
plain=${EDITSCOPE%/editscope}
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
failed=0
passed=0
check() { # NAME COMMAND…
    name=$1
    shift
    if "$@" >"$work/out" 2>&1; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        echo "FAIL $name"
        tail -5 "$work/out"
    fi
}
runs() { # PROGRAM ARGUMENT…: and leaves out.txt, out.json
    "$@" --small --json "$work/out.json" >"$work/out.txt" || { cat "$work/out.txt"; return 1; }
}
says() { # TEXT…: each stands in the output
    for text in "$@"; do
        grep -qF -- "$text" "$work/out.txt" || { echo "not printed: $text"; return 1; }
    done
}
writes() { # KEY…: each stands in the JSON
    for key in "$@"; do
        grep -qF "\"$key\"" "$work/out.json" || { echo "not in the JSON: $key"; return 1; }
    done
}
no_nan() {
    ! grep -niE '(^|[^a-z])(nan|inf)([^a-z]|$)' "$work/out.txt" "$work/out.json"
}
measured() { # FACTOR: every line took time
    awk '/"far"/ { n++; if ($2 + 0 <= 0) bad++ } END { print n " lines, " bad + 0 " without a time"
         exit bad || n < '"$1"' }' "$work/out.json"
}

check "on the CPU" runs "$plain/tests/gpu/gpu_bench" --device cpu --repeats 5
check "the table is there" says "ceilings: copy" "attention_grad" "lps, tiles, full" "small, as Llama 3" \
    "edit, whole" "second moments" "same class" "fastest precision with 99.5 %"
check "the JSON is there" writes header command ceilings lines precisions memory fastest_precision
check "no number is missing" no_nan
check "everything took time" measured 40
if [ -x "$plain/tests/emulate/gpu_bench" ]; then
    check "on the emulated device" runs "$plain/tests/emulate/gpu_bench" --device cuda --repeats 1 \
        --only llama
    check "every precision" says " full " " split " " tf32 " " bf16 " "bf16 as stored" "bf16, fused" "recorded"
    check "no number is missing there" no_nan
fi
check "an unknown device is refused" sh -c "! '$plain/tests/gpu/gpu_bench' --device nothing"
echo "$passed passed, $failed failed, 0 skipped"
[ $failed = 0 ]
