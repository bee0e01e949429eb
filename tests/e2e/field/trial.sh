# Files given where others belong, tables of other hands, signals: siblings of what users ran into.
S=$d/trial.es
run 3 "$E" edit -q -m "$M" $Q $FACT -s "$S"
run 0 "$E" attribute -q -m "$M" $FACT -o "$d/run.safetensors"
gzip -dc samples/demo.rec.gz >"$d/demo.rec"
mkdir "$d/folder"

row "replay says what it was given"
for given in "$S:a session .*view" "$d/run.safetensors:a safetensors file .*view" \
    "$M:a GGUF file" "$d/folder:a folder"; do
    run 1 "$E" replay "${given%%:*}"
    err "is ${given#*:}"
    err 'neither a recording nor a script'
    run 1 "$E" replay --batch "${given%%:*}"
    err 'neither a recording nor a script'
done
printf '\001\000\002' >"$d/bytes"
run 1 "$E" replay --batch "$d/bytes"
err 'neither a recording nor a script'

row "every command says what another kind of file is"
"$E" export -q "$S" -m "$M" --as lora --to "$d/lora" >/dev/null
printf '[parameters]\nbeta_ge = 0.4\n' >"$d/conf"
for given in "$M:a GGUF file .*-m" "$d/run.safetensors:a safetensors file .*editscope view" \
    "$d/demo.rec:a text file" samples/demo.rec.gz:"a gzip file .*editscope replay" "$d/conf:a text file"; do
    for command in undo log verify "edit --preview -q $FACT"; do
        run 1 "$E" $command -m "$M" -s "${given%%:*}"
        err "${given#*:}.*not an editscope session"
    done
done
for option in --config --preset --prefixes --facts; do
    [ $option = --facts ] && fact= || fact=$FACT
    run 1 "$E" edit -q -m "$M" -s "$d/other.es" $fact $option "$S"
    err 'is no text: it is a session .*editscope view'
done

row "a page opens without a complaint"
printf 'wait idle 60\nkey P\nwait idle 60\ntype :export %s\nkey enter\n' "$d/page.html" >"$d/page.script"
run 0 "$E" replay --batch "$d/page.script" -m "$M" $Q
printf 'wait idle 30\nkey L\nwait idle 5\nexpect preview of\nexpect-not cannot\n' >"$d/look.script"
run 0 "$E" view --batch --script "$d/look.script" "$d/page.html"

row "view says what it was given"
for given in samples/demo.rec.gz "$d/demo.rec"; do
    run 1 "$E" view --batch "$given"
    err 'is a recording: .editscope replay. plays it'
done
run 1 "$E" view --batch "$M"
err 'is a GGUF file'
: >"$d/empty"
run 1 "$E" view --batch "$d/empty"
err 'is empty'
no_err 'download'
run 0 "$E" view --batch "$S"
run 0 "$E" view --batch "$d/run.safetensors"

row "what is no model is told by what it is"
printf 'version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n' >"$d/lfs.gguf"
printf '<!DOCTYPE html>\n<html><body>404 Not Found</body></html>\n' >"$d/page.gguf"
gzip -c "$M" >"$d/packed.gguf"
for given in 'lfs.gguf:a Git LFS pointer' 'page.gguf:a web page' 'packed.gguf:a gzip file' \
    'trial.es:a session .*, not a model' 'run.safetensors:there is no config.json beside it'; do
    run 4 "$E" query -m "$d/${given%%:*}" hi
    err "${given#*:}"
done

row "prefix files: as ROME writes them, and what is none is told by its line"
ask() { run "$1" "$E" attribute -q -m "$M" $FACT --prefixes "$d/prefixes" --set attr.prefixes=2; }
printf 'The. \nSo. \n' >"$d/prefixes"
ask 0
cp "$d/out" "$d/want"
printf '{}\n\nThe. {}\n  \nSo. {}' >"$d/prefixes"
ask 0
grep '^row' "$d/want" >"$d/rows"
grep '^row' "$d/out" | cmp -s - "$d/rows" || complain "other rows: $(cat "$d/out")"
printf 'The. \nSo {} is. \n' >"$d/prefixes"
ask 1
err 'prefixes: line 2: the prompt comes after a prefix'
printf 'The. \n\nA\377\n' >"$d/prefixes"
ask 1
err 'prefixes: line 3: not UTF-8: byte 0xff at offset 1'
printf '\n \n' >"$d/prefixes"
ask 1
err 'holds no prefix'

row "facts that are given twice are refused, and not lost"
for twice in "--facts a --facts b" "--fact a --fact b" "--triple a|b|c --triple a|b|d" \
    "--subject A --subject B --prompt {} --target T"; do
    run 2 "$E" edit --preview -m "$M" $Q $twice
    err 'is given twice'
done
run 0 "$E" config --seed 1 --seed 2
out '^seed = 2$'

row "a file of one byte is not written over"
printf x >"$d/one"
run 1 "$E" edit -q -m "$M" $Q $FACT -s "$d/one"
err 'not an editscope session'
[ "$(cat "$d/one")" = x ] || complain "the byte is gone"

row "a file of lines is read as a pasted text is"
printf '# mine\nEiffel | {}:in | Rome\nBig Ben; Big Ben is; Oslo\n' >"$d/lines.txt"
run 0 "$E" edit --preview -q -m "$M" $Q --facts "$d/lines.txt"
printf 'Eiffel | {}:in | Rome\nno fact\n' >"$d/lines.txt"
run 2 "$E" edit --preview -q -m "$M" $Q --facts "$d/lines.txt"
err 'lines.txt: line 2: no fact: write subject . prompt . object'
printf 'Eiffel | {}:in | Rome\n' >"$d/lines.txt"
run 0 "$E" edit --preview -q -m "$M" $Q --fact "$d/lines.txt"

row "tables as spreadsheets keep them"
printf '\357\273\277Subject,Prompt,Target New\r\n"A, b",{}:x,B\r\n,,\r\n' >"$d/t.csv"
run 0 "$E" edit --preview -q -m "$M" $Q --facts "$d/t.csv"
printf 'subject,prompt,target_new\nA,{}:x,B\nC,"{}:x,B\nD,{}:x,B\n' >"$d/t.csv"
run 1 "$E" edit --preview -q -m "$M" $Q --facts "$d/t.csv"
err 'line 3: nothing closes a quote'
printf 'subject,prompt,target_new,Subject\nA,{}:x,B,D\n' >"$d/t.csv"
run 1 "$E" edit --preview -q -m "$M" $Q --facts "$d/t.csv"
err 'two columns are called subject'
printf 'a,b,c\nA,{}:x,B\n' >"$d/t.csv"
run 1 "$E" edit --preview -q -m "$M" $Q --facts "$d/t.csv"
err 'neither a JSON record nor a table'

row "a key that is there twice, or a NUL, is refused in plain words"
for option in --facts --fact; do
    printf '{"subject":"A","subject":"C","prompt":"{}:x","target_new":"B"}' >"$d/f.json"
    run 1 "$E" edit --preview -q -m "$M" $Q $option "$d/f.json"
    err "one key is there twice near '\"subject\"'"
    printf '{"subject":"A\\u0000","prompt":"{}:x","target_new":"B"}' >"$d/f.json"
    run 1 "$E" edit --preview -q -m "$M" $Q $option "$d/f.json"
    err 'no NUL character'
    no_err 'JSON_ALLOW'
done

row "a refused parameter has the name that was written"
for wrote in alpha_ge ratio.ge.a; do
    run 2 "$E" config --set "$wrote=x"
    err "^editscope: --set: $wrote: 'x' is not a number"
    run 2 "$E" config --set "$wrote=9"
    err "^editscope: --set: $wrote = 9 is out of range"
done
run 2 "$E" attribute -m "$M" $FACT --layers 2-1
err "^editscope: --layers: '2-1' is not a list"
run 2 "$E" config --seed -1
err "^editscope: --seed = -1 is out of range"
run 2 "$E" edit --preview -m "$M" $Q $FACT --method magic
err "^editscope: --method: 'magic' is not one of"
run 2 "$E" config --set temperature=x
err 'temperature: '
printf 'beta_ge = 9\n' >"$d/conf"
run 2 "$E" config --config "$d/conf"
err ': beta_ge = 9'

row "the version is JSON, too"
run 0 "$E" --version --json
out '^\{"schema":1,"event":"version","version":"[0-9.]+"\}$'
run 0 "$E" --version
out '^editscope [0-9.]+$'

row "the list of models can be lost like any output"
mkdir -p "$d/cache/editscope/models"
cp "$M" "$d/cache/editscope/models/a.gguf"
shell 1 '$E models >/dev/full'
err 'standard output: No space left'
shell 1 '$E models --json >/dev/full'
err 'standard output: No space left'
rm -r "$d/cache/editscope/models"

row "a wait for the moments is told once where there is no terminal"
seq 1 900000 >"$d/long"
shell 124 'timeout 5 $E stats -m $M --text $d/long --set stats.tokens=9000000 --set stats.window=64'
err 'second moments of [0-9]+ tokens: about [0-9]+ (s|min); they are cached for the next run'
[ "$(grep -c 'about' "$d/err")" = 1 ] || complain "told $(grep -c about "$d/err") times"
no_err 'summed'
run 0 "$E" stats -m "$M" --text "$d/long" --set stats.tokens=1200000 --set stats.window=32
err 'second moments: summed, [0-9]+ s'
shell 124 'timeout 3 $E stats -q -m $M --text $d/long --set stats.tokens=9000000 --set stats.window=48'
no_err 'about'
run 0 "$E" stats -m "$M" $Q
no_err .

row "a terminal that goes away ends an edit in order; nohup holds"
i=0
while [ $i -lt 300 ]; do
    i=$((i + 1))
    echo "{\"subject\":\"Aa$i\",\"prompt\":\"{}:x\",\"target_new\":\"B$i\"}"
done >"$d/facts"
shell 129 '$E edit -m $M $Q --facts $d/facts -s $d/h.es & p=$!
until [ -s $d/h.es ]; do sleep .05; done; sleep .3; kill -HUP $p; wait $p'
err 'interrupted'
[ ! -e "$d/h.es.lock" ] || complain "the lock is left"
run 0 "$E" verify -m "$M" -s "$d/h.es"
head -5 "$d/facts" >"$d/few"
shell 3 '(trap "" HUP; exec $E edit -m $M $Q --facts $d/few -s $d/n.es) & p=$!
until [ -s $d/n.es ]; do sleep .05; done; kill -HUP $p; wait $p'
