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
