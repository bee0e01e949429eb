# Which model a session is of, and who may read it. What files are called does not count; without
# -m the session's own model is opened; who only reads takes no lock.
OLD=$PWD/tests/data/sessions/version-0.1.0.es
OLD_SUM=0213a27509cacbcf065476f3b24924ff76fa2a5da76f30dbe482a596ef218457
s="$d/own.es"
mkdir "$d/own"
here() { (cd "$d/own" && "$@"); } # where nothing else lies
one() { "$E" edit -q --json $Q --method memit "$@" >/dev/null 2>&1; } # an edit that need not hold
setting() { # FILE NAME
    python3 -c 'import sqlite3, sys
print(sqlite3.connect(sys.argv[1]).execute("SELECT value FROM settings WHERE name = ?",
    (sys.argv[2],)).fetchone()[0])' "$@"
}

# --- identity -----------------------------------------------------------------------------------
row "a model under another name, a copy and links of it are the same model"
one -m "$M" -s "$s" $FACT
cp "$M" "$d/own/Another Name.gguf"
ln -s "$M" "$d/own/link.gguf"
ln "$d/own/Another Name.gguf" "$d/own/hard.gguf"
for name in "Another Name" link hard; do
    run 0 "$E" verify -m "$d/own/$name.gguf" -s "$s"
    run 0 "$E" query -m "$d/own/$name.gguf" -s "$s" hi
    run 0 "$E" undo -m "$d/own/$name.gguf" -s "$s"
    run 0 "$E" redo -m "$d/own/$name.gguf" -s "$s"
done

row "a session of 0.1.0 opens under another name of its model, read and written"
for name in "Another Name" link; do
    cp "$OLD" "$d/old.es"
    run 0 "$E" verify -m "$d/own/$name.gguf" -s "$d/old.es"
    out "^checksum $OLD_SUM$"
    cmp -s "$OLD" "$d/old.es" || complain "verify has changed the file"
    run 0 "$E" undo -m "$d/own/$name.gguf" -s "$d/old.es"
    run 0 "$E" redo -m "$d/own/$name.gguf" -s "$d/old.es"
    out "$OLD_SUM"
    for again in "$M" "$d/own/hard.gguf"; do # and from then on under every name
        run 0 "$E" verify -m "$again" -s "$d/old.es"
    done
done
run 0 "$E" apply -m "$d/own/hard.gguf" -s "$d/again.es" tests/data/sessions/version-0.1.0-delta

row "a copied folder, and one whose shards are called otherwise, are the same model"
cp -r "$FOLDER" "$d/own/folder"
rm -f "$d/own/folder/model.gguf"
one -m "$d/own/folder" -s "$d/folder.es" $FACT
cp -r "$d/own/folder" "$d/own/elsewhere"
run 0 "$E" verify -m "$d/own/elsewhere/" -s "$d/folder.es"
index="$d/own/elsewhere/model.safetensors.index.json"
[ -f "$index" ] || complain "the folder has no index"
for shard in "$d/own/elsewhere"/model-*.safetensors; do
    name=$(basename "$shard")
    mv "$shard" "$d/own/elsewhere/part-$name"
    sed -i "s/\"$name\"/\"part-$name\"/g" "$index"
done
run 0 "$E" verify -m "$d/own/elsewhere" -s "$d/folder.es"

row "two files of the same content in a folder"
cp "$d/own/folder/tokenizer.json" "$d/own/folder/tokenizer_config.json"
run 5 "$E" verify -m "$d/own/folder" -s "$d/folder.es"
one -m "$d/own/folder" -s "$d/twins.es" $FACT
cp -r "$d/own/folder" "$d/own/twins"
run 0 "$E" verify -m "$d/own/twins" -s "$d/twins.es"

row "another model is refused with both names, both hashes and the place remembered"
cp "$M" "$d/own/changed.gguf"
printf x >>"$d/own/changed.gguf"
for command in verify "query hi" "undo" "export --as delta --to $d/no.delta"; do
    run 5 "$E" $command -m "$d/own/changed.gguf" -s "$s"
    err 'made with .*\([0-9a-f]{12}\), last at /.*, not with .*\([0-9a-f]{12}\)'
    err '\(-m\)'
done

# --- what is stored of an edit ------------------------------------------------------------------
row "log --edit repeats what the commit said: layers, masks, answers, parameters"
"$E" edit -q --json -m "$M" -s "$d/stored.es" $Q --set mask.mode=fixed $FACT >"$d/commit" 2>/dev/null
run 0 "$E" log --json -s "$d/stored.es" --edit 1
cp "$d/out" "$d/logged"
run 0 python3 - "$d/commit" "$d/logged" <<'END'
import json, sys
said = {}
for line in open(sys.argv[1]):
    o = json.loads(line)
    said[o["event"]] = o
log = json.loads(open(sys.argv[2]).readline())
commit, done = said["commit"], said["done"]
assert log["layers"] == commit["layers"] and len(log["layers"]) == 3, log["layers"]
assert all(l["general"] and l["rho_ge"] == .25 for l in log["layers"]), log["layers"]
assert log["z_error"] == commit["z_error"] and log["moments"] == commit["moments"]
assert log["said"] == done["generated"] and log["rewrite_acc"] == done["rewrite_acc"]
assert log["parameters"]["mask.mode"] == "fixed" and log["parameters"]["edit.lambda"] == 1
assert log["changed"] == {"mask.mode": "fixed", "stats.tokens": 3000, "stats.window": 64}
assert log["measured"] and log["forced"] == []
END
run 0 "$E" log -s "$d/stored.es" --edit 1
out 'parameters off default: mask.mode=fixed; stats.tokens=3000; stats.window=64$'
out '^mask rule: mask.mode=fixed; mask.fixed_ge=0.25; '

row "log --edit of a session of 0.1.0 reads sizes and norms off the change"
cp "$OLD" "$d/old.es"
run 0 "$E" log --json -s "$d/old.es" --edit 1
cp "$d/out" "$d/logged"
run 0 python3 - "$d/old.es" "$d/logged" <<'END'
import array, json, math, sqlite3, sys
log = json.loads(open(sys.argv[2]).readline())
rows = sqlite3.connect(sys.argv[1]).execute(
    "SELECT layer, rank, scale, r, x, weight FROM deltas WHERE edit = 1 ORDER BY place").fetchall()
floats = lambda blob: array.array("f", blob)
assert len(rows) == len(log["layers"]) == 3 and not log["measured"]
for (layer, rank, scale, r, x, w), l in zip(rows, log["layers"]):
    assert rank == 1
    r, x, w = floats(r), floats(x), floats(w)
    norm = math.hypot(*r) * math.hypot(*(scale * a * b for a, b in zip(x, w)))
    assert (l["layer"], l["kept"]) == (layer, sum(a > 0 for a in w)), l
    assert abs(l["delta_norm"] / norm - 1) < 1e-5, (l["delta_norm"], norm)
    assert l["gain"] is None and l["leak_ratio"] is None, l
END
cmp -s "$OLD" "$d/old.es" || complain "log has changed the file"

# --- which model without -m ---------------------------------------------------------------------
row "without -m every command opens the session's own model"
run 0 "$E" export -m "$M" -s "$s" --as delta --to "$d/own.delta"
for command in verify log "query hi" "query --state edit:1 hi" "diff --from 0 --to 1" \
    "bisect --expect x hi" "attribute $FACT" "sweep $Q --grid alpha_ge=.05,.2 $FACT" \
    "edit --preview $Q $FACT" undo redo "export --as delta --to $d/own/mine.delta" \
    "apply --force $d/own.delta"; do
    run 0 here "$E" $command -s "$s"
done
run 0 here "$E" export "$s" --as json --to "$d/own/mine.json"
grep -q "\"path\": \"/" "$d/own/mine.json" || complain "the journal does not name the path"
printf 'size 100 30\nkey 8\nwait idle 60\nexpect Rome\n' >"$d/own.script"
run 0 here "$E" replay "$d/own.script" --batch -s "$s"

row "a model named by a relative path is found from anywhere"
cp "$M" "$d/own/near.gguf"
for path in near.gguf ./near.gguf .//near.gguf ../own/near.gguf; do
    rm -f "$d/near.es"
    (cd "$d/own" && one -m "$path" -s "$d/near.es" $FACT)
    run 0 "$E" verify -s "$d/near.es"
    case $(setting "$d/near.es" model.path) in
    /*near.gguf) ;;
    *) complain "-m $path is remembered as $(setting "$d/near.es" model.path)" ;;
    esac
done
(cd "$d/own/folder" && one -m . -s "$d/dot.es" $FACT)
run 0 "$E" verify -s "$d/dot.es"

row "-m, then the session's model, then EDITSCOPE_MODEL"
EDITSCOPE_MODEL=$d/own/changed.gguf run 0 "$E" verify -s "$s"
EDITSCOPE_MODEL=$M run 5 "$E" verify -m "$d/own/changed.gguf" -s "$s"
mv "$d/own/near.gguf" "$d/own/moved.gguf"
EDITSCOPE_MODEL=$d/own/moved.gguf run 0 "$E" verify -s "$d/near.es"
cp "$d/own/changed.gguf" "$d/own/near.gguf" # another model lies where it was
EDITSCOPE_MODEL=$d/own/moved.gguf run 0 "$E" verify -s "$d/near.es"
run 5 "$E" verify -s "$d/near.es"
err 'last at /.*near.gguf'

row "a model that has gone is named, with its hash and what to do"
rm -f "$d/own/near.gguf"
run 4 "$E" verify -s "$d/near.es"
err 'made with .* \([0-9a-f]{12}\), which is not at /.*near.gguf any more; give its path with -m'
EDITSCOPE_MODEL=$d/own/changed.gguf run 5 "$E" verify -s "$d/near.es"
err 'last at /.*near.gguf \(no longer there\)'
run 0 "$E" verify -m "$d/own/moved.gguf" -s "$d/near.es"
run 0 "$E" undo -m "$d/own/moved.gguf" -s "$d/near.es" # a writer remembers where it is now
run 0 "$E" verify -s "$d/near.es"

row "log needs no model"
mv "$d/own/moved.gguf" "$d/own/hidden.gguf"
run 0 "$E" log -s "$d/near.es"
out '^checksum [0-9a-f]{64}$'
out 'Rome'
run 0 "$E" log --json -s "$d/near.es"
run 5 "$E" log -m "$d/own/changed.gguf" -s "$d/near.es"

# --- who may read -------------------------------------------------------------------------------
# A writer: an edit whose facts come through a pipe that stays open, so that it holds the lock.
row "while one program writes, others read"
busy="$d/busy.es"
one -m "$M" -s "$busy" $FACT
mkfifo "$d/held"
python3 - "$busy" "$d/held" <<'P' &
import fcntl, os, socket, sys
lock = open(sys.argv[1] + ".lock", "w")
fcntl.flock(lock, fcntl.LOCK_EX)
lock.write("%s %d\n" % (socket.gethostname(), os.getpid())); lock.flush()
open(sys.argv[2], "w").write("held\n")
open(sys.argv[2]).read()
P
holder=$!
cat "$d/held" >/dev/null
for command in verify log "query hi" "query --state edit:1 hi" "diff --from 0 --to 1" \
    "bisect --expect x hi" "attribute $FACT" "sweep $Q --grid alpha_ge=.05,.2 $FACT" \
    "edit --preview $Q $FACT" "export --as delta --to $d/busy.delta"; do
    run 0 "$E" $command -s "$busy"
done
for command in "edit $Q $FACT" undo redo "apply --force $d/own.delta"; do
    run 6 "$E" $command -s "$busy"
    err "being written by process $holder on $(uname -n)"
    no_err read-only
done
row "the screen opens for reading what another program writes, and says so"
printf 'size 120 30\nwait idle 60\nexpect READ-ONLY\nexpect process %s\nkey 8\nwait idle 60\nexpect Rome\n' \
    "$holder" >"$d/busy.script"
run 0 "$E" replay "$d/busy.script" --batch -s "$busy"
echo >"$d/held"
wait $holder
printf 'size 120 30\nwait idle 60\nkey 8\nwait idle 60\nexpect Rome\n' >"$d/busy.script"
run 0 "$E" replay "$d/busy.script" --batch -s "$busy"

row "what wrote nothing leaves no session; one that was there stays"
for how in "--method kn" --preview; do
    "$E" edit -m "$M" -s "$d/unused.es" $Q $FACT $how >/dev/null 2>&1
    [ -e "$d/unused.es" ] && complain "edit $how has left a file"
done
one -m "$M" -s "$d/unused.es" $FACT
run 0 "$E" undo -m "$M" -s "$d/unused.es"
run 2 "$E" edit -m "$M" -s "$d/unused.es" $Q $FACT --method kn
err 'names none; give --old'
[ -e "$d/unused.es" ] || complain "a session with an undone edit was deleted"

row "who only asks leaves no trace in the session"
cp "$busy" "$d/before.es"
run 0 "$E" query -s "$busy" hi
run 0 "$E" edit --preview $Q $FACT -s "$busy"
cmp -s "$busy" "$d/before.es" || complain "the file has changed"

# --- a delta that is in already -------------------------------------------------------------------
row "apply says that a delta is in already"
printf '%s\n' '{"subject":"Big Ben","prompt":"{} is in","target_new":"Oslo"}' \
    '{"subject":"Rome","prompt":"{} is in","target_new":"Peru"}' \
    '{"subject":"Lima","prompt":"{} is in","target_new":"Bern"}' >"$d/three.jsonl"
one -m "$M" -s "$d/three.es" --facts "$d/three.jsonl"
run 0 "$E" export -s "$d/three.es" --as delta --to "$d/three.delta"
run 5 "$E" apply -s "$d/three.es" "$d/three.delta"
err 'edits 1, 2, 3 are this delta already; --force'
run 0 "$E" apply -m "$M" -s "$d/new.es" "$d/three.delta"
sum=$(grep ^checksum "$d/out")
run 0 "$E" log -s "$d/three.es"
out "^$sum$"
run 5 "$E" apply -s "$d/new.es" "$d/three.delta"
err 'edit 1 is this delta already; --force'
run 0 "$E" verify -s "$d/new.es"
out "^$sum$"
run 0 "$E" apply -s "$d/new.es" --force "$d/three.delta"
run 0 "$E" log -s "$d/new.es" --json
row "a delta of which a part is in"
run 0 "$E" export -s "$d/three.es" --state edit:2 --as delta --to "$d/two.delta"
run 0 "$E" apply -m "$M" -s "$d/part.es" "$d/two.delta"
run 5 "$E" apply -s "$d/part.es" "$d/three.delta"
err 'edit 1 is a part of this delta already'
run 0 "$E" undo -s "$d/part.es"
run 0 "$E" apply -s "$d/part.es" "$d/three.delta" # undone edits do not count

# --- where nothing may be written -----------------------------------------------------------------
# As somebody who may not write; root may everywhere, and becomes nobody where it can.
other() {
    if [ "$(id -u)" = 0 ]; then
        TMPDIR="$d/nobody" XDG_CACHE_HOME="$d/nobody" XDG_STATE_HOME="$d/nobody" \
            setpriv --reuid 65534 --regid 65534 --clear-groups "$@"
    else
        "$@"
    fi
}
chmod 755 "$d"
mkdir -m 777 "$d/nobody"
mkdir "$d/fixed"
cp "$OLD" "$d/fixed/old.es"
cp "$OLD" "$d/fixed/crashed.es"
[ -z "$(command -v python3)" ] || python3 - "$d/fixed/crashed.es" <<'P' # the middle of a step, on the disk
import os, sqlite3, sys
db = sqlite3.connect(sys.argv[1], isolation_level=None)
db.execute("PRAGMA cache_size = 1"); db.execute("BEGIN IMMEDIATE")
db.execute("UPDATE edits SET active = 0"); db.execute("CREATE TABLE junk (x)")
for i in range(200):
    db.execute("INSERT INTO junk VALUES (zeroblob(3000))")
os._exit(0)
P
chmod 444 "$d/fixed/"*
chmod 555 "$d/fixed"
if [ -f "$d/fixed/crashed.es-journal" ] && other test -x "$E" 2>/dev/null && other test -r "$M" &&
    other test -r "$d/fixed/old.es"; then
    row "who may not write reads, also what a crash left"
    for file in old crashed; do
        run 0 other "$E" verify -m "$M" -s "$d/fixed/$file.es"
        out "^checksum $OLD_SUM$"
        run 0 other "$E" log -s "$d/fixed/$file.es"
        out "^checksum $OLD_SUM$"
        run 0 other "$E" query -m "$M" -s "$d/fixed/$file.es" hi
        run 1 other "$E" undo -m "$M" -s "$d/fixed/$file.es"
        err 'cannot create its lock file.*can only be read'
    done
    run 1 other env TMPDIR=/proc "$E" verify -m "$M" -s "$d/fixed/crashed.es"
    err 'copy it together with its -journal'
    printf 'size 120 30\nwait idle 60\nexpect READ-ONLY\nkey 8\nwait idle 60\nexpect Oslo\n' >"$d/fixed.script"
    run 0 other "$E" replay "$d/fixed.script" --batch -m "$M" -s "$d/fixed/old.es"
fi
chmod 755 "$d/fixed"
