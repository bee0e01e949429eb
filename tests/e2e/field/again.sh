# What a user who comes back found after the first mending.

row "a preview of a list counts its facts"
printf '%s\n' '{"subject":"T1","prompt":"{}:in","target_new":"R"}' \
    '{"subject":"T2","prompt":"{}:in","target_new":"R"}' '{"subject":"T3","prompt":"{}:in","target_new":"R"}' >"$d/three.jsonl"
run 0 "$E" edit -m "$M" $Q --preview --facts "$d/three.jsonl"
out '^3 facts in 3 previews, [0-3] would hold$'
no_out '^edit [0-9]'
run 0 "$E" edit -m "$M" $Q --preview --batch 2 --facts "$d/three.jsonl" --json
out '"event":"summary","facts":3,"edits":0,"previews":2,"success":[0-3]'

row "sums that cannot be kept: stats fails, an edit says it once"
touch "$d/file"
for folder in /proc/1 "$d/file"; do
    run 1 env XDG_CACHE_HOME="$folder" "$E" stats -m "$M" $Q
    out '^ +2 '
    err '^editscope: not saved for the next run: second moments of layer 0: .*cannot create folder'
    run 0 env XDG_CACHE_HOME="$folder" "$E" edit -m "$M" $Q --preview $FACT
    err '^editscope: not saved for the next run: '
    [ "$(grep -c 'not saved' "$d/err")" = 1 ] || complain "said more than once"
done
run 1 env XDG_CACHE_HOME=/proc/1 "$E" stats -m "$M" $Q --json
out '"code":"io","message":"not saved for the next run'
run 0 "$E" stats -m "$M" $Q
no_err 'not saved'

row "a damaged recording fails in a batch"
echo 'sleep 0.2' >"$d/script"
run 0 "$E" replay --batch -m "$M" --record "$d/run.rec" "$d/script"
run 0 "$E" replay --batch "$d/run.rec"
gzip -dc <"$d/run.rec" >"$d/run.jsonl"
{ head -2 "$d/run.jsonl"; echo garbage; tail -n +3 "$d/run.jsonl"; } >"$d/line.jsonl"
sed 's/"load_seconds":[0-9.e-]*/"load_seconds":"x"/' "$d/run.jsonl" >"$d/field.jsonl"
run 1 "$E" replay --batch "$d/line.jsonl"
err 'line 3 is damaged; the recording is played up to there'
run 1 "$E" replay --batch "$d/line.jsonl" --script "$d/script"
err 'line 3 is damaged'
run 1 "$E" replay --batch "$d/field.jsonl"
err 'model_info.load_seconds: wrong type, or out of range'

row "a script says why there is no engine, not that it waited"
printf 'size 100 30\nwait idle 5\n' >"$d/script"
run 1 "$E" replay "$d/script" --batch -m "$M" -s "$d/none/x.es"
err '^editscope: .*none/x.es: no such folder; make it first'
no_err 'timed out'

row "numbers of options at their edges and beyond"
for n in 0 -1 4097 4294967297 999999999999999999999; do
    run 2 "$E" query -m "$M" -n "$n" hi
    err "^editscope: --tokens $n: out of range 1 to 4096"
    run 2 "$E" query -m "$M" --threads "$n" hi
    err "^editscope: --threads $n: out of range 1 to 4096"
done
for n in '' ' ' nan inf 1e3 0x10 1.5 3abc; do
    run 2 "$E" query -m "$M" -n "$n" hi
    err "^editscope: --tokens $n: not a whole number"
done

row "the screen says of blanks taken off, and of facts that are in already"
printf '%s\n' '[{"subject":"Eiffel ","prompt":"{}:in","target_new":"Rome "},{"subject":"B","prompt":"{}:in","target_new":"x"}]' >"$d/blanks.json"
cat >"$d/blanks.script" <<END
size 120 36
within 30 expect BASE
type :facts $d/blanks.json
key enter
within 5 expect record 1: blanks around the subject and the target were taken off
END
run 0 "$E" replay --batch -m "$M" $Q "$d/blanks.script"
run 3 "$E" edit -m "$M" $Q -s "$d/in.es" --set edit.v_steps=1 $FACT
cat >"$d/in.script" <<END
size 120 36
within 30 expect EDITED
type :open history
key enter
within 10 expect 1 of 1 active
type :facts $d/blanks.json
key enter
within 5 expect 2 facts added
key C
within 5 expect An active edit has already changed 1 of them
END
run 0 "$E" replay --batch -m "$M" $Q -s "$d/in.es" "$d/in.script"
cat >"$d/typed.script" <<END
size 120 36
within 30 expect BASE
key e C-u
type Eiffel 
key tab C-u
type {}:in
key tab C-u
type Rome  
key enter
within 5 expect blanks around the
END
sed -i 's/^type Rome *$/type Rome  /; s/^type Eiffel *$/type Eiffel  /' "$d/typed.script"
run 0 "$E" replay --batch -m "$M" $Q "$d/typed.script"

row "JSON carries a long piece whole"
cp -r "$FOLDER" "$d/long"
long=$(printf '%0126d' 0)
sed "s/endoftext/$long/g" "$FOLDER/tokenizer.json" >"$d/long/tokenizer.json"
sed "s/endoftext/$long/g" "$FOLDER/tokenizer_config.json" >"$d/long/tokenizer_config.json"
run 0 "$E" query -m "$d/long" -n 1 --top 200 --json hi
out "\"piece\":\"<.$long.>\""

row "prefixes are generated once a model; a damaged file of them is not used"
cache="$d/prefixes-cache"
for damage in none again text hash; do
    kept=$(ls "$cache"/editscope/prefixes/*-cpu 2>/dev/null)
    [ "$damage" != text ] || sed -i '2s/.*/Another text. /' "$kept"
    [ "$damage" != hash ] || sed -i '1s/./x/' "$kept"
    run 0 env XDG_CACHE_HOME="$cache" "$E" attribute -m "$M" $Q $FACT
    grep '^row ' "$d/out" >"$d/rows.$damage"
    cmp -s "$d/rows.none" "$d/rows.$damage" || complain "other rows after damage: $damage"
done
[ "$(grep -c . "$d/rows.none")" = 6 ] || complain "not six rows"
text=$(printf 'Alpha. \nBeta. \n')
printf '%s\n%s\n' "$(printf '%s\n' "$text" | sha256sum | cut -d' ' -f1)" "$text" >"$kept"
run 0 env XDG_CACHE_HOME="$cache" "$E" attribute -m "$M" $Q $FACT
out '^row 1: Alpha\. '
