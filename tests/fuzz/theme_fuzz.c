/* A theme: what is accepted can be judged and worn on every kind of terminal. */
#include <stdint.h>
#include <stdlib.h>

#include "core/base/buf.h"
#include "tui/theme.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct theme theme;
    struct palette palette;
    struct err err = {0};
    struct buf said = {0};
    bool ok;

    theme_default(&theme);
    ok = theme_parse(&theme, (const char *)data, size, &err);
    if (ok != (err.kind == ERR_NONE))
        abort();
    if (ok) {
        theme_check(&theme, &said);
        for (int tier = 0; tier <= TIER_DIRECT; tier++)
            palette_build(&palette, &theme, (struct caps){.tier = (enum tier)tier});
    }
    buf_free(&said);
    return 0;
}
