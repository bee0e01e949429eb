/* Sample edits whose values all follow from their seed. */
#ifndef TESTS_UNIT_SESSION_SAMPLE_H
#define TESTS_UNIT_SESSION_SAMPLE_H

#include <stdlib.h>

#include "core/base/mem.h"
#include "core/session/session.h"
#include "tests/folder.h"

static char folder[64], file[96];

static void fresh_file(void)
{
    static int n;

    snprintf(file, sizeof(file), "%s/%d.es", folder, n++);
}

static struct session *must_open(bool create)
{
    struct err err = {0};
    struct session *s = session_open(file, create, false, &err);

    if (!s)
        printf("open: %s\n", err.text);
    CHECK(s);
    return s;
}

static float *floats(int n, int seed)
{
    float *f = xmalloc((size_t)n * sizeof(*f));

    for (int i = 0; i < n; i++)
        f[i] = (float)((i * 37 + seed * 101) % 1999) / 7.0F - 100.0F;
    return f;
}

enum { U = 2, D = 5, M = 7, LAYERS = 3 };

/* The edit of that seed, with every field filled; layer 4 twice, as an edit in several
 * passes has. */
static struct edit_record sample(int seed)
{
    static const int layer[LAYERS] = {4, 6, 4};
    struct edit_record r = {.requests = U, .width = D, .deltas = LAYERS};

    r.facts = xcalloc(U, sizeof(*r.facts));
    for (int i = 0; i < U; i++) {
        struct fact *f = &r.facts[i];

        f->subject = xasprintf("Subject %d.%d", seed, i);
        f->prompt = xstrdup("The {} is in");
        f->target = xasprintf("Târgu \"%d\"", seed);
        f->old = i ? NULL : xstrdup("Paris");
        f->rephrase = i ? xstrdup("Where is {}?") : NULL;
        f->mores = i;
        f->more = i ? xcalloc(1, sizeof(*f->more)) : NULL;
        if (i)
            f->more[0] = xstrdup("In which \"town\" is it?");
        f->localities = i ? 0 : 2;
        f->locality = i ? NULL : xcalloc(2, sizeof(*f->locality));
        if (!i) {
            f->locality[0] =
                (struct probe){.prompt = xstrdup("Louvre?"), .answer = xstrdup("Paris")};
            f->locality[1] = (struct probe){.prompt = xstrdup("Seine?"), .answer = NULL};
        }
    }
    r.z = floats(U * D, seed + 1000);
    r.delta = xcalloc(LAYERS, sizeof(*r.delta));
    for (int i = 0; i < LAYERS; i++)
        r.delta[i] = (struct delta){.layer = layer[i],
                                    .rank = U,
                                    .rows = D,
                                    .cols = M,
                                    .r = floats(U * D, seed + i),
                                    .x = floats(U * M, seed + i + 50),
                                    .weight = i == 1 ? NULL : floats(M, seed + i + 70),
                                    .scale = 1.0 + seed / 3.0,
                                    .key = i == 2 ? NULL : floats(U * M, seed + i + 90)};
    r.params_json = xstrdup("{\"seed\":1}");
    r.metrics_json = xstrdup("{\"event\":\"commit\"}");
    r.note = seed % 2 ? xstrdup("a note") : NULL;
    r.lambda = 15000.5;
    snprintf(r.projector, sizeof(r.projector), "%s",
             "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef");
    r.draft = seed % 2;
    r.moment_tokens = 30720;
    r.attribution = 4000000000U;
    return r;
}

static int append(struct session *s, int seed)
{
    struct edit_record r = sample(seed);
    struct err err = {0};

    if (!session_append(s, &r, &err))
        printf("append: %s\n", err.text);
    CHECK(!err.kind && r.active && r.when > 1e9 && strlen(r.hash) == 64);
    seed = r.id;
    edit_record_free(&r);
    return seed;
}

#endif
