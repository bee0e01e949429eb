# Text fields, dialogs and keys: what is typed never does what was not asked for.
FACTS='Eiffel; {}:in; Rome'

row "Enter types a value of any kind of parameter, a choice too"
replay <<'END'
key o \
type edit.method
key enter
key enter
expect :set edit.method=nmke
key C-u
type memit
key enter
expect edit.method           *memit
END

row "a prompt keeps its sign, and is never closed by being emptied"
replay <<'EOF'
key b =
expect :set beta_ge=0.300
key C-u
expect :set beta_ge=
expect-not :set beta_ge=0
type 0.45
key enter
expect 0.450
key :
type theme
key C-u
type q
expect :q
key bs bs bs bs
type version?
expect :version?
key esc
key /
key bs bs
type foo
expect /foo
key esc
expect-not /foo
EOF

row "Backspace before a value makes the command a text that can be changed"
replay <<'EOF'
key b =
key C-u bs
expect :set beta_ge
key C-u
expect-not :set
type theme light
key enter
expect theme light
EOF

row "the rest of a burst is ignored after a dialog and after a line"
replay <<'EOF'
key C
expect Commit this edit?
burst y e s enter
wait event edited 60
wait idle 60
expect Eiffel Tower
expect-not Eiffel Towers
expect EDITED +1
expect-not Enter accepts
key :
type theme light
burst enter 8
expect 8 came too fast
expect Parameters
key 8
expect History
EOF

row "several facts are committed by the word yes, and by nothing shorter"
replay <<EOF
key 9
paste $FACTS
paste Louvre; The {} is in the city of; Rome
key C
expect type yes
key y enter
expect neither yes nor no
key C-u
expect type yes
key enter
expect cancelled
key C
type yes
key enter
expect running
wait idle 60
expect EDITED +2
EOF

row "one fact takes y, or yes and Enter"
replay <<EOF
key 9
paste $FACTS
key C
expect-not type yes
burst y e s enter
wait idle 60
expect EDITED +1
expect Probes
EOF

row "Esc closes or goes back, and stops nothing"
replay <<'EOF'
key x
key 3 esc ? esc esc esc
wait idle 60
expect-not stopped
expect Neurons
key 6 i enter
wait idle 60
key esc esc esc
expect Query
key 1 P
wait idle 60
expect PREVIEW
key esc esc
expect PREVIEW
EOF

row "an open view goes back where it was opened from"
replay <<'EOF'
key tab tab tab
key enter
expect H_ge
key esc
expect Strongest neurons
key 7 ?
expect Keys and commands
key esc
expect AlphaEdit
key | esc
expect AlphaEdit
EOF

row "quitting says what is lost"
replay <<'EOF'
key P
wait idle 60
key q
expect Quit? This is lost:
expect It is no edit
key n D
wait idle 60
key 9
paste Louvre; The {} is in the city of; Rome
key q
expect 1 fact of the list that waits
key n
EOF

row "a recorded burst plays as it was taken"
cat >"$d/burst" <<'EOF'
size 120 36
wait idle 60
key C
burst y e s enter
wait idle 60
expect EDITED +1
EOF
run 0 "$E" replay "$d/burst" --batch -m "$M" $Q --record "$d/burst.rec"
run 0 "$E" replay "$d/burst.rec" --batch
out 'Eiffel Tower'
no_out 'Eiffel Towers'

row "the rest of a burst is ignored after a dialog was refused"
replay <<'EOF'
key 9 C
expect no fact waits
key 1 9
burst C y e s enter
expect no fact waits
expect-not Eiffel Towers
key 1
expect Eiffel Tower
expect-not Eiffel Towers
expect-not Enter accepts
burst C-r e s enter
expect nothing to redo
expect-not Eiffel Towers
expect-not Enter accepts
burst C y e s enter
wait idle 60
expect EDITED +1
EOF

row "messages name the key that is bound, and where it works"
replay <<'EOF'
key del
expect Del works in Jobs (J)
key J
expect-not Del works in Jobs
key U
expect U works in Neurons (3), History (8) and Sweep (#)
key :
type bind F6 drop
key enter :
type unbind del
key enter 1 F6
expect F6 works in Jobs (J)
key :
type unbind F6
key enter :
type drop
key enter
expect :drop works in Jobs (J)
key :
type bind F7 attribute
key enter :
type unbind x
key enter :
type unbind F5
key enter
expect F7 scores them
expect F7 attribute
EOF

row "masks go both ways with a sentence, Z and R say what they did"
replay <<'EOF'
key M
expect mask general: general neurons only (2 of 14)
key ( ( ( ( (
expect no mask (11 of 14)
key ) ) ) ) M )
expect mask specific: specific neurons only (3 of 14)
key b +
key Z
expect taken back: ratio.ge.b is 0.3, was 0.31
key R
expect parameters as at the start; Z undoes
key Z
expect taken back: mask.mode is specific, was union
EOF

row "a message leaves with what it is about"
replay <<'EOF'
key s
expect scale:
key 3
expect-not scale:
key 1 e C-u enter
expect ✗
key esc
expect-not ✗
key x
wait idle 60
expect layers scored
key e C-u
type Big Ben
key tab C-u
type {} is in
key enter
wait idle 60
expect-not layers scored
key :
type theme nonsense
key enter
expect ✗ theme
key :
type theme light
key enter
expect-not ✗ theme
EOF

row "a failed job is named"
replay <<'EOF'
key e C-u
type aaaaaaaa
key enter
type :set edit.null_frac=0
key enter
wait idle 60
key P
wait idle 60
expect ✗ preview aaaaaaaa → Rome: layer 0: no eigenvalue
EOF
