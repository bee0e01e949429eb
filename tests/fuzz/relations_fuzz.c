/* A file of relations: what is accepted gives whole facts, whatever is asked of it, but for a
 * subject that stands in a prompt already. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "core/edit/relations.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char subject[] = "Big Ben";

static bool says_subject(const struct relation *r)
{
    for (int i = 0; i < r->prompts; i++)
        if (strstr(r->prompt[i], subject))
            return true;
    return false;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct relations r;
    struct err err = {0};
    bool ok = relations_parse(&r, (const char *)data, size, &err);
    int index[8];

    if (ok != (err.kind == ERR_NONE))
        abort();
    for (int i = 0; ok && i < r.count; i++) {
        struct fact f = relation_fact(&r.relation[i], subject, "Rome", i, 1);

        if (r.relation[i].prompts < 1 ||
            (!fact_normalise(&f, NULL) && !says_subject(&r.relation[i])))
            abort();
        fact_free(&f);
        relations_match(&r, r.relation[i].name, index, 8);
        relations_find(&r, r.relation[i].id, NULL);
    }
    relations_free(&r);
    return 0;
}
