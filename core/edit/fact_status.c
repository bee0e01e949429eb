/* Which facts of a list stand in a session already, and which take another's place. */
#include "core/edit/fact_status.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"

/* Blanks made single, none at the ends. In place. */
static char *squeezed(char *text)
{
    static const char blanks[] = " \t\r\n";
    char *to = text;

    for (const char *at = text + strspn(text, blanks); *at;) {
        size_t n = strcspn(at, blanks), gap = strspn(at + n, blanks);

        memmove(to, at, n);
        to += n;
        at += n + gap;
        if (gap && *at)
            *to++ = ' ';
    }
    *to = '\0';
    return text;
}

char *fact_question(const char *subject, const char *prompt)
{
    bool fill = subject && prompt && strstr(prompt, "{}");

    return squeezed(fill ? template_fill(prompt, subject) : xstrdup(prompt ? prompt : ""));
}

/* A fact of either list; sorting brings those of one question together, each list in its order. */
struct item {
    char *question, *target;
    int index;
    bool listed; /* of the list, not of the session */
};

static int by_question(const void *a, const void *b)
{
    const struct item *x = a, *y = b;
    int order = strcmp(x->question, y->question);

    if (order)
        return order;
    if (x->listed != y->listed)
        return x->listed ? 1 : -1;
    return x->index - y->index;
}

/* How many of the list's first objects the session's objects end with. */
static int agreeing(const struct item *had, int hads, const struct item *listed, int listeds)
{
    for (int n = hads < listeds ? hads : listeds; n > 0; n--) {
        int same = 0;

        while (same < n && !strcmp(had[hads - n + same].target, listed[same].target))
            same++;
        if (same == n)
            return n;
    }
    return 0;
}

/* The items of one question: those of the session, then those of the list. */
static void question_fate(const struct item *item, int hads, int listeds, struct fact_status *fate)
{
    const struct item *listed = item + hads, *last = hads ? &item[hads - 1] : NULL;
    int in = agreeing(item, hads, listed, listeds);

    for (int i = 0; i < listeds; i++) {
        struct fact_status *f = &fate[listed[i].index];

        *f = (struct fact_status){NO_FACT, NO_FACT, NO_FACT, NO_FACT};
        if (i < in)
            f->in = item[hads - in + i].index;
        else if (last && strcmp(last->target, listed[i].target) != 0)
            *(last->listed ? &f->rewrites_earlier : &f->rewrites) = last->index;
        else if (last && last->listed)
            f->repeats = last->index;
        last = i < in ? last : &listed[i];
    }
}

void facts_status(const struct fact *fact, int first, int count,
                  const struct session_fact *standing, int standings, struct fact_status *fate)
{
    struct item *item = xcalloc((size_t)(count + standings) + 1, sizeof(*item));
    int total = standings;

    for (int i = 0; i < standings; i++)
        item[i] = (struct item){fact_question(standing[i].subject, standing[i].prompt),
                                squeezed(xstrdup(standing[i].target ? standing[i].target : "")), i,
                                false};
    for (int i = 0; i < first; i++)
        fate[i] = (struct fact_status){NO_FACT, NO_FACT, NO_FACT, NO_FACT};
    for (int i = first; i < count; i++)
        item[total++] = (struct item){fact_question(fact[i].subject, fact[i].prompt),
                                      squeezed(xstrdup(fact[i].target)), i, true};
    qsort(item, (size_t)total, sizeof(*item), by_question);
    for (int from = 0, to; from < total; from = to) {
        int hads = 0;

        for (to = from; to < total && !strcmp(item[to].question, item[from].question); to++)
            hads += !item[to].listed;
        question_fate(item + from, hads, to - from - hads, fate);
    }
    for (int i = 0; i < total; i++) {
        free(item[i].question);
        free(item[i].target);
    }
    free(item);
}
