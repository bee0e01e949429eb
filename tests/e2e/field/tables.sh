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
