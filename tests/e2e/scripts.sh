#!/bin/sh
# Runs the scripts of this folder: the program without a terminal, on the default model or with what
# the script's first line says: "# with: OPTIONS".
[ -n "${EDITSCOPE_MODEL:-}" ] || { echo "no model"; exit 77; }
failed=0
passed=0
for script in tests/e2e/*.script; do
    with=$(sed -n '1s/^# with: //p' "$script")
    # shellcheck disable=SC2086 # the options are words
    if "${EDITSCOPE:-build/editscope}" replay "$script" --batch --set stats.tokens=3072 $with; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        echo "FAIL $script"
    fi
done
echo "$passed passed, $failed failed, 0 skipped"
[ $failed = 0 ]
