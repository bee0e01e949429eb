/* The facts of other edits that an edit, or a list of edits, overwrote: as text and as JSON. */
#include "core/base/std.h"
#include "views/cli/cli.h"

/* Which facts of other edits the edit overwrote. */
static void overwritten_text(const struct overwritten *o)
{
    if (!o->facts)
        return;
    if (o->asked < o->facts)
        std_print("  earlier   %d of %d asked facts hold, evenly taken of %d of other edits",
                  o->held, o->asked, o->facts);
    else
        std_print("  earlier   %d of %d facts of other edits hold", o->held, o->asked);
    if (o->weak)
        std_print(", %d did not before either", o->weak);
    std_puts("");
    for (int i = 0; i < o->lost; i++)
        std_print("  overwrote edit %d (%.60s -> %.60s): p(target) %.3g -> %.3g, says:%.96s\n",
                  o->fact[i].edit, o->fact[i].subject, o->fact[i].target, o->fact[i].p[0],
                  o->fact[i].p[1], o->fact[i].said[1]);
}

/* Adds the facts that are lost, each with these fields. */
static void put_lost(json_t *o, const struct overwritten *of, const char *fields)
{
    json_t *list = json_array();

    for (int i = 0; i < of->lost; i++) {
        json_t *one = json_object();

        cli_fields(one, &overwritten_fact_fields, &of->fact[i], fields);
        json_array_append_new(list, one);
    }
    json_object_set_new(o, "lost", list);
}

void cli_overwritten(struct cli *c, const struct overwritten *o)
{
    json_t *event;

    if (!cli_json(c)) {
        overwritten_text(o);
        return;
    }
    event = cli_event("overwritten");
    cli_fields(event, &overwritten_fields, o, "edit facts asked held weak");
    put_lost(event, o, "edit subject prompt target said p_target=p");
    cli_print(event);
}

void cli_lost_facts(const struct overwritten *o, const char *before)
{
    for (int i = 0; i < o->lost; i++)
        std_print("%s%.60s -> %.60s (edit %d)", i ? ", " : before, o->fact[i].subject,
                  o->fact[i].target, o->fact[i].edit);
}

/* "overwritten by a later edit: 1 of 9 asked (...): Mount Fuji -> Peru (edit 2)", at the end of a
 * list. */
void cli_rechecked_text(const struct overwritten *o)
{
    if (!o || !o->facts)
        return;
    std_print(
        "overwritten by a later edit: %d of %d asked (held when made, not rewritten, not of the "
        "last edit)",
        o->lost, o->asked);
    cli_lost_facts(o, ": ");
    if (o->asked < o->facts)
        std_print("; of %d facts that held, all of this run and a sample of the others were asked",
                  o->facts);
    std_puts("");
}

json_t *cli_rechecked_json(const struct overwritten *o)
{
    json_t *out = json_object();

    cli_fields(out, &overwritten_fields, o, "facts asked held");
    put_lost(out, o, "edit subject prompt target p_target=p");
    return out;
}
