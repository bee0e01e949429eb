/* The advice after an edit whose facts did not all hold: which edits contain them, and the command
 * that undoes those edits. Also which facts of a list failed, and which a later one rewrote. */
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/base/show.h"
#include "core/base/std.h"
#include "views/cli/cli.h"

enum { NAMED = 3 }; /* edits named in the message, and facts named of each */

static void put_short(struct buf *out, const char *text)
{
    show_format(out, "%.60s", text);
}

/* The edits that contain a failed fact, ascending, each once. Caller frees. */
static int *failed_edits(const struct judged_fact *fact, int count, int *n)
{
    int *edit = xcalloc((size_t)count + 1, sizeof(*edit));

    *n = 0;
    for (int i = 0; i < count; i++) { /* mostly in order already */
        int at = *n;

        if (!fact[i].failed)
            continue;
        while (at && edit[at - 1] > fact[i].edit)
            at--;
        if (at && edit[at - 1] == fact[i].edit)
            continue;
        memmove(edit + at + 1, edit + at, (size_t)(*n - at) * sizeof(*edit));
        edit[at] = fact[i].edit;
        ++*n;
    }
    return edit;
}

/* Appends edits as ranges: 3-52,60. */
static void put_list(struct buf *out, const int *edit, int n)
{
    for (int i = 0, last; i < n; i = last + 1) {
        for (last = i; last + 1 < n && edit[last + 1] == edit[last] + 1;)
            last++;
        buf_printf(out, "%s%d", i ? "," : "", edit[i]);
        if (last > i)
            buf_printf(out, "-%d", edit[last]);
    }
}

/* "edit 3 (Angola, Chad and 2 more)" */
static void put_edit(struct buf *out, const struct judged_fact *fact, int count, int edit)
{
    int n = 0;

    buf_printf(out, "edit %d (", edit);
    for (int i = 0; i < count; i++) {
        if (fact[i].edit != edit || !fact[i].failed)
            continue;
        if (n < NAMED)
            buf_puts(out, n ? ", " : "");
        if (n < NAMED)
            put_short(out, fact[i].fact->subject);
        n++;
    }
    if (n > NAMED)
        buf_printf(out, " and %d more", n - NAMED);
    buf_puts(out, ")");
}

/* How many facts of these edits do hold: undo would take them back too. */
static int holding_in(const struct judged_fact *fact, int count, const int *edit, int edits)
{
    int n = 0;

    for (int i = 0; i < count; i++)
        for (int k = 0; k < edits && !fact[i].failed; k++)
            n += fact[i].edit == edit[k];
    return n;
}

/* "3 of 10 facts did not hold: edit 3 (Angola), edit 7 (Chad, Peru) and 1 more edits" */
static void put_failed(struct buf *out, const struct judged_fact *fact, int count, int failed,
                       const int *edit, int edits)
{
    if (count == 1) {
        buf_printf(out, "edit %d was written but does not hold (", edit[0]);
        put_short(out, fact->fact->subject);
        buf_puts(out, " -> ");
        put_short(out, fact->fact->target);
        buf_puts(out, ")");
        return;
    }
    if (failed == count) {
        buf_printf(out, "none of %d facts held", count);
        return;
    }
    buf_printf(out, "%d of %d facts did not hold: ", failed, count);
    for (int k = 0; k < edits && k < NAMED; k++) {
        buf_puts(out, k ? ", " : "");
        put_edit(out, fact, count, edit[k]);
    }
    if (edits > NAMED)
        buf_printf(out, " and %d more edits", edits - NAMED);
}

char *advice_of(const struct judged_fact *fact, int count, const char *session, const char **remedy)
{
    int edits, failed = 0, holding;
    int *edit = failed_edits(fact, count, &edits);
    struct buf out = {0};
    size_t what = 0;

    for (int i = 0; i < count; i++)
        failed += fact[i].failed;
    if (failed) {
        put_failed(&out, fact, count, failed, edit, edits);
        buf_puts(&out, "; ");
        what = out.len;
        buf_puts(&out, "`editscope undo -s ");
        show_shell_word(&out, session);
        buf_puts(&out, " --edit ");
        put_list(&out, edit, edits);
        buf_printf(&out, "` takes %s back", edits == 1 ? "it" : "them");
        holding = holding_in(fact, count, edit, edits);
        if (holding)
            buf_printf(&out, ", and also %d fact%s that hold%s", holding, holding == 1 ? "" : "s",
                       holding == 1 ? "s" : "");
    }
    free(edit);
    if (failed)
        *remedy = out.data + what;
    return failed ? buf_take(&out) : NULL;
}

json_t *cli_failed_json(const struct judged_fact *fact, int count)
{
    json_t *list = json_array();

    for (int i = 0; i < count; i++)
        if (fact[i].failed)
            json_array_append_new(list,
                                  json_pack("{s:i, s:i, s:o}", "fact", i + 1, "edit", fact[i].edit,
                                            "subject", cli_text(fact[i].fact->subject)));
    return list;
}

void cli_rewritten_text(const struct judged_fact *fact, int count)
{
    for (int i = 0; i < count; i++)
        if (fact[i].rewritten)
            std_print("edit %d (%.60s -> %.60s): rewritten by edit %d\n", fact[i].edit,
                      fact[i].fact->subject, fact[i].fact->target, fact[i].rewritten);
}

json_t *cli_rewritten_json(const struct judged_fact *fact, int count)
{
    json_t *list = json_array();

    for (int i = 0; i < count; i++)
        if (fact[i].rewritten)
            json_array_append_new(
                list, json_pack("{s:i, s:i, s:o, s:o, s:i}", "fact", i + 1, "edit", fact[i].edit,
                                "subject", cli_text(fact[i].fact->subject), "target",
                                cli_text(fact[i].fact->target), "by", fact[i].rewritten));
    return list;
}
