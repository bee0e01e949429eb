# What a user comes back to: what the screen leaves behind, and how it is found again.

# The screen in a terminal of its own, 36 rows of 120 columns. Standard input: lines of a number of
# seconds to wait and what is typed then (for printf). What the terminal got is in $d/out.
screen() { # STATUS ARGUMENTS…
    status=$1
    shift
    cat >"$d/typed"
    mkfifo "$d/keys"
    while read -r wait typed; do
        sleep "$wait"
        printf "$typed"
    done <"$d/typed" >"$d/keys" &
    run "$status" env TERM=xterm-256color script -qec "stty rows 36 cols 120; '$E' $*" /dev/null <"$d/keys"
    wait
    rm "$d/keys"
}

row "nothing is recorded unasked, and an unnamed session without edits is not kept"
screen 0 -m "$M" $Q <<'END'
1 :q!\r
1
END
[ -z "$(find "$d" -name '*.rec.gz' -o -name '*.es*')" ] || complain "$(find "$d" -type f)"
screen 0 -m "$M" $Q --record "$d/run.rec.gz" <<'END'
1 :q!\r
1
END
gzip -dc <"$d/run.rec.gz" | head -1 | grep -q '"fact":{.*Eiffel' || complain "the recording names no fact"
mkdir -p "$d/config/editscope"
echo "record = $d/every.rec.gz" >"$d/config/editscope/config"
screen 0 -m "$M" $Q <<'END'
1 :q!\r
1
END
[ -s "$d/every.rec.gz" ] || complain "the config file's record was not made"
rm "$d/every.rec.gz"
screen 0 -m "$M" $Q --no-record <<'END'
1 :q!\r
1
END
[ ! -e "$d/every.rec.gz" ] || complain "recorded in spite of --no-record"
rm "$d/config/editscope/config"

row "the end says where the edits are, --last opens them, and their fact is shown"
screen 0 "$d/paris.es" -m "$M" $Q <<'END'
1 e\025Big Ben\t\t\025Madrid\r
0.5 C
0.3 y
2 :q!\r
1
END
out "1 edit is kept in $d/paris.es: .editscope --last. opens it again"
screen 0 --last $Q <<'END'
1.5 :q!\r
1
END
out 'EDITED.*paris.es'
out 'Madrid'
no_out 'Eiffel'
no_err .
screen 2 --last "$d/paris.es" <<'END'
0.1
END
out 'name no other'
run 0 "$E" view "$d/paris.es" --batch
out 'Big Ben'
no_out '[Rr]ecording'

row "a signal says it too, and a start with nothing to open shows what was kept"
mkfifo "$d/signal"
env TERM=xterm-256color script -qec "stty rows 36 cols 120; echo \$\$ >'$d/pid'; exec '$E' '$d/paris.es' $Q" \
    /dev/null >"$d/out" 2>&1 <"$d/signal" &
exec 8>"$d/signal"
sleep 2
kill -TERM "$(cat "$d/pid")"
wait
exec 8>&-
out 'ended by SIGTERM'
out "1 edit is kept in $d/paris.es: .editscope --last. opens it again"
export EDITSCOPE_MODEL="$M"
screen 0 $Q <<'END'
1.5 \r
1.5 :q!\r
1
END
unset EDITSCOPE_MODEL
out 'Sessions and recordings'
out '[+]1.*Big Ben → Madrid'
out 'EDITED.*paris.es'

row "the tour walks one edit, and its steps are known to be done"
cat >"$d/tour.script" <<'END'
wait event state
wait idle
key :
type tour
key enter
expect 1 of 7
expect [ x ]
key x
wait idle
expect 2 of 7
key b + +
expect 3 of 7
key P
wait idle
expect 4 of 7
key v
expect 5 of 7
key i
type What is
key enter
wait idle
expect 6 of 7
key esc
expect Parameters
expect 6 of 7
key C
key y
wait idle
expect 7 of 7
key u
key y
wait idle
expect the end of the tour
key esc
expect-not the end of the tour
key :
type tour
key enter
expect 2 of 7
key esc
expect the tour has ended
END
run 0 "$E" replay --batch "$d/tour.script" -m "$M" $Q

row "K explains the words of a pane, and lets other keys through"
cat >"$d/words.script" <<'END'
wait event state
wait idle
key K
expect In words
expect scaler gen.
key j K
expect-not In words
key tab tab K
expect H_ge
expect-not scaler gen.  α
key x
wait idle
expect-not In words
expect layers scored
key :
type terms
key enter
expect The words of the screen
key G
expect checksum
key esc
expect-not The words
END
run 0 "$E" replay --batch "$d/words.script" -m "$M" $Q
