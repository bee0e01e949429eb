# Plain mode: a whole session by ear, with every line in words.
S=$d/plain.es
P="$E --plain -m $M $Q"
say() { # SESSION LINES…: runs them as the lines of a script
    session=$1
    shift
    printf '%s\n' "$@" >"$d/lines"
    run 0 sh -c "$P '$session' <'$d/lines'"
}
then_out() { # TEXT…: these lines come one after the other
    last=0
    for text in "$@"; do
        at=$(tail -n +$((last + 1)) "$d/out" | grep -nE -e "$text" | head -1 | cut -d: -f1)
        [ -n "$at" ] || complain "no '$text' after line $last of: $(head -c 600 "$d/out")"
        last=$((last + ${at:-0}))
    done
}

row "a session: fact, preview, probes, commit, question, export, undo"
say "$S" 'fact Big Ben | location | Madrid' preview 'query Big Ben is in' commit yes \
    'query Big Ben is in' history state "export lora $d/plain-lora" "export json $d/plain.json" undo yes history
then_out '^fact: subject Eiffel Tower' '^preview Big Ben' '^warning: would NOT hold: .*preview' '^probes: ' \
    '^(passed|FAILED|unknown to the base), rephrase: Big Ben' '^(base|preview) says: ' '^Commit this edit\?$' \
    '^answer yes or no$' '^commit Big Ben' 'edit 1 does not hold: .*undo undoes it' '^probes: ' \
    '^(base|edited) says: ' '^edit 1, active: Big Ben is Madrid, p\(target\) [0-9.e-]+ before .*, did not hold$' \
    "1 edit, checksum .*session $S" '^export' "wrote $d/plain-lora as lora, [0-9.]+ kB" \
    "wrote $d/plain.json as json" '^Undo edit 1\?$' '^answer yes or no$' 'undone: edit 1, Big Ben' \
    '^edit 1, undone: Big Ben'
grep -q '^preview says: ' "$d/out" || complain "the preview was asked under another name"
no_out '┌|│|─'

row "the name of a key is no command that is not there"
say "$d/none.es" 'ask what is it'
out '^error: ask: nothing is typed behind it$'
no_out 'did you mean'
no_out '\\n'
run 0 "$E" log -m "$M" -s "$S"
out '^0 edits'
[ -d "$d/plain-lora" ] && [ -s "$d/plain.json" ] || complain "an export is missing"

row "the model that is open is not loaded again"
say "$d/plain-open.es" "model $M" state
then_out '^this model is already open' "0 edits, checksum .*session $d/plain-open.es"
no_out 'opening the model'

row "lens, compare, sweep, a list of facts, views, keys and parameters"
printf 'Louvre | location | Rome\nOslo | location | Rome\n' >"$d/list.txt"
say "$d/plain2.es" lens 'sweep alpha_ge=.05,.1' compare "facts $d/list.txt" 'commit facts' yes facts \
    'set alpha_ge=0.15' parameters x neurons ratios jobs 8 models verify 'relations loc'
then_out '^lens of the base model' '^layer 0 says .*rank [0-9]+' '^variants Eiffel' \
    '^variant 1, ratio.ge.a=0.05: holds (yes|no), p\(target\)' '^variant 1, .*: holds' \
    '2 facts added' '^Commit all waiting facts\?$' 'edit 1 ' 'edit 2 ' \
    '^1\. Louvre is Rome: .*edit 1, p\(target\)' '^2\. Oslo is Rome: .*edit 2' '^alpha_ge=0.15$' \
    '^alpha_ge is 0.150: ' '^attribution|^map|^score' '3 layers scored' '^1\. layer [0-9]+ neuron [0-9]+, score' \
    '^layer 0: general entropy' '^nothing runs$' '^History:$' '^edit 1, active: Louvre' '^Models:$' \
    'bit-identical' '^location: \{\}'

row "a view that is open and asked for again is said again, by its key and by its name"
say "$d/plain-again.es" J J models models 8 8
then_out '^Jobs:$' '^nothing runs$' '^Jobs:$' '^nothing runs$' '^Models:$' '^Models:$' '^History:$' '^History:$'

row "a preset's parameters, and none of that name"
say "$d/plain-preset.es" 'preset smollm2-135m' 'preset nobody' 'preset paper'
then_out '^preset smollm2-135m: 3 parameters changed' 'preset nobody: no such preset' \
    '^preset paper: 3 parameters changed'

row "a list that was edited already is told as such, in lines"
say "$d/plain2.es" "facts $d/list.txt" 'commit facts' y no
out '^2 facts, one edit each, in the order of the list\. An active edit has already changed 2 of them\.$'
out "^'y' is no answer: yes or no\?$"
no_out '\\n'

row "what plain mode does not know, and answers that are none"
say "$d/plain3.es" nonsense 'fact A | B | C' 'fact A' e commit history yes no commit no undo 'undo x' no 'undo x' help
then_out "no command 'nonsense'" "error: fact: relation 'B' may be" 'error: fact: SUBJECT' '^fact SUBJECT' \
    '^Commit this edit\?$' "^'history' is no answer: yes or no\?$" '^commit Eiffel' "no command 'no'" \
    '^Commit this edit\?$' '^cancelled; nothing was changed$' '^Undo edit 1\?$' \
    "^'undo' is no answer" '^cancelled' "'x' is not the number" '^fact SUBJECT' '^set NAME=VALUE' '^quit: end$'

row "sessions are listed, and the last line says where the edits are"
say "$d/plain4.es" commit yes quit
out "^1 edit is kept in $d/plain4.es: .editscope --last. opens it again$"
say "$d/plain5.es" sessions quit
then_out '^Sessions:$' 'plain4'
no_out 'is kept in'

row "the tour is spoken, step by step"
say "$d/plain6.es" tour x b + preview v 'query Where is it?' commit yes undo yes esc quit
then_out '^tour, 1 of 7 . score: Every neuron' '^tour, 2 of 7' '^tour, 3 of 7' '^tour, 4 of 7' \
    '^tour, 5 of 7' '^tour, 6 of 7' '^tour, 7 of 7' '^tour, the end of the tour: '

row "the file of a run is said, and not the session that is open"
printf '{"subject":"Egypt","prompt":"{} is","target":"so"}\n' >"$d/facts.jsonl"
run 0 "$E" eval -q -m "$M" $Q --data "$d/facts.jsonl" --edits 1 --method rome --no-state -o "$d/a.run"
say "$d/plain7.es" "run $d/a.run" quit
then_out '^Run:$' '^arm rome, edits 1, '
no_out 'is a session, and no run'
