/* Dequantisation against values from an independent implementation (tests/reference/dtype.py). */
#include <stdint.h>
#include <stdlib.h>

#include "core/base/mem.h"
#include "core/device/dtype.h"
#include "core/model/safetensors.h"
#include "tests/test.h"

static void check_type(const struct safetensors *st, enum dtype type)
{
    const struct st_tensor *blocks, *values;
    char name[32];
    long n, wrong = 0;
    float *got;

    snprintf(name, sizeof(name), "%s.blocks", dtype_name(type));
    blocks = safetensors_tensor(st, name);
    snprintf(name, sizeof(name), "%s.values", dtype_name(type));
    values = safetensors_tensor(st, name);
    CHECK(blocks && values);
    if (!blocks || !values)
        return;
    n = st_tensor_elements(values);
    CHECK(dtype_row_bytes(type, n) == blocks->bytes);
    got = xmalloc((size_t)n * sizeof(*got));
    dtype_to_float(type, blocks->data, got, n);
    for (long i = 0; i < n; i++)
        if (memcmp(&got[i], (const char *)values->data + 4 * i, 4) && !wrong++)
            printf("%s: element %ld is %.9g\n", dtype_name(type), i, (double)got[i]);
    CHECK(wrong == 0);
    free(got);
}

static void same_bits_as_the_reference(void)
{
    struct err err = {0};
    struct safetensors *st = safetensors_open("tests/data/dtype.safetensors", &err);

    CHECK_STR(err.text, "");
    if (!st)
        return;
    for (int type = DT_F16; type < DT_COUNT; type++)
        check_type(st, (enum dtype)type);
    safetensors_close(st);
}

static void any_alignment(void)
{
    const float values[] = {1.5f, -2, 3e-40f};
    char bytes[sizeof(values) + 1];
    float got[3];

    memcpy(bytes + 1, values, sizeof(values));
    dtype_to_float(DT_F32, bytes + 1, got, 3);
    CHECK(!memcmp(got, values, sizeof(values)));
    dtype_to_float(DT_F32, bytes, got, 0);
}

static void sizes_of_rows(void)
{
    CHECK(dtype_row_bytes(DT_F32, 3) == 12);
    CHECK(dtype_row_bytes(DT_Q4_1, 64) == 40);
    CHECK(dtype_row_bytes(DT_Q4_1, 33) == 0);
    CHECK(dtype_row_bytes(DT_Q6_K, 256) == 210);
    CHECK(dtype_row_bytes(DT_Q6_K, -256) == 0);
    CHECK(dtype_row_bytes(DT_F32, 0x7fffffffffffffff) == 0);
    CHECK(dtype_row_bytes((enum dtype)99, 4) == 0);
    CHECK_STR(dtype_name(DT_Q3_K), "Q3_K");
    CHECK(dtype_block(DT_Q5_1) == 32 && dtype_block_bytes(DT_Q5_1) == 24);
}

static const struct test tests[] = {
    {"same bits as the reference", same_bits_as_the_reference},
    {"any alignment", any_alignment},
    {"sizes of rows", sizes_of_rows},
};

TEST_MAIN(tests)
