/* The faults of tags, and of settings of buckets. */
#include <string.h>

#include "server/mutant_bodies.h"
#include "server/tags.h"

/* A plain PUT without tags over an object that has some. */
S3P_SRV_JUDGE(tags_judge)
{
    if (e != S3P_SE_NONE || now == NULL || req->copy != NULL || req->upload != 0 ||
        req->tags.len != 0 || now->tags.len == 0 || !s3p_str_eq(req->head.method, "PUT") ||
        !s3p_srv_mutant_fires(m, a, req, k))
        return e;
    s3p_buf_view(&req->tags, now->tags);
    s3p_srv_mutant_altered(m, a->spec.row, req);
    return e;
}

static bool sets_tags(const struct s3p_srv_req *req)
{
    return s3p_srv_mutant_is(req, "PUT");
}

static bool find_tag(struct s3p_str tags, struct s3p_str name, struct s3p_str *value)
{
    struct s3p_str key;
    for (size_t at = 0; s3p_srv_meta_next(tags, &at, &key, value);)
        if (s3p_srv_compare(key, name) == 0)
            return true;
    return false;
}

/* Old tags whose names are not in the new set stay, and of each second name that is in both the
 * old value; appended. */
static void merge(struct s3p_buf *out, struct s3p_str then, struct s3p_str now)
{
    struct s3p_str name, value, old;
    unsigned n = 0;
    for (size_t at = 0; s3p_srv_meta_next(then, &at, &name, &value); n++)
        s3p_srv_meta_add(out, name, n % 2 != 0 && find_tag(now, name, &old) ? old : value);
    for (size_t at = 0; n < S3P_SRV_TAGS_MAX && s3p_srv_meta_next(now, &at, &name, &old);)
        if (!find_tag(then, name, &value)) {
            s3p_srv_meta_add(out, name, old);
            n++;
        }
}

S3P_SRV_TAGGED(merge_tagged)
{
    struct s3p_buf merged;
    if (!sets_tags(req) || now->tags.len == 0 || !s3p_srv_mutant_fires(m, a, req, k))
        return;
    s3p_buf_init(&merged, then->tags.len + now->tags.len);
    merge(&merged, then->tags, now->tags);
    if (s3p_srv_compare((struct s3p_str){merged.data, merged.len}, then->tags) != 0)
        s3p_srv_mutant_altered(m, a->spec.row, req);
    s3p_buf_clear(&req->tags);
    s3p_buf_add(&req->tags, merged.data, merged.len);
    s3p_buf_free(&merged);
    then->tags = (struct s3p_str){req->tags.data, req->tags.len};
}

S3P_SRV_TAGGED(silent_tagged)
{
    if (s3p_srv_compare(then->tags, now->tags) == 0 || !s3p_srv_mutant_fires(m, a, req, k))
        return;
    then->tags = now->tags;
    s3p_srv_mutant_altered(m, a->spec.row, req);
}

/* Until the next write the object is not what was stored. */
static void spoil(struct s3p_srv_mutants *m, const struct s3p_srv_mutant *a,
                  const struct s3p_srv_req *req, struct s3p_srv_key_state *k)
{
    k->wrong = (int)a->spec.row;
    s3p_srv_mutant_altered(m, a->spec.row, req);
}

S3P_SRV_TAGGED(wiped_tagged)
{
    if (now->meta.len == 0 || !s3p_srv_mutant_fires(m, a, req, k))
        return;
    then->meta = S3P_STR("");
    spoil(m, a, req, k);
}

/* The store does not know ?tagging: what came is the object. */
S3P_SRV_TAGGED(stored_tagged)
{
    const struct s3p_buf *xml = &req->intake.memory;
    if (!sets_tags(req) || now->in_file || now->n_parts > 0 || !s3p_srv_mutant_fires(m, a, req, k))
        return;
    then->tags = now->tags;
    then->meta = S3P_STR("");
    then->body = (struct s3p_str){xml->data, xml->len};
    then->size = xml->len;
    then->sum_kind = then->sum_len = 0;
    s3p_md5(xml->data, xml->len, then->md5);
    spoil(m, a, req, k);
}

/* Another write to the bucket is under way, and its copy of the settings is the one that stays. */
S3P_SRV_SETTING(lost_setting)
{
    if (k->inflight < 2 || !s3p_srv_mutant_fires(m, a, req, k))
        return false;
    s3p_srv_mutant_altered(m, a->spec.row, req);
    return true;
}

const struct s3p_srv_mutant_row s3p_srv_mutants_of_tags[] = {
    {
        .name = "tags-survive-overwrite",
        .breaks = "a PUT without tags keeps those of the object that it replaces",
        .section = "7",
        .needs = "overwrites",
        .judge = tags_judge,
    },
    {
        .name = "tags-merge",
        .breaks = "new tags are merged with those that they replace",
        .section = "7",
        .needs = "overwrites",
        .tagged = merge_tagged,
    },
    {
        .name = "tag-write-fails-silently",
        .breaks = "new tags are acknowledged, and the old ones stay",
        .section = "7",
        .needs = "overwrites",
        .tagged = silent_tagged,
    },
    {
        .name = "tags-wipe-metadata",
        .breaks = "an object loses its metadata when it is tagged",
        .section = "7",
        .needs = "",
        .tagged = wiped_tagged,
    },
    {
        .name = "subresource-as-put",
        .breaks = "the document of new tags is stored as the object",
        .section = "7",
        .needs = "",
        .tagged = stored_tagged,
    },
    {
        .name = "config-update-race",
        .breaks = "of two settings of a bucket that are written together one is lost",
        .section = "7",
        .needs = "concurrency",
        .setting = lost_setting,
    },
    {.name = NULL},
};
