# Models as users have them: vocabularies alone, folders with more or less than they should hold,
# and what the program says of them.
folder() { # NAME: a copy of the small model's shards
    rm -rf "$d/$1"
    cp -r "$FOLDER" "$d/$1"
    rm -f "$d/$1/model.gguf" "$d/$1/golden.safetensors"
}
indexed() { # NAME TENSOR FILE: one more entry in the folder's index
    sed -i "s/\"weight_map\": {/&\"$2\": \"$3\",/" "$d/$1/model.safetensors.index.json"
}

row "a vocabulary alone, of byte-level BPE, as gguf-py writes it"
run 0 "$E" tokens -m "$DATA/vocab-only.gguf" 'Hello!!'
out "260  'Hello'"
out "256  '!!'"
run 4 "$E" query -m "$DATA/vocab-only.gguf" hi
err 'metadata and no weights: .editscope tokens. reads its vocabulary'
run 4 "$E" stats -m "$DATA/vocab-only.gguf"

row "a vocabulary alone, of SentencePiece BPE, that ends with its header"
head -c 13050 tests/data/tokenizer/llama2.gguf >"$d/spm.gguf"
run 0 "$E" tokens -m tests/data/tokenizer/llama2.gguf --json 'Hello, 北'
cp "$d/out" "$d/m-padded"
run 0 "$E" tokens -m "$d/spm.gguf" --json 'Hello, 北'
cp "$d/out" "$d/m-short"
run 0 cmp "$d/m-short" "$d/m-padded"

row "a GGUF file without its ending, as other programs store it"
cp "$M" "$d/sha256-blob"
run 0 "$E" query -m "$d/sha256-blob" -n 1 ab
run 0 "$E" tokens -m "$d/sha256-blob" ab

row "one file beside shards: it is read, as by transformers, and said"
folder both
run 3 "$E" edit -m "$M" -s "$d/models-both.es" $Q $FACT --method alphaedit --set edit.layers=0
run 0 "$E" export -m "$M" -s "$d/models-both.es" --as safetensors --dtype f32 --to "$d/m-edited"
cp "$d/m-edited/model.safetensors" "$d/both/"
run 0 "$E" query -m "$d/m-edited" --json -n 1 Eiffel:in
cp "$d/out" "$d/m-want"
run 0 "$E" query -m "$d/both" --json -n 1 Eiffel:in
err 'both: model.safetensors is read, as transformers does'
cp "$d/out" "$d/m-got"
run 0 cmp "$d/m-got" "$d/m-want"
run 0 "$E" query -m "$d/both" --json -n 1 -q Eiffel:in
no_err .

row "an export of such a folder is the file that was read"
run 3 "$E" edit -m "$d/both" -s "$d/models-again.es" $Q $FACT --method alphaedit
run 0 "$E" export -m "$d/both" -s "$d/models-again.es" --as safetensors --to "$d/out-both"
[ -f "$d/out-both/model.safetensors" ] || complain "no model.safetensors"
[ ! -e "$d/out-both/model.safetensors.index.json" ] || complain "an index without its shards"

row "GGUF files beside safetensors, and alone"
folder beside
cp "$M" "$d/beside/x.gguf"
run 0 "$E" query -m "$d/beside" -n 1 ab
no_err .
mkdir "$d/ggufs"
cp "$M" "$d/ggufs/a.gguf"
cp "$M" "$d/ggufs/b.gguf"
run 4 "$E" query -m "$d/ggufs" ab
err 'name the one to open \(a.gguf, b.gguf\)'

row "pickled weights alone"
folder pickled
rm "$d"/pickled/model*
: >"$d/pickled/pytorch_model.bin"
run 4 "$E" query -m "$d/pickled" ab
err "Python's pickled weights are not read: transformers' save_pretrained\(\)"

row "shards without their index, and an index without a shard"
folder bare
rm "$d/bare/model.safetensors.index.json"
run 4 "$E" query -m "$d/bare" ab
err 'without the model.safetensors.index.json'
folder lost
rm "$d/lost/model-00002-of-00003.safetensors"
run 4 "$E" query -m "$d/lost" ab
err 'model-00002-of-00003.safetensors does not exist, although the index puts tensor model\.layers'
: >"$d/lost/model-00002-of-00003.safetensors"
run 4 "$E" query -m "$d/lost" ab
err 'model-00002-of-00003.safetensors: 0 bytes'

row "an index that names what nobody needs"
folder stale
indexed stale mtp.fc.weight model-00002-of-00003.safetensors
indexed stale mtp.norm.weight mtp-00001-of-00001.safetensors
run 0 "$E" query -m "$d/stale" -n 1 ab
indexed stale model.layers.9.mlp.up_proj.weight mtp-00001-of-00001.safetensors
run 0 "$E" query -m "$d/stale" -n 1 ab

row "a missing head is named as the folder would have it"
cp -r "$d/m-edited" "$d/headless"
sed -i 's/"tie_word_embeddings": true/"tie_word_embeddings": false/' "$d/headless/config.json"
run 4 "$E" query -m "$d/headless" ab
err 'tensor lm_head.weight is missing'

row "config.json and tokenizer.json that Windows has marked"
folder bom
for f in config.json tokenizer.json model.safetensors.index.json; do
    { printf '\357\273\277'; cat "$FOLDER/$f"; } >"$d/bom/$f"
done
run 0 "$E" query -m "$d/bom" -n 1 ab

row "paths: a folder called x.gguf, blanks, UTF-8, slashes, links"
cp -r "$d/m-edited" "$d/x.gguf"
cp -r "$d/m-edited" "$d/a bé東"
ln -s "x.gguf" "$d/m-link"
ln -s "nowhere" "$d/m-dangling"
for m in "$d/x.gguf" "$d/a bé東/" "$d//m-link" "$d/m-link/"; do
    run 0 "$E" query -m "$m" -n 1 ab
done
run 4 "$E" query -m "$d/m-dangling" ab
err 'the link is broken'

row "a LoRA export says where its base is"
run 0 "$E" export -m "$d/both" -s "$d/models-again.es" --as lora --to "$d/m-lora"
run 0 grep -F "\"base_model_name_or_path\": \"$(cd "$d" && pwd -P)/both\"" "$d/m-lora/adapter_config.json"
commit=0123456789012345678901234567890123456789
mkdir -p "$d/m-hub/models--org--name/snapshots"
cp -r "$d/both" "$d/m-hub/models--org--name/snapshots/$commit"
run 0 "$E" export -m "$d/m-hub/models--org--name/snapshots/$commit" -s "$d/models-again.es" --as lora --to "$d/m-lora2"
run 0 grep -F '"base_model_name_or_path": "org/name"' "$d/m-lora2/adapter_config.json"
run 0 grep -F "\"revision\": \"$commit\"" "$d/m-lora2/adapter_config.json"

row "a model with norms behind its FFNs: several layers to look at and to sum over"
G=$PWD/tests/data/architectures/gemma3/model.gguf
run 0 "$E" attribute -m "$G" --layers 1-3 $FACT --json
run 0 test "$(grep -c '"event":"layer"' "$d/out")" = 3
run 0 "$E" stats -m "$G" $Q --layers 1-3
run 0 "$E" stats -m "$G" $Q --layers all --json
out '"layer":0,.*"layer":6'
run 0 "$E" edit -m "$G" $Q --set edit.layers=1-3 --preview $FACT --json
run 0 test "$(grep '"event":"preview"' "$d/out" | grep -o '"layer":[0-9]*,"lambda"' | wc -l)" = 3
run 0 "$E" sweep -m "$G" $Q --grid 'edit.layers=1-3' $FACT

row "messages name the layers as the user did"
run 2 "$E" attribute -m "$G" --layers 3-10 $FACT
err '^editscope: --layers: layer 7; .* has layers 0 to 6$'
run 2 "$E" stats -m "$G" --set edit.layers=3-10
err '^editscope: edit.layers: layer 7;'

row "a text shorter than a window"
printf 'too short' >"$d/m-short.txt"
run 2 "$E" stats -m "$M" --text "$d/m-short.txt" --window 32
err 'm-short.txt: 9 tokens are less than one window of 32: give a longer text \(--text\) or a shorter stats.window'
run 2 "$E" edit -m "$M" --text "$d/m-short.txt" --preview $FACT
err 'less than one window of'
: >"$d/m-empty.txt"
run 2 "$E" stats -m "$M" --text "$d/m-empty.txt"
err 'm-empty.txt: 0 tokens'
run 0 "$E" stats -m "$M" --text "$d/m-short.txt" --window 4

row "where a session cannot be made"
run 1 "$E" edit -m "$M" -s /proc/x.es $Q $FACT
err '/proc/x.es: cannot create a session here: '
no_err 'read-only|it can be read'
run 1 "$E" edit -m "$M" -s "$d/no/such/folder/x.es" $Q $FACT
err 'x.es: no such folder; make it first'
[ ! -e "$d/no" ] || complain "a folder was made"

row "an empty file name is a usage error that names the option"
for option in --session --fact --facts --z --prefixes --text --config --model --preset --record; do
    run 2 "$E" edit "$option" "" -m "$M" $FACT
    case $option in
    --record) ;; # no option of edit
    *) err "^editscope: $option: the name is empty" ;;
    esac
done
run 2 "$E" export -m "$M" --as gguf --to ""
err '^editscope: --to: the name is empty'
run 2 "$E" attribute -m "$M" $FACT -o ''
err '^editscope: --output: the name is empty'
run 2 "$E" view ""
err 'the name of a file is empty, for view'
run 2 "$E" ""

row "HOME unset: the list of users knows; where nobody does, nothing is kept and it is said"
own=$(getent passwd "$(id -u)" | cut -d: -f6)
run 0 env -u HOME -u XDG_CACHE_HOME -u XDG_STATE_HOME -u XDG_CONFIG_HOME TERM=xterm "$E" doctor -m "$M"
out "$own/.cache/editscope/moments"
no_out '/tmp/\.cache'
run 0 env -u XDG_CACHE_HOME HOME=relative TERM=xterm "$E" doctor -m "$M"
out "$own/.cache/editscope/moments"
run 0 env -u XDG_CACHE_HOME HOME=/dev/null/no-home-folder "$E" query -m "$M" -n 1 ab
err 'no home folder: nothing is cached'
run 0 env -u XDG_CACHE_HOME HOME=/dev/null/no-home-folder "$E" edit --preview -m "$M" $Q $FACT

row "a sweep over many facts tells each one as it comes"
seq 3 | sed 's/.*/{"subject":"Eiffel","prompt":"{}:in","target_new":"R&me"}/' >"$d/m-three.jsonl"
run 0 "$E" sweep -m "$M" $Q --grid 'alpha_ge=.1,.2' --data "$d/m-three.jsonl" --json -q
run 0 test "$(sed -n '1,6p' "$d/out" | grep -c '"event":"tried"')" = 6
run 0 "$E" sweep -m "$M" $Q --grid 'alpha_ge=.1,.2' --data "$d/m-three.jsonl" --json -q
out '"event":"tried","fact":3,"subject":"Eiffel","facts":3,"cell":1,"of":2'
out '"event":"result","facts":3,"cell":1,"of":2.*"edits":3'
run 0 "$E" sweep -m "$M" $Q --grid 'alpha_ge=.1,.2' --data "$d/m-three.jsonl" -q
out '^over 3 of 3 facts:'
out 'fact 2: '

row "an interrupted sweep tells what is done"
seq 300 | sed 's/.*/{"subject":"Eiffel","prompt":"{}:in","target_new":"R&me"}/' >"$d/m-many.jsonl"
"$E" sweep -m "$M" $Q --grid 'alpha_ge=.1,.2' --data "$d/m-many.jsonl" -q >"$d/out" 2>"$d/err" &
sweep=$!
while kill -0 $sweep && [ "$(grep -c '^\.2' "$d/out")" -lt 2 ]; do
    sleep .05
done
kill -INT $sweep
wait $sweep
[ $? = 130 ] || complain "an interrupted sweep does not end with 130"
out '^over [0-9]+ of 300 facts'
out 'holds .* neighbours .* s  $'

row "a GGUF file that ends early says where it ends and where it should"
size=$(wc -c <"$M")
head -c $((size - 1)) "$M" >"$d/m-short.gguf"
run 4 "$E" query -m "$d/m-short.gguf" hi
err "the tensors end at byte $size, the file at $((size - 1)); is the download complete"

row "a GGUF version of zero is no big-endian machine's"
{ printf 'GGUF\0\0\0\0'; tail -c +9 "$M"; } >"$d/m-zero.gguf"
run 4 "$E" query -m "$d/m-zero.gguf" hi
err 'GGUF version 0; 2 and 3 are supported'
{ printf 'GGUF\0\0\0\003'; tail -c +9 "$M"; } >"$d/m-big.gguf"
run 4 "$E" query -m "$d/m-big.gguf" hi
err 'GGUF of a big-endian machine'

row "what is no RUN file is not taken for half a download"
for file in "$M" "$FOLDER/config.json"; do
    run 1 "$E" view --batch "$file"
    err 'is a (GGUF file .*|text file): .view. shows sessions, RUN files .* pages of :export FILE.html'
    no_err 'download'
done
