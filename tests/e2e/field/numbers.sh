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
stops() { # TEXT MODEL: every command that computes
    one_line 1 "$1" "$E" query -q -m "$2" -n 2 "hi there"
    one_line 1 "$1" "$E" attribute -q -m "$2" $FACT
    rm -f "$d/none.es"
    one_line 1 "$1" "$E" edit -q -m "$2" -s "$d/none.es" $Q $FACT
    one_line 1 "$1" "$E" export -q -m "$2" -s "$d/none.es" --state base --as gguf --to "$d/none"
    [ ! -e "$d/none" ] || complain "an export was left behind"
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
    stops "^editscope: layer 2: tensor model.layers.2.mlp.down_proj.weight \(blk.2.ffn_down.weight\), row 1, column 5 \(neuron 5\) is ${bytes#*=}, " "$d/m"
done
