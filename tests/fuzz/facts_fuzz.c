/* Facts as they are pasted or loaded: JSON of every shape, tables, triples, parts between ; or
 * tabs. Those taken are whole: settled for good, and the same once more when they are written and
 * read. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/edit/relations.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_fact(struct fact *fact)
{
    char *json = fact_to_json(fact), *settled, *back;
    struct fact again;

    if (!fact_normalise(fact, NULL) || !fact_from_json(&again, json, strlen(json), NULL))
        abort();
    settled = fact_to_json(fact);
    back = fact_to_json(&again);
    if (strcmp(json, settled) != 0 || strcmp(json, back) != 0 || again.trimmed)
        abort();
    fact_free(&again);
    free(json);
    free(settled);
    free(back);
}

static void check_facts(struct fact *facts, int count)
{
    for (int i = 0; i < count; i++) {
        check_fact(&facts[i]);
        fact_free(&facts[i]);
    }
    free(facts);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char known[] = "{\"id\":\"P1\",\"name\":\"location\",\"also\":[],\"question\":"
                                "\"Where is {}?\",\"prompts\":"
                                "[\"{} is in\"],\"facts\":[[\"Big Ben\",\"London\"]]}\n";
    char *text = memcpy(xcalloc(size + 1, 1), data, size);
    struct buf left_out = {0}, note = {0};
    struct relations r;
    struct fact *facts = NULL;
    int n;

    if (!relations_parse(&r, known, sizeof(known) - 1, NULL))
        abort();
    n = facts_from_lines(text, size, &r, 0, &facts, &left_out);
    fact_trimmed_say(facts, n, &note);
    check_facts(facts, n);
    if (facts_from_text(text, strlen(text), &facts, &n, &left_out, NULL))
        check_facts(facts, n);
    relations_free(&r);
    buf_free(&left_out);
    buf_free(&note);
    free(text);
    return 0;
}
