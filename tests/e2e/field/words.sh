# What commands say about themselves and their results: each its own meaning, nothing misleading.
S=$d/words.es
run 3 "$E" edit -q -m "$M" $Q $FACT -s "$S"

row "an option's help is about the command that was asked"
for of in 'stats:-n, --tokens N +Number of tokens to sum over' \
    'query:-n, --tokens N +Number of tokens to generate' \
    'diff:--to N +The later state' \
    'bisect:--to N +The later state: after edit N; default: the last edit' \
    'export:--to PATH +The file or folder to make' \
    'export:--force +Replace an existing target' \
    'apply:--force +Add a delta that the session already has' \
    'export:--state WHICH +Model state: base, edited or edit:N' \
    'attribute:--top K +Number of neurons per layer' \
    'query:--top K +Number of next tokens' \
    'log:--edit N +Show all about this edit'; do
    run 0 "$E" "${of%%:*}" --help
    out "${of#*:}"
    no_out '^ .*(export|bisect|apply|stats): '
done

row "as many neurons as asked for"
run 0 "$E" attribute -q -m "$M" $FACT --top 3
out '^ +0 .* [0-9]+ [0-9]+ [0-9]+ *$'
run 0 "$E" attribute -q -m "$M" $FACT --top 1
out '^ +0 .*\.[0-9]+  [0-9]+ *$'
run 0 "$E" attribute -q -m "$M" $FACT --top 0
out '^ +0 .*\.[0-9]+ *$'

row "doctor tells what a file stores and what is computed in"
run 0 "$E" doctor -m "$M"
out 'stored as [A-Z0-9_]+, computed in [A-Z0-9_]+'
no_out ' 0\.00 GB'

row "no size is 0.0 MB"
run 0 "$E" export -q -m "$M" -s "$S" --as lora --to "$d/lora"
out ', [0-9.]+ (kB|MB), '
no_out ' 0\.0 MB'

row "six hexadecimal digits after # are a comment, and quotes keep a #"
printf 'ratio.ge.a = 0.2 #facade\nratio.sp.a = "0.3" # quoted\n' >"$d/comment.conf"
run 0 "$E" config --config "$d/comment.conf"
out '^ratio\.ge\.a = 0\.2'
out '^ratio\.sp\.a = 0\.3'
