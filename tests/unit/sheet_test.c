#include "views/sheet.h"

#include <math.h>
#include <stdlib.h>

#include <jansson.h>

#include "core/base/buf.h"

#include "tests/test.h"

static void fill(struct sheet *s)
{
    *s = (struct sheet){.name = "neurons"};
    sheet_columns(s, "text number whole yes");
    sheet_text(s, "a,\"b\"\n\xff");
    sheet_number(s, 0.25);
    sheet_whole(s, 123456789012);
    sheet_bool(s, true);
    sheet_text(s, NULL);
    sheet_number(s, (double)NAN);
    sheet_whole(s, -1);
    sheet_bool(s, false);
}

/* RFC 4180: quotes doubled inside quotes, CRLF, nothing for what is not known. */
static void csv_is_as_the_rfc_has_it(void)
{
    struct sheet s;
    struct buf out = {0};

    fill(&s);
    sheet_csv(&s, &out);
    CHECK_STR(out.data, "text,number,whole,yes\r\n"
                        "\"a,\"\"b\"\"\n\xef\xbf\xbd\",0.25,123456789012,true\r\n"
                        ",,-1,false\r\n");
    buf_free(&out);
    sheet_free(&s);
}

static void json_has_the_same(void)
{
    struct sheet s;
    struct buf out = {0};
    json_t *o, *row;

    fill(&s);
    sheet_json(&s, &out);
    o = json_loads(out.data, 0, NULL);
    CHECK(json_integer_value(json_object_get(o, "schema")) == 1);
    CHECK_STR(json_string_value(json_object_get(o, "table")), "neurons");
    CHECK(json_array_size(json_object_get(o, "rows")) == 2);
    row = json_array_get(json_object_get(o, "rows"), 0);
    CHECK_STR(json_string_value(json_object_get(row, "text")), "a,\"b\"\n\xef\xbf\xbd");
    CHECK(json_integer_value(json_object_get(row, "whole")) == 123456789012);
    row = json_array_get(json_object_get(o, "rows"), 1);
    CHECK(json_is_null(json_object_get(row, "number")));
    CHECK(json_is_false(json_object_get(row, "yes")));
    json_decref(o);
    buf_free(&out);
    sheet_free(&s);
}

static const struct test tests[] = {
    {"CSV is as the RFC has it", csv_is_as_the_rfc_has_it},
    {"JSON has the same", json_has_the_same},
};
TEST_MAIN(tests)
