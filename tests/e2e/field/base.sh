# What every part stands on: tables in each of their forms, the configuration, errors.
row "a view's rows as Markdown and LaTeX"
cat >"$d/script" <<'END'
size 100 30
wait idle 120
key 6
key i
type The capital of France is
key enter
wait event answer 120
wait idle 120
key :
type export out.md
key enter
expect wrote out.md
key :
type export out.tex
key enter
expect wrote out.tex
key :
type export out.csv
key enter
expect wrote out.csv
key :
type export out.md
key enter
expect out.md exists already
key :
type export out.doc
key enter
expect does not end in .svg, .html, .csv
END
shell 0 'cd $d && $E replay script --batch -m $M --preset paper --set stats.tokens=3000'
shell 0 'cat $d/out.md'
out '^\| state \| edit \| changed \| prompt '
out '^\| base \| 0 \| 0 \| The capital of France is '
shell 0 'cat $d/out.tex'
out '^base & 0 & 0 & The capital of France is .*[\][\]$'
row "the same rows in each form"
shell 0 'cd $d && for f in md tex csv; do grep -c "The capital of France" out.$f; done | uniq | wc -l'
out '^1$'

row "the configuration: sections, comments, each on its line"
mkdir -p "$d/config/editscope"
usual=$d/config/editscope/config
cat >"$usual" <<'END'
# mine
alpha_ge = .17#as measured
theme = light
[parameters]
edit.layers = 4-6   # these

[screen]
mouse = no
[keys]
C-p = preview
[keys.history]
x = undo
END
run 0 "$E" config
out '^ratio.ge.a = 0.17$'
out '^edit.layers = 4-6$'
run 0 "$E" keys
out 'C-p P +preview'
out 'history:x'
row "the configuration: what is wrong is named with its line, and nothing of it holds"
for line in 'alpha_ge = 7|line 2: alpha_ge' 'alpha_gee = 1|line 2: no parameter is called .alpha_gee' \
    'nothing at all|line 2: .nothing at all. is not NAME = VALUE'; do
    printf 'beta_ge = .4\n%s\n' "${line%|*}" >"$d/bad"
    case $line in nothing*) want=1 ;; *) want=2 ;; esac
    run $want "$E" config --config "$d/bad"
    err "${line#*|}"
done
printf '[keys]\nC-p = previw\n' >"$usual"
run 2 "$E" keys
err 'line 2: unknown action .previw.; did you mean preview'
rm "$usual"
printf '[colours]\nx = 1\n' >"$d/bad"
run 2 "$E" config --config "$d/bad"
err 'line 2: unknown section \[colours\]; known: parameters, screen, keys'
printf '[screen]\nmouse = maybe\n' >"$d/bad"
run 2 "$E" config --config "$d/bad"
err 'line 2: mouse = maybe: not yes or no'

row "the hint of an error is what we say to do, not what a name says"
run 4 "$E" query --json -m "$d/no; such" hello
out '"hint":"`make run`'
run 2 "$E" edit --json -m "$M" --subject 'a; b' --prompt 'no place' --target c -s "$d/x.es"
no_out '"hint":"b'
