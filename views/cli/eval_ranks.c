/* editscope eval under mpirun: the sequences are dealt to the processes, the results go into one
 * file.
 *
 * In each round the first sequences that are not complete are dealt, one to a process, the first of
 * them to rank 0. At the end of the round rank 0 collects what the others measured and writes it
 * into the run's file, a sequence in one transaction. The others write their edits into a session
 * in memory. So what the file says after a stop at any moment is as after a run in one process, but
 * for sequences whose edits it does not have; those are marked "elsewhere". A sequence that a lost
 * process was at is dealt again by the next start. */
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/base/mpi.h"
#include "core/base/utf8.h"
#include "core/edit/editors/editors.h"
#include "core/engine/event_fields.h"
#include "views/cli/eval.h"

enum { CHUNK = 1 << 22 }; /* bytes that a process sends at once */

/* The moments of the parameters, summed together; those of an arm with other layers or another text
 * are summed by the process that it is dealt to. */
static bool moments_share(struct cli *c, const struct eval *v, struct err *err)
{
    struct command cmd = {.kind = CMD_MOMENTS, .params = c->params, .on_all_ranks = true};
    bool needed = false;

    for (int i = 0; i < v->arms; i++)
        needed |= (editor_of(&v->arm[i].params)->needs & NEEDS_MOMENTS) != 0;
    return !needed || cli_job(c, &cmd, NULL, NULL, err);
}

bool eval_ranks_begin(struct cli *c, struct eval_ranks *r, struct err *err)
{
    return mpi_size() == 1 ||
           (mpi_broadcast(r->complete, (size_t)eval_sequences(r->v) * sizeof(*r->complete), err) &&
            moments_share(c, r->v, err));
}

int eval_ranks_deal(struct eval_ranks *r)
{
    int dealt = 0, mine = -1;

    for (int s = 0; s < eval_sequences(r->v) && dealt < mpi_size(); s++) {
        if (r->complete[s])
            continue;
        mine = dealt++ == mpi_rank() ? s : mine;
        r->complete[s] = true; /* at the end of the round */
    }
    r->dealt = dealt;
    return mine;
}

void eval_ranks_note(struct eval_ranks *r, const struct measures *m)
{
    bool base = m->count     ? m->measure->when == WHEN_BASE
                : m->answers ? !m->answer->sequence
                             : m->numbers && !m->number->sequence;

    if (!mpi_rank() || base) /* rank 0 asks the base itself */
        return;
    fields_write(&measures_fields, m, false, 0, &r->sent);
    buf_puts(&r->sent, "\n");
}

/* Collective: the texts of all ranks, [mpi_size()], on rank 0. The caller frees all; others get
 * NULL. */
static char **texts_gather(const struct buf *mine, struct err *err)
{
    int ranks = mpi_size();
    struct buf *text = mpi_rank() ? NULL : xcalloc((size_t)ranks, sizeof(*text));
    char *part = xcalloc(1, CHUNK), *all = mpi_rank() ? NULL : xcalloc((size_t)ranks, CHUNK);
    char **out = mpi_rank() ? NULL : xcalloc((size_t)ranks, sizeof(*out));
    size_t *len = xcalloc((size_t)ranks, sizeof(*len)), most = 0;
    bool ok = mpi_gather(&mine->len, len, sizeof(*len), err);

    for (int r = 0; r < ranks; r++)
        most = len[r] > most ? len[r] : most;
    ok = ok && mpi_broadcast(&most, sizeof(most), err);
    for (size_t at = 0; ok && at < most; at += CHUNK) {
        if (at < mine->len)
            memcpy(part, mine->data + at, mine->len - at < CHUNK ? mine->len - at : CHUNK);
        ok = mpi_gather(part, all, CHUNK, err);
        for (int r = 0; ok && text && r < ranks; r++)
            if (at < len[r])
                buf_add(&text[r], all + (size_t)r * CHUNK,
                        len[r] - at < CHUNK ? len[r] - at : CHUNK);
    }
    for (int r = 0; text && r < ranks; r++)
        out[r] = buf_take(&text[r]);
    free(text);
    free(part);
    free(all);
    free(len);
    return ok ? out : NULL;
}

bool eval_ranks_collect(struct cli *c, struct eval_ranks *r, int mine, cli_on_event *on_event,
                        struct err *err)
{
    char **text;
    bool ok = true;

    if (mpi_size() == 1)
        return true;
    if (mpi_rank() && mine >= 0) {
        struct run_number away = {.sequence = mine + 1, .edits = r->v->facts, .layer = -1};

        away.value = 1;
        utf8_copy(away.name, sizeof(away.name), "elsewhere");
        eval_ranks_note(r, &(struct measures){.number = &away, .numbers = 1});
    }
    text = texts_gather(&r->sent, err);
    buf_clear(&r->sent);
    if (mpi_rank())
        return !err->kind;
    for (int k = 1; text && ok && k < r->dealt; k++) {
        struct command cmd = {.kind = CMD_TAKE, .text = text[k]};

        text[k] = NULL;
        ok = cli_job(c, &cmd, on_event, r, err);
    }
    for (int k = 0; text && k < mpi_size(); k++)
        free(text[k]);
    ok = ok && text;
    free(text);
    return ok;
}
