# What a user comes back to: what the screen leaves behind, and how it is found again.

# Waits until the terminal got TEXT after this many bytes of $d/out; 20 seconds at most.
said() { # BYTES TEXT
    for _ in $(seq 400); do
        if tail -c +$(($1 + 1)) "$d/out" | grep -qF -e "$2"; then return 0; fi
        sleep 0.05
    done
    echo "$2" >>"$d/unsaid"
}

# The screen in a terminal of its own, 36 rows of 120 columns. Standard input: lines of SECONDS
# TEXT|TYPED: when the terminal got TEXT, after what was typed last, and so many seconds went by,
# TYPED is typed (for printf). What the terminal got is in $d/out.
screen() { # STATUS ARGUMENTS…
    status=$1
    shift
    cat >"$d/typed"
    : >"$d/out"
    rm -f "$d/unsaid"
    mkfifo "$d/keys"
    {
        from=0
        while IFS='|' read -r when typed; do
            said "$from" "${when#* }"
            sleep "${when%% *}"
            [ -z "$typed" ] || from=$(wc -c <"$d/out")
            printf "$typed"
        done
        [ "$from" = 0 ] || said "$from" '[?1049l'
    } <"$d/typed" >"$d/keys" &
    run "$status" env TERM=xterm-256color script -qec "stty rows 36 cols 120; '$E' $*" /dev/null <"$d/keys"
    wait
    rm "$d/keys"
    [ ! -e "$d/unsaid" ] || complain "never said: $(cat "$d/unsaid")"
}

row "nothing is recorded unasked, and an unnamed session without edits is not kept"
screen 0 -m "$M" $Q <<'END'
0 BASE|:q!\r
END
[ -z "$(find "$d" -name '*.rec.gz' -o -name '*.es*')" ] || complain "$(find "$d" -type f)"
screen 0 -m "$M" $Q --record "$d/run.rec.gz" <<'END'
0 BASE|:q!\r
END
gzip -dc <"$d/run.rec.gz" | head -1 | grep -q '"fact":{.*Eiffel' || complain "the recording names no fact"
mkdir -p "$d/config/editscope"
echo "record = $d/every.rec.gz" >"$d/config/editscope/config"
screen 0 -m "$M" $Q <<'END'
0 BASE|:q!\r
END
[ -s "$d/every.rec.gz" ] || complain "the config file's record was not made"
rm "$d/every.rec.gz"
screen 0 -m "$M" $Q --no-record <<'END'
0 BASE|:q!\r
END
[ ! -e "$d/every.rec.gz" ] || complain "recorded in spite of --no-record"
rm "$d/config/editscope/config"

row "the end says where the edits are, --last opens them, and their fact is shown"
screen 0 "$d/paris.es" -m "$M" $Q <<'END'
0 BASE|e\025Big Ben\t\t\025Madrid\r
0.5 Madrid|C
0 Commit this edit?|y
0.5 does NOT hold|:q!\r
END
out "1 edit is kept in $d/paris.es: .editscope --last. opens it again"
screen 0 --last $Q <<'END'
0 EDITED|
0 Madrid|:q!\r
END
out 'EDITED.*paris.es'
out 'Madrid'
no_out 'Eiffel'
no_err .
screen 2 --last "$d/paris.es" </dev/null
out 'name no other'
run 0 "$E" view "$d/paris.es" --batch
out 'llama 3×48'
out 'Big Ben'
no_out '[Rr]ecording'

row "a signal says it too, and a start with nothing to open shows what was kept"
mkfifo "$d/signal"
: >"$d/out"
env TERM=xterm-256color script -qec "stty rows 36 cols 120; echo \$\$ >'$d/pid'; exec '$E' '$d/paris.es' $Q" \
    /dev/null >"$d/out" 2>&1 <"$d/signal" &
exec 8>"$d/signal"
said 0 EDITED
kill -TERM "$(cat "$d/pid")"
wait
exec 8>&-
[ ! -e "$d/unsaid" ] || complain "never said: $(cat "$d/unsaid")"
out 'ended by SIGTERM'
out "1 edit is kept in $d/paris.es: .editscope --last. opens it again"
export EDITSCOPE_MODEL="$M"
screen 0 $Q <<'END'
0 Sessions and recordings|
0 → Madrid|\r
0 EDITED|:q!\r
END
unset EDITSCOPE_MODEL
out 'Sessions and recordings'
out '[+]1.*Big Ben → Madrid'
out 'EDITED.*paris.es'
