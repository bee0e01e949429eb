# A state is the base and what every active edit left. The numbers are in tests/data/sessions/README.md.
OLD=$PWD/tests/data/sessions

row "a session of low-rank edits alone verifies"
cp "$OLD/low-rank.es" "$d/old.es"
run 0 "$E" verify -m "$M" -s "$d/old.es"
out '^4 edits of 5 facts rebuilt: equal$'
out '^checksum c538dc53a78d5f81759554682012ad3a46cda93556defbf0fc94f4a98d7b5b99$'
run 0 "$E" log -m "$M" -s "$d/old.es"
out 'Kyoto -> Peru .*# applied from kyoto-delta$'
out 'Alan Turing -> Lima  \(undone\) .*# taken back at once$'

row "a session of low-rank edits alone answers, also from its past"
# five decimals: what follows is rounded otherwise by another processor
for at in edited:1.75527 edit:1:1.78423 edit:2:1.78094 edit:3:1.76232; do
    run 0 "$E" query -m "$M" -s "$d/old.es" --json --top 1 -n 3 --state "${at%:*}" "Kyoto lies in"
    out '"completion":"aA;"'
    out "\"logit\":${at##*:}"
done

row "a session of low-rank edits alone undoes and redoes any edit to the bit"
run 0 "$E" undo -m "$M" -s "$d/old.es"
out '^checksum 5e7be0b14cf9820f2dbe7015197ff5174133550799bd92e172782d793296bd89$'
run 0 "$E" undo -m "$M" -s "$d/old.es" --edit 2
out '^checksum d9c399e1a915ac25a2e9ce4c474a27aff839975f894983bac81bc3003bc8682b$'
run 0 "$E" redo -m "$M" -s "$d/old.es" --edit 5
out '^checksum 684b8e4315194c2a7f323b266401b8f5f3cacca9550da69b8df2a8e9727fce96$'
run 0 "$E" redo -m "$M" -s "$d/old.es" --edit 2
out '^checksum 3682c314279f668f3335d1a907c9a3062bfc9b76096ecf63d9552ad3df7f9bd4$'

row "a delta of low-rank edits alone is applied, known again, and written again"
run 0 "$E" apply -m "$M" -s "$d/applied.es" "$OLD/low-rank-delta"
out '^checksum c538dc53a78d5f81759554682012ad3a46cda93556defbf0fc94f4a98d7b5b99$'
run 5 "$E" apply -m "$M" -s "$d/old.es" "$OLD/low-rank-delta"
err 'edits 1, 2, 3 are a part of this delta already; --force adds it again'
cp "$OLD/low-rank.es" "$d/again.es"
run 0 "$E" export -m "$M" -s "$d/again.es" --as delta --to "$d/delta"
for f in "$d/delta" "$OLD/low-rank-delta"; do # what follows the header, which names the version
    tail -c +$(($(od -An -tu8 -N8 "$f") + 9)) "$f" >"$d/$(basename "$f").values"
done
cmp "$d/delta.values" "$d/low-rank-delta.values" >"$d/differ" 2>&1 || complain "$(cat "$d/differ")"

row "what says that a job runs goes when the job has ended"
cp "$OLD/low-rank.es" "$d/ended.es"
{
    printf 'size 120 36\nwait idle 60\nkey 8\nwait idle 60\nkey k\nkey v\nwait idle 60\n'
    printf 'expect-not comparing two states\nkey d\nwait idle 60\nexpect-not asking the states\n'
    printf 'key L\nexpect comparing two states\nexpect asking the states: C-c stops\n'
} >"$d/key.script"
run 0 "$E" replay "$d/key.script" --batch -m "$M" -s "$d/ended.es"

row "an undo from the middle says which of the other facts hold no longer"
for fact in "Kyoto | {} lies in | Peru" "Big Ben | {} stands in | Oslo" "Turin | {} is in | Chile"; do
    run 0 "$E" edit -q -m "$M" -s "$d/middle.es" --method ft-m --set ft.lr=.05 --set ft.steps=60 \
        --triple "$fact"
done
run 0 "$E" undo -m "$M" -s "$d/middle.es" --edit 2
out '^of the active edits 0 of 2 facts hold .*; not any more: Kyoto -> Peru \(edit 1\), Turin -> Chile'
run 0 "$E" redo --json -m "$M" -s "$d/middle.es" --edit 2
out '"active":\{"facts":3,"asked":3,"held":1,"lost":\[\{"edit":1,'
run 0 "$E" undo -m "$M" -s "$d/middle.es" # the last one: nothing was made after it
no_out 'of the active edits'
