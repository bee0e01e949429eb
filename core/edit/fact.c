/* Copies and frees facts, and writes one as JSON. */
#include "core/edit/fact.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/buf.h"
#include "core/base/mem.h"

static void probes_free(struct probe *probes, int count)
{
    for (int i = 0; i < count; i++) {
        free(probes[i].prompt);
        free(probes[i].answer);
        texts_free(probes[i].also, probes[i].alsos);
    }
    free(probes);
}

void probe_add_answer(struct probe *probe, const char *answer)
{
    bool there = probe->answer && !strcmp(probe->answer, answer);

    for (int i = 0; i < probe->alsos; i++)
        there = there || !strcmp(probe->also[i], answer);
    if (!probe->answer) {
        probe->answer = xstrdup(answer);
    } else if (!there) {
        probe->also = xrealloc(probe->also, (size_t)(probe->alsos + 1) * sizeof(*probe->also));
        probe->also[probe->alsos++] = xstrdup(answer);
    }
}

void fact_free(struct fact *fact)
{
    free(fact->subject);
    free(fact->prompt);
    free(fact->target);
    free(fact->old);
    free(fact->rephrase);
    free(fact->question);
    free(fact->relation);
    texts_free(fact->more, fact->mores);
    texts_free(fact->paraphrase, fact->paraphrases);
    probes_free(fact->locality, fact->localities);
    probes_free(fact->portability, fact->portabilities);
    memset(fact, 0, sizeof(*fact));
}

static char **texts_copy(char *const *text, int count)
{
    char **copy = count ? xcalloc((size_t)count, sizeof(*copy)) : NULL;

    for (int i = 0; i < count; i++)
        copy[i] = xstrdup(text[i]);
    return copy;
}

static struct probe *probes_copy(const struct probe *probes, int count)
{
    struct probe *copy = NULL;

    if (count)
        copy = xcalloc((size_t)count, sizeof(*copy));
    for (int i = 0; i < count; i++) {
        copy[i].prompt = xstrdup(probes[i].prompt);
        copy[i].answer = xstrdup(probes[i].answer);
        copy[i].also = texts_copy(probes[i].also, probes[i].alsos);
        copy[i].alsos = probes[i].alsos;
    }
    return copy;
}

struct fact fact_copy(const struct fact *fact)
{
    return (struct fact){
        .subject = xstrdup(fact->subject),
        .prompt = xstrdup(fact->prompt),
        .target = xstrdup(fact->target),
        .old = xstrdup(fact->old),
        .rephrase = xstrdup(fact->rephrase),
        .more = texts_copy(fact->more, fact->mores),
        .mores = fact->mores,
        .question = xstrdup(fact->question),
        .relation = xstrdup(fact->relation),
        .trimmed = fact->trimmed,
        .record = fact->record,
        .paraphrase = texts_copy(fact->paraphrase, fact->paraphrases),
        .paraphrases = fact->paraphrases,
        .locality = probes_copy(fact->locality, fact->localities),
        .localities = fact->localities,
        .wording = fact->wording,
        .portability = probes_copy(fact->portability, fact->portabilities),
        .portabilities = fact->portabilities,
    };
}

char *template_fill(const char *template, const char *subject)
{
    const char *at = strstr(template, "{}");
    struct buf out = {0};

    buf_add(&out, template, (size_t)(at - template));
    buf_puts(&out, subject);
    buf_puts(&out, at + 2);
    return buf_take(&out);
}

char *fact_text(const struct fact *fact)
{
    if (!strstr(fact->prompt, "{}"))
        return xstrdup(fact->prompt);
    return template_fill(fact->prompt, fact->subject);
}

char **fact_rephrases(const struct fact *fact, const struct params *p, int *count)
{
    enum { MORE = 2 };
    bool rows = strcmp(params_word(p, P_ATTR_ROWS), "prefixes") != 0;
    char **out = xcalloc((size_t)fact->mores + 1 + MORE, sizeof(*out));

    *count = 0;
    if (fact->rephrase)
        out[(*count)++] = xstrdup(fact->rephrase);
    for (int i = 0; i < fact->mores; i++)
        out[(*count)++] = xstrdup(fact->more[i]);
    for (int i = 0; !rows && i < fact->paraphrases && i < MORE; i++) {
        char *text = template_fill(fact->paraphrase[i], fact->subject);

        if (!fact->rephrase || strcmp(text, fact->rephrase) != 0)
            out[(*count)++] = text;
        else
            free(text);
    }
    return out;
}

static void put_text(json_t *object, const char *name, const char *text)
{
    if (text)
        json_object_set_new(object, name, json_string(text));
}

/* One text as it is, or none; several as a list. */
static void put_texts(json_t *object, const char *name, const char *first, char *const *more,
                      int count)
{
    json_t *list;

    if (!count) {
        put_text(object, name, first);
        return;
    }
    list = json_array();
    json_array_append_new(list, json_string(first));
    for (int i = 0; i < count; i++)
        json_array_append_new(list, json_string(more[i]));
    json_object_set_new(object, name, list);
}

static void put_probes(json_t *object, const char *name, const struct probe *probes, int count)
{
    json_t *array;

    if (!count)
        return;
    array = json_array();
    for (int i = 0; i < count; i++) {
        json_t *probe = json_object();

        put_text(probe, "prompt", probes[i].prompt);
        put_texts(probe, "answer", probes[i].answer, probes[i].also, probes[i].alsos);
        json_array_append_new(array, probe);
    }
    json_object_set_new(object, name, array);
}

char *fact_to_json(const struct fact *fact)
{
    json_t *root = json_object();
    char *text, *copy;

    put_text(root, "subject", fact->subject);
    put_text(root, "prompt", fact->prompt);
    put_text(root, "target_new", fact->target);
    put_text(root, "ground_truth", fact->old);
    put_texts(root, "rephrase", fact->rephrase, fact->more, fact->mores);
    put_text(root, "question", fact->question);
    put_text(root, "relation", fact->relation);
    for (int i = 0; i < fact->paraphrases; i++) {
        if (!i)
            json_object_set_new(root, "paraphrases", json_array());
        json_array_append_new(json_object_get(root, "paraphrases"),
                              json_string(fact->paraphrase[i]));
    }
    put_probes(root, "locality", fact->locality, fact->localities);
    wording_to_json(&fact->wording, root);
    put_probes(root, "portability", fact->portability, fact->portabilities);
    text = json_dumps(root, JSON_COMPACT);
    json_decref(root);
    copy = xstrdup(text ? text : "{}");
    free(text);
    return copy;
}
