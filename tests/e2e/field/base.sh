# What every part stands on: tables in each of their forms, the configuration, errors.
row "a view's rows as Markdown and LaTeX"
cat >"$d/script" <<'END'
size 100 30
wait idle 120
key 7
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
expect out.md is there already
key :
type export out.doc
key enter
expect does not end in .svg, .ansi, .txt, .csv
END
shell 0 'cd $d && $E replay script --batch -m $M --set stats.tokens=3000'
shell 0 'cat $d/out.md'
out '^\| state \| edit \| changed \| prompt '
out '^\| base \| 0 \| 0 \| The capital of France is '
shell 0 'cat $d/out.tex'
out '^base & 0 & 0 & The capital of France is .*[\][\]$'
row "the same rows in each form"
shell 0 'cd $d && for f in md tex csv; do grep -c "The capital of France" out.$f; done | uniq | wc -l'
out '^1$'
