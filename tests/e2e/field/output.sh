# What scripts and terminals get: nothing is lost unsaid, no text is cut in two, nothing acts.
S=$d/output.es

# Every command that prints, with what makes it print; a line each.
printing="keys
keys --json
config
config --default --json
themes
themes --json
relations
relations --json
doctor
completions bash
completions zsh
completions fish
--version
--help
tokens -m $M hi
tokens -m $M --json hi
tokens -m $M --decode 5,6,7
query -m $M hi
query -m $M --json hi
attribute -m $M $FACT
attribute -m $M $FACT --json
edit --preview -m $M $Q $FACT
edit --preview -m $M $Q $FACT --json
log -m $M -s $S
log -m $M -s $S --json
verify -m $M -s $S
verify -m $M -s $S --json
stats -m $M $Q --layers 1
stats -m $M $Q --layers 1 --json
diff -m $M -s $S --from 0 --to 1
diff -m $M -s $S --from 0 --to 1 --json
bisect -m $M -s $S Eiffel:in --expect Rome
sweep -m $M $Q $FACT --grid alpha_ge=.1
sweep -m $M $Q $FACT --grid alpha_ge=.1 --json
export -m $M -s $S --as delta --to $d/output.delta --force
export -m $M -s $S --as json --to $d/output.json --force --json
nonsense --json"
untold() { # HOW: commands that do not end with 1 and one line when standard output is HOW
    { echo "$printing"; "$E" --help | sed -n 's/^  \([a-z]\{4,\}\) .*/\1 --help/p'; } |
        while read -r line; do
            eval "\"\$E\" $line $1" 2>"$d/said"
            [ "$?:$(grep -c '^editscope: standard output: ' "$d/said")" = 1:1 ] ||
                echo "$line: $(cat "$d/said")"
        done
}

row "what a full disk does not take is told by every command"
run 3 "$E" edit -m "$M" $Q $FACT -s "$S"
run 0 untold '>/dev/full'
no_out .

row "a closed standard output is told, and takes no file's place"
run 0 untold '>&-'
no_out .
run 0 "$E" verify -m "$M" -s "$S"

row "an edit that could not be reported leaves a whole session"
shell 1 '"$E" edit -m "$M" $Q $FACT -s "$d/unsaid.es" >/dev/full'
err '^editscope: standard output: No space left on device$'
run 0 "$E" verify -m "$M" -s "$d/unsaid.es"

row "a reader that leaves is no news"
shell 141 'set -o pipefail; { sleep .2; "$E" relations; } | true'
no_err .
shell 141 'trap "" PIPE; set -o pipefail; { sleep .2; "$E" relations; } | true'
no_err .

row "messages that cannot be printed change nothing"
shell 0 '"$E" query -m "$M" hi 2>/dev/full'
shell 2 '"$E" query -m "$M" 2>/dev/full'
shell 1 '"$E" keys >&- 2>&- <&-'

row "a file that cannot be written whole is told"
for what in "attribute -m $M $FACT -o $d/full.run" "edit -m $M $Q $FACT -s $d/full.es" \
    "export -m $M -s $S --as gguf --to $d/full.gguf" "export -m $M -s $S --as delta --to $d/full.delta" \
    "export -m $M -s $S --as lora --to $d/full.lora" "export -m $M -s $S --as json --to $d/full.json" \
    "export -m $M -s $S --as safetensors --to $d/full.folder"; do
    shell 1 "ulimit -f 1; exec \"\$E\" $what >/dev/null"
    err 'write.*(File too large|disk)'
done
shell 0 'ls -A "$d" | grep full || :'
no_out .

# A text that sets a title, opens the clipboard, clears the screen, turns its direction; in every
# place where a user or a file can put one.
BAD=$(printf 'A\033]0;x\007\302\233 2J\177\342\200\256B\r\nC')
acts() { # COMMAND…: what of its output could act on a terminal, or is no UTF-8
    "$E" "$@" >"$d/all" 2>&1 </dev/null
    LC_ALL=C grep -nP '[\x00-\x08\x0b-\x1f\x7f]|\xc2[\x80-\x9f]|\xe2\x80[\x8b\x8e\x8f\xa8-\xae]|\xe2\x81[\xa0-\xaf]' \
        "$d/all" && echo "  by: $*"
    iconv -f UTF-8 -t UTF-8 "$d/all" >/dev/null || echo "  no UTF-8, by: $*"
}
hostile() {
    acts "$BAD"
    acts "--$BAD"
    acts query "--$BAD"
    for json in "" --json; do
        acts tokens -m "$M" $json "$BAD"
        acts query -m "$M" $json -n 3 "$BAD"
        acts query -m "$M" $json --neuron "$BAD" hi
        acts query -m "$M" $json --state "$BAD" hi
        acts query -m "$d/$BAD" $json hi
        acts query -m "$M" $json --device "$BAD" hi
        acts query -m "$M" $json --set "$BAD=1" hi
        acts query -m "$M" $json --set "edit.method=$BAD" hi
        acts query -m "$M" $json --config "$d/$BAD" hi
        acts query -m "$M" $json --config "$d/bad.config" hi
        acts query -m "$M" $json --preset "$BAD" hi
        acts query -m "$M" $json --memory "$BAD" hi
        acts query -m "$M" $json --temperature-sample "$BAD" hi
        acts attribute -m "$M" $json --subject "$BAD" --prompt "{} is in" --target "$BAD"
        acts attribute -m "$M" $json $FACT -o "$d/no/$BAD"
        acts attribute -m "$M" $json $FACT --prefixes "$d/bad.config"
        acts edit --preview -m "$M" $Q $json --subject "$BAD" --prompt "no subject" --target x
        acts edit --preview -m "$M" $Q $json --triple "$BAD | $BAD | $BAD"
        acts edit --preview -m "$M" $Q $json --fact "$d/bad.json"
        acts edit -m "$M" $Q $json --facts "$d/bad.json" -s "$d/$BAD.es" --probe
        acts log -m "$M" $json -s "$d/$BAD.es"
        acts diff -m "$M" $json -s "$d/$BAD.es" --from 0 --to 1
        acts bisect -m "$M" $json -s "$d/$BAD.es" "$BAD" --expect "$BAD"
        acts sweep -m "$M" $Q $json --grid "alpha_ge=.1" --data "$d/bad.json"
        acts sweep -m "$M" $Q $json --grid "$BAD=.1" $FACT
        acts export -m "$M" $json -s "$d/$BAD.es" --as json --to "$d/$BAD.json" --force
        acts export -m "$M" $json -s "$d/$BAD.es" --as "$BAD" --to "$d/x"
        acts apply -m "$M" $json -s "$d/x.es" "$d/$BAD"
        acts stats -m "$M" $json --text "$d/$BAD"
        acts relations $json "$BAD"
        acts themes $json check "$d/$BAD"
        acts themes $json --theme-dir "$d/$BAD"
        acts themes $json check "$d/bad.config"
        acts keys $json --config "$d/bad.config"
        acts pull $json "$BAD"
        acts models $json
        acts replay $json "$d/$BAD"
        acts view $json "$d/$BAD"
        acts completions "$BAD"
    done
}
row "no text acts on a terminal, whatever command quotes it"
printf '%s = 1\n[%s]\n[keys]\n%s = x\nquit = %s\n' "$BAD" "$BAD" "$BAD" "$BAD" >"$d/bad.config"
cat >"$d/bad.json" <<'END'
[{"subject": "A\u001b]0;x\u0007\u009b2J\u007f\u202eB", "prompt": "{} is\u001b[31m in", "target_new": "y\u001b[2J\u0000z",
  "ground_truth": "o\u001b[2J", "rephrase": "Where is\u001b[1m A\u001b]0;x\u0007\u009b2J\u007f\u202eB? In"}]
END
sed 's/.u0000//' "$d/bad.json" >"$d/part" && mv "$d/part" "$d/bad.json"
run 0 hostile
no_out .
no_err .

row "texts are cut between characters"
long=$(printf '東京%.0s' 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30)
cut() {
    for shift in "" a ab; do
        acts edit --preview -m "$M" $Q --subject 北京 --prompt "$shift$long" --target x
        acts edit --preview -m "$M" $Q --subject 北京 --prompt "{}$shift$long" --target "$shift$long"
        acts query -m "$M" --neuron "$shift$long" hi
        acts query -m "$d/$shift$long" hi
        acts relations "$shift$long"
    done
}
run 0 cut
no_out .

row "no next tokens are none"
run 0 "$E" query -m "$M" --top 0 -n 2 hi
no_out '%'
run 0 "$E" query -m "$M" --top 0 -n 2 hi --json
out '"next":\[\]'

row "numbers and words agree"
run 0 "$E" verify -m "$M" -s "$S"
out '^1 edit rebuilt'
run 0 "$E" export -m "$M" -s "$S" --as gguf --to "$d/words.gguf" --force
no_out 'as as'

row "doctor says what the screen makes of the terminal"
for term in nonsense dumb; do
    run 4 env TERM=$term COLORTERM= LC_ALL=C "$E" doctor -m "$M"
    out "^BAD +terminal +TERM=$term "
    out '^ok +glyphs +ASCII \(LC_ALL=C\)'
done
run 0 env TERM=foot COLORTERM= LC_ALL=C.UTF-8 "$E" doctor -m "$M"
out '^ok +terminal +TERM=foot.*xterm-256color|^ok +terminal +TERM=foot$'
out '^ok +colours +24-bit colour \(TERM=foot\)'
out '^ok +glyphs +UTF-8 with braille'
run 0 env TERM=xterm COLORTERM=truecolor "$E" doctor -m "$M"
out '^ok +terminal +TERM=xterm$'
out '^ok +colours +24-bit colour \(COLORTERM=truecolor\)'
