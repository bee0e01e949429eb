# What commands say about themselves and their results: each its own meaning, nothing misleading.
S=$d/words.es
run 3 "$E" edit -q -m "$M" $Q $FACT -s "$S"

row "an option's help is about the command that was asked"
for of in 'stats:-n, --tokens N +Number of tokens to sum over' \
    'query:-n, --tokens N +Number of tokens to generate' \
    'diff:--to N +The later state' \
    'bisect:--to N +The later state: after edit N; default: the last edit' \
    'export:--to PATH +The file or folder to make' \
    'export:--force +Replace an existing target' \
    'apply:--force +Add a delta that the session already has' \
    'export:--state WHICH +Model state: base, edited or edit:N' \
    'sweep:--state WHICH +Model state: base, edited or edit:N' \
    'attribute:--top K +Number of neurons per layer' \
    'query:--top K +Number of next tokens' \
    'log:--edit N +Show all about this edit'; do
    run 0 "$E" "${of%%:*}" --help
    out "${of#*:}"
    no_out '^ .*(export|bisect|apply|stats): '
done

row "as many neurons as asked for"
run 0 "$E" attribute -q -m "$M" $FACT --top 3
out '^ +0 .* [0-9]+ [0-9]+ [0-9]+ *$'
run 0 "$E" attribute -q -m "$M" $FACT --top 1
out '^ +0 .*\.[0-9]+  [0-9]+ *$'
run 0 "$E" attribute -q -m "$M" $FACT --top 0
out '^ +0 .*\.[0-9]+ *$'

row "doctor tells what a file stores and what is computed in"
run 0 "$E" doctor -m "$M"
out 'stored as [A-Z0-9_]+, computed in [A-Z0-9_]+'
no_out ' 0\.00 GB'

row "no size is 0.0 MB"
run 0 "$E" export -q -m "$M" -s "$S" --as lora --to "$d/lora"
out ', [0-9.]+ (kB|MB), '
no_out ' 0\.0 MB'

row "six hexadecimal digits after # are a comment, and quotes keep a #"
printf 'ratio.ge.a = 0.2 #facade\nratio.sp.a = "0.3" # quoted\n' >"$d/comment.conf"
run 0 "$E" config --config "$d/comment.conf"
out '^ratio\.ge\.a = 0\.2'
out '^ratio\.sp\.a = 0\.3'

row "an export without an edit says so"
run 0 "$E" undo -q -m "$M" -s "$S"
run 0 "$E" export -q -m "$M" -s "$S" --as gguf --to "$d/none.gguf"
out '^no edit is in it: the model as it was$'
for kind in lora delta; do
    run 2 "$E" export -q -m "$M" -s "$S" --as $kind --to "$d/none.$kind"
    err 'this state has no (active )?edit, .*; nothing was written'
done

row "a command's old name is accepted and tells the new one"
cat >"$d/write.script" <<END
size 120 36
wait event look 60
wait idle 60
key :
type write $d/written.es
key enter
wait idle 60
expect saved; the session continues in
key L
expect write is called save now
END
run 0 "$E" replay --batch -m "$M" $Q "$d/write.script"
[ -e "$d/written.es" ] || complain "nothing was written"

row "a recording ends with the same parameters at every speed"
cat >"$d/knob.script" <<END
size 120 36
wait event look 60
key b +
sleep 1.2
key +
key Z
expect 0.310
END
run 0 "$E" replay --batch -m "$M" $Q --record "$d/knob.rec" "$d/knob.script"
run 0 "$E" replay --batch "$d/knob.rec"
out '^│ β_ge .* 0\.310 '

row "a choice says what it means, and R sets it back"
cat >"$d/choices.script" <<END
size 120 36
wait event look 60
wait idle 60
key M
expect mask general: general neurons only
key S
expect selection topk_hash: the
key Q
expect compensation gain: a masked update is scaled up
expect mask general by topk_hash
key R
expect mask union by topk ·
key + Z Z
expect mask general by topk_hash
END
run 0 "$E" replay --batch -m "$M" $Q "$d/choices.script"
