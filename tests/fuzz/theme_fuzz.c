/* A theme: what is accepted can be judged and worn on every kind of terminal. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/buf.h"
#include "core/base/mem.h"
#include "tui/theme.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct theme theme;
    struct palette palette;
    struct err err = {0};
    struct buf said = {0};
    char *text = memcpy(xcalloc(size + 1, 1), data, size);
    bool ok;

    theme_default(&theme);
    ok = theme_parse(&theme, text, &err);
    if (ok != (err.kind == ERR_NONE))
        abort();
    if (ok) {
        theme_check(&theme, &said);
        for (int tier = 0; tier <= TIER_DIRECT; tier++)
            palette_build(&palette, &theme, (struct caps){.tier = (enum tier)tier});
    }
    buf_free(&said);
    free(text);
    return 0;
}
