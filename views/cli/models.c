/* editscope models: the models on this machine, from the same search as the Models view: the cache
 * of the program, the Hub cache, and the current folder. */
#include <stdio.h>

#include "core/base/show.h"
#include "core/base/std.h"
#include "core/hub/hub.h"
#include "views/cli/cli.h"
#include "views/screens/model_list.h"

static void print_model(const struct cli *c, const struct model_file *f)
{
    char size[16];
    json_t *o;

    if (!cli_json(c)) {
        std_print("%-44s %9s  %-9s %-12s  %s\n", f->name, show_bytes(f->bytes, size), f->type,
                  f->place, f->path);
        return;
    }
    o = cli_event("model");
    json_object_set_new(o, "name", cli_text(f->name));
    json_object_set_new(o, "path", cli_text(f->path));
    json_object_set_new(o, "bytes", cli_real(f->bytes));
    json_object_set_new(o, "type", cli_text(f->type));
    json_object_set_new(o, "place", cli_text(f->place));
    cli_print(o);
}

static bool models_run(struct cli *c, struct err *err)
{
    struct model_list all = {0};

    (void)err;
    model_list_read(&all, NULL);
    for (int i = 0; i < all.count; i++)
        print_model(c, &all.file[i]);
    if (!all.count)
        cli_say(
            c, "no models here; `editscope pull org/name` downloads one from the Hugging Face Hub");
    model_list_free(&all);
    return true;
}

const struct cli_ops cli_models = {"models", "", "List the models on this machine", 0, models_run};
