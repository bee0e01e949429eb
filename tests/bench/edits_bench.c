/* How well single edits take: each record alone on the unedited model, through the engine.
 *
 *   edits_bench [MODEL DATA FIRST COUNT [NAME=VALUE ...]]
 *
 * without arguments the default model and the three reference facts, on the first checkpoint of
 * the moments; prints a line a record and the shares: every target token the argmax, the answer's
 * p. With KEEP=1 in the environment edits stay, one after the other, and the seconds of each are
 * told. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <poll.h>

#include "core/base/file.h"
#include "core/base/mem.h"
#include "core/device/device.h"
#include "core/engine/engine.h"

struct tally {
    int edits, success, failed;
    double p_first, p_target, kept, gain, leak, seconds, first, last;
};

static bool wait_for(struct engine *e, unsigned job, struct tally *t, bool show)
{
    for (;;) {
        struct pollfd p = {.fd = engine_fd(e), .events = POLLIN};
        struct event ev;

        poll(&p, 1, -1);
        while (engine_next(e, &ev)) {
            bool end = ev.job == job && (ev.kind == EV_DONE || ev.kind == EV_FAILED);
            bool ok = ev.kind == EV_DONE;

            if (ev.kind == EV_COMMITTED) {
                const struct commit_report *d = ev.commit_report;

                t->edits++;
                t->success += d->success;
                t->p_first += d->p_first[1];
                t->p_target += d->p_target[1];
                t->seconds += d->seconds_total;
                t->first = t->first > 0 ? t->first : d->seconds_total;
                t->last = d->seconds_total;
                if (show)
                    printf("%s p %.4f -> %.4f  %.2f s (%.2f %.2f %.2f %.2f) says%s\n",
                           d->success ? "ok  " : "FAIL", d->p_target[0], d->p_target[1],
                           d->seconds_total, d->seconds_target, d->seconds_attribution,
                           d->seconds_solve, d->seconds_verify, d->generated[1]);
            }
            if (ev.kind == EV_COMMIT) {
                t->kept += ev.edit_report->layer[0].kept;
                t->gain += ev.edit_report->layer[0].gain_mask;
                t->leak += ev.edit_report->layer[0].leak_ratio;
            }
            if (ev.kind == EV_FAILED)
                fprintf(stderr, "%s\n", ev.err.text);
            if (ev.kind == EV_STOPPED) { /* it could not even open */
                fprintf(stderr, "%s\n", ev.err.text);
                exit(1);
            }
            event_free(&ev);
            fflush(stdout);
            if (end)
                return ok;
        }
    }
}

int main(int argc, char **argv)
{
    struct engine_options o = {.device = &device_cpu, .create = true};
    struct tally t = {0};
    struct params p;
    struct fact *facts;
    struct err err = {0};
    struct engine *e;
    int count, first, n;
    bool keep = getenv("KEEP") != NULL;

    if (argc < 5) {
        static char data[] = "tests/data/goldens/facts.json", first_[] = "0", all[] = "3",
                    tokens[] = "stats.tokens=30720";
        static char *usual[] = {NULL, NULL, data, first_, all, tokens, NULL};

        usual[1] = getenv("EDITSCOPE_MODEL");
        if (!usual[1])
            usual[1] = file_cache_path("models/SmolLM2-135M-Instruct.Q4_1.gguf");
        argv = usual;
        argc = 6;
    }
    params_default(&p);
    for (int i = 5; i < argc; i++)
        if (!params_assign(&p, argv[i], FROM_COMMAND_LINE, &err)) {
            fprintf(stderr, "%s\n", err.text);
            return 2;
        }
    o.model = argv[1];
    o.text = "samples/text/wikitext2-test.txt";
    first = (int)strtol(argv[3], NULL, 10);
    n = (int)strtol(argv[4], NULL, 10);
    if (!facts_load_usable(argv[2], &facts, &count, NULL, &err) || !(e = engine_start(&o, &err))) {
        fprintf(stderr, "%s\n", err.text);
        return 1;
    }
    for (int i = 0; i < count; i++) {
        struct command c = {.kind = CMD_COMMIT, .params = p, .count = 1};
        struct command undo = {.kind = CMD_UNDO};

        if (i < first || i >= first + n)
            continue;
        c.facts = xmalloc(sizeof(*c.facts));
        c.facts[0] = fact_copy(&facts[i]);
        if (!wait_for(e, engine_post(e, &c), &t, true))
            t.failed++;
        else if (!keep)
            wait_for(e, engine_post(e, &undo), &t, false);
    }
    printf("%d edits: success %.3f, p(target) %.3f, p(first) %.3f, kept %.0f, gain %.3f, "
           "leak/gain2 %.2f, %.2f s an edit (first %.2f, last %.2f), %d failed\n",
           t.edits, (double)t.success / t.edits, t.p_target / t.edits, t.p_first / t.edits,
           t.kept / t.edits, t.gain / t.edits, t.leak / t.edits, t.seconds / t.edits, t.first,
           t.last, t.failed);
    engine_stop(e);
    return t.failed != 0;
}
