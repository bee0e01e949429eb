/* Rounding into stored types against an independent implementation (tests/reference/store.py). */
#include <stdlib.h>

#include "core/base/mem.h"
#include "core/device/dtype.h"
#include "core/model/safetensors.h"
#include "tests/test.h"

static void same_bytes_as_the_reference(void)
{
    static const enum dtype types[] = {DT_F16,  DT_BF16, DT_Q4_0, DT_Q4_1,
                                       DT_Q5_0, DT_Q5_1, DT_Q8_0};
    struct err err = {0};
    struct safetensors *st = safetensors_open("tests/data/store.safetensors", &err);
    const struct st_tensor *values;

    CHECK_STR(err.text, "");
    if (!st)
        return;
    values = safetensors_tensor(st, "values");
    for (size_t k = 0; k < sizeof(types) / sizeof(*types); k++) {
        const struct st_tensor *want = safetensors_tensor(st, dtype_name(types[k]));
        long n = st_tensor_elements(values), wrong = 0;
        float *x = xmalloc((size_t)n * sizeof(*x));
        unsigned char *got;

        st_tensor_floats(values, x);
        CHECK(want && dtype_row_bytes(types[k], n) == want->bytes);
        got = xmalloc(want->bytes);
        CHECK(dtype_can_store(types[k]));
        dtype_from_float(types[k], x, got, n);
        for (size_t i = 0; i < want->bytes; i++)
            if (got[i] != ((const unsigned char *)want->data)[i] && wrong++ < 3)
                printf("%s: byte %zu is %02x, not %02x\n", dtype_name(types[k]), i, got[i],
                       ((const unsigned char *)want->data)[i]);
        CHECK(wrong == 0);
        free(got);
        free(x);
    }
    safetensors_close(st);
}

/* What can be said in a type stays what it is. */
static void there_and_back(void)
{
    for (unsigned bits = 0; bits < 0x10000; bits++) {
        unsigned char half[2] = {(unsigned char)bits, (unsigned char)(bits >> 8)}, again[2];
        float x;

        if ((bits & 0x7c00) == 0x7c00 && (bits & 0x3ff)) /* no number */
            continue;
        dtype_to_float(DT_F16, half, &x, 1);
        dtype_from_float(DT_F16, &x, again, 1);
        if (memcmp(half, again, 2)) {
            printf("half %04x comes back as %02x%02x\n", bits, again[1], again[0]);
            CHECK(0);
            return;
        }
    }
    CHECK(!dtype_can_store(DT_Q4_K) && !dtype_can_store(DT_F64) && dtype_can_store(DT_F32));
}

static const struct test tests[] = {
    {"same bytes as the reference", same_bytes_as_the_reference},
    {"there and back", there_and_back},
};
TEST_MAIN(tests)
