/* The faults of what an object has beside its bytes. */
#include <string.h>

#include "server/mutant_state.h"
#include "server/routes.h"

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

S3P_SRV_JUDGE(copy_meta_judge)
{
    (void)now;
    if (e != S3P_SE_NONE || req->copy == NULL || req->upload != 0 ||
        !s3p_srv_mutant_fires(m, a, req, k))
        return e;
    s3p_buf_clear(&req->meta);
    k->wrong_next = (int)a->spec.row;
    s3p_srv_mutant_altered(m, a->spec.row, req);
    return e;
}

/* The tags are the key's: a set for an older version becomes that of the current one. */
S3P_SRV_BEGIN(shared_begin)
{
    const char *name = req->route->name;
    uint64_t seq;
    if (!req->wanted.given || req->wanted.null ||
        (strcmp(name, "PutObjectTagging") != 0 && strcmp(name, "DeleteObjectTagging") != 0) ||
        s3p_srv_mutant_look(req, &seq) != S3P_SE_NONE || seq == 0 || seq == req->wanted.seq ||
        !s3p_srv_mutant_fires(m, a, req, k))
        return;
    req->wanted.given = false;
    s3p_srv_mutant_altered(m, a->spec.row, req);
}

const struct s3p_srv_mutant_row s3p_srv_mutants_of_objects[] = {
    {
        .name = "tags-survive-overwrite",
        .breaks = "a PUT without tags keeps those of the object that it replaces",
        .section = "7",
        .needs = "overwrites",
        .judge = tags_judge,
    },
    {
        .name = "copy-drops-meta",
        .breaks = "a copy has no metadata",
        .section = "7",
        .needs = "",
        .judge = copy_meta_judge,
    },
    {
        .name = "version-tags-shared",
        .breaks = "tags for an older version become those of the current one",
        .section = "7",
        .needs = "versions",
        .begin = shared_begin,
    },
    {.name = NULL},
};
