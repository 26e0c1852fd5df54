/* Where a page of a walk begins, and what the page before it may have looked at. */
#include "tests/check/of_pages.h"
#include "tests/t.h"

#define EXPECT T_EXPECT_PAGES

/* A page that is short may have looked further than its last entry, and so may one that names a
 * marker behind it: key 4 comes in [10, 12]. */
T_TEST(pages_that_looked_further)
{
    EXPECT(NULL, {LIST, "max-keys=4", "continuation-token=t", NULL, 8, 9, "#1 #2 #3", NULL},
           {LIST, "continuation-token=t", NULL, NULL, 14, 15, "#5", NULL});
    EXPECT("list-missing", /* it was full */
           {LIST, "max-keys=3", "continuation-token=t", NULL, 8, 9, "#1 #2 #3", NULL},
           {LIST, "continuation-token=t", NULL, NULL, 14, 15, "#5", NULL});
    EXPECT("list-missing", /* behind the first entry the second page looked alone */
           {LIST, "max-keys=4", "continuation-token=t", NULL, 8, 9, "#1", NULL},
           {LIST, "continuation-token=t", NULL, NULL, 13, 14, "#3 #5", NULL});
    EXPECT("list-missing", /* it was there for both */
           {LIST, "max-keys=4", "continuation-token=t", NULL, 3, 4, "#1 #2", NULL},
           {LIST, "continuation-token=t", NULL, NULL, 5, 6, "#5", NULL});
    EXPECT(NULL, {LIST, "max-keys=3", "continuation-token=t", NULL, 3, 4, "#1 #2 #3", NULL},
           {LIST, "continuation-token=t", "continuation-token=u", NULL, 5, 6, "", NULL},
           {LIST, "continuation-token=u", NULL, NULL, 14, 15, "#5", NULL});
}

/* Markers that a page gives, and that lie behind its last entry or before it. */
T_TEST(pages_that_jump)
{
    EXPECT("list-missing",
           {LIST_V1, "max-keys=1", "marker=keys%2F00000003", NULL, 3, 4, "#1", NULL},
           {LIST_V1, "marker=keys%2F00000003", NULL, NULL, 14, 15, "#4 #5", NULL});
    EXPECT(NULL, /* key 2 was removed, key 4 not there yet */
           {LIST_V1, "max-keys=1", "marker=keys%2F00000002", NULL, 3, 4, "#1", NULL},
           {LIST_V1, "marker=keys%2F00000002", NULL, NULL, 14, 15, "#3 #4 #5", NULL});
    EXPECT(NULL, {LIST_V1, "max-keys=3", "marker=keys%2F00000004", NULL, 8, 9, "#1 #2 #3", NULL},
           {LIST_V1, "marker=keys%2F00000004", NULL, NULL, 14, 15, "#5", NULL});
    EXPECT("list-missing", {LIST_V1, "marker=keys%2F00000001", "marker=keys%2F00000003", NULL, 3, 4,
                            "", NULL},
           {LIST_V1, "marker=keys%2F00000003", NULL, NULL, 14, 15, "#4 #5", NULL});
    EXPECT(NULL, /* the marker lies in the prefix that was listed */
           {LIST_V1, "delimiter=3", "marker=keys%2F00000003", NULL, 8, 9,
            "#1 #2 -keys/00000003", NULL},
           {LIST_V1, "delimiter=3&marker=keys%2F00000003", NULL, NULL, 9, 9, "#5", NULL});
    EXPECT("list-missing",
           {LIST_V1, "delimiter=1", "delimiter=1&marker=keys%2F000000019", NULL, 8, 9,
            "-keys/00000001", NULL},
           {LIST_V1, "delimiter=1&marker=keys%2F000000019", NULL, NULL, 14, 15, "#3 #5", NULL});
    EXPECT("list-missing", /* not beyond its last entry, or what that stands for */
           {LIST_V1, "", "marker=keys%2F00000003", NULL, 8, 9, "#1 #2 #3", NULL},
           {LIST_V1, "marker=keys%2F00000003", NULL, NULL, 14, 15, "#5", NULL});
    EXPECT("list-missing",
           {LIST_V1, "delimiter=3", "marker=keys%2F000000039", NULL, 8, 9,
            "#1 #2 -keys/00000003", NULL},
           {LIST_V1, "delimiter=3&marker=keys%2F000000039", NULL, NULL, 14, 15, "#5", NULL});
    EXPECT("list-no-progress",
           {LIST_V1, "max-keys=2", "marker=keys%2F00000001", NULL, 3, 4, "#1 #2", NULL});
    EXPECT(NULL, {LIST_V1, "max-keys=2", "marker=keys%2F00000002", NULL, 3, 4, "#1 #2", NULL});
    EXPECT(NULL, /* a marker that a client made up */
           {LIST_V1, "delimiter=3", "marker=keys%2F00000003", NULL, 3, 4,
            "#1 #2 -keys/00000003 #5", NULL});
}

T_TEST(pages_of_no_entries)
{
    EXPECT(NULL, {LIST, "max-keys=0", NULL, NULL, 3, 4, "", NULL});
    EXPECT("list-over-limit", {LIST, "max-keys=0", NULL, NULL, 3, 4, "#1 #2 #3 #5", NULL});
    EXPECT("list-missing",
           {LIST, "max-keys=1&prefix=keys%2F00000005", NULL, NULL, 3, 4, "", NULL});
}
