/* Presets: files of parameters that fit a model, with what they were measured on as comments.
 *
 *   [preset]
 *   model = llama-30-576-1536-49152     what the model is (core/engine/model_shape.h), or any
 *   for = one                           one edit alone, or many in a row
 *   [parameters]
 *   mask.compensate = gain
 *
 * They are looked for in ~/.config/editscope/presets, where `editscope tune` writes them, and then
 * among the samples. One that names the model goes before one for any model; the file's name does
 * not count. */
#include <dirent.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/config.h"
#include "core/base/file.h"
#include "core/base/mem.h"
#include "core/engine/model_shape.h"
#include "views/cli/cli.h"

enum { PRESET_MOST = 1 << 20 };

struct preset_head {
    char model[MODEL_SHAPE], use[8];
};

static bool head_line(void *ctx, const struct config_line *line, struct err *err)
{
    struct preset_head *h = ctx;

    (void)err;
    if (!strcmp(line->name, "model"))
        snprintf(h->model, sizeof(h->model), "%s", line->value);
    if (!strcmp(line->name, "for"))
        snprintf(h->use, sizeof(h->use), "%s", line->value);
    return true;
}

static struct preset_head head_of(const char *path)
{
    struct preset_head h = {.use = "one"};
    char *text = file_read_text(path, PRESET_MOST, NULL, NULL);

    if (text)
        config_read(text,
                    (struct config_section[]){{.name = ""},
                                              {.name = "preset", .take = head_line, .ctx = &h},
                                              {.name = "parameters"},
                                              {0}},
                    NULL);
    free(text);
    return h;
}

static int is_preset(const struct dirent *entry)
{
    return file_ends_in(entry->d_name, ".conf");
}

/* The first preset of a folder, by name, for this model and use. Frees `folder`. */
static char *find_in(char *folder, const char *model, const char *use)
{
    struct dirent **entry = NULL;
    int n = folder ? scandir(folder, &entry, is_preset, alphasort) : 0;
    char *found = NULL;

    for (int i = 0; i < n; i++) {
        char *path = found ? NULL : xasprintf("%s/%s", folder, entry[i]->d_name);
        struct preset_head h = {0};

        if (path)
            h = head_of(path);
        if (path && !strcmp(h.model, model) && !strcmp(h.use, use))
            found = path;
        else
            free(path);
        free(entry[i]);
    }
    free(entry);
    free(folder);
    return found;
}

static char *find_anywhere(const char *model, const char *use)
{
    char *found = find_in(file_config_path("presets"), model, use);

    return found ? found : find_in(cli_sample("presets"), model, use);
}

char *preset_of_model(const char *model, const char *use)
{
    char shape[MODEL_SHAPE], *found = NULL;

    if (model_shape_read(model, shape, NULL))
        found = find_anywhere(shape, use);
    return found ? found : find_anywhere("any", use);
}

bool preset_is_general(const char *path)
{
    return !strcmp(head_of(path).model, "any");
}

char *preset_by_name(const char *name)
{
    char *file = xasprintf("presets/%s.conf", name), *path = file_config_path(file);

    if (!file_exists(path)) {
        free(path);
        path = cli_sample(file);
    }
    free(file);
    return path;
}
