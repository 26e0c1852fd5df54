#include <string.h>

#include "core/text.h"
#include "engine/plan_parse.h"

#define CONSTANT_MAX (INT64_C(1) << 53)

const char *const s3p_field_name[S3P_FIELDS] = {
    [S3P_FIELD_ETAG] = "etag",         [S3P_FIELD_VERSION] = "version",
    [S3P_FIELD_UPLOAD] = "upload",     [S3P_FIELD_PARTS] = "parts",
    [S3P_FIELD_UPLOADS] = "uploads",   [S3P_FIELD_ID] = "id",
    [S3P_FIELD_TOKEN] = "token",
    [S3P_FIELD_KEY] = "key",           [S3P_FIELD_KEYS] = "keys",
    [S3P_FIELD_VERSIONS] = "versions", [S3P_FIELD_SIZE] = "size",
    [S3P_FIELD_COUNTER] = "counter",   [S3P_FIELD_NOW_MS] = "now_ms",
    [S3P_FIELD_INITIATED_MS] = "initiated_ms",
};

int s3p_find_slot(const struct s3p_program *prog, struct s3p_str name)
{
    for (int i = 0; i < prog->nslots; i++)
        if (s3p_str_same(prog->slots[i].name, name))
            return i;
    return S3P_NO_SLOT;
}

static int find_field(struct s3p_str name)
{
    for (int i = 0; i < S3P_FIELDS; i++)
        if (s3p_str_eq(name, s3p_field_name[i]))
            return i;
    return -1;
}

/* "etag, version" for an error. */
static void field_names(uint32_t fields, char out[120])
{
    size_t len = 0;
    for (int i = 0; i < S3P_FIELDS; i++) {
        size_t n = strlen(s3p_field_name[i]);
        if ((fields >> i & 1) == 0 || len + n + 2 >= 120)
            continue;
        memcpy(out + len, ", ", 2);
        len += len == 0 ? 0 : 2;
        memcpy(out + len, s3p_field_name[i], n);
        len += n;
    }
    out[len] = 0;
}

int s3p_compile_ref(struct s3p_compile *c, const struct s3p_node *n, struct s3p_str text,
                    uint32_t wanted, int *slot, enum s3p_field *field)
{
    const char *dot = text.len == 0 ? NULL : memchr(text.p, '.', text.len);
    if (dot == NULL)
        return 0;
    struct s3p_str name = {text.p, (size_t)(dot - text.p)};
    struct s3p_str rest = {dot + 1, text.len - name.len - 1};
    int known = find_field(rest), at = s3p_find_slot(c->prog, name);
    if (known < 0 || at == S3P_NO_SLOT)
        return 0;
    char names[120];
    const struct s3p_binding *b = &c->binding[at];
    if (b->by == NULL)
        return s3p_node_bad(&c->p->r, n, "a name that an earlier step binds with `as`");
    if ((b->gives >> known & 1) == 0) {
        field_names(b->gives, names);
        return s3p_node_bad(&c->p->r, n, "a field that `%s` gives: %s", b->by->name, names);
    }
    if ((wanted >> known & 1) == 0) {
        field_names(wanted, names);
        return s3p_node_bad(&c->p->r, n, "a reference to a field of: %s", names);
    }
    c->prog->slots[at].fields |= 1u << known;
    *slot = at;
    *field = (enum s3p_field)known;
    return 1;
}

/* Cuts blanks off both ends. */
static struct s3p_str trim(struct s3p_str s)
{
    while (s.len > 0 && *s.p == ' ')
        s = (struct s3p_str){s.p + 1, s.len - 1};
    while (s.len > 0 && s.p[s.len - 1] == ' ')
        s.len--;
    return s;
}

static bool parse_constant(struct s3p_str s, bool minus, int64_t *out)
{
    uint64_t v;
    s = trim(s);
    if (!s3p_parse_u64(s.p, s.len, &v) || v > (uint64_t)CONSTANT_MAX)
        return false;
    *out = minus ? -(int64_t)v : (int64_t)v;
    return true;
}

int s3p_compile_expr(struct s3p_compile *c, const struct s3p_node *n, uint32_t wanted,
                     struct s3p_expr *out)
{
    static const char expected[] =
        "an integer, or a reference `name.field`, plus or minus an integer";
    *out = (struct s3p_expr){.slot = S3P_NO_SLOT};
    if (json_is_integer(n->value))
        return s3p_node_int(&c->p->r, n, -CONSTANT_MAX, CONSTANT_MAX, &out->add);
    struct s3p_str text = {json_string_value(n->value), json_string_length(n->value)};
    if (text.p == NULL)
        return s3p_node_bad(&c->p->r, n, "%s", expected);
    size_t head = strcspn(text.p, "+-");
    bool sum = head < text.len;
    if (sum && !parse_constant((struct s3p_str){text.p + head + 1, text.len - head - 1},
                               text.p[head] == '-', &out->add))
        return s3p_node_bad(&c->p->r, n, "%s", expected);
    struct s3p_str left = trim((struct s3p_str){text.p, head});
    int64_t base;
    if (parse_constant(left, false, &base)) {
        out->add += base;
        return 0;
    }
    int ref = s3p_compile_ref(c, n, left, wanted, &out->slot, &out->field);
    if (ref < 0)
        return ref;
    bool text_field = ref == 1 && out->field < S3P_FIELD_SIZE;
    return ref == 1 && !(text_field && sum) ? 0 : s3p_node_bad(&c->p->r, n, "%s", expected);
}

static int grow_implicit(struct s3p_parse *p, uint16_t bucket, struct s3p_space *s)
{
    uint64_t cap = p->implicit_cap[bucket];
    if (s->count < cap)
        return 0;
    cap = cap == 0 ? 8 : cap * 2;
    struct s3p_str *keys = s3p_arena_alloc(&p->plan->arena, cap * sizeof *keys);
    bool *constant = s3p_arena_alloc(&p->plan->arena, cap * sizeof *constant);
    if (keys == NULL || constant == NULL)
        return s3p_node_no_memory(&p->r);
    if (s->count != 0) {
        memcpy(keys, s->keys, s->count * sizeof *keys);
        memcpy(constant, s->constant_key, s->count * sizeof *constant);
    }
    s->keys = keys;
    s->constant_key = constant;
    p->implicit_cap[bucket] = cap;
    return 0;
}

static int add_implicit(struct s3p_parse *p, const struct s3p_node *n, uint16_t bucket,
                        struct s3p_str key, struct s3p_keyref *out)
{
    struct s3p_spaces *all = &p->plan->spaces;
    int at = p->implicit[bucket];
    if (at < 0) {
        at = p->implicit[bucket] = all->n++;
        all->space[at] = (struct s3p_space){
            .name = S3P_STR(""), .kind = S3P_SPACE_FIXED, .bucket = bucket, .prefix = S3P_STR("")};
    }
    struct s3p_space *s = &all->space[at];
    *out = (struct s3p_keyref){s->count, (uint16_t)at};
    for (uint64_t i = 0; i < s->count; i++) {
        if (s3p_str_same(s->keys[i], key)) {
            out->index = i;
            return 0;
        }
    }
    S3P_TRY(grow_implicit(p, bucket, s));
    return s3p_node_text(&p->r, n, 1, S3P_KEY_MAX, &s->keys[s->count++]);
}

int s3p_parse_literal_key(struct s3p_parse *p, const struct s3p_node *n, uint16_t bucket,
                          struct s3p_keyref *out)
{
    struct s3p_str key = {json_string_value(n->value), json_string_length(n->value)};
    if (key.p == NULL || key.len == 0 || key.len > S3P_KEY_MAX)
        return s3p_node_bad(&p->r, n, "a key of 1 to %d bytes, or a reference `name.key`",
                            S3P_KEY_MAX);
    if (!s3p_spaces_find(&p->plan->spaces, bucket, key, out))
        return add_implicit(p, n, bucket, key, out);
    if (p->plan->spaces.space[out->space].kind == S3P_SPACE_LIFECYCLE)
        return s3p_node_bad(&p->r, n, "no literal key of a lifecycle space: `choose` it");
    return 0;
}
