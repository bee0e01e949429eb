# What one table says about events and commands, as the screen shows it.

row "the screen says how a special token in a question was taken"
cat >"$d/script" <<'END'
size 120 36
wait event look 60
wait idle 60
key :
type query The <|endoftext|> is in
key enter
wait event answer 60
wait idle 60
key L
expect <|endoftext|> in the text: taken as plain characters
expect-not (null)
END
run 0 "$E" replay "$d/script" --batch -m "$M"

row "--plain takes an edit's number as the screen does, and says what is no fact"
shell 0 'printf "undo x\nset nonsense\nfact a\nfact Eiffel | {}:in | Rome\nquit\n" | "$E" --plain -m "$M"'
out "^error: undo: 'x' is not the number of an edit"
out "^error: set: 'nonsense' is not NAME=VALUE"
out "^error: fact: SUBJECT . PROMPT . OBJECT"
out "^fact: subject Eiffel. prompt \{\}:in. new object Rome"

row "--plain asks in lines, and lists every word that it takes"
shell 0 'printf "help\nquery\ncommit\nno\nquit\n" | "$E" --plain -m "$M"'
out "^attribute: score the neurons"
out "^error: query: needs a text"
out "^It writes columns of L0–2"
out "^cancelled; nothing was changed"
