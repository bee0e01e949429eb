/* Makes the rows of a fact: fills prefixes and subject into the prompt, finds the last token of the
 * subject, and tokenises the new object. */
#include "core/edit/request.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/buf.h"
#include "core/base/file.h"
#include "core/base/mem.h"
#include "core/base/utf8.h"

bool prefixes_parse(struct prefixes *p, const char *text, struct err *err)
{
    *p = (struct prefixes){0};
    while (*text) {
        size_t n = strcspn(text, "\n");

        if (n) {
            p->text = xrealloc(p->text, (size_t)(p->count + 1) * sizeof(*p->text));
            p->text[p->count++] = xasprintf("%.*s", (int)n, text);
        }
        text += n + (text[n] == '\n');
    }
    if (p->count > 1000) {
        prefixes_free(p);
        return err_set(err, ERR_LIMIT, "more than 1000 context prefixes");
    }
    return true;
}

/* Appends a line of a file as a prefix, with its newline. "The. {}", as ROME writes prefixes,
 * becomes "The. "; a blank line or {} alone is skipped. */
static bool prefix_line(const char *line, size_t n, struct buf *out, struct err *err)
{
    const char *text = line;
    size_t bad, kept = n;

    if (!utf8_valid(line, n, &bad))
        return err_set(err, ERR_FORMAT, "not UTF-8: byte 0x%02x at offset %zu",
                       (unsigned char)line[bad], bad);
    if (n >= 2 && !memcmp(line + n - 2, "{}", 2))
        kept -= 2;
    if (memmem(line, kept, "{}", 2))
        return err_set(err, ERR_FORMAT,
                       "the prompt comes after a prefix: {} may only be at its end");
    if (utf8_trim(&text, kept)) {
        buf_add(out, line, kept);
        buf_puts(out, "\n");
    }
    return true;
}

bool prefixes_load(struct prefixes *p, const char *path, struct err *err)
{
    char *text = file_read_text(path, 1 << 20, NULL, err);
    struct buf lines = {0};
    bool ok = text != NULL;
    int number = 0;

    *p = (struct prefixes){0};
    for (const char *at = text; ok && *at; at += *at == '\n') {
        size_t n = strcspn(at, "\n");

        number++;
        ok = prefix_line(at, n, &lines, err) || err_in(err, "%s: line %d", path, number);
        at += n;
    }
    if (ok && !lines.len)
        ok = err_set(err, ERR_FORMAT, "%s: holds no prefix; --set attr.prefixes=0 goes without",
                     path);
    ok = ok && (prefixes_parse(p, lines.data, err) || err_in(err, "%s", path));
    buf_free(&lines);
    free(text);
    return ok;
}

void prefixes_free(struct prefixes *p)
{
    texts_free(p->text, p->count);
    *p = (struct prefixes){0};
}

/* prefix + template with {} filled; the subject's bytes are [*begin, *end). */
static char *fill_template(const char *prefix, const char *template, const char *subject,
                           size_t *begin, size_t *end)
{
    const char *hole = strstr(template, "{}");
    char *text =
        xasprintf("%s%.*s%s%s", prefix, (int)(hole - template), template, subject, hole + 2);

    *begin = strlen(prefix) + (size_t)(hole - template);
    *end = *begin + strlen(subject);
    return text;
}

static int *ids_of(const struct tokens *t)
{
    int *id = xmalloc((size_t)t->count * sizeof(int) + 1);

    if (t->count)
        memcpy(id, t->ids, (size_t)t->count * sizeof(int));
    return id;
}

/* The tokens of the subject, bytes [begin, end) of the asked text. Specials such as BOS have empty
 * offsets. */
static void find_subject(struct row *row, const struct tokens *t, long begin, long end)
{
    row->first = row->lookup = -1;
    for (int i = 0; i < t->count; i++) {
        if (t->start[i] >= end || t->end[i] <= t->start[i])
            continue;
        row->lookup = i;
        if (row->first < 0 && t->end[i] > begin)
            row->first = i;
    }
    row->last = row->lookup;
}

/* The released code's count: the length of the tokens up to the subject's end, less one. */
static bool count_prefix(struct row *row, const struct prompt_tokens *a,
                         const struct tokenizer *tok, long end, struct err *err)
{
    struct tokens t = {0};

    if (!tokenizer_encode(tok, a->text, (size_t)end, a->flags, &t, err))
        return false;
    row->lookup = t.count - 1;
    tokens_free(&t);
    return true;
}

/* How rows are made of templates. */
struct maker {
    const struct model *model;
    struct wording wording;
    bool by_prefix;
};

static bool row_build(struct row *row, const char *prefix, const char *template,
                      const char *subject, const struct maker *m, struct err *err)
{
    size_t begin, end;
    char *text = fill_template(prefix, template, subject, &begin, &end);
    struct prompt_tokens a;
    bool ok = prompt_tokens_of(&a, &m->wording, m->model, text, err);

    free(text);
    if (!ok)
        return false;
    row->count = a.tokens.count;
    row->id = ids_of(&a.tokens);
    find_subject(row, &a.tokens, a.at + (long)begin, a.at + (long)end);
    ok = !m->by_prefix || count_prefix(row, &a, m->model->tokenizer, a.at + (long)end, err);
    row->text = a.text;
    a.text = NULL;
    prompt_tokens_free(&a);
    if (ok && (row->lookup < 0 || row->lookup >= row->count))
        ok = err_set(err, ERR_USAGE, "subject \"%s\" has no tokens in \"%s\"", subject, row->text);
    return ok;
}

/* The tokens of an object after the bare prompt. */
static bool target_build(const struct request *r, const struct maker *m, const char *object,
                         int **id, int *count, struct err *err)
{
    const struct prompt_tokens bare = {.text = r->row[0].text};
    struct tokens t = {0};

    if (!answer_tokens_of(&bare, &m->wording, m->model, object, &t, err))
        return false;
    if (!t.count) {
        tokens_free(&t);
        return err_set(err, ERR_USAGE, "object \"%s\" has no tokens", object);
    }
    *count = t.count;
    *id = ids_of(&t);
    tokens_free(&t);
    return true;
}

/* The rows that are scored, in the order bare prompt, prefixed ones, paraphrases. Those of `row`
 * are shared with it; request_free() knows. */
static bool scored_build(struct request *r, const struct maker *m, int choice, struct err *err)
{
    enum { PREFIXES, PARAPHRASES, BOTH };
    int shared = choice == PARAPHRASES ? 1 : r->rows, more = r->fact.paraphrases;

    r->scored = r->row;
    r->scored_count = r->rows;
    if (choice == PREFIXES)
        return true;
    if (!more)
        return err_set(err, ERR_USAGE,
                       "attr.rows = %s needs paraphrases, and this fact has none: type it as "
                       "subject | relation | object, give \"paraphrases\", or use prefixes",
                       choice == BOTH ? "both" : "paraphrases");
    r->scored = xcalloc((size_t)(shared + more), sizeof(*r->scored));
    memcpy(r->scored, r->row, (size_t)shared * sizeof(*r->scored));
    r->scored_count = shared;
    for (int i = 0; i < more; i++, r->scored_count++)
        if (!row_build(&r->scored[shared + i], "", r->fact.paraphrase[i], r->fact.subject, m,
                       err)) {
            r->scored_count++;
            return false;
        }
    return true;
}

/* Whether the model holds the longest row with the new object behind it. */
static bool rows_fit(const struct request *r, const struct model *m, struct err *err)
{
    int most = 0, context = m->config->context;

    for (int i = 0; i < r->rows; i++)
        most = r->row[i].count > most ? r->row[i].count : most;
    for (int i = 0; i < r->scored_count; i++)
        most = r->scored[i].count > most ? r->scored[i].count : most;
    most += r->targets - 1;
    return most <= context ||
           err_set(err, ERR_USAGE,
                   "more tokens than the %d the model holds: %d with the longest prefix and the "
                   "new object; use a shorter text",
                   context, most);
}

bool request_build(struct request *r, const struct fact *fact, const struct prefixes *prefixes,
                   const struct model *model, const struct params *p, struct err *err)
{
    struct maker m = {.model = model,
                      .by_prefix = params_choice(p, P_EDIT_LOOKUP) == LOOKUP_PREFIX};
    int used = (int)p->value[P_ATTR_PREFIXES];

    *r = (struct request){.fact = fact_copy(fact), .old = -1};
    if (!fact_normalise(&r->fact, err))
        goto fail;
    wording_set_defaults(&r->fact.wording, p);
    m.wording = r->fact.wording;
    if (used > prefixes->count)
        used = prefixes->count;
    r->row = xcalloc((size_t)used + 1, sizeof(*r->row));
    for (int i = 0; i <= used; i++, r->rows++)
        if (!row_build(&r->row[i], i ? prefixes->text[i - 1] : "", r->fact.prompt, r->fact.subject,
                       &m, err)) {
            r->rows++;
            goto fail;
        }
    if (!scored_build(r, &m, params_choice(p, P_ATTR_ROWS), err))
        goto fail;
    if (!target_build(r, &m, r->fact.target, &r->target, &r->targets, err))
        goto fail;
    if (r->fact.old && target_build(r, &m, r->fact.old, &r->olds, &r->old_count, NULL))
        r->old = r->olds[0];
    m.wording.form = ASK_PLAIN; /* the KL row is plain text, as in EasyEdit */
    if (!row_build(&r->kl_row, "", "{} is a", r->fact.subject, &m, err))
        goto fail;
    if (!rows_fit(r, model, err))
        goto fail;
    return true;
fail:
    request_free(r);
    return false;
}

bool request_names_old(const struct request *r, const char *what, struct err *err)
{
    return (r->fact.old && r->old_count > 0) ||
           err_set(err, ERR_USAGE,
                   "%s the old object, and the fact \"%s\" names none; give --old (:old), or "
                   "\"ground_truth\" in a file of facts",
                   what, r->fact.subject);
}

/* Rows that `scored` has from `row`. */
static bool is_shared(const struct request *r, const struct row *scored)
{
    for (int i = 0; i < r->rows; i++)
        if (r->row[i].text == scored->text)
            return true;
    return false;
}

void request_free(struct request *r)
{
    for (int i = 0; r->scored != r->row && i < r->scored_count; i++)
        if (!is_shared(r, &r->scored[i])) {
            free(r->scored[i].text);
            free(r->scored[i].id);
        }
    if (r->scored != r->row)
        free(r->scored);
    fact_free(&r->fact);
    for (int i = 0; i < r->rows; i++) {
        free(r->row[i].text);
        free(r->row[i].id);
    }
    free(r->row);
    free(r->kl_row.text);
    free(r->kl_row.id);
    free(r->target);
    free(r->olds);
    *r = (struct request){0};
}
