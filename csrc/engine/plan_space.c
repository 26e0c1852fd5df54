#include <string.h>

#include "engine/plan_parse.h"

#define SPACES_MAX 1024
#define FIXED_KEYS_MAX 1000000

int s3p_parse_bucket(const struct s3p_parse *p, const struct s3p_node *n, uint16_t *out)
{
    struct s3p_str role = {json_string_value(n->value), json_string_length(n->value)};
    for (int i = 0; role.p != NULL && i < p->plan->nbuckets; i++) {
        if (s3p_str_same(p->plan->bucket[i], role)) {
            *out = (uint16_t)i;
            return 0;
        }
    }
    return s3p_node_bad(&p->r, n, "a bucket role of the plan, like \"%s\"", p->plan->bucket[0].p);
}

static int parse_fixed(struct s3p_parse *p, const struct s3p_node *n, struct s3p_space *s)
{
    struct s3p_node keys, key;
    S3P_TRY(s3p_node_keys(&p->r, n, "kind, bucket, keys"));
    S3P_TRY(s3p_need(&p->r, n, "keys", "a list of keys", &keys));
    S3P_TRY(s3p_node_list(&p->r, &keys, 1, FIXED_KEYS_MAX, "keys"));
    s->count = s3p_node_count(&keys);
    s->keys = s3p_arena_alloc(p->r.arena, s->count * sizeof *s->keys);
    s->constant_key = s3p_arena_alloc(p->r.arena, s->count * sizeof *s->constant_key);
    if (s->keys == NULL || s->constant_key == NULL)
        return s3p_node_no_memory(&p->r);
    for (size_t i = 0; i < s->count; i++) {
        s3p_node_item(&keys, i, &key);
        S3P_TRY(s3p_node_text(&p->r, &key, 1, S3P_KEY_MAX, &s->keys[i]));
    }
    return 0;
}

static int parse_generated(struct s3p_parse *p, const struct s3p_node *n, struct s3p_space *s)
{
    struct s3p_node child;
    int64_t count;
    size_t digits = S3P_INDEX_DIGITS + (s->kind == S3P_SPACE_OWN ? S3P_OWN_CLIENT_DIGITS + 1 : 0);
    S3P_TRY(s3p_node_keys(&p->r, n,
                          s->kind == S3P_SPACE_ZIPF ? "kind, bucket, prefix, count, theta"
                                                    : "kind, bucket, prefix, count"));
    S3P_TRY(s3p_need(&p->r, n, "prefix", "a text", &child));
    S3P_TRY(s3p_node_text(&p->r, &child, 0, S3P_KEY_MAX - digits, &s->prefix));
    S3P_TRY(s3p_need(&p->r, n, "count", "an integer", &child));
    S3P_TRY(s3p_node_int(&p->r, &child, 1, S3P_SPACE_COUNT_MAX, &count));
    s->count = (uint64_t)count;
    s->theta = 0.99;
    S3P_TRY(s3p_opt_real(&p->r, n, "theta", -1e-9, 10, &s->theta));
    if (s->kind == S3P_SPACE_ZIPF)
        s3p_zipf_init(&s->zipf, s->count, s->theta);
    return 0;
}

static int parse_space(struct s3p_parse *p, const struct s3p_node *n, struct s3p_space *s)
{
    struct s3p_node kind, bucket;
    int word = 0;
    S3P_TRY(s3p_node_object(&p->r, n));
    s->name =
        (struct s3p_str){s3p_arena_strndup(p->r.arena, n->key, strlen(n->key)), strlen(n->key)};
    s->prefix = S3P_STR("");
    if (s->name.p == NULL)
        return s3p_node_no_memory(&p->r);
    if (s->name.len == 0 || s->name.len > 63 ||
        strspn(s->name.p, "abcdefghijklmnopqrstuvwxyz0123456789_-") != s->name.len)
        return s3p_node_bad(&p->r, n, "a space named by 1 to 63 of a-z, 0-9, _ and -");
    S3P_TRY(s3p_need(&p->r, n, "kind", "a kind of key space", &kind));
    S3P_TRY(s3p_node_word(&p->r, &kind, s3p_space_kind_name, S3P_SPACE_KINDS, &word));
    s->kind = (enum s3p_space_kind)word;
    if (s3p_node_get(n, "bucket", &bucket))
        S3P_TRY(s3p_parse_bucket(p, &bucket, &s->bucket));
    return s->kind == S3P_SPACE_FIXED ? parse_fixed(p, n, s) : parse_generated(p, n, s);
}

/* Whether `a` makes keys that `b` also makes, both generated: the first key of a, read by b, in
 * both directions (an `own` prefix with a client's number may be another space's prefix, but not
 * the other way round). */
static bool overlap(const struct s3p_spaces *all, int a, int b)
{
    char text[S3P_KEY_MAX];
    struct s3p_spaces one = {.space = &all->space[b], .n = 1};
    struct s3p_keyref ref;
    struct s3p_str key = s3p_space_text(&all->space[a], 0, text);
    return s3p_spaces_find_generated(&one, all->space[a].bucket, key, &ref);
}

/* Two spaces with a common key would give it two identities. */
static int check_overlaps(struct s3p_parse *p, const struct s3p_node *spaces)
{
    struct s3p_spaces *all = &p->plan->spaces;
    struct s3p_keyref ref;
    for (int i = 0; i < all->n; i++) {
        const struct s3p_space *s = &all->space[i];
        struct s3p_node n;
        (void)s3p_node_get(spaces, s->name.p, &n);
        for (int k = 0; s->kind != S3P_SPACE_FIXED && k < all->n; k++)
            if (k != i && overlap(all, i, k))
                return s3p_node_bad(&p->r, &n, "keys of its own: %s makes the same ones",
                                    all->space[k].name.p);
        for (uint64_t k = 0; s->kind == S3P_SPACE_FIXED && k < s->count; k++)
            if (s3p_spaces_find_generated(all, s->bucket, s->keys[k], &ref))
                return s3p_node_bad(&p->r, &n, "keys of its own: %s makes %.64s too",
                                    all->space[ref.space].name.p, s->keys[k].p);
    }
    return 0;
}

int s3p_parse_spaces(struct s3p_parse *p, const struct s3p_node *root)
{
    struct s3p_spaces *all = &p->plan->spaces;
    struct s3p_node spaces;
    struct s3p_str clash;
    bool given = s3p_node_get(root, "spaces", &spaces);
    size_t n = 0;
    if (given) {
        S3P_TRY(s3p_node_object(&p->r, &spaces));
        n = json_object_size(spaces.value);
        if (n > SPACES_MAX)
            return s3p_node_bad(&p->r, &spaces, "at most %d spaces", SPACES_MAX);
    }
    all->space = s3p_arena_alloc(p->r.arena, (n + S3P_BUCKETS_MAX) * sizeof *all->space);
    if (all->space == NULL)
        return s3p_node_no_memory(&p->r);
    const char *key;
    json_t *value;
    json_object_foreach(given ? spaces.value : NULL, key, value) {
        struct s3p_node child = {.up = &spaces, .key = key, .value = value};
        S3P_TRY(parse_space(p, &child, &all->space[all->n]));
        all->n++;
    }
    p->declared_spaces = all->n;
    int rc = s3p_spaces_index(all, p->r.arena, &clash);
    if (rc == S3P_ENOMEM)
        return s3p_node_no_memory(&p->r);
    if (rc != 0)
        return s3p_node_bad(&p->r, &spaces, "each fixed key once: %.64s is there twice", clash.p);
    return check_overlaps(p, &spaces);
}
