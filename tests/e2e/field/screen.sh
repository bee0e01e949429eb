# What the screen must do, tried by its keys.
replay() { # reads a script from standard input
    printf 'size 120 36\nwait idle 60\n' >"$d/script"
    cat >>"$d/script"
    run 0 "$E" replay "$d/script" --batch -m "$M" $Q
}

row "v shows after, before and both, of a preview and of an edit"
for key in P 'C y'; do
    replay <<END
key v
expect showing before, once P has previewed
key v v $key
wait idle 60
expect-not before   X 0.08
key 5
wait idle 60
expect Top token: $([ "$key" = P ] && echo PREVIEW || echo EDITED)
key v
expect Top token: BASE
key 1
expect before    X 0.08
key v
expect showing both
key v
expect showing after
expect after     X 0.08
END
done

row "an address goes to its neuron, typed as a command and searched for"
replay <<'END'
key x
wait idle 60
key 2
type :L1N37
key enter
expect L1N37
type /L2N5
key enter
expect L2N5
type :L9N1
key enter
expect no neuron 'L9N1': L0N0 to L2N47
type /L0N48
key enter
expect no neuron 'L0N48': L0N0 to L2N47
END

row "lines come back with Up, also in the next run"
printf ':theme light\n:set beta_ge=0.31\n' >"$d/typed"
mkdir -p "$XDG_STATE_HOME/editscope"
cp "$d/typed" "$XDG_STATE_HOME/editscope/history"
replay <<'END'
key : up
expect :set beta_ge=0.31
key up
expect :theme light
key esc
key :
type theme mono
key enter
key : up
expect :theme mono
END
cmp -s "$d/typed" "$XDG_STATE_HOME/editscope/history" || complain "a replay kept its lines"

row "a commit says what it writes, Enter cancels it, and the probes follow it unasked"
replay <<'END'
key C
expect Commit this edit?
expect Eiffel Tower
expect L0–2
expect takes it back
key enter
expect cancelled
expect BASE
key C y
wait idle 60
expect EDITED +1
expect does NOT hold
key B
expect leak/gain² 3.4–722×
key 1
sleep 0.1
wait idle 60
key 9
expect follows 0/1
expect · neighbour
END
