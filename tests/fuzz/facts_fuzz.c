/* Facts as they are pasted: JSON, triples, parts between ; or tabs. Those taken are whole. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/edit/relations.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char known[] = "{\"id\":\"P1\",\"name\":\"location\",\"also\":[],\"question\":"
                                "\"Where is {}?\",\"prompts\":"
                                "[\"{} is in\"],\"facts\":[[\"Big Ben\",\"London\"]]}\n";
    char *text = memcpy(xcalloc(size + 1, 1), data, size);
    struct buf left_out = {0};
    struct relations r;
    struct fact *facts = NULL;
    int n;

    if (!relations_parse(&r, known, sizeof(known) - 1, NULL))
        abort();
    n = facts_from_lines(text, size, &r, &facts, &left_out);
    for (int i = 0; i < n; i++) {
        char *json = fact_to_json(&facts[i]);
        struct fact again;

        if (!fact_normalise(&facts[i], NULL) || !fact_from_json(&again, json, strlen(json), NULL))
            abort();
        fact_free(&again);
        fact_free(&facts[i]);
        free(json);
    }
    free(facts);
    relations_free(&r);
    buf_free(&left_out);
    free(text);
    return 0;
}
