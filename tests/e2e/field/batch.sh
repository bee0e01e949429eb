# What is said about edits is what was done: batches in the journal, advice, runs that go on.
printf '{"subject":"%s","prompt":"{} is in","target_new":"%s"}\n' Angola Chad Peru Rome Oslo Lima \
    "Big Ben" Paris Cairo Tokyo Cuba Mali Iran Fiji >"$d/seven.jsonl"
sum() { sed -n 's/^checksum //p' "$d/out" | tail -1; }

row "a batch of the journal is told with all of its facts"
run 3 "$E" edit -q -m "$M" -s "$d/b.es" $Q --batch 3 --facts "$d/seven.jsonl"
batches=$(sum)
run 0 "$E" log -m "$M" -s "$d/b.es"
out '^ +1 .* Angola -> Chad and 2 more \(0 of 3 held\)'
out '^ +3 .* Iran -> Fiji  \(did not hold\)'
out 'p\(target\)'
no_out 'p\(first\)'
row "log --edit lists the facts of one edit"
run 0 "$E" log -m "$M" -s "$d/b.es" --edit 2
out 'failed .*p\(target\) .*Big Ben -> Paris  \(\{\} is in\)'
out 'Cuba -> Mali'
no_out Angola
out '^made on the state after edit 1, '
run 0 "$E" log -m "$M" -s "$d/b.es" --edit 1
out '^made on the base, '
run 2 "$E" log -m "$M" -s "$d/b.es" --edit 9
err 'no edit 9 in this session'
row "log --json lists them too"
run 0 "$E" log -m "$M" -s "$d/b.es" --json
out '"requests":3,"held":0,"facts":\[\{"subject":"Angola",.*"target":"Lima".*"p_target":\{.*"p_first":\{'
out '"subject":"Angola","prompt":"\{\} is in","target":"Chad","old":null,"p_target":\{"before":[0-9.e-]+,"after":[0-9.e-]+\},"p_first"'
row "undo and redo say what goes and comes"
run 0 "$E" undo -m "$M" -s "$d/b.es" --edit 1
out '^edit 1 undone: 3 facts: Angola -> Chad, Peru -> Rome, Oslo -> Lima$'
run 0 "$E" redo -m "$M" -s "$d/b.es" --json
out '"redone":\[\{"edit":1,"requests":3'
out "$batches"
run 0 "$E" verify -m "$M" -s "$d/b.es"
out '^3 edits of 7 facts rebuilt: equal$'
row "many edits are undone and redone together, or none of them"
run 0 "$E" undo -m "$M" -s "$d/b.es" --edit 1-2
out '^edit 2 undone: 3 facts'
out '^1 edit$'
run 2 "$E" undo -m "$M" -s "$d/b.es" --edit 3,99
err 'no edit 99'
run 2 "$E" undo -m "$M" -s "$d/b.es" --edit 3,1
err 'edit 1 is already undone'
run 2 "$E" undo -m "$M" -s "$d/b.es" --edit 2-1
run 2 "$E" undo -m "$M" -s "$d/b.es" --edit 1-2,
run 0 "$E" redo -m "$M" -s "$d/b.es" --edit 1-9
[ "$(sum)" = "$batches" ] || complain "another checksum"
row "an applied delta has the numbers of every fact"
run 0 "$E" export -m "$M" -s "$d/b.es" --as delta --to "$d/b.delta"
run 0 "$E" apply -m "$M" -s "$d/applied.es" "$d/b.delta"
run 0 "$E" log -m "$M" -s "$d/applied.es" --edit 1
out 'Angola -> Chad and 6 more \(0 of 7 held\)'
out 'failed .*p\(target\) [0-9.e-]+ -> [0-9.e-]+ +Iran -> Fiji'

row "advice names the edits that did not hold, and their session"
cp "$d/seven.jsonl" "$d/my facts.jsonl"
run 3 "$E" edit -q -m "$M" -s "$d/my own.es" $Q --facts "$d/my facts.jsonl"
single=$(sum)
err "none of 7 facts held; .editscope undo -s '$d/my own.es' --edit 1-7. takes them back$"
no_out 'takes it back'
run 3 "$E" edit -q -m "$M" -s "$d/one.es" $Q $FACT
err "edit 1 was written but does not hold \(Eiffel -> Rome\); .editscope undo -s $d/one.es --edit 1. takes it back$"
row "advice as JSON"
run 3 "$E" edit -q -m "$M" -s "$d/one.es" $Q $FACT --json
out '"code":"accept".*--edit 2`'

row "a list that is in already is left out"
run 3 "$E" edit -m "$M" -s "$d/my own.es" $Q --facts "$d/seven.jsonl"
err 'fact 4 \(Big Ben\): already in the session as edit 4, where it did not hold; left out'
out '^0 facts in 0 edits'
out '^7 already in the session, left out'
[ "$(sum)" = "$single" ] || complain "another checksum"
run 3 "$E" edit -m "$M" -s "$d/b.es" $Q --batch 3 --facts "$d/seven.jsonl" --json
out '"event":"left_out","fact":7,"subject":"Iran","target":"Fiji","edit":3'
out '"left_out":7,"failed":\[\{"fact":1,"edit":1,"subject":"Angola"\}'
row "--again writes it once more, --skip leaves the first out"
run 3 "$E" edit -q -m "$M" -s "$d/again.es" $Q --facts "$d/seven.jsonl" --skip 5
out '^2 facts in 2 edits'
out '^5 skipped by --skip'
run 3 "$E" edit -q -m "$M" -s "$d/again.es" $Q --facts "$d/seven.jsonl" --skip 5 --again
out '^2 facts in 2 edits'
run 2 "$E" edit -q -m "$M" -s "$d/again.es" $Q --facts "$d/seven.jsonl" --skip 8
run 2 "$E" edit -q -m "$M" -s "$d/again.es" $Q $FACT --skip 1
err 'list of facts'

# A run that dies is started again by the same command, and ends where it would have ended.
for batch in 1 3; do
    row "a run of batches of $batch goes on after kill -9"
    whole=$([ $batch = 1 ] && echo "$single" || echo "$batches")
    for after in .15 .3 .45 .6 .9; do
        rm -f "$d/killed.es"*
        "$E" edit -q -m "$M" -s "$d/killed.es" $Q --batch $batch --facts "$d/seven.jsonl" \
            >"$d/killed.out" 2>&1 &
        pid=$!
        sleep $after
        kill -9 $pid 2>/dev/null
        wait $pid 2>/dev/null
        run 3 "$E" edit -q -m "$M" -s "$d/killed.es" $Q --batch $batch --facts "$d/seven.jsonl"
        [ "$(sum)" = "$whole" ] || complain "killed after $after s: $(sum) is not $whole"
    done
done
row "an interrupted run says how to go on"
awk 'BEGIN { for (i = 0; i < 2000; i++)
    printf "{\"subject\":\"S%d\",\"prompt\":\"{} is\",\"target_new\":\"T\"}\n", i }' >"$d/long.jsonl"
"$E" edit -q -m "$M" -s "$d/stopped.es" $Q --facts "$d/long.jsonl" >"$d/out" 2>"$d/err" &
pid=$!
while kill -0 $pid && [ ! -e "$d/stopped.es" ]; do sleep .05; done # sh has it ignore SIGINT till then
sleep .5
kill -INT $pid
wait $pid
[ $? = 130 ] || complain "exit status is not 130"
err 'fact [0-9]+ of 2000 \(S.*\): interrupted; [0-9]+ (is|are) written, run the same command to continue'

row "a fact that takes another's place is told"
printf '%s\n' '{"subject":"Cuba","prompt":"{}  is in ","target_new":"Peru"}' \
    '{"subject":"Oslo","prompt":"{} is","target_new":"Rome"}' \
    '{"subject":"Oslo","prompt":"{} is","target_new":"Fiji"}' >"$d/rewrites.jsonl"
run 3 "$E" edit -m "$M" -s "$d/my own.es" $Q --facts "$d/rewrites.jsonl"
err 'fact 1 rewrites edit 6 \(Cuba -> Mali\)'
err 'fact 3 rewrites edit 9 \(Oslo -> Rome\)'
run 3 "$E" edit -m "$M" -s "$d/again.es" $Q --facts "$d/rewrites.jsonl" --json
out '"event":"rewrites","fact":3,"subject":"Oslo","target":"Fiji","edit":[0-9]+,"old":"Rome"'
out '"event":"done",.*"rewrites":'

row "a fact that a list says twice is told"
sed -n '1p;1p' "$d/rewrites.jsonl" >"$d/twice.jsonl"
run 3 "$E" edit -m "$M" -s "$d/twice.es" $Q --facts "$d/twice.jsonl"
err 'fact 2 repeats fact 1 \(Cuba -> Peru\); both are written'
run 3 "$E" edit -m "$M" -s "$d/twice2.es" $Q --facts "$d/twice.jsonl" --json
out '"event":"repeats","fact":2,"subject":"Cuba","target":"Peru","earlier":1'

row "a RUN that cannot be written is refused before it is computed"
run 1 "$E" attribute -m "$M" $Q --subject Oslo --prompt '{} is' --target Rome -o "$d/none/run"
err "$d/none/run: cannot write: $d/none: No such file"

row "a batch that contradicts itself is refused before it is computed"
run 2 "$E" edit -m "$M" -s "$d/no.es" $Q --batch 2 --facts "$d/rewrites.jsonl" --skip 1
err 'facts 2 and 3 give the same question two objects in one batch \(Oslo -> Rome and Fiji\)'
[ ! -e "$d/no.es" ] || complain "a session without an edit was left behind"

row "a preview judges as a commit does, and by all tokens"
run 0 "$E" edit -q -m "$M" --preview $Q $FACT
out '^p\(target\) [0-9.e-]+ -> [0-9.e-]+, p\(first\) [0-9.e-]+ -> [0-9.e-]+: would NOT hold, says:'
out '^a commit would write it and end with status 3$'
run 0 "$E" edit -q -m "$M" --preview $Q --batch 3 --facts "$d/seven.jsonl" --json
out '"event":"preview",.*"p_target":\{"before":[0-9.e-]+,"after":[0-9.e-]+\},"p_first":.*"facts":3,"held":0,"success":false'
out '"event":"preview",.*"facts":1,'
row "a sweep names p(target), a diff too"
run 0 "$E" sweep -q -m "$M" $Q --grid alpha_ge=.1 $FACT
out 'p\(target\)'
run 0 "$E" diff -m "$M" -s "$d/b.es" --from 0 --to 1
out 'p\(target\) [0-9.e-]+ -> '
run 0 "$E" diff -m "$M" -s "$d/b.es" --from 0 --to 1 --json
out '"p_target":\{.*"p_first":\{'

row "an export says of how many facts it asked"
i=0
while [ $i -lt 40 ]; do
    printf '{"subject":"S%s","prompt":"{} is","target_new":"T%s"}\n' $i $i
    i=$((i + 1))
done >"$d/forty.jsonl"
run 3 "$E" edit -q -m "$M" -s "$d/forty.es" $Q --batch 20 --method memit --facts "$d/forty.jsonl"
run 0 "$E" export -m "$M" -s "$d/forty.es" --as delta --to "$d/forty.delta"
out 'facts that hold: 0 of 32 asked \(a sample of all 40'
run 0 "$E" export -m "$M" -s "$d/forty.es" --as delta --to "$d/forty2.delta" --json
out '"facts":32,"facts_all":40'

row "what 0.1.0 kept of a batch is shown under its name"
cp tests/data/sessions/version-0.1.0.es "$d/old.es"
run 0 "$E" log -m "$M" -s "$d/old.es" --edit 2
out 'Big Ben -> Oslo and 1 more  \(did not hold\)'
out '1  unknown  p\(target\) [0-9.e-]+ -> [0-9.e-]+ '
out '2  unknown  p\(target\) not kept'
row "view of a session has all layers of its model, not only the edited ones"
cp "$M" "$d/model.gguf"
run 3 "$E" edit -q -m "$d/model.gguf" -s "$d/shape.es" $Q --set edit.layers=0 $FACT
printf 'size 120 36\nwait idle 20\nexpect llama 3×48\nexpect L2\n' >"$d/view.script"
run 0 "$E" view --batch --script "$d/view.script" "$d/shape.es"
mv "$d/model.gguf" "$d/elsewhere.gguf" # no other file is needed
run 0 "$E" view --batch --script "$d/view.script" "$d/shape.es"
python3 -c 'import sqlite3, sys
c = sqlite3.connect(sys.argv[1])
c.execute("DELETE FROM settings WHERE name = \"base.shape\"")
c.commit()' "$d/shape.es" # as version 0.1.0 wrote it
mv "$d/elsewhere.gguf" "$d/model.gguf"
run 0 "$E" view --batch --script "$d/view.script" "$d/shape.es"

row "view says which fact a run was of"
printf 'size 120 30\nwait idle 20\nexpect Peru Lima\nexpect Oslo\n' >"$d/view.script"
run 0 "$E" attribute -q -m "$M" --subject Oslo --prompt "{} is in" --target "Peru Lima" -o "$d/r.st"
run 0 "$E" view --batch --script "$d/view.script" "$d/r.st"
printf 'size 120 30\nwait idle 20\nexpect The Eiffel Tower is in\nexpect explains\n' >"$d/view.script"
run 0 "$E" view --batch --script "$d/view.script" tests/data/sessions/version-0.1.0-run.safetensors
printf 'size 120 30\nwait idle 20\nkey 8\nexpect Big Ben\nexpect +1\n' >"$d/view.script"
run 0 "$E" view --batch --script "$d/view.script" "$d/old.es"

row "a list says which of its facts a later one overwrote"
STRONG="$Q --no-blank --set lambda=1e-6 --set edit.method=memit --set edit.layers=1 --set edit.v_steps=60"
STRONG="$STRONG --set accept.p_min=0 --set edit.v_clamp=50 --set edit.v_wd=0 --set edit.v_kl=0 --set attr.prefixes=0"
printf '{"subject":"Lily","prompt":"One day %s came {}","target_new":"%s"}\n' there a he b >"$d/two.jsonl"
run 0 "$E" edit -q -m "$M" -s "$d/over.es" $STRONG --facts "$d/two.jsonl"
out '^overwritten by a later edit: 1 of 1 asked \(.*\): Lily -> a \(edit 1\)$'
run 0 "$E" edit -q -m "$M" -s "$d/over-json.es" $STRONG --facts "$d/two.jsonl" --json
out '"event":"summary".*"overwritten":\{"facts":1,"asked":1,"held":0,"lost":\[\{"edit":1,"subject":"Lily"'
printf '{"subject":"Tom","prompt":"Long ago {} was","target_new":"q"}\n' >"$d/third.jsonl"
run 3 "$E" edit -q -m "$M" -s "$d/over.es" $STRONG --facts "$d/third.jsonl"
out '^overwritten by a later edit: [0-2] of 2'

row "a fact that a later one of the list rewrites does not hold any more"
{
    sed -n 1p "$d/two.jsonl" | sed 's/One day/Then/'
    sed -n '1p;1p' "$d/two.jsonl"
    sed -n 1p "$d/two.jsonl" | sed 's/"a"/"b"/'
} >"$d/rewritten.jsonl"
run 0 "$E" edit -m "$M" -s "$d/rewritten.es" $STRONG --facts "$d/rewritten.jsonl"
err 'fact 4 rewrites edit 3 \(Lily -> a\)'
out '^4 facts in 4 edits, 2 of 4 hold, 2 rewritten by a later fact, '
out '^edit 2 \(Lily -> a\): rewritten by edit 4$'
out '^edit 3 \(Lily -> a\): rewritten by edit 4$'
out '^overwritten by a later edit: [01] of 1 asked \(held when made, not rewritten, not of the last edit\)'
run 0 "$E" log -s "$d/rewritten.es"
out '^ +2 .*Lily -> a  \(rewritten by edit 4\)$'
out '^ +4 .*Lily -> b$'
run 0 "$E" log -s "$d/rewritten.es" --edit 3 --json
out '"success":true,"rewritten":4,'
run 0 "$E" edit -m "$M" -s "$d/rewritten.es" $STRONG --facts "$d/rewritten.jsonl"
err 'fact 3 \(Lily\): already in the session as edit 3, which edit 4 rewrote; left out$'
row "and so in JSON, and where the session has the list already"
run 0 "$E" edit -q -m "$M" -s "$d/rewritten.es" $STRONG --facts "$d/rewritten.jsonl" --skip 2 --again --json
out '"event":"summary","facts":2,"edits":2,"success":1,.*"failed":\[\],"rewritten":\[\{"fact":3,"edit":5,"subject":"Lily","target":"a","by":6\}\]'
run 2 "$E" edit -q -m "$M" -s "$d/rewritten.es" $STRONG --facts "$d/rewritten.jsonl" --skip 2 --again --batch 2
err 'facts 3 and 4 give the same question two objects in one batch'
