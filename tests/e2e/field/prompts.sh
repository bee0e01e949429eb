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
