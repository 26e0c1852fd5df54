/* Pages: names of several key spaces, of several uploads, and pages that are not judged. */
#include "tests/t.h"

#include <stdio.h>
#include <string.h>

#include "s3/body.h"
#include "s3/op.h"
#include "s3/outcome.h"
#include "tests/check/store.h"

enum { KEYS, FIXED, HOT }; /* spaces; "hot" is key 0 of the last two */

struct name {
    uint16_t space;
    uint64_t key;
};

static void begin(struct t_make *m)
{
    t_make_begin(m, "{}", "{\"etag_is_md5\":false}");
}

static struct s3p_attempt put(uint32_t n, struct name key)
{
    struct s3p_attempt r = t_put(n, key.key, 1, 2);
    r.space = key.space;
    return r;
}

static struct s3p_attempt page_of(int op, int64_t call_ms)
{
    struct s3p_attempt r = t_attempt(op, 90, S3P_NO_INDEX, call_ms, call_ms + 1);
    r.outcome = S3P_OK_OUTCOME;
    r.status = 200;
    return r;
}

static void add_names(struct t_make *m, struct s3p_attempt page, const char *args,
                      const char *upload, const struct name *key, uint32_t n)
{
    s3p_append_begin(m->a, 1024, n);
    for (uint32_t k = 0; k < n; k++) {
        struct s3p_entry e = {.space = key[k].space, .key_index = key[k].key};
        uint32_t at = s3p_append_entry(m->a, &e);
        page.entries_first = k == 0 ? at : page.entries_first;
    }
    page.entries_count = n;
    page.list_args = s3p_append_text(m->a, args, strlen(args));
    if (upload != NULL) {
        page.key_index = 3;
        page.upload_id = s3p_append_text(m->a, upload, strlen(upload));
    }
    s3p_append(m->a, &page);
}
#define ADD_NAMES(m, page, args, upload, ...)                                                      \
    do {                                                                                           \
        const struct name key_[] = {__VA_ARGS__};                                                  \
        add_names(m, page, args, upload, key_, sizeof key_ / sizeof *key_);                        \
    } while (0)

static void expect(int line, struct t_make *m, const char *rule, int64_t unjudged)
{
    json_t *v = t_make_judge(m, NULL);
    char *text = t_dump(v);
    if (json_integer_value(json_object_get(v, "violations")) != (rule != NULL) ||
        (rule != NULL && t_rule(v, rule) != 1) ||
        t_skipped(v, "list-negatives", "attempts") != unjudged)
        t_fail(__FILE__, line, "expected %s: %s", rule != NULL ? rule : "nothing", text);
    s3p_free(text);
    json_decref(v);
}
#define EXPECT(m, rule) expect(__LINE__, m, rule, 0)

/* Keys of one number in two spaces. */
T_TEST(pages_of_several_spaces)
{
    struct t_make m;
    begin(&m);
    t_add(&m, put(1, (struct name){HOT, 0}));
    t_add(&m, put(2, (struct name){KEYS, 0}));
    ADD_NAMES(&m, page_of(S3P_OP_LIST, 5), "", NULL, {HOT, 0}, {KEYS, 0});
    EXPECT(&m, NULL);
    begin(&m);
    t_add(&m, put(1, (struct name){HOT, 0}));
    t_add(&m, put(2, (struct name){KEYS, 0}));
    ADD_NAMES(&m, page_of(S3P_OP_LIST, 5), "", NULL, {KEYS, 0});
    EXPECT(&m, "list-missing");
    for (uint16_t space = FIXED; space <= HOT; space++) { /* one key with two names */
        begin(&m);
        t_add(&m, put(1, (struct name){space, 0}));
        ADD_NAMES(&m, page_of(S3P_OP_LIST, 5), "", NULL, {FIXED, 0});
        ADD_NAMES(&m, page_of(S3P_OP_LIST, 7), "", NULL, {HOT, 0});
        EXPECT(&m, NULL);
    }
}

/* The marker's own key: of a page that nobody led to. */
T_TEST(pages_that_begin_with_their_marker)
{
    struct t_make m;
    begin(&m);
    t_add(&m, put(1, (struct name){KEYS, 3}));
    ADD_NAMES(&m, page_of(S3P_OP_LIST, 5), "start-after=keys%2F00000003", NULL, {KEYS, 3});
    EXPECT(&m, "list-range");
}

T_TEST(pages_of_replicas)
{
    struct t_make m;
    struct s3p_attempt rule = t_attempt(S3P_OP_PUT_REPLICATION, 60, S3P_NO_INDEX, 0, 1),
                       page = page_of(S3P_OP_LIST, 5);
    rule.outcome = S3P_OK_OUTCOME;
    begin(&m);
    t_add_texts(&m, rule, (struct t_texts){.args = "rules=[{\"to\":\"side\"}]"});
    t_add(&m, put(1, (struct name){KEYS, 3}));
    page.bucket = 1;
    ADD_NAMES(&m, page, "", NULL, {KEYS, 3});
    expect(__LINE__, &m, NULL, 1);
}

static void add_uploads(struct t_make *m)
{
    for (uint32_t n = 1; n < 4; n++) {
        char id[] = {'u', (char)('0' + n), 0};
        struct s3p_attempt r = t_attempt(S3P_OP_CREATE_UPLOAD, n, 3, 1, 2);
        r.outcome = S3P_OK_OUTCOME;
        r.meta_id = t_nth(n, 1);
        t_add_texts(m, r, (struct t_texts){.upload = id});
        for (uint32_t number = 1; number < 4; number++) {
            r = t_attempt(S3P_OP_UPLOAD_PART, n, 3, 3, 4);
            r.outcome = S3P_OK_OUTCOME;
            r.part_number = number;
            r.body_id = t_nth(n, 20 + number);
            t_add_texts(m, r, (struct t_texts){.upload = id});
        }
    }
}

/* Each upload's parts are its own, wherever it stands among others. */
T_TEST(pages_of_parts_of_several_uploads)
{
    struct t_make m;
    begin(&m);
    add_uploads(&m);
    for (uint32_t n = 1; n < 4; n++) {
        char id[] = {'u', (char)('0' + n), 0};
        ADD_NAMES(&m, page_of(S3P_OP_LIST_PARTS, 5), "", id, {0, 1}, {0, 2}, {0, 3});
        ADD_NAMES(&m, page_of(S3P_OP_LIST_PARTS, 7), "part-number-marker=1", id, {0, 2}, {0, 3});
    }
    EXPECT(&m, NULL);
    for (uint32_t n = 1; n < 4; n++) {
        char id[] = {'u', (char)('0' + n), 0};
        begin(&m);
        add_uploads(&m);
        ADD_NAMES(&m, page_of(S3P_OP_LIST_PARTS, 7), "part-number-marker=1", id, {0, 3});
        EXPECT(&m, "list-missing");
    }
}

/* Whoever wrote it, and although nobody can tell its values apart. */
T_TEST(pages_of_keys_that_are_not_checked)
{
    struct t_make m;
    struct s3p_attempt constant = put(1, (struct name){KEYS, 3});
    constant.body_kind = S3P_KIND_CONSTANT;
    constant.body_id = constant.meta_id = (struct s3p_id){{0}};
    begin(&m);
    t_add(&m, constant);
    t_add(&m, put(2, (struct name){KEYS, 4}));
    ADD_NAMES(&m, page_of(S3P_OP_LIST, 5), "", NULL, {KEYS, 4});
    EXPECT(&m, "list-missing");
}
