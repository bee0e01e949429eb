/* Which facts of a list are in a session already, and which replace another fact. */
#include "core/edit/fact_status.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"

/* Makes blanks single and removes them at the ends, in place. */
static char *single_blanks(char *text)
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

    return single_blanks(fill ? template_fill(prompt, subject) : xstrdup(prompt ? prompt : ""));
}

/* A fact of the session or of the list. Sorting groups them by question: first those of the
 * session, then those of the list, each in its order. */
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
static int count_agreeing(const struct item *had, int held_items, const struct item *listed,
                          int listed_items)
{
    for (int n = held_items < listed_items ? held_items : listed_items; n > 0; n--) {
        int same = 0;

        while (same < n && !strcmp(had[held_items - n + same].target, listed[same].target))
            same++;
        if (same == n)
            return n;
    }
    return 0;
}

/* The items of one question: those of the session, then those of the list. */
static void question_status(const struct item *item, int held_items, int listed_items,
                            struct fact_status *status)
{
    const struct item *listed = item + held_items,
                      *last = held_items ? &item[held_items - 1] : NULL;
    int in = count_agreeing(item, held_items, listed, listed_items);

    for (int i = 0; i < listed_items; i++) {
        struct fact_status *f = &status[listed[i].index];

        *f = (struct fact_status){NO_FACT, NO_FACT, NO_FACT, NO_FACT};
        if (i < in)
            f->in = item[held_items - in + i].index;
        else if (last && strcmp(last->target, listed[i].target) != 0)
            *(last->listed ? &f->rewrites_earlier : &f->rewrites) = last->index;
        else if (last && last->listed)
            f->repeats = last->index;
        last = i < in ? last : &listed[i];
    }
}

void facts_status(const struct fact *fact, int first, int count, const struct session_fact *held,
                  int held_count, struct fact_status *status)
{
    struct item *item = xcalloc((size_t)(count + held_count) + 1, sizeof(*item));
    int total = held_count;

    for (int i = 0; i < held_count; i++)
        item[i] =
            (struct item){fact_question(held[i].subject, held[i].prompt),
                          single_blanks(xstrdup(held[i].target ? held[i].target : "")), i, false};
    for (int i = 0; i < first; i++)
        status[i] = (struct fact_status){NO_FACT, NO_FACT, NO_FACT, NO_FACT};
    for (int i = first; i < count; i++)
        item[total++] = (struct item){fact_question(fact[i].subject, fact[i].prompt),
                                      single_blanks(xstrdup(fact[i].target)), i, true};
    qsort(item, (size_t)total, sizeof(*item), by_question);
    for (int from = 0, to; from < total; from = to) {
        int held_items = 0;

        for (to = from; to < total && !strcmp(item[to].question, item[from].question); to++)
            held_items += !item[to].listed;
        question_status(item + from, held_items, to - from - held_items, status);
    }
    for (int i = 0; i < total; i++) {
        free(item[i].question);
        free(item[i].target);
    }
    free(item);
}
