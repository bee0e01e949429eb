/* A file of relations: what is accepted gives whole facts, whatever is asked of it. */
#include <stdint.h>
#include <stdlib.h>

#include "core/edit/relations.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct relations r;
    struct err err = {0};
    bool ok = relations_parse(&r, (const char *)data, size, &err);
    int index[8];

    if (ok != (err.kind == ERR_NONE))
        abort();
    for (int i = 0; ok && i < r.count; i++) {
        struct fact f = relation_fact(&r.relation[i], "Big Ben", "Rome", i, 1);

        if (!fact_normalise(&f, &err) || r.relation[i].prompts < 1)
            abort();
        fact_free(&f);
        relations_match(&r, r.relation[i].name, index, 8);
        relations_find(&r, r.relation[i].id, NULL);
    }
    relations_free(&r);
    return 0;
}
