#include <string.h>

#include "engine/plan_parse.h"
#include "s3/tags.h"

/* The options of the steps on objects and uploads, one row each. */

#define BODY_MAX INT64_C(5368709120) /* 5 GiB, the largest single PUT of S3 */
#define BODY_SIZES_MAX 64
#define OFFSET_MAX INT64_C(5497558138880) /* 5 TiB, the largest object of S3 */
#define PART_MAX 10000
#define PART_BYTES_MIN S3P_CELL /* a part names its write, by its first cell */
#define TEXT_MAX 1024           /* of a version id */

static struct s3p_str text_of(const struct s3p_node *n)
{
    return (struct s3p_str){json_string_value(n->value), json_string_length(n->value)};
}

/* A reference to `wanted`, or a text that stands for itself. */
static int compile_text(struct s3p_compile *c, const struct s3p_node *n, uint32_t wanted,
                        struct s3p_text_arg *out)
{
    struct s3p_str text = text_of(n);
    int ref = text.p == NULL ? 0 : s3p_compile_ref(c, n, text, wanted, &out->slot, &out->field);
    return ref != 0 ? (ref < 0 ? ref : 0) : s3p_node_text(&c->p->r, n, 1, TEXT_MAX, &out->text);
}

static int compile_version(struct s3p_compile *c, const struct s3p_node *n, struct s3p_step *s)
{
    return compile_text(c, n, S3P_GIVES(VERSION), &s->u.object.version);
}

/* ---- conditions ---- */

/* "*", a quoted ETag, or a reference. */
static int compile_etag(struct s3p_compile *c, const struct s3p_node *n, bool *any,
                        struct s3p_text_arg *out)
{
    static const char expected[] = "`name.etag` of an earlier step, a quoted ETag, or \"*\"";
    struct s3p_str text = text_of(n);
    if (text.p == NULL)
        return s3p_node_bad(&c->p->r, n, "%s", expected);
    *any = s3p_str_eq(text, "*");
    if (*any)
        return s3p_node_text(&c->p->r, n, 1, 1, &out->text);
    int ref = s3p_compile_ref(c, n, text, S3P_GIVES(ETAG), &out->slot, &out->field);
    if (ref != 0)
        return ref < 0 ? ref : 0;
    if (text.len < 2 || text.p[0] != '"' || text.p[text.len - 1] != '"' ||
        strpbrk(text.p, "\r\n") != NULL)
        return s3p_node_bad(&c->p->r, n, "%s", expected);
    return s3p_node_text(&c->p->r, n, 2, 200, &out->text);
}

static int one_condition(struct s3p_compile *c, const struct s3p_node *n, const char *other)
{
    return json_object_get(n->up->value, other) == NULL
               ? 0
               : s3p_node_bad(&c->p->r, n, "one condition a step, and there is %s", other);
}

static int compile_if_match(struct s3p_compile *c, const struct s3p_node *n, struct s3p_step *s)
{
    struct s3p_object_step *o = &s->u.object;
    bool any;
    S3P_TRY(compile_etag(c, n, &any, &o->cond_value));
    o->cond = any ? S3P_COND_IF_MATCH_ANY : S3P_COND_IF_MATCH;
    return 0;
}

static int compile_if_none_match(struct s3p_compile *c, const struct s3p_node *n,
                                 struct s3p_step *s)
{
    struct s3p_object_step *o = &s->u.object;
    bool any;
    S3P_TRY(one_condition(c, n, "if_match"));
    S3P_TRY(compile_etag(c, n, &any, &o->cond_value));
    o->cond = any ? S3P_COND_IF_NONE_MATCH_ANY : S3P_COND_IF_NONE_MATCH;
    return 0;
}

/* ---- bodies ---- */

static int check_part_size(struct s3p_compile *c, const struct s3p_node *n,
                           const struct s3p_object_step *o, int64_t size)
{
    if (size < PART_BYTES_MIN)
        return s3p_node_bad(&c->p->r, n, "at least %d bytes in a part", PART_BYTES_MIN);
    if (size % S3P_CELL != 0 && !s3p_part_may_be_cut(c, o))
        return s3p_node_bad(&c->p->r, n, "a multiple of %d: only the highest part may be cut",
                            S3P_CELL);
    return 0;
}

static int compile_sizes(struct s3p_compile *c, const struct s3p_node *n, struct s3p_object_step *o)
{
    bool list = json_is_array(n->value);
    if (list)
        S3P_TRY(s3p_node_list(&c->p->r, n, 1, BODY_SIZES_MAX, "sizes"));
    o->nsizes = list ? (int)s3p_node_count(n) : 1;
    o->sizes = s3p_arena_alloc(c->p->r.arena, (size_t)o->nsizes * sizeof *o->sizes);
    if (o->sizes == NULL)
        return s3p_node_no_memory(&c->p->r);
    for (int i = 0; i < o->nsizes; i++) {
        struct s3p_node item = *n;
        int64_t size;
        if (list)
            s3p_node_item(n, (size_t)i, &item);
        S3P_TRY(s3p_node_int(&c->p->r, &item, 0, BODY_MAX, &size));
        if (o->of_upload)
            S3P_TRY(check_part_size(c, &item, o, size));
        o->sizes[i] = (uint64_t)size;
    }
    return 0;
}

static int compile_body(struct s3p_compile *c, const struct s3p_node *body, struct s3p_step *s)
{
    struct s3p_object_step *o = &s->u.object;
    struct s3p_node n;
    S3P_TRY(s3p_node_keys(&c->p->r, body, "bytes, counter, constant"));
    if (json_object_size(body->value) != 1)
        return s3p_node_bad(&c->p->r, body, "one of bytes, counter, constant");
    if (s3p_node_get(body, "bytes", &n))
        return compile_sizes(c, &n, o);
    if (s3p_node_get(body, "constant", &n)) {
        o->body = S3P_KIND_CONSTANT;
        if (json_is_array(n.value))
            return s3p_node_bad(&c->p->r, &n, "a number of bytes");
        return compile_sizes(c, &n, o);
    }
    o->body = S3P_KIND_COUNTER;
    (void)s3p_node_get(body, "counter", &n);
    if (o->of_upload)
        return s3p_node_bad(&c->p->r, &n, "`bytes` or `constant` in a part");
    return s3p_compile_expr(c, &n, S3P_GIVES(COUNTER) | S3P_GIVES(SIZE) | S3P_GIVES(NOW_MS),
                            &o->counter);
}

static int compile_tags(struct s3p_compile *c, const struct s3p_node *n, struct s3p_step *s)
{
    json_int_t tags = json_integer_value(n->value);
    if (!json_is_integer(n->value) || tags < 0 || tags == 1 || tags > S3P_TAGS_MAX)
        return s3p_node_bad(&c->p->r, n, "0, or an integer from 2 to %d", S3P_TAGS_MAX);
    s->u.object.tags = (int)tags;
    c->prog->extra = true;
    return 0;
}

static int compile_fields(struct s3p_compile *c, const struct s3p_node *n, struct s3p_step *s)
{
    int64_t fields;
    S3P_TRY(s3p_node_int(&c->p->r, n, 2, S3P_TAGS_MAX, &fields));
    if (s->op == S3P_OP_COPY && !s->u.object.replace_metadata)
        return s3p_node_bad(&c->p->r, n, "`metadata` \"replace\" beside it");
    s->u.object.fields = (int)fields;
    return 0;
}

static int compile_checksum(struct s3p_compile *c, const struct s3p_node *n, struct s3p_step *s)
{
    const char *names[S3P_SUM_KINDS] = {NULL};
    int word = S3P_SUM_NONE;
    for (int i = S3P_SUM_NONE + 1; i < S3P_SUM_KINDS; i++)
        names[i] = s3p_sum_table[i].name;
    S3P_TRY(s3p_node_word(&c->p->r, n, names, S3P_SUM_KINDS, &word));
    s->u.object.sum = (enum s3p_sum_kind)word;
    return 0;
}

static int compile_checksum_type(struct s3p_compile *c, const struct s3p_node *n,
                                 struct s3p_step *s)
{
    static const char *const words[] = {"composite", "full_object"};
    int word;
    S3P_TRY(s3p_node_word(&c->p->r, n, words, 2, &word));
    s->u.object.sum_type = word == 0 ? "COMPOSITE" : "FULL_OBJECT";
    return 0;
}

static int compile_checksum_mode(struct s3p_compile *c, const struct s3p_node *n,
                                 struct s3p_step *s)
{
    if (!json_is_boolean(n->value))
        return s3p_node_bad(&c->p->r, n, "true or false");
    s->u.object.sum_mode = json_is_true(n->value);
    return 0;
}

static int compile_chunked(struct s3p_compile *c, const struct s3p_node *n, struct s3p_step *s)
{
    static const char *const words[] = {
        [S3P_PAYLOAD_CHUNKED] = "signed",
        [S3P_PAYLOAD_CHUNKED_TRAILER] = "signed_trailer",
        [S3P_PAYLOAD_UNSIGNED_TRAILER] = "unsigned_trailer",
    };
    int word;
    S3P_TRY(s3p_node_word(&c->p->r, n, words, sizeof words / sizeof words[0], &word));
    if (word != S3P_PAYLOAD_CHUNKED && json_object_get(n->up->value, "checksum") == NULL)
        return s3p_node_bad(&c->p->r, n, "a `checksum` for the trailer");
    s->u.object.chunked = (enum s3p_payload)word;
    c->prog->extra = true;
    return 0;
}

/* ---- ranges and parts ---- */

static int compile_part(struct s3p_compile *c, const struct s3p_node *n, struct s3p_step *s)
{
    int64_t part;
    S3P_TRY(s3p_node_int(&c->p->r, n, 1, PART_MAX, &part));
    s->u.object.part = (unsigned)part;
    return 0;
}

/* A range of the source of a part: whole cells. */
static int compile_part_range(struct s3p_compile *c, const struct s3p_node *range,
                              struct s3p_object_step *o)
{
    struct s3p_node n;
    int64_t first, last;
    if (!json_is_array(range->value) || s3p_node_count(range) != 2)
        return s3p_node_bad(&c->p->r, range, "[first, last]");
    s3p_node_item(range, 0, &n);
    S3P_TRY(s3p_node_int(&c->p->r, &n, 0, OFFSET_MAX, &first));
    if (first % S3P_CELL != 0)
        return s3p_node_bad(&c->p->r, &n, "a multiple of %d", S3P_CELL);
    s3p_node_item(range, 1, &n);
    S3P_TRY(s3p_node_int(&c->p->r, &n, first, OFFSET_MAX, &last));
    if ((last + 1) % S3P_CELL != 0 && !s3p_part_may_be_cut(c, o))
        return s3p_node_bad(&c->p->r, &n, "the last byte before a multiple of %d: only the highest "
                                          "part may be cut",
                            S3P_CELL);
    o->range = S3P_RANGE_FIXED;
    o->range_first = (uint64_t)first;
    o->range_last = (uint64_t)last;
    return 0;
}

static int compile_range(struct s3p_compile *c, const struct s3p_node *range, struct s3p_step *s)
{
    struct s3p_object_step *o = &s->u.object;
    struct s3p_node n;
    int64_t first, last;
    if (o->of_upload)
        return compile_part_range(c, range, o);
    if (json_is_object(range->value)) {
        S3P_TRY(s3p_node_keys(&c->p->r, range, "random"));
        S3P_TRY(s3p_need(&c->p->r, range, "random", "a number of bytes", &n));
        S3P_TRY(s3p_node_int(&c->p->r, &n, 1, OFFSET_MAX, &first));
        o->range = S3P_RANGE_RANDOM;
        o->range_first = (uint64_t)first;
        c->prog->random_range = true;
        return 0;
    }
    if (!json_is_array(range->value) || s3p_node_count(range) != 2)
        return s3p_node_bad(&c->p->r, range, "[first, last], [first, null] or {\"random\": bytes}");
    s3p_node_item(range, 0, &n);
    S3P_TRY(s3p_node_int(&c->p->r, &n, 0, OFFSET_MAX, &first));
    s3p_node_item(range, 1, &n);
    o->range = S3P_RANGE_FIXED;
    o->range_first = (uint64_t)first;
    o->range_last = UINT64_MAX;
    if (json_is_null(n.value))
        return 0;
    S3P_TRY(s3p_node_int(&c->p->r, &n, first, OFFSET_MAX, &last));
    o->range_last = (uint64_t)last;
    return 0;
}

static int compile_parts(struct s3p_compile *c, const struct s3p_node *list, struct s3p_step *s)
{
    struct s3p_object_step *o = &s->u.object;
    S3P_TRY(s3p_node_list(&c->p->r, list, 0, PART_MAX, "part numbers"));
    o->nparts = (int)s3p_node_count(list);
    o->parts = s3p_arena_alloc(c->p->r.arena, ((size_t)o->nparts + 1) * sizeof *o->parts);
    if (o->parts == NULL)
        return s3p_node_no_memory(&c->p->r);
    for (int i = 0; i < o->nparts; i++) {
        struct s3p_node item;
        int64_t part;
        s3p_node_item(list, (size_t)i, &item);
        S3P_TRY(s3p_node_int(&c->p->r, &item, 1, PART_MAX, &part));
        o->parts[i] = (uint16_t)part;
    }
    return 0;
}

/* ---- sources ---- */

static int compile_source(struct s3p_compile *c, const struct s3p_node *n, struct s3p_step *s)
{
    struct s3p_source_arg *source = s3p_arena_alloc(c->p->r.arena, sizeof *source);
    struct s3p_binding about;
    struct s3p_node option;
    bool any, match = s3p_node_get(n->up, "if_source_match", &option);
    if (source == NULL)
        return s3p_node_no_memory(&c->p->r);
    s->u.object.source = source;
    source->version.slot = source->cond_value.slot = S3P_NO_SLOT;
    source->bucket = s->bucket;
    c->prog->extra = true;
    S3P_TRY(
        s3p_compile_key(c, n->up, n, "source_bucket", &source->key, &source->bucket, &about));
    if (match) {
        source->cond = S3P_COND_IF_MATCH;
        S3P_TRY(compile_etag(c, &option, &any, &source->cond_value));
    }
    if (s3p_node_get(n->up, "if_source_none_match", &option)) {
        S3P_TRY(one_condition(c, &option, "if_source_match"));
        source->cond = S3P_COND_IF_NONE_MATCH;
        S3P_TRY(compile_etag(c, &option, &any, &source->cond_value));
    }
    return s3p_node_get(n->up, "source_version", &option)
               ? compile_text(c, &option, S3P_GIVES(VERSION), &source->version)
               : 0;
}

static int compile_metadata(struct s3p_compile *c, const struct s3p_node *n, struct s3p_step *s)
{
    static const char *const words[] = {"copy", "replace"};
    int word;
    S3P_TRY(s3p_node_word(&c->p->r, n, words, 2, &word));
    s->u.object.replace_metadata = word == 1;
    return 0;
}

/* In this order. Options of the source are read with it. */
static const struct {
    const char *name;
    int (*compile)(struct s3p_compile *c, const struct s3p_node *n, struct s3p_step *s);
    const char *expected; /* where it must be there */
} options[] = {
    {"part", compile_part, "an integer from 1 to 10000"},
    {"source", compile_source, "a key of 1 to 1024 bytes, or a reference `name.key`"},
    {"if_match", compile_if_match, NULL},
    {"if_none_match", compile_if_none_match, NULL},
    {"range", compile_range, NULL},
    {"version", compile_version, NULL},
    {"body", compile_body, NULL},
    {"tags", compile_tags, "0, or an integer from 2 to 10"},
    {"checksum", compile_checksum, NULL},
    {"checksum_type", compile_checksum_type, NULL},
    {"checksum_mode", compile_checksum_mode, NULL},
    {"chunked", compile_chunked, NULL},
    {"metadata", compile_metadata, NULL},
    {"fields", compile_fields, NULL},
    {"parts", compile_parts, NULL},
};
#define OPTIONS (sizeof options / sizeof options[0])

int s3p_compile_options(struct s3p_compile *c, const struct s3p_node *step, struct s3p_step *s)
{
    static uint64_t kib[] = {1024};
    struct s3p_object_step *o = &s->u.object;
    struct s3p_node n;
    o->version.slot = o->cond_value.slot = S3P_NO_SLOT;
    o->tags = S3P_NO_TAGS;
    o->body = S3P_KIND_CELLS;
    o->sizes = kib;
    o->nsizes = 1;
    for (size_t i = 0; i < OPTIONS; i++)
        if (s3p_node_get(step, options[i].name, &n))
            S3P_TRY(options[i].compile(c, &n, s));
    return 0;
}

int s3p_compile_needed(struct s3p_compile *c, const struct s3p_node *step, const char *option)
{
    struct s3p_node n;
    size_t i = 0;
    while (strcmp(options[i].name, option) != 0)
        i++;
    return s3p_need(&c->p->r, step, option, options[i].expected, &n);
}
