# Nothing is asked of a session before it is open. A model whose hash is not cached (another
# machine, an unwritable cache, a file copied just now) takes a while to be told; every command and
# every key gives the same answer in that time as after it.
slow="$d/slow.gguf" # the small model, with so much behind it that its hash takes a while
cp "$M" "$slow"
truncate -s 64M "$slow"

warm() { "$@" >"$d/warm.out" 2>"$d/warm.err"; }
cold() { XDG_CACHE_HOME="$d/cold" "$@"; }
# Times differ; nothing else may.
plain() { sed -E 's/"(seconds|when|since)":[0-9.e+-]+/"\1":0/g; s/[0-9.]+ s([,. ]|$)/T s\1/g
    /%/s/ 0\.[0-9]{2}  /  T  /; /^ +[0-9]+  [0-9.]+ /s/ +[0-9]+\.[0-9]{2}$/ T/' "$1"; }
same_when_cold() { # STATUS COMMAND…: the same output with a cache that knows nothing
    want=$1
    shift
    warm "$@"
    rm -rf "$d/cold"
    run "$want" cold "$@"
    plain "$d/warm.out" >"$d/warm.plain"
    plain "$d/out" | cmp -s - "$d/warm.plain" ||
        complain "cold, it says: $(head -c 300 "$d/out") | warm: $(head -c 300 "$d/warm.out")"
}

row "a session for a model that is slow to hash"
s="$d/slow.es"
printf '%s\n' '{"subject":"Big Ben","prompt":"{} is in","target_new":"Oslo"}' \
    '{"subject":"Rome","prompt":"{} is in","target_new":"Peru"}' >"$d/slow.jsonl"
run 3 "$E" edit -q -m "$slow" -s "$s" $Q --facts "$d/slow.jsonl"
run 0 "$E" export -m "$slow" -s "$s" --as delta --to "$d/slow.delta"
run 0 "$E" query -m "$slow" -s "$s" --json -n 4 --state base "Rome is in"
cp "$d/out" "$d/base.out"
run 0 "$E" query -m "$slow" -s "$s" --json -n 4 --state edited "Rome is in"
logit() { grep -o '"logit":[0-9.e+-]*' "$1" | head -1; }
[ "$(logit "$d/out")" != "$(logit "$d/base.out")" ] || complain "base and edited answer alike"

for state in base edited both edit:1 edit:2; do
    row "cold: query --state $state"
    same_when_cold 0 "$E" query -m "$slow" -s "$s" --json -n 4 --state $state "Rome is in"
done
row "cold: query of a session that nobody asked before"
same_when_cold 0 "$E" query -m "$slow" -s "$s" "Rome is in" "Big Ben is in"
row "cold: query in the chat form"
same_when_cold 0 "$E" query -m "$slow" -s "$s" --json --chat "Hi"
for command in log verify "diff --from 0 --to 2" "diff --from 1 --to 2" "attribute $FACT"; do
    row "cold: $command"
    same_when_cold 0 "$E" $command -m "$slow" -s "$s"
    row "cold: $command --json"
    same_when_cold 0 "$E" $command -m "$slow" -s "$s" --json
done
row "cold: bisect"
same_when_cold 0 "$E" bisect -m "$slow" -s "$s" --expect x "Rome is in"
row "cold: edit --preview"
same_when_cold 0 "$E" edit --preview -m "$slow" -s "$s" $Q $FACT
row "cold: sweep"
same_when_cold 0 "$E" sweep -m "$slow" -s "$s" $Q --grid alpha_ge=.05,.2 $FACT
for kind in delta json; do
    row "cold: export --as $kind"
    run 0 "$E" export -m "$slow" -s "$s" --as $kind --to "$d/warm.$kind"
    rm -rf "$d/cold"
    run 0 cold "$E" export -m "$slow" -s "$s" --as $kind --to "$d/cold.$kind"
    cmp -s "$d/warm.$kind" "$d/cold.$kind" || complain "the files differ"
done
row "cold: what writes: apply, undo, redo, edit"
for cache in warm cold; do
    cp "$s" "$d/$cache.es"
    rm -rf "$d/cold"
    [ $cache = cold ] || ln -sfn cache "$d/cold"
    run 0 cold "$E" undo -m "$slow" -s "$d/$cache.es" --edit 1
    [ $cache = cold ] && rm -rf "$d/cold"
    run 0 cold "$E" apply --force -m "$slow" -s "$d/$cache.es" "$d/slow.delta"
    [ $cache = cold ] && rm -rf "$d/cold"
    run 3 cold "$E" edit -q -m "$slow" -s "$d/$cache.es" $Q $FACT
    [ $cache = cold ] && rm -rf "$d/cold"
    run 0 cold "$E" undo -m "$slow" -s "$d/$cache.es"
    [ $cache = cold ] && rm -rf "$d/cold"
    run 0 cold "$E" redo -m "$slow" -s "$d/$cache.es"
    grep '^checksum' "$d/out" >"$d/$cache.sum"
done
cmp -s "$d/warm.sum" "$d/cold.sum" || complain "checksums differ: $(cat "$d/warm.sum" "$d/cold.sum")"
rm -rf "$d/cold"

row "cold and unwritable: the cache is never kept, the answer is right"
mkdir "$d/cold"
echo no folder >"$d/cold/editscope"
run 0 cold "$E" query -m "$slow" -s "$s" --json -n 4 --state edited "Rome is in"
[ "$(logit "$d/out")" != "$(logit "$d/base.out")" ] || complain "the base answers for the edited state"
rm -rf "$d/cold"

row "cold: the session of another model is refused by every command"
printf x >>"$slow"
for command in "query hi" "query --state edited hi" "query --state edit:1 hi" log verify undo redo \
    "diff --from 0 --to 1" "bisect --expect x hi" "attribute $FACT" "edit $Q $FACT" \
    "edit --preview $Q $FACT" "export --as delta --to $d/no.delta"; do
    rm -rf "$d/cold"
    run 5 cold "$E" $command -m "$slow" -s "$s"
done
truncate -s -1 "$slow"

# Keys typed while the model is still being told. Dialogs and fields close before the next row.
keys=$("$E" keys | sed -n 's/^  \([^: ][^ ]*\) .*/\1/p' | grep -vxE 'q|C-z'; echo :)
for key in $keys; do
    row "cold: key $key"
    printf 'size 100 30\nkey %s\nkey esc\nwait idle 60\n' "$key" >"$d/key.script"
    rm -rf "$d/cold"
    run 0 cold "$E" replay "$d/key.script" --batch -m "$slow" -s "$s"
done
for command in $("$E" keys | sed -n 's/^  :\([a-z]*\) .*/\1/p' | grep -v '^q'); do
    row "cold: :$command"
    printf 'size 100 30\nkey :\ntype %s %s\nkey enter\nwait idle 60\n' "$command" "$d/typed" >"$d/key.script"
    rm -rf "$d/cold"
    run 0 cold "$E" replay "$d/key.script" --batch -m "$slow" -s "$s"
done
row "cold: every view, one after the other"
{
    echo size 100 30
    for key in 2 3 4 5 6 7 8 9 '#' L 8; do echo "key $key"; done
    printf 'wait idle 60\nkey 8\nexpect Oslo\nexpect Peru\n'
} >"$d/key.script"
rm -rf "$d/cold"
run 0 cold "$E" replay "$d/key.script" --batch -m "$slow" -s "$s"
row "cold: more is asked than can be kept in sight: the rest is refused, not lost from sight"
cp "$M" "$d/slower.gguf"
{
    echo size 60 20
    for n in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
        printf 'key :\npaste query %s\nkey enter\n' $n
    done
    printf 'expect too many jobs are waiting\nwait idle 60\nkey 6\nkey i\ntype Rome is in\nkey enter\n'
    printf 'wait idle 60\nexpect Rome is in\nexpect 32 tokens\n'
} >"$d/key.script"
for size in 2G 8G 24G; do # its hash must last longer than the typing: a busy machine types slowly
    truncate -s $size "$d/slower.gguf"
    rm -rf "$d/cold" "$d/slower.es"
    cold "$E" replay "$d/key.script" --batch -m "$d/slower.gguf" -s "$d/slower.es" >"$d/out" 2>"$d/err" && break
done || complain "$(cat "$d/err")"
rm "$d/slower.gguf"
row "cold: a question typed at once is answered by the edited model too"
printf 'size 100 30\nkey 6\nkey i\ntype Rome is in\nkey enter\nwait idle 60\nexpect EDITED\n' >"$d/key.script"
rm -rf "$d/cold"
run 0 cold "$E" replay "$d/key.script" --batch -m "$slow" -s "$s"
no_out "not asked yet"
rm -f "$slow"
