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
