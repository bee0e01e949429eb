# Numbers that are none. Whatever enters (weights, deltas, sessions, targets, recordings) and whatever
# is computed is finite, or the job stops with status 1 and one line that says which number it is.
folder() { # a copy of the folder, at $d/m
    rm -rf "$d/m"
    cp -r "$FOLDER" "$d/m"
}
tensor_at() { # FILE TENSOR: where its bytes begin
    header=$(od -An -tu8 -N8 "$1" | tr -d ' ')
    first=$(head -c $((header + 8)) "$1" | grep -ao "\"$2\":{[^}]*}" |
        grep -o '"data_offsets":\[[0-9]*' | grep -o '[0-9]*$')
    echo $((8 + header + first))
}
put() { # FILE OFFSET BYTES
    printf "$3" | dd of="$1" bs=1 seek="$2" conv=notrunc 2>/dev/null
}
spoil() { # TENSOR ELEMENT BYTES: of the copy, whose elements have two bytes
    for f in "$d"/m/*.safetensors; do
        if head -c 4000 "$f" | grep -qa "\"$1\""; then
            put "$f" $(($(tensor_at "$f" "$1") + 2 * $2)) "$3"
            return
        fi
    done
    complain "no tensor $1"
}
one_line() { # STATUS TEXT COMMAND…: stops with one line that has TEXT in it
    want=$1 text=$2
    shift 2
    run "$want" "$@"
    err "$text"
    [ "$(wc -l <"$d/err")" = 1 ] || complain "not one line: $(cat "$d/err")"
}
of_this_model() { # MODEL SESSION: a session of it, copied while it is open: unused, it goes with its end
    echo 'sleep 30' >"$d/open.script"
    "$E" replay "$d/open.script" --batch -m "$1" -s "$d/open.es" >/dev/null 2>&1 &
    until grep -aq base.identity "$d/open.es" 2>/dev/null && [ ! -e "$d/open.es-journal" ]; do
        kill -0 $! || break
        sleep 0.05
    done
    cp "$d/open.es" "$2"
    kill -9 $!
    wait $! 2>/dev/null
    rm -f "$d"/open.es*
}
stops() { # TEXT MODEL: every command that computes
    as=safetensors to="$d/none"
    case $2 in *.gguf) as=gguf to="$d/none.gguf" ;; esac
    one_line 1 "$1" "$E" query -q -m "$2" -n 2 "hi there"
    one_line 1 "$1" "$E" attribute -q -m "$2" $FACT
    one_line 1 "$1" "$E" edit -q -m "$2" -s "$d/none.es" $Q $FACT
    [ ! -e "$d/none.es" ] || complain "a session without an edit was left behind"
    of_this_model "$2" "$d/none.es"
    one_line 1 "$1" "$E" export -q -m "$2" -s "$d/none.es" --state base --as "$as" --to "$to"
    [ ! -e "$to" ] || complain "an export was left behind"
    rm "$d/none.es"
    one_line 1 "$1" "$E" stats -q -m "$2" $Q
    one_line 1 "$1" "$E" sweep -q -m "$2" $Q --grid "alpha=.1" $FACT
    run 0 "$E" tokens -m "$2" hi
}

row "a NaN in a row of the embedding that no text uses (GGUF, the scale of a block)"
cp "$M" "$d/row.gguf"
put "$d/row.gguf" 7199 '\176'
stops "tensor token_embd.weight, row 95 \(token 95\), column 0 is nan" "$d/row.gguf"
for bytes in '\300\177=nan' '\200\177=inf' '\200\377=-inf'; do
    row "${bytes#*=} in a down projection (folder, bfloat16)"
    folder
    spoil model.layers.2.mlp.down_proj.weight 53 "${bytes%=*}"
    stops "layer 2: tensor model.layers.2.mlp.down_proj.weight \(blk.2.ffn_down.weight\), row 1, column 5 \(neuron 5\) is ${bytes#*=}, " "$d/m"
done

row "a sound model, made to say numbers that are too large"
all=
for i in $(seq 0 47); do all="$all --neuron L2N$i=3e38"; done
one_line 1 "^editscope: layer 2: .* at position [0-9]+ is (inf|nan), not a finite number; .*a changed neuron" \
    "$E" query -q -m "$M" $all hi
run 0 "$E" query -q -m "$M" hi
run 0 "$E" query -q -m "$M" --temperature-sample 1e-30 hi

row "a delta file with a NaN: the session stays as it was"
run 3 "$E" edit -q -m "$M" -s "$d/a.es" $Q $FACT
run 0 "$E" export -q -m "$M" -s "$d/a.es" --as delta --to "$d/delta"
run 3 "$E" edit -q -m "$M" -s "$d/b.es" $Q --subject Rome --prompt '{} in' --target Oslo
run 0 "$E" log --json -m "$M" -s "$d/b.es"
cp "$d/out" "$d/log.before"
names=$(head -c 20000 "$d/delta" | grep -ao '"[^"]*\.delta_[uv]":{"dtype"' | sed 's/":.*//; s/"//')
for name in $names; do
    for bytes in '\000\000\300\177=nan' '\000\000\200\377=-inf'; do
        cp "$d/delta" "$d/bad.delta"
        put "$d/bad.delta" $(($(tensor_at "$d/bad.delta" "$name") + 4 * 3)) "${bytes%=*}"
        one_line 1 "bad.delta: .*layer [0-9]: the change's [rx] \(delta_[uv]\), row 0, column 3 is ${bytes#*=}" \
            "$E" apply -q -m "$M" -s "$d/b.es" "$d/bad.delta"
    done
done
[ -n "$names" ] || complain "no tensors in the delta"
run 0 "$E" log --json -m "$M" -s "$d/b.es"
cmp -s "$d/out" "$d/log.before" || complain "the session has changed"

row "a target file with a NaN"
for type in 'F32 128 \000\000\300\177' 'F16 64 \000\176' 'BF16 64 \200\177' 'F64 256 \000\000\000\000\000\000\370\177'; do
    set -- $type
    header=$(printf '{"z":{"dtype":"%s","shape":[32],"data_offsets":[0,%d]}}' "$1" "$2")
    { printf "\\$(printf %o ${#header})\\000\\000\\000\\000\\000\\000\\000"; printf '%s' "$header"
        head -c "$2" /dev/zero; } >"$d/z"
    put "$d/z" $((8 + ${#header})) "$3"
    run 2 "$E" edit -q -m "$M" -s "$d/z.es" $Q $FACT --z "$d/z"
    err 'z\[0\] is not a finite number'
done

row "a target that no stream can hold: nothing is committed, and the edit is named"
header='{"z":{"dtype":"F32","shape":[32],"data_offsets":[0,128]}}'
{ printf "\\$(printf %o ${#header})\\000\\000\\000\\000\\000\\000\\000"; printf '%s' "$header"
    for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30 31 32; do
        printf '\231\166\226\176' # 1e38
    done; } >"$d/z"
run 3 "$E" edit -q -m "$M" -s "$d/far.es" $Q --subject Rome --prompt '{} in' --target Oslo
run 0 "$E" verify -q -m "$M" -s "$d/far.es"
grep -o '[0-9a-f]\{64\}' "$d/out" >"$d/sum.before"
one_line 1 "fact 1 .*: layer [0-9]: the stream at position [0-9]+ has length .*, whose square overflows float32; this edit made the largest change" \
    "$E" edit -q -m "$M" -s "$d/far.es" $Q $FACT --z "$d/z"
one_line 1 "this edit made the largest change" \
    "$E" edit -q --preview -m "$M" -s "$d/far.es" $Q $FACT --z "$d/z"
run 0 "$E" verify -q -m "$M" -s "$d/far.es"
grep -o '[0-9a-f]\{64\}' "$d/out" | cmp -s - "$d/sum.before" || complain "the model has changed"
run 0 "$E" log -q -m "$M" -s "$d/far.es"
out '^1 edit$'

row "a RUN file with a NaN"
run 0 "$E" attribute -q -m "$M" $FACT --json
no_out '[:,[](null|-?nan|-?inf)'
run 0 "$E" attribute -q -m "$M" $FACT -o "$d/run"
put "$d/run" $(($(tensor_at "$d/run" scores.1) + 4 * 50)) '\000\000\300\177'
one_line 1 "run: layer 1: the score of neuron 2 in row 1 is nan, not a finite number" \
    "$E" view "$d/run"

row "the screen says the line and goes on"
cat >"$d/script" <<'END'
size 160 40
wait idle 60
expect token_embd.weight, row 95
key 6
key i
type hello
key enter
wait idle 60
expect token_embd.weight, row 95
key esc
key 1
key x
wait idle 60
expect token_embd.weight, row 95
END
run 0 "$E" replay -m "$d/row.gguf" $Q "$d/script" --batch

row "a probe that has no room after the text of an edit is not asked, and says so"
printf '{"subject":"Eiffel","prompt":"{} is in","target_new":"Rome","rephrase":"Where would you find the well known Eiffel?"}' >"$d/long.json"
run 3 "$E" edit -q -m "$M" -s "$d/ike.es" $Q --fact "$d/long.json" --method ike
out '^beside the weights: 35 tokens before every prompt'
out 'rephrase  not asked: longer than the model'
run 2 "$E" export -m "$M" -s "$d/ike.es" --as lora --to "$d/ike.lora"
err 'lora cannot hold a text before every prompt \(IKE\) of edit 1; export as json'
