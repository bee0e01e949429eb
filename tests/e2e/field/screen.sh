# What the screen must do, tried by its keys.

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

row "what a preview found leaves when a parameter moves"
replay <<'END'
key P
wait idle 60
expect hold: p(target)
key b +
expect-not hold: p(target)
expect of other parameters
END

row "the question's box shows what was asked, also by :query"
replay <<'END'
key 6
key i
type Rome is in
key enter
wait idle 60
expect Rome is in
type :query Oslo is in
key enter
wait idle 60
expect Oslo is in
expect-not Rome is in
key i
type Lima
key esc
expect Lima
END

row "a parameter of masks says that the method has none"
replay <<'END'
key M
expect-not no effect
type :set edit.method=memit
key enter
key M
expect no effect: no mask in MEMIT
key T
expect-not no effect
END

row "a fact longer than the model's context says so, and P and C say it again"
replay <<'END'
size 120 36
type :fact Eiffel | {} is in the land of the many wonderful people who live between the sea and the hills | Rome
key enter
within 20 expect more tokens than the 64 the model holds
expect use a shorter text
expect-not reading the prompt
key C
expect this fact cannot be edited: more tokens
expect-not Commit this edit
key esc P
expect this fact cannot be edited: more tokens
type :fact Eiffel | {} is in the land of the many wonderful people | Rome
key enter
within 20 expect 66 with the longest prefix
key C
expect this fact cannot be edited: more tokens
expect-not Commit this edit
type :fact Eiffel | {} is in | Rome
key enter
within 20 expect now says
expect-not more tokens
END

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
run 0 "$E" stats -q -m "$M" $Q # else the edit may be a draft, with other numbers
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
expect leak/gain² 2.6–4229×
key 1 9
within 60 expect follows 0/1
within 60 expect neighbour   ·
END

row "an edit holds, or does not, where EDITED stands, and a preview would where PREVIEW stands"
replay <<'END'
key P
wait event preview 60
expect would NOT hold
expect PREVIEW
key C y
wait event edited 60
expect edit 1
expect does NOT hold
expect EDITED +1
expect-not PREVIEW
END

row "probes of a preview are not asked while its fact is being committed"
printf 'size 120 36\nwait idle 60\nkey x P C y\nwait idle 60\n' >"$d/script"
run 0 "$E" replay "$d/script" --batch -m "$M" $Q --record "$d/run.rec"
shell 0 'zcat -f "$d/run.rec" | grep -o "\"post\":\"[a-z]*\"" | tr -d "\n"'
out '"post":"preview""post":"commit""post":"probe"'
[ "$(grep -o '"probe"' "$d/out" | wc -l)" = 1 ] || complain "probes were asked twice"

row "the verdict of a session's last edit is there at once, and B asks what is not stored"
edit() { "$E" edit -q -m "$M" -s "$d/verdict.es" $Q --subject "$1" --prompt "{} is in" --target Rome >/dev/null 2>&1; }
edit Oslo
edit Paris
said=$("$E" log --json -s "$d/verdict.es" --edit 2 | python3 -c 'import json, sys
print(json.loads(sys.stdin.readline())["said"]["after"])')
printf 'size 120 36\nwait idle 60\n' >"$d/script"
cat >>"$d/script" <<END
type :fact Paris | {} is in | Rome
key enter
wait idle 60
expect ✗ did NOT hold at its commit
expect after      ▸ $said
expect EDITED, edit 2, at its commit
key B
expect measured      at its commit, 20
expect , after edit 1; B asks the states before it and with it now
expect neighbours    not stored: B asks the states before it and with it
key v
expect showing before as far as the session keeps it: B asks now
key v v
expect-not made with
type :set ratio.ge.b=0.7
key enter
expect parameters    made with β_ge 0.3, now 0.7
type :set ratio.ge.b=0.3
key enter
expect-not made with
expect L0: 27 of 48 columns
expect-not rank after
key B
wait idle 60
expect EDITED, edit 2, asked again
expect measured      now, after edit 1 and after edit 2; what it wrote: at its commit, 20
expect verdict     ✗ does NOT hold
expect after       ▸ $said
expect rank after
expect of 1 fact of other edits
expect-not not stored
key u y
wait idle 60
expect Edit 2, which gave the fact this object, is undone: its verdict comes back with C-r
key C-r
wait idle 60
expect EDITED, edit 2, asked again
expect of 1 fact of other edits
END
run 0 "$E" replay "$d/script" --batch -m "$M" $Q -s "$d/verdict.es"
run 0 "$E" verify -m "$M" -s "$d/verdict.es"

row "an undone edit is not said to be redoable once another was made"
cp "$d/verdict.es" "$d/gone.es"
cat >"$d/script" <<'END'
size 120 36
wait idle 60
key 8
expect undone; C-r may redo it
END
"$E" undo -q -m "$M" -s "$d/gone.es" >/dev/null 2>&1
run 0 "$E" replay "$d/script" --batch -m "$M" $Q -s "$d/gone.es"
"$E" edit -q -m "$M" -s "$d/gone.es" $Q --subject Lima --prompt "{} is in" --target Rome >/dev/null 2>&1
cat >"$d/script" <<'END'
size 120 36
wait idle 60
key 8 k
expect undone; not redoable
key C-r
expect edit 2 cannot be redone: another edit was made without it
END
run 0 "$E" replay "$d/script" --batch -m "$M" $Q -s "$d/gone.es"
run 2 "$E" redo -m "$M" -s "$d/gone.es"
err "edit 2 cannot be redone"

row "the page of a commit draws what it was made from, not the weights after it"
cat >"$d/checks.py" <<'END'
import re, sys
page = open(sys.argv[1]).read()
titles = re.findall("<h2>(.*?)</h2>", page)
shown = {t: page.split("<h2>%s</h2>" % t)[1].lstrip().startswith("<svg") for t in titles}
want = sys.argv[2] == "drawn"
for title in "Map", "Ratios and mask":
    assert shown[title] == want, (title, shown)
    assert ("that the edit was made from" in page.split("<h2>%s</h2>" % title)[1][:200]) != want
assert ("ratio.ge.b=0.31" in page) == want and "ratio.ge.b=0.35" not in page
assert ("those that the edit was made from, on BASE." in page) == want
END
replay <<END
type :set beta_ge=0.31
key enter x
wait idle 60
key C y
wait idle 60
type :set beta_ge=0.35
key enter x
wait idle 60
type :export $d/drawn.html
key enter
expect wrote
END
run 0 python3 "$d/checks.py" "$d/drawn.html" drawn
printf 'size 120 36\nwait idle 60\ntype :fact Paris | {} is in | Rome\nkey enter x\nwait idle 60
type :export %s/other.html\nkey enter\nexpect wrote\n' "$d" >"$d/script"
run 0 "$E" replay "$d/script" --batch -m "$M" $Q -s "$d/verdict.es"
run 0 python3 "$d/checks.py" "$d/other.html" gone

row "the tour walks one edit, and its steps are known to be done"
replay <<'END'
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

row "K explains the words of a pane, and lets other keys through"
replay <<'END'
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
expect hyperspherical energy
key esc
expect-not The words
END
