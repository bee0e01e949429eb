#include "core/edit/request.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/file.h"
#include "core/base/mem.h"

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

bool prefixes_load(struct prefixes *p, const char *path, struct err *err)
{
    char *text = file_read_text(path, 1 << 20, NULL, err);
    bool ok = text && prefixes_parse(p, text, err);

    free(text);
    return ok;
}

void prefixes_free(struct prefixes *p)
{
    for (int i = 0; i < p->count; i++)
        free(p->text[i]);
    free(p->text);
    *p = (struct prefixes){0};
}

/* prefix + template with {} filled; *end is the byte after the subject. */
static char *fill(const char *prefix, const char *template, const char *subject, size_t *end)
{
    const char *hole = strstr(template, "{}");
    char *text =
        xasprintf("%s%.*s%s%s", prefix, (int)(hole - template), template, subject, hole + 2);

    *end = strlen(prefix) + (size_t)(hole - template) + strlen(subject);
    return text;
}

static bool row_build(struct row *row, const char *prefix, const char *template,
                      const char *subject, const struct tokenizer *tok, bool by_prefix,
                      struct err *err)
{
    struct tokens t = {0};
    size_t end;

    row->text = fill(prefix, template, subject, &end);
    if (!tokenizer_encode(tok, row->text, strlen(row->text), ENCODE_BOS, &t, err))
        return false;
    row->count = t.count;
    row->id = xmalloc((size_t)t.count * sizeof(int));
    memcpy(row->id, t.ids, (size_t)t.count * sizeof(int));
    row->lookup = -1;
    for (int i = 0; i < t.count; i++) /* specials such as BOS have empty offsets */
        if ((size_t)t.start[i] < end && t.end[i] > t.start[i])
            row->lookup = i;
    tokens_free(&t);
    if (by_prefix) {
        if (!tokenizer_encode(tok, row->text, end, ENCODE_BOS, &t, err))
            return false;
        row->lookup = t.count - 1;
        tokens_free(&t);
    }
    if (row->lookup < 0 || row->lookup >= row->count)
        return err_set(err, ERR_USAGE, "subject \"%s\" has no tokens in \"%s\"", subject,
                       row->text);
    return true;
}

static bool target_build(const char *object, const struct tokenizer *tok, int **id, int *count,
                         struct err *err)
{
    char *text = xasprintf(" %s", object);
    struct tokens t = {0};
    bool ok = tokenizer_encode(tok, text, strlen(text), ENCODE_CONTINUES, &t, err);

    free(text);
    if (!ok)
        return false;
    if (!t.count) {
        tokens_free(&t);
        return err_set(err, ERR_USAGE, "object \"%s\" has no tokens", object);
    }
    *count = t.count;
    *id = xmalloc((size_t)t.count * sizeof(int));
    memcpy(*id, t.ids, (size_t)t.count * sizeof(int));
    tokens_free(&t);
    return true;
}

/* The rows that are scored, in the order bare prompt, prefixed ones, paraphrases. Those of `row`
 * are shared with it; request_free() knows. */
static bool scored_build(struct request *r, const struct tokenizer *tok, bool by_prefix, int choice,
                         struct err *err)
{
    enum { PREFIXES, PARAPHRASES, BOTH };
    int shared = choice == PARAPHRASES ? 1 : r->rows, more = r->fact.paraphrases;

    r->scored = r->row;
    r->scoreds = r->rows;
    if (choice == PREFIXES)
        return true;
    if (!more)
        return err_set(err, ERR_USAGE,
                       "attr.rows = %s needs paraphrases, and this fact has none: type it as "
                       "subject | relation | object, give \"paraphrases\", or use prefixes",
                       choice == BOTH ? "both" : "paraphrases");
    r->scored = xcalloc((size_t)(shared + more), sizeof(*r->scored));
    memcpy(r->scored, r->row, (size_t)shared * sizeof(*r->scored));
    r->scoreds = shared;
    for (int i = 0; i < more; i++, r->scoreds++)
        if (!row_build(&r->scored[shared + i], "", r->fact.paraphrase[i], r->fact.subject, tok,
                       by_prefix, err)) {
            r->scoreds++;
            return false;
        }
    return true;
}

bool request_build(struct request *r, const struct fact *fact, const struct prefixes *prefixes,
                   const struct tokenizer *tok, const struct params *p, struct err *err)
{
    bool by_prefix = params_choice(p, P_EDIT_LOOKUP) == LOOKUP_PREFIX;
    int used = (int)p->value[P_ATTR_PREFIXES], *old = NULL, olds = 0;

    *r = (struct request){.fact = fact_copy(fact), .old = -1};
    if (!fact_normalise(&r->fact, err))
        goto fail;
    if (used > prefixes->count)
        used = prefixes->count;
    r->row = xcalloc((size_t)used + 1, sizeof(*r->row));
    for (int i = 0; i <= used; i++, r->rows++)
        if (!row_build(&r->row[i], i ? prefixes->text[i - 1] : "", r->fact.prompt, r->fact.subject,
                       tok, by_prefix, err)) {
            r->rows++;
            goto fail;
        }
    if (!scored_build(r, tok, by_prefix, params_choice(p, P_ATTR_ROWS), err))
        goto fail;
    if (!row_build(&r->essence, "", "{} is a", r->fact.subject, tok, by_prefix, err))
        goto fail;
    if (!target_build(r->fact.target, tok, &r->target, &r->targets, err))
        goto fail;
    if (r->fact.old && target_build(r->fact.old, tok, &old, &olds, NULL))
        r->old = old[0];
    free(old);
    return true;
fail:
    request_free(r);
    return false;
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
    for (int i = 0; r->scored != r->row && i < r->scoreds; i++)
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
    free(r->essence.text);
    free(r->essence.id);
    free(r->target);
    *r = (struct request){0};
}
