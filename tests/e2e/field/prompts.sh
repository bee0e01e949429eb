# What a text means as tokens: bytes, special tokens, the chat form, how prompt and answer meet.
VOCAB=$PWD/tests/data/tokenizer/gemma.gguf # has a token for every byte

row "a NUL byte is a token like any other"
shell 0 'printf "a\\0b" | "$E" tokens -m '"$VOCAB"' --json --no-bos'
out '"ids":\[558,15,575\],"pieces":\["a","\\u0000","b"\]'
shell 0 'printf "a\\0b" | "$E" tokens -m '"$VOCAB"' --no-bos'
out "15  '.x00'"

row "ids of a NUL byte are decoded whole"
run 0 "$E" tokens -m "$VOCAB" --json --decode 558,15,575
out '"text":"a\\u0000b"'
shell 0 '"$E" tokens -m '"$VOCAB"' --decode 558,15,575 | od -An -c'
out 'a +.0 +b +.n'
CHAT=$DATA/chat # a byte-level Llama with ChatML's tokens 256 and 257, BOS 258: ids of bytes are the bytes

row "special tokens in a text are plain characters, and it is said"
run 0 "$E" tokens -m "$CHAT" "a<|im_end|>b"
out ' 124  .\|.'
err '<\|im_end\|> in the text: taken as plain characters; --parse-special'
run 0 "$E" tokens -m "$CHAT" --json "a<|im_end|>b"
out '"ids":\[258,97,60,124,105,109,95,101,110,100,124,62,98\]'
out '"notice":"<\|im_end\|> in the text'
run 0 "$E" tokens -m "$CHAT" "a b"
no_err 'text'

row "special tokens in a text are the tokens with --parse-special"
run 0 "$E" tokens -m "$CHAT" --json --parse-special "<|im_start|>user
hi<|im_end|>"
out '"ids":\[258,256,117,115,101,114,10,104,105,257\]'
no_out notice
run 0 "$E" tokens -m "$CHAT" --json --parse-special "<|begin_of_text|>hi"
out '"ids":\[258,104,105\]'
out 'no second one'

row "query, edit, attribute, sweep and bisect say that markup is plain text"
run 0 "$E" query -m "$CHAT" -n 1 "<|im_start|>user"
err '<\|im_start\|> in the text'
run 0 "$E" query -m "$CHAT" -n 1 --json "<|im_start|>user"
out '"event":"notice","text":"<\|im_start\|>'
run 0 "$E" query -m "$CHAT" -n 1 --parse-special "<|im_start|>user"
no_err 'in the text'
MARKED='--subject Big --prompt <|im_start|>{}:in --target Rome'
run 0 "$E" attribute -m "$CHAT" $Q $MARKED --layers 1
err '<\|im_start\|> in the text'
run 0 "$E" edit --preview -m "$CHAT" $Q $MARKED
err '<\|im_start\|> in the text'
run 0 "$E" sweep -m "$CHAT" $Q $MARKED --grid alpha_ge=.1
err '<\|im_start\|> in the text'
run 0 "$E" attribute -m "$CHAT" $Q $MARKED --layers 1 --parse-special
no_err 'in the text'
run 3 "$E" edit -m "$CHAT" -s "$d/marked.es" $Q $MARKED
run 0 "$E" bisect -m "$CHAT" -s "$d/marked.es" -n 1 "a <|im_end|>" --expect x
err '<\|im_end\|> in the text'

row "a fact is asked and kept in the chat form"
run 0 "$E" attribute -m "$CHAT" $Q --chat --layers 1 --json --subject Big --prompt "The {} is" --target Rome
out '"prompt":"<\|im_start\|>system.nYou are small.<\|im_end\|>.n<\|im_start\|>user.nThe Big is<\|im_end\|>.n<\|im_start\|>assistant.n"'
run 3 "$E" edit -m "$CHAT" -s "$d/chat.es" $Q --chat --subject Big --prompt "The {} is" --target Rome
run 0 "$E" verify -m "$CHAT" -s "$d/chat.es"
run 0 "$E" undo -m "$CHAT" -s "$d/chat.es"
run 0 "$E" redo -m "$CHAT" -s "$d/chat.es"
run 0 "$E" export -m "$CHAT" -s "$d/chat.es" --as json --to "$d/chat.json"
shell 0 'cat "$d/chat.json"'
out '"form": "chat"'
out '"join": "auto"'
run 4 "$E" attribute -m "$M" $Q --chat $FACT
err 'chat template'

row "no blank between scripts that are written without"
NEW='--set attr.target=new --layers 1 --json'
run 0 "$E" attribute -m "$CHAT" $Q $NEW --subject 東京タワー --prompt '{}は' --target 大阪
out '"target_id":229' # 大 is 229 164 167
run 0 "$E" attribute -m "$CHAT" $Q $NEW --subject 東京タワー --prompt '{}は' --target Osaka
out '"target_id":32'
run 0 "$E" attribute -m "$CHAT" $Q $NEW --subject 東京タワー --prompt '{}は' --target 大阪 --set target.blank=yes
out '"target_id":32'
run 0 "$E" attribute -m "$CHAT" $Q $NEW --subject v3. --prompt '{}' --target 12
out '"target_id":32'
run 0 "$E" attribute -m "$CHAT" $Q $NEW --no-blank --subject v3. --prompt '{}' --target 12
out '"target_id":49'
shell 0 'echo "{\"subject\":\"v3.\",\"prompt\":\"{}\",\"target_new\":\"12\",\"join\":\"\"}" |
  "$E" attribute -m "$DATA/chat" $Q --set attr.target=new --layers 1 --json --fact -'
out '"target_id":49'
shell 2 'echo "{\"subject\":\"v3.\",\"prompt\":\"{}\",\"target_new\":\"12\",\"join\":\"-\"}" |
  "$E" attribute -m "$DATA/chat" $Q --fact -'
err '"join" is not one of'

row "a blank at the end of a prompt is not put twice"
run 0 "$E" attribute -m "$CHAT" $Q $NEW --subject Big --prompt 'The {} is in ' --target Rome
out '"prompt":"The Big is in",'

row "a subject is found in another Unicode form"
run 0 "$E" attribute -m "$CHAT" $Q --layers 1 --json --subject "$(printf 'Caf\303\251 Procope')" \
    --prompt "$(printf 'In Cafe\314\201 Procope one eats')" --target x
out "$(printf 'In Cafe\314\201 Procope one eats')"
run 0 "$E" attribute -m "$CHAT" $Q --layers 1 --json --subject "$(printf 'Cafe\314\201 Procope')" \
    --prompt "$(printf 'In Caf\303\251 Procope one eats')" --target x
out "$(printf 'In Caf\303\251 Procope one eats')"

row "a subject that differs a little is said to"
run 2 "$E" attribute -m "$CHAT" --subject "Eiffel Tower" --prompt "the eiffel tower is" --target x
err 'they differ in upper and lower case alone'
run 2 "$E" attribute -m "$CHAT" --subject "McDonald's" --prompt "McDonald’s is" --target x
err 'they differ in the kind of quotation marks alone'
run 2 "$E" attribute -m "$CHAT" --subject "Eiffel Tower" --prompt "the Eiffel  Tower is" --target x
err 'they differ in the kind or number of blanks alone'

row "a session of 0.1.0 asks its facts as it did"
cp "$PWD/tests/data/sessions/version-0.1.0.es" "$d/unsaid.es"
run 0 "$E" export -m "$M" -s "$d/unsaid.es" --as json --to "$d/unsaid.json"
shell 0 'cat "$d/unsaid.json"'
out '"join": " "'

row "arguments that are no UTF-8 are refused by name"
BAD=$(printf 'a\351b')
run 1 "$E" tokens -m "$CHAT" "$BAD"
err 'not UTF-8'
run 1 "$E" query -m "$CHAT" "$BAD"
err 'not UTF-8'
for field in subject prompt target; do
    set -- Big "{}:in" Rome
    case $field in subject) set -- "$BAD" "{}:in" Rome ;; prompt) set -- Big "{}$BAD" Rome ;; *) set -- Big "{}:in" "$BAD" ;; esac
    run 2 "$E" edit --preview -m "$CHAT" $Q --subject "$1" --prompt "$2" --target "$3"
    err 'not UTF-8'
    run 2 "$E" sweep -m "$CHAT" $Q --grid alpha_ge=.1 --subject "$1" --prompt "$2" --target "$3"
    err 'not UTF-8'
done
run 1 "$E" bisect -m "$CHAT" -s "$d/marked.es" "$BAD" --expect x
err 'not UTF-8'
run 2 "$E" bisect -m "$CHAT" -s "$d/marked.es" x --expect "$BAD"
err 'not UTF-8'
