/* Rectangles at every size: apart, inside, and the least needed first to go. */
#include "tui/layout.h"

#include "tests/test.h"

static bool apart(struct rect a, struct rect b)
{
    return rect_empty(a) || rect_empty(b) || a.y + a.h <= b.y || b.y + b.h <= a.y ||
           a.x + a.w <= b.x || b.x + b.w <= a.x;
}

static bool within(struct rect a, struct rect area)
{
    return rect_empty(a) || (a.y >= area.y && a.x >= area.x && a.y + a.h <= area.y + area.h &&
                             a.x + a.w <= area.x + area.w);
}

static void slices_are_apart_and_inside_at_every_size(void)
{
    static const struct slice slice[4] = {{4, 8, 0, 0}, {3, 8, 0, 2}, {5, 9, 1, 1}, {3, 7, 2, 3}};
    int wrong = 0;

    for (int h = 0; h <= 200; h++)
        for (int w = 0; w <= 500; w += 7) {
            struct rect area = {3, 5, h, w}, r[4], c[4];

            layout_rows(area, slice, 4, r);
            layout_columns(area, slice, 4, c);
            for (int i = 0; i < 4; i++) {
                wrong += !within(r[i], area) + !within(c[i], area);
                for (int j = 0; j < i; j++)
                    wrong += !apart(r[i], r[j]) + !apart(c[i], c[j]);
            }
        }
    CHECK(wrong == 0);
}

static void room_is_filled_and_the_least_needed_go_first(void)
{
    static const struct slice slice[3] = {{4, 6, 0, 0}, {3, 5, 1, 1}, {3, 4, 1, 2}};
    struct rect r[3];

    layout_rows((struct rect){0, 0, 21, 10}, slice, 3, r);
    CHECK(r[0].h == 6 && r[0].h + r[1].h + r[2].h == 21);
    layout_rows((struct rect){0, 0, 8, 10}, slice, 3, r);
    CHECK(r[2].h == 0 && r[0].h + r[1].h == 8);
    layout_rows((struct rect){0, 0, 5, 10}, slice, 3, r);
    CHECK(r[0].h == 5 && r[1].h == 0 && r[2].h == 0);
    layout_rows((struct rect){0, 0, 2, 10}, slice, 3, r);
    CHECK(r[0].h == 2);
}

static void the_middle_is_in_the_middle(void)
{
    struct rect r = rect_middle((struct rect){0, 0, 24, 80}, 6, 40);

    CHECK(r.y == 9 && r.x == 20 && r.h == 6 && r.w == 40);
    r = rect_middle((struct rect){0, 0, 3, 10}, 6, 40);
    CHECK(r.y == 0 && r.x == 0 && r.h == 3 && r.w == 10);
}

static const struct test tests[] = {
    {"slices are apart and inside at every size", slices_are_apart_and_inside_at_every_size},
    {"room is filled and the least needed go first", room_is_filled_and_the_least_needed_go_first},
    {"the middle is in the middle", the_middle_is_in_the_middle},
};
TEST_MAIN(tests)
