# Files as users have them: from Windows, by pipes, with blanks, of other people's shapes.
EDIT="$E edit --preview -q -m $M $Q"
printf '{"subject":"Eiffel Tower","prompt":"The {} is in","target_new":"Rome"}\n' >"$d/fact.json"

row "a fact by its path, by a pipe and by - is the same fact"
run 0 $EDIT --fact "$d/fact.json"
cp "$d/out" "$d/want"
for way in '--fact - <$d/fact.json' '--fact <(cat $d/fact.json)' '--fact /dev/stdin <$d/fact.json' \
    'cat $d/fact.json | $EDIT --fact -' '--fact /dev/fd/7 7<$d/fact.json'; do
    case $way in cat*) ;; *) way='$EDIT '$way ;; esac
    EDIT=$EDIT shell 0 "export EDIT; $way"
    cmp -s "$d/out" "$d/want" || complain "$way: $(diff "$d/out" "$d/want" | head -3)"
done

row "the seed chooses the neighbours of a relation, however the fact is given"
echo 'Eiffel Tower | location | Rome' >"$d/line"
for seed in 0 7; do
    run 0 $EDIT --seed $seed --json --triple "$(cat "$d/line")"
    grep -o '"kind":"locality","prompt":"[^"]*"' "$d/out" >"$d/want.$seed"
    run 0 $EDIT --seed $seed --json --fact "$d/line"
    grep -o '"kind":"locality","prompt":"[^"]*"' "$d/out" | cmp -s - "$d/want.$seed" ||
        complain "--fact with seed $seed has other neighbours than --triple"
done
[ -s "$d/want.7" ] || complain "no neighbours were asked"
cmp -s "$d/want.0" "$d/want.7" && complain "both seeds have the same neighbours"

# Every argument that is a file to be read, each with a command that is the same three ways.
row "every file argument can come by a pipe"
cp "$d/fact.json" "$d/many.json"
printf 'The. \nTherefore. \n' >"$d/prefixes"
printf 'alpha_ge = .11\n' >"$d/settings"
seq 1 5000 >"$d/text"
printf 'size 100 30\nkey 6\nexpect editscope\n' >"$d/script"
cp "$(ls themes/* | head -1)" "$d/theme"
run 0 "$E" attribute -q -m "$M" --fact "$d/fact.json" -o "$d/run.safetensors"
shell 0 '$E edit -q -m $M $Q --fact $d/fact.json -s $d/a.es || [ $? = 3 ]'
run 0 "$E" export -q -m "$M" -s "$d/a.es" --as delta --to "$d/delta"
run 0 "$E" export -q -m "$M" -s "$d/a.es" --as json --to "$d/journal"
while IFS='|' read -r file command; do
    for how in "$d/$file" "<(cat $d/$file)" - /dev/stdin; do
        rm -f "$d/b.es"
        case $how in -|/dev/stdin) from="<$d/$file" ;; *) from= ;; esac
        # what the two runs say of paths and seconds is no difference
        shell 0 "$E $(printf '%s' "$command" | sed "s|@|$how|") $from 2>&1 |
            sed -E 's|/[^ ]*/[a-z0-9]+|FILE|g; s/[0-9.]+ s\$//; s/\"seconds[^,}]*//'; exit \${PIPESTATUS[0]}"
        [ "$how" = "$d/$file" ] && cp "$d/out" "$d/want"
        cmp -s "$d/out" "$d/want" ||
            complain "$how in: $command: $(diff "$d/out" "$d/want" | head -4)"
    done
done <<EOF
fact.json|attribute -q -m $M --fact @ --json
many.json|edit --preview -q -m $M $Q --facts @
journal|edit --preview -q -m $M $Q --facts @
many.json|sweep -q -m $M $Q --grid alpha_ge=.1 --data @ --json
prefixes|attribute -q -m $M --fact $d/fact.json --prefixes @ --json
settings|config --config @
settings|config --preset @
text|edit --preview -q -m $M $Q --fact $d/fact.json --text @
delta|apply -q -m $M -s $d/b.es @
theme|themes check @
EOF

row "view and replay read a pipe"
for how in "$d/run.safetensors" "<(cat $d/run.safetensors)" "- <$d/run.safetensors"; do
    shell 0 "$E view --batch $how"
done
shell 0 "zcat samples/demo.rec.gz >$d/demo.rec; (printf '\\357\\273\\277'; cat $d/demo.rec) >$d/bom.rec"
for how in samples/demo.rec.gz "<(cat samples/demo.rec.gz)" "- <$d/demo.rec" "$d/bom.rec"; do
    shell 0 "$E replay --batch $how"
done

row "what cannot be a pipe says so"
shell 4 '$E query -m <(cat $M) x'
err 'a model cannot be read from a pipe, since it is mapped and hashed'
shell 1 '$E log -m $M -s <(cat $d/a.es)'
err 'a session is a database that is used in place, so it cannot be read from a pipe'
run 2 "$E" query -m - x
err -- '--model -: '
run 2 "$E" edit -m "$M" -s - $FACT
err -- '--session -: '
run 2 "$E" attribute -m "$M" $FACT -o -
err -- '--output -: '
run 2 "$E" export -m "$M" -s "$d/a.es" --as json --to -
err -- '--to -: '
shell 2 '$E attribute -m $M --fact - --prefixes - <$d/fact.json'
err 'both read standard input; name a file'

row "query asks standard input"
shell 0 'printf "one two\n" | $E query -m $M --json -n 1 -'
out '"prompt": ?"one two"'
shell 0 'printf "one\r\n\n two\nthree" | $E query -m $M --json -n 1'
out '"prompt": ?"one"'
out '"prompt": ?" two"'
out '"prompt": ?"three"'
shell 0 'printf "a\nb\n" | $E query -m $M --json -n 1 x -'
out '"prompt": ?"x"'
out '"prompt": ?"a\\nb"'
shell 2 '$E query -m $M </dev/null'
err 'query needs a prompt'
shell 2 'echo x | $E query -m $M --config - -'
err 'both read standard input'

# Saved on Windows or an old Mac, a file reads as it does elsewhere.
row "byte order marks and other ends of lines"
printf '[screen]\nascii = yes\n[parameters]\nalpha_ge = .11\n[keys]\nF9 = quit\n' >"$d/settings"
mkdir -p "$XDG_CONFIG_HOME/editscope"
while IFS='|' read -r file command; do
    for how in cat 'sed s/$/\r/' 'tr \n \r'; do
        for mark in '' '\357\273\277'; do
            { printf "$mark"; $how <"$d/$file"; } >"$d/from-elsewhere"
            [ "$file" != settings ] || cp "$d/from-elsewhere" "$XDG_CONFIG_HOME/editscope/config"
            shell 0 "$E $(printf '%s' "$command" | sed "s|@|$d/from-elsewhere|")"
            sed -i -E 's/ +[0-9.]+$//' "$d/out" # seconds
            [ "$how$mark" = cat ] && cp "$d/out" "$d/want"
            cmp -s "$d/out" "$d/want" ||
                complain "$how $mark in: $command: $(diff "$d/out" "$d/want" | head -4)"
        done
    done
done <<EOF
fact.json|attribute -q -m $M --fact @
many.json|edit --preview -q -m $M $Q --facts @
prefixes|attribute -q -m $M --fact $d/fact.json --prefixes @
settings|config --config @
settings|keys
theme|themes check @
script|replay -q --batch -m $M @
EOF
rm -r "$XDG_CONFIG_HOME/editscope"
for how in 'sed s/$/\r/' 'printf \357\273\277'; do
    cp -r "$FOLDER" "$d/folder"
    for json in "$FOLDER"/*.json; do
        { case $how in printf*) $how; cat "$json" ;; *) $how "$json" ;; esac; } \
            >"$d/folder/${json##*/}"
    done
    run 0 "$E" query -m "$d/folder" -n 3 "The Eiffel Tower"
    cp "$d/out" "$d/want"
    run 0 "$E" query -m "$FOLDER" -n 3 "The Eiffel Tower"
    cmp -s "$d/out" "$d/want" || complain "$how: the model folder answers otherwise"
    rm -r "$d/folder"
done

row "UTF-16 is named"
for name in fact.json prefixes settings theme text; do
    iconv -f UTF-8 -t UTF-16 <"$d/$name" >"$d/$name.16"
done
run 1 $EDIT --facts "$d/fact.json.16"
err 'fact.json.16: the text is UTF-16 \(little-endian\); save it as UTF-8'
run 1 $EDIT --fact "$d/fact.json" --prefixes "$d/prefixes.16"
err 'prefixes.16: the text is UTF-16'
run 1 $EDIT --fact "$d/fact.json" --text "$d/text.16"
err 'text.16: the text is UTF-16'
run 1 "$E" config --config "$d/settings.16"
err 'settings.16: the text is UTF-16'
iconv -f UTF-8 -t UTF-16BE <"$d/fact.json" >"$d/unmarked"
run 1 $EDIT --facts "$d/unmarked"
err 'if it is UTF-16, save it as UTF-8'

# A copy with a tab, a no-break space or a line's end around it is the fact that was meant.
fact_of() { # FILE SUBJECT PROMPT TARGET
    printf '{"subject":"%s","prompt":"%s","target_new":"%s"}\n' "$2" "$3" "$4" >"$1"
}
row "blanks around subject, prompt and target are no part of them"
fact_of "$d/plain.json" "Eiffel Tower" "The {} is in" "Rome"
run 0 $EDIT --fact "$d/plain.json"
cp "$d/out" "$d/want"
for blank in ' ' '  ' '\n' '\t' '\r\n' '\u00a0' '\u200b' '\ufeff' '\u3000'; do
    fact_of "$d/blank.json" "${blank}Eiffel Tower$blank" "The {} is in$blank" "$blank""Rome$blank"
    run 0 $(echo "$EDIT" | sed 's/ -q//') --fact "$d/blank.json"
    cmp -s "$d/out" "$d/want" || complain "'$blank': $(diff "$d/out" "$d/want" | head -3)"
    err 'blanks around the subject, the prompt and the target were taken off'
done
run 0 "$E" edit --preview -m "$M" $Q --subject "Eiffel Tower " --prompt "The Eiffel Tower is in " --target "Rome
"
cmp -s "$d/out" "$d/want" || complain "typed: $(diff "$d/out" "$d/want" | head -3)"
err 'editscope: blanks around the subject, the prompt and the target were taken off'

row "what was taken off is said once"
{ cat "$d/plain.json" "$d/blank.json" "$d/blank.json"; } >"$d/three.jsonl"
run 0 "$E" edit --preview -m "$M" $Q --facts "$d/three.jsonl"
err '2 records, the first is record 2: blanks around the subject, the prompt and the target were taken off'
[ "$(grep -c 'taken off' "$d/err")" = 1 ] || complain "said more than once"

row "{} in a probe is the subject"
printf '%s\n' '{"subject":"Eiffel Tower","prompt":"The [X] is in","target_new":"Rome",' \
    '"rephrase":"Where would one find the {}?","question":"Where is the {subject}?",' \
    '"locality":["The { } was built in"],"portability":[{"prompt":"{} is in","answer":"Italy"}]}' \
    >"$d/templates.json"
run 0 $EDIT --json --fact "$d/templates.json"
for text in "Where would one find the Eiffel Tower\?" 'Q: Where is the Eiffel Tower\?' \
    "The Eiffel Tower was built in" "Eiffel Tower is in"; do
    out "\"prompt\": ?\"$text"
done
no_out '"prompt": ?"[^"]*[{[]'
run 2 "$E" edit --preview -m "$M" --subject "Big Ben" --prompt "Big Ben: the {} is in" --target x
err "the prompt 'Big Ben: the \{\} is in' holds the subject 'Big Ben' and a \{\} for it: keep one"
run 2 "$E" edit --preview -m "$M" --subject "Big Ben" --prompt "The {} is in" --target "{}"
err "the new object '\{\}' holds \{\}"

row "the shapes of other programs"
run 0 $EDIT --facts tests/data/field/mquake.json
run 0 "$E" attribute -q -m "$M" --json --fact tests/data/facts/rome_counterfact.json
out '"prompt": ?"Angola is located in"'
run 0 $EDIT --batch 2 --json --facts tests/data/field/easyedit_arguments.json
out '"prompt": ?"Mount Fuji is a mountain in"'
printf 'subject,prompt,target_new\n"Rome, Italy",The {} is,1999\n' >"$d/table.csv"
run 0 $EDIT --json --facts "$d/table.csv"
out '"prompt": ?"The Rome, Italy is"'

row "a target that is a number is the text it is written as"
printf '{"subject":"X","prompt":"The {} cost","target_new":"1.50"}' >"$d/text.json"
printf '{"subject":"X","prompt":"The {} cost","target_new":1.50}' >"$d/number.json"
run 0 $EDIT --facts "$d/text.json"
cp "$d/out" "$d/want"
run 0 $EDIT --facts "$d/number.json"
cmp -s "$d/out" "$d/want" || complain "$(diff "$d/out" "$d/want" | head -3)"

row "what is no text is refused by file, record, key and line"
while IFS='|' read -r value why; do
    printf '%s\n{"subject":"X","prompt":"The {} cost",\n"target_new":%s}\n' "$(cat "$d/text.json")" \
        "$value" >"$d/bad.jsonl"
    run 2 $EDIT --facts "$d/bad.jsonl"
    err "bad.jsonl: record 2: $why"
    err '\(line 2\)$'
done <<'EOF'
null|target_new is null
true|target_new is true
false|target_new is false
[]|target_new is an empty list
{}|target_new is an object without str
[[null]]|target_new holds null
""|the new object is empty
["", " "]|the new object is empty
EOF
printf '{"prompts":["A is","B is"],"subject":["A","B"],"target_new":["x"]}' >"$d/bad.json"
run 2 $EDIT --facts "$d/bad.json"
err 'prompts has 2 entries and target_new has 1'
printf '{"template":"A is"}' >"$d/bad.json"
run 1 $EDIT --facts "$d/bad.json"
err 'record 1: no fact of a known shape, which are: CounterFact \(requested_rewrite\)'
