/* Models found in folders and in the Hub's cache. */
#include "views/screens/model_list.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/file.h"
#include "core/base/mem.h"

#include "tests/test.h"

static char root[4096];

static void put(const char *path, const char *text)
{
    char *full = xasprintf("%s/%s", root, path);
    struct err err = {0};

    CHECK(file_make_parents(full, &err) && file_write(full, text, strlen(text), &err));
    free(full);
}

static const struct model_file *named(const struct model_list *l, const char *name)
{
    for (int i = 0; i < l->count; i++)
        if (!strcmp(l->file[i].name, name))
            return &l->file[i];
    return NULL;
}

static void models_are_found_where_they_are_kept(void)
{
    struct model_list l = {0};
    const struct model_file *f;
    char *cache, *hub, *mine, *rm;

    CHECK(getcwd(root, sizeof(root) - 32) != NULL); /* such variables hold absolute paths */
    memcpy(root + strlen(root), "/build/model_list_XXXXXX", 25);
    CHECK(mkdtemp(root));
    put("cache/editscope/models/Tiny-Q4_K_M.gguf", "12345");
    put("cache/editscope/models/notes.txt", "no model");
    put("hub/models--org--name-1B/snapshots/abc/config.json", "{\"torch_dtype\": \"bfloat16\"}");
    put("hub/models--org--name-1B/snapshots/abc/a-1.safetensors", "123");
    put("hub/models--org--name-1B/snapshots/abc/a-2.safetensors", "4567");
    put("hub/models--org--half/snapshots/abc/config.json", "{}");
    put("hub/models--org--g/snapshots/x/g.BF16.gguf", "1");
    put("mine/Own.F16.gguf", "12");
    put("mine/Other-IQ2_XS.gguf", "123");
    cache = xasprintf("%s/cache", root);
    hub = xasprintf("%s/hub", root);
    mine = xasprintf("%s/mine/Own.F16.gguf", root);
    setenv("XDG_CACHE_HOME", cache, 1);
    setenv("HF_HUB_CACHE", hub, 1);
    model_list_read(&l, mine);
    CHECK(l.count == 5);
    CHECK(l.count && !strcmp(l.file[0].path, mine)); /* the one at hand is first, and once */
    f = named(&l, "Tiny-Q4_K_M");
    CHECK(f && !strcmp(f->type, "Q4_K_M") && f->bytes > 4 && f->bytes < 6);
    f = named(&l, "org/name-1B");
    CHECK(f && !strcmp(f->type, "bfloat16") && f->bytes > 6 && f->bytes < 8);
    f = named(&l, "g.BF16");
    CHECK(f && !strcmp(f->type, "BF16"));
    f = named(&l, "Other-IQ2_XS");
    CHECK(f && !strcmp(f->type, "IQ2_XS"));
    model_list_read(&l, NULL); /* again */
    CHECK(l.count == 3);
    model_list_free(&l);
    rm = xasprintf("rm -r '%s'", root);
    CHECK(!system(rm));
    free(rm);
    free(cache);
    free(hub);
    free(mine);
}

static const struct test tests[] = {
    {"models are found where they are kept", models_are_found_where_they_are_kept},
};
TEST_MAIN(tests)
