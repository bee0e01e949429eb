# Files of version 0.1.0 are read as they were: a session and a delta.
# The numbers are in tests/data/sessions/README.md.
OLD=$PWD/tests/data/sessions

row "a session of 0.1.0 verifies"
cp "$OLD/version-0.1.0.es" "$d/old.es"
run 0 "$E" verify -m "$M" -s "$d/old.es"
out '^checksum 0213a27509cacbcf065476f3b24924ff76fa2a5da76f30dbe482a596ef218457$'

row "a session of 0.1.0 answers"
run 0 "$E" query -m "$M" -s "$d/old.es" --json --top 1 -n 3 --state edited "The Eiffel Tower is in"
out '"completion":"&&&"'
out '"logit":1.7142'

row "a session of 0.1.0 answers from its past"
run 0 "$E" query -m "$M" -s "$d/old.es" --json --top 1 -n 3 --state edit:1 "Big Ben stands in"
out '"logit":2.0564'

row "a session of 0.1.0 undoes and redoes to the bit"
run 0 "$E" undo -m "$M" -s "$d/old.es"
run 0 "$E" redo -m "$M" -s "$d/old.es"
out '0213a27509cacbcf'

row "a delta of 0.1.0 is applied"
run 0 "$E" apply -m "$M" -s "$d/applied.es" "$OLD/version-0.1.0-delta"
run 0 "$E" verify -m "$M" -s "$d/applied.es"
